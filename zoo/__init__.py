"""Pick the pretrained model to start from, for your data and under your limits, by measuring.

The names below are imported when first used, so that ``import zoo`` is cheap.
"""

from __future__ import annotations

import importlib
from typing import Any

from zoo.version import __version__

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
