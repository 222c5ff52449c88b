"""The compute of an adaptation, next to the thresholds of the Commission's guidelines.

Guidelines on the scope of obligations for providers of general-purpose AI models, C(2025) 7719: a downstream modifier
becomes the provider of the modified model if the compute of the modification is more than a third of that of the
original model's training; if that is not known, more than a third of 10^23 FLOP, or of 10^25 FLOP for a model with
systemic risk.
"""

from __future__ import annotations

from collections.abc import Iterator

from zoo.catalog.training_compute import training_compute
from zoo.compute import energy_text, flop_text, operations
from zoo.compute.records import amount
from zoo.entities import Run
from zoo.team.compliance.subject import card_called

THIRD = 1 / 3
SUBSTITUTE, SUBSTITUTE_WITH_RISK = 1e23 * THIRD, 1e25 * THIRD
GUIDELINES = "guidelines C(2025) 7719; read them at their source"


def modification(run: Run) -> Iterator[tuple[str, str | None, str]]:
    """Names, values and sources of the facts on an own training; a value is None if it is not published."""
    here, record = f"measured here: zoo runs show {run.id}", run.plan.get("compute")
    flop, base = operations(record), training_compute(run.model, card_called)
    yield "Strategy", run.strategy, here
    yield "Compute of the modification", flop_text(record), here
    yield "Energy of the modification", energy_text(record), here
    if base is None:
        yield "Compute of the original model's training", None, ""
    else:
        yield "Compute of the original model's training", f"{amount(base.flop)} FLOP ({base.model})", base.source
    yield (
        "Threshold, where the original's compute is known",
        "more than a third of the compute of the original model's training"
        + ("" if base is None else f": {amount(base.flop * THIRD)} FLOP"),
        GUIDELINES,
    )
    yield (
        "Threshold, where it is not known",
        f"10^23/3 FLOP ({amount(SUBSTITUTE)}); 10^25/3 FLOP ({amount(SUBSTITUTE_WITH_RISK)}) for a model with systemic "
        "risk",
        GUIDELINES,
    )
    if flop is None or (record or {}).get("cached"):  # features that were computed earlier would be missing
        return
    name = "Compute of the modification as a fraction of the threshold"
    if base is None:
        yield name, f"{flop / SUBSTITUTE:.1e} of 10^23/3 FLOP", "computed"
    else:
        yield name, f"{flop / (base.flop * THIRD):.1e} of a third of the original's compute", "computed"
