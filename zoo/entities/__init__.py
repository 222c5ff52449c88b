"""The plain, typed dataclasses that cross every boundary. No torch, no SQL, no numpy at import."""

from __future__ import annotations

from zoo.entities.base import Entity
from zoo.entities.cards import NOT_PROPOSED, BenchmarkScore, LocalFiles, ModelCard, ModelFile, ModelId
from zoo.entities.data import (
    TEST,
    TRAIN,
    VALIDATION,
    Chained,
    Combined,
    Dataset,
    FeatureRequest,
    Features,
    FeatureShard,
    LeftOut,
    Problem,
    Subset,
)
from zoo.entities.runs import Measurement, Outcomes, Plan, Run

__all__ = [
    "NOT_PROPOSED",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "BenchmarkScore",
    "Chained",
    "Combined",
    "Dataset",
    "Entity",
    "FeatureRequest",
    "FeatureShard",
    "Features",
    "LeftOut",
    "LocalFiles",
    "Measurement",
    "ModelCard",
    "ModelFile",
    "ModelId",
    "Outcomes",
    "Plan",
    "Problem",
    "Run",
    "Subset",
]
