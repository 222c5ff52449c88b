"""Provenance: everything needed to repeat a recommendation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from zoo.provenance import revision_of, versions
from zoo.selection.explain.arguments import Context
from zoo.selection.measure.baseline import Baseline
from zoo.selection.rank.wording import described


def provenance(
    context: Context, *, seed: int, baseline: Baseline | None, estimators: Sequence[str] = ()
) -> dict[str, Any]:
    """Seed, device and its memory, versions, time, revisions, estimators, and the baseline without a model."""
    return {
        "seed": seed,
        "device": context.device,
        "memory": context.memory,
        "versions": versions(),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "revisions": {id: revision_of(context.cards[id]) for id in context.scores},
        "estimators": described(estimators, context.task.target),
        "baseline": None if baseline is None else baseline.to_dict(),
    }
