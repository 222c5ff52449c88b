"""The command to run after a recommendation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.selection.select.confirming import AS_IT_IS
from zoo.sources import elsewhere

if TYPE_CHECKING:
    from zoo.answers import Recommendation


def next_command(result: Recommendation, data: str) -> str:
    """The next command: adapt the first model, use it as it is, or show it if zoo cannot pull it.

    Args:
        data: the data set as the user named it.
    """
    best = result.candidates[0]
    if best.confirmed and best.confirmed.strategy == AS_IT_IS:
        return f"zoo predict {best.id} INPUT --task {result.task}"
    if elsewhere(best.id):
        return f"zoo show {best.id}"
    if result.ranked_by == "evaluated":
        return f"zoo tune {best.id} {data} --task {result.task} --strategy full"
    advised = (result.analysis.get("advice") or {}).get("strategy", "")
    strategy = f" --strategy {advised}" if advised not in {"", "zero-shot", "linear-probe"} else ""
    task = "" if result.analysis.get("guessed", True) else f" --task {result.task}"
    return f"zoo tune {best.id} {data}{task}{strategy}"
