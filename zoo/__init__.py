"""Pick the pretrained model to start from, for your data and under your limits, by measuring.

The names below are imported when first used, so that ``import zoo`` is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from zoo.version import __version__

if TYPE_CHECKING:
    from zoo.adapt import evaluate as evaluate
    from zoo.adapt import tune as tune
    from zoo.answers import Candidate as Candidate
    from zoo.answers import Recommendation as Recommendation
    from zoo.contract.hooks import hookimpl as hookimpl
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

_EXPORTS = {
    "recommend": "zoo.selection",
    "search": "zoo.registry",
    "show": "zoo.registry",
    "compare": "zoo.registry",
    "open_registry": "zoo.registry",
    "pull": "zoo.sources",
    "verify": "zoo.sources",
    "sync": "zoo.sources",
    "read": "zoo.data",
    "profile": "zoo.data",
    "load": "zoo.features",
    "tune": "zoo.adapt",
    "evaluate": "zoo.adapt",
    "Selector": "zoo.selection.select.selector",
    "ModelCard": "zoo.entities",
    "ModelId": "zoo.entities",
    "BenchmarkScore": "zoo.entities",
    "Dataset": "zoo.entities",
    "Features": "zoo.entities",
    "Candidate": "zoo.answers",
    "Recommendation": "zoo.answers",
    "Run": "zoo.entities",
    "Plan": "zoo.entities",
    "Task": "zoo.tasks",
    "Domain": "zoo.tasks",
    "ZooError": "zoo.errors",
    "hookimpl": "zoo.contract.hooks",
}

__all__ = ["__version__", *sorted(_EXPORTS)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    if name == "transfer":
        return importlib.import_module("zoo.transfer")
    raise AttributeError(f"module 'zoo' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
