"""Transferability: how well frozen features fit a task, as a number that predicts fine-tuned performance.

The names below are imported when first used, so that ``import zoo.transfer`` is cheap.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.contract.estimator import Estimator as Estimator
    from zoo.contract.estimator import Measured as Measured
    from zoo.transfer.measure import interval as interval
    from zoo.transfer.measure import score as score
    from zoo.transfer.statistics import Statistics as Statistics

_EXPORTS = {
    "Estimator": "zoo.contract.estimator",
    "Measured": "zoo.contract.estimator",
    "Statistics": "zoo.transfer.statistics",
    "interval": "zoo.transfer.measure",
    "score": "zoo.transfer.measure",
}

__all__ = ["builtin_estimators", "estimators", *sorted(_EXPORTS)]  # noqa: PLE0604


def estimators() -> list[str]:
    """Names of the estimators of all plugins, in alphabetical order, as ``score`` takes them."""
    from zoo.transfer.measure import known_estimators

    return list(known_estimators())


def builtin_estimators() -> Sequence[Estimator]:
    """LogME, the shrinkage H-score, probes, and the other estimators of the field; see docs/estimators.md."""
    from zoo.transfer.scores.builtin import ESTIMATORS

    return ESTIMATORS


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'zoo.transfer' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
