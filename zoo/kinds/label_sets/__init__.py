"""Sets of labels (multi-label): several classes of the data, or none, for each sample."""

from __future__ import annotations

from zoo.kinds.label_sets.answer import LabelSet, ScoredLabel
from zoo.kinds.label_sets.kind import LabelSets

__all__ = ["LabelSet", "LabelSets", "ScoredLabel"]
