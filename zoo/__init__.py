"""Choose the pretrained model to start from, for your data and under your limits, by measuring.

The names below are imported when first used, so that ``import zoo`` is fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from zoo.version import __version__

if TYPE_CHECKING:
    from zoo import transfer as transfer
    from zoo.adapt import evaluate as evaluate
    from zoo.adapt import tune as tune
    from zoo.answers import Candidate as Candidate
    from zoo.answers import Recommendation as Recommendation
    from zoo.contract.hooks import hookimpl as hookimpl
    from zoo.contract.reader import ReadOptions as ReadOptions
    from zoo.data import profile as profile
    from zoo.data import read as read
    from zoo.entities import BenchmarkScore as BenchmarkScore
    from zoo.entities import Dataset as Dataset
    from zoo.entities import Features as Features
    from zoo.entities import ModelCard as ModelCard
    from zoo.entities import ModelId as ModelId
    from zoo.entities import Plan as Plan
    from zoo.entities import Run as Run
    from zoo.errors import ZooError as ZooError
    from zoo.features import load as load
    from zoo.features.bulk import predict_table as predict_table
    from zoo.features.predicting import predict as predict
    from zoo.quality import label_errors as label_errors
    from zoo.registry import compare as compare
    from zoo.registry import open_registry as open_registry
    from zoo.registry import search as search
    from zoo.registry import show as show
    from zoo.selection import recommend as recommend
    from zoo.selection.select.selector import Selector as Selector
    from zoo.sources import pull as pull
    from zoo.sources import sync as sync
    from zoo.sources import verify as verify
    from zoo.tasks import Domain as Domain
    from zoo.tasks import Task as Task

_FROM = {
    "zoo.adapt": ("evaluate", "tune"),
    "zoo.answers": ("Candidate", "Recommendation"),
    "zoo.contract.hooks": ("hookimpl",),
    "zoo.contract.reader": ("ReadOptions",),
    "zoo.data": ("profile", "read"),
    "zoo.entities": ("BenchmarkScore", "Dataset", "Features", "ModelCard", "ModelId", "Plan", "Run"),
    "zoo.errors": ("ZooError",),
    "zoo.features": ("load",),
    "zoo.features.bulk": ("predict_table",),
    "zoo.features.predicting": ("predict",),
    "zoo.quality": ("label_errors",),
    "zoo.registry": ("compare", "open_registry", "search", "show"),
    "zoo.selection": ("recommend",),
    "zoo.selection.select.selector": ("Selector",),
    "zoo.sources": ("pull", "sync", "verify"),
    "zoo.tasks": ("Domain", "Task"),
}
"""The same at run time; ``transfer`` is a module."""

_MODULE_OF = {name: module for module, names in _FROM.items() for name in names}

__all__ = ["__version__", *sorted([*_MODULE_OF, "transfer"])]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(_MODULE_OF[name]), name)
    if name == "transfer":
        return importlib.import_module("zoo.transfer")
    raise AttributeError(f"module 'zoo' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
