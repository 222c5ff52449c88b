"""The validated arguments of a recommendation, named as on the command line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo import amounts
from zoo.contract.reader import ReadOptions
from zoo.entities import Dataset
from zoo.errors import InvalidInput
from zoo.selection.request.constraints import Limits

if TYPE_CHECKING:
    from zoo.entities import ModelCard, ModelId
    from zoo.selection.request.task import Analysis

DEFAULT_SAMPLES = 2000
"""Default number of samples that candidates are measured on."""

DEFAULT_ESTIMATORS = ("linear-probe", "logme", "hscore")
"""All three from one pass over the features; the first decides the order."""

FINE_TUNING_ESTIMATORS = ("logme", "hscore", "linear-probe")
"""The same if weights are trained: the order that agrees best with real fine-tuning (docs/estimators.md)."""

Names = str | Sequence[str]
"""Comma-separated names, or a sequence of them."""

Candidates = str | Sequence["str | ModelId | ModelCard"]
"""See ``zoo.selection.request.candidates.choose``."""


@dataclass(frozen=True)
class Request:
    """All arguments; see ``zoo.recommend`` for the meaning of each field.

    Attributes:
        data: a data set, or the name of one.
        read: how it is read, including the task.
        layers: patterns, see ``zoo.selection.request.layers``.
        estimator: names; empty takes the usual ones, see ``estimators``.
        device: None takes the best available.
        max_memory: bytes; None takes what the device has.
        budget: seconds; None for no limit.

    Raises:
        InvalidInput: a value, or the combination of two, is invalid.
    """

    data: str | Dataset
    read: ReadOptions
    candidates: Candidates | None
    layers: tuple[str, ...]
    license: tuple[str, ...]
    deny_license: tuple[str, ...]
    max_parameters: int | None
    max_size: int | None
    max_memory: int | None
    max_latency: float | None
    language: str | None
    gated: bool
    safetensors: bool
    strategy: str | None
    device: str | None
    dtype: str
    estimator: tuple[str, ...]
    samples: int
    budget: float | None
    tolerance: float | None
    race: bool
    cluster: str | None
    probe: bool
    confirm: int
    trials: int
    measure: bool
    fresh: bool
    seed: int

    def __post_init__(self) -> None:
        if self.budget is not None and not 0 < self.budget < float("inf"):
            raise InvalidInput(f"Invalid budget {self.budget:g} s: it must be positive.", "Write 90s, 2m or 1h.")
        if self.confirm < 0 or (self.confirm and not self.measure):
            raise InvalidInput(
                "Only measured candidates can be confirmed.", "Give --confirm 2 or so, without --no-measure."
            )

        if self.trials < 1 or (self.trials > 1 and not self.confirm):
            raise InvalidInput(
                "Settings are searched for confirmed candidates only.", "Give --confirm 2 or so, or omit --trials."
            )

    @property
    def task(self) -> str | None:
        """Name of the task; None if it is guessed from the data."""
        return self.read.task

    @property
    def estimators(self) -> tuple[str, ...]:
        """The estimators that were named, or the usual ones.

        With a tolerance, which is in accuracy, the linear probe comes first.
        """
        trained = self.strategy in {"lora", "full"} and self.tolerance is None
        return self.estimator or (FINE_TUNING_ESTIMATORS if trained else DEFAULT_ESTIMATORS)

    def dataset(self) -> Dataset:
        """The data set, read if it was named.

        Raises:
            ZooError: as ``zoo.read``.
        """
        from zoo.data import read_with

        return self.data if isinstance(self.data, Dataset) else read_with(self.data, self.read)

    def limits(self, analysis: Analysis, device: str) -> Limits:
        """Limits on the models, for a device and the data."""
        from zoo.features.device import memory_of
        from zoo.plugins.deciding import active

        return Limits(
            self.license,
            self.max_parameters,
            self.max_size,
            self.max_memory or memory_of(device),
            self.deny_license,
            None if self.measure else self.max_latency,
            self.language,
            self.gated,
            self.safetensors,
            self.strategy,
            analysis.workload(device),
            active(),
            analysis.task,
        )


def names(value: Names | None) -> tuple[str, ...]:
    """Names from a sequence, or from comma-separated text."""
    parts = value.split(",") if isinstance(value, str) else value or ()
    return tuple(name for part in parts if (name := part.strip()))


def seconds(name: str, value: float | str | None) -> float | None:
    """A number of seconds, or text such as ``2m``; raises ``InvalidInput`` that names the argument."""
    found = amounts.seconds(value) if isinstance(value, str) else value
    if value is not None and found is None:
        raise InvalidInput(f"{name}: '{value}' is not a time.", "Write 90s, 2m or 1h.")
    return found


def named(data: str | os.PathLike[str] | Dataset) -> str | Dataset:
    """The data, with a path as text."""
    return data if isinstance(data, Dataset) else os.fspath(data)
