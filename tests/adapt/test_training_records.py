"""The guides quote the committed records of the benchmarks of training."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")


def records(name: str) -> list[dict[str, Any]]:
    """All records of a benchmark."""
    folder = ROOT / "benchmarks/records" / name
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def cells(text: str, *starts: str) -> list[str]:
    """The cells of the one table row that begins with these."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    [row] = [row for row in rows if row[: len(starts)] == list(starts)]
    return row


def test_zoo_beats_the_rivals_on_as_many_data_sets_as_the_guide_says() -> None:
    found = {(one["data"], one["arm"], one["seed"]): 100 * one["accuracy"] for one in records("rival_recipes")}
    names = {"trainer": "Trainer", "timm": "timm"}
    worst: dict[str, float] = {}
    for data, arm in sorted({key[:2] for key in found} - {(data, "zoo") for data, *_ in found}):
        seeds = [seed for *pair, seed in found if pair == [data, arm]]
        gains = [found[data, "zoo", seed] - found[data, arm, seed] for seed in seeds]
        row = cells(BENCHMARKS, f"`{data}`", names[arm])
        assert row[4].startswith(f"{statistics.mean(gains):+.1f}")
        assert row[5] == str(len(seeds))
        worst[data] = min(worst.get(data, gains[0]), statistics.mean(gains))
    assert len(worst) == 5
    assert sum(gain > 0 for gain in worst.values()) >= 4


@pytest.mark.parametrize("kind", ["images", "texts"])
def test_an_epoch_takes_the_time_that_the_guide_says(kind: str) -> None:
    rounds = [one for one in records("epoch_time") if one["kind"] == kind]
    zoo, bare = ([second for one in rounds for second in one[side]] for side in ("zoo", "bare"))
    assert len(zoo) == len(bare) >= 5
    ratio = statistics.median(zoo) / statistics.median(bare)
    assert cells(BENCHMARKS, f"an epoch of {kind}")[1] == f"{ratio:.2f}"
    assert ratio <= 1.08


@pytest.mark.parametrize("result", [one["results"][0] for one in records("gradient_checkpointing")])
def test_gradient_checkpointing_costs_what_the_guide_says(result: dict[str, Any]) -> None:
    guide = (ROOT / "docs/adapting.md").read_text(encoding="utf-8")
    figures = re.findall(r"\((\d+) % less\)[^(]*?([\d.]+) times", guide)
    assert (f"{100 * result['saved']:.0f}", f"{result['slower']:.2f}") in figures
