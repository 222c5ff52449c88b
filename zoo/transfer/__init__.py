"""Transferability: how well frozen features fit a task, as a number that predicts fine-tuned performance.

The names below are imported when first used, so that ``import zoo.transfer`` is cheap.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.transfer.estimator import Estimator as Estimator
    from zoo.transfer.estimator import Measured as Measured
    from zoo.transfer.measure import interval as interval
    from zoo.transfer.measure import score as score
    from zoo.transfer.statistics import Statistics as Statistics

_EXPORTS = {
    "Estimator": "estimator",
    "Measured": "estimator",
    "Statistics": "statistics",
    "interval": "measure",
    "score": "measure",
}

__all__ = ["builtin_estimators", "estimators", *sorted(_EXPORTS)]  # noqa: PLE0604


def estimators() -> list[str]:
    """Names of the estimators that all plugins bring, in alphabetical order; what ``score`` takes."""
    from zoo.transfer.measure import known_estimators

    return list(known_estimators())


def builtin_estimators() -> Sequence[Estimator]:
    """LogME, the shrinkage H-score, probes, and the other estimators of the field; see docs/estimators.md."""
    from zoo.transfer.builtin import ESTIMATORS

    return ESTIMATORS


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(importlib.import_module(f"zoo.transfer.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module 'zoo.transfer' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
