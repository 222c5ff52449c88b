"""What is measured of every candidate, the figures that come out, and those that were kept before."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from zoo.entities import Dataset, Measurement, ModelCard
from zoo.errors import DataError
from zoo.tasks import Task
from zoo.version import __version__

if TYPE_CHECKING:
    from zoo.contract.estimator import Measured as Value


_PRECISION, _COPIES = "precision", "copies"
"""Stand with the versions that a figure depends on; ``copies`` only where samples are copies of others."""


@dataclass(frozen=True)
class Request:
    """What is measured, the same for every candidate.

    Attributes:
        whole: the data set, all of it.
        samples: how many of its samples to measure on: a stratified part, or all.
        estimators: names, the first one decides the ranking.
        device: where the forward passes run.
        seed: of the sampling and of the folds.
        fresh: measure again even where figures are kept.
        reference: what names the data set, for workers that read it themselves; None where nothing does.
        dtype: precision of the forward passes, or ``auto``, as in ``zoo.load``.
    """

    task: Task
    whole: Dataset
    samples: int
    estimators: tuple[str, ...]
    device: str = "cpu"
    seed: int = 0
    fresh: bool = False
    reference: str | None = None
    dtype: str = "float32"

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Positions in ``whole`` of the samples to measure on; every beginning is a stratified part."""
        from zoo.data import stratified_order

        return tuple(stratified_order(self.whole, self.seed)[: self.samples])

    @cached_property
    def units(self) -> np.ndarray | None:
        """A number for each sample of ``whole``, equal where two that are measured are the same; None where all differ.

        Raises:
            DataError: all samples are one and the same, or a file can no longer be read.
        """
        from zoo.data import units

        at = sorted(self.order)
        found = units(self.whole.subset(at))
        if found is None:
            return None
        if found.max() == 0:
            raise DataError(
                f"All {len(at):,} samples of '{self.whole.name}' are the same, so that none can be held out.",
                "Check the input column; name it with --input-column.",
            )
        numbers = np.zeros(len(self.whole), dtype=np.int64)
        numbers[at] = found
        return numbers

    @property
    def copies(self) -> int:
        """How many of the samples to measure on are copies of an earlier one."""
        return 0 if self.units is None else self.samples - int(self.units.max()) - 1

    def part(self, count: int) -> Dataset:
        """The first ``count`` samples of the order as a data set, in the data's own order."""
        from zoo.data import sample

        return sample(self.whole, count, self.seed)

    def precision(self, card: ModelCard) -> str:
        """The precision that ``dtype`` means for a model on the device.

        Raises:
            InvalidInput: there is no such precision.
        """
        from zoo.features import precision

        return precision(self.dtype, self.device, card)

    @property
    def dataset(self) -> Dataset:
        """All the samples to measure on."""
        return self.part(self.samples)


@dataclass(frozen=True)
class Measured:
    """What is known of one candidate: a model, or one layer of it.

    Attributes:
        figures: one for each estimator that was asked for, in that order, on the most samples.
        reused: whether the figures were kept from an earlier measurement.
        stopped: why it was not measured on all samples; empty where it was.
        finalist: whether it could still win when the measuring ended.
        values: estimator values by number of samples and name, with the parts that tell two candidates apart.
    """

    card: ModelCard
    figures: tuple[Measurement, ...]
    reused: bool = False
    stopped: str = ""
    finalist: bool = True
    values: Mapping[int, Mapping[str, Value]] = field(default_factory=dict)

    @property
    def layer(self) -> str:
        """The layer whose features were measured."""
        return self.figures[0].layer

    @property
    def samples(self) -> int:
        """How many samples the figures stand on."""
        return self.figures[0].samples

    @property
    def seconds(self) -> float:
        """What measuring it cost: its share of loading and extraction, and the estimators."""
        return sum(figure.seconds for figure in self.figures)

    @property
    def curve(self) -> tuple[tuple[int, float], ...]:
        """(samples, deciding value) after each step of a race, fewest samples first; empty where there was one step."""
        first = self.figures[0].estimator
        steps = tuple((samples, self.values[samples][first].value) for samples in sorted(self.values))
        return steps if len(steps) > 1 else ()

    def value_on(self, samples: int) -> Value | None:
        """The deciding estimator's value on so many samples, if it was measured on them."""
        from zoo.contract.estimator import Measured as Value

        known = self.values.get(samples, {}).get(self.figures[0].estimator)
        if known is None and samples == self.samples:
            return Value(self.figures[0].value, self.figures[0].low, self.figures[0].high)
        return known


def name_of(card: ModelCard, layer: str) -> str:
    """A layer of a model in one word, as ``--candidates`` takes it."""
    return f"{card.id}#{layer}"


def revision_of(card: ModelCard) -> str | None:
    """What pins the weights: the revision, or a digest of the files' hashes where there is none."""
    if card.revision:
        return card.revision
    hashes = sorted(f"{file.path}:{file.sha256}" for file in card.files if file.sha256)
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()[:16] if hashes else None


def size(dataset: Dataset, samples: int) -> int:
    """How many of a data set's samples are measured where ``samples`` are asked for; all where that is 0 or less."""
    return len(dataset) if samples <= 0 else min(samples, len(dataset))


def remembered(card: ModelCard, layer: str, request: Request) -> Measured | None:
    """The kept figures of a candidate, if every estimator has one of this revision, data, seed and version of zoo."""
    from zoo.registry import open_registry

    if request.fresh:
        return None
    kept = open_registry().measurements(data=request.dataset.fingerprint, task=request.task.name, models=[card.id])
    revision, precision = revision_of(card), request.precision(card)
    by_name = {
        figure.estimator: figure
        for figure in kept
        if figure.revision == revision
        and figure.layer == layer
        and figure.seed == request.seed
        and figure.versions.get("zoo") == __version__
        and figure.versions.get(_PRECISION, precision) == precision
        and figure.versions.get(_COPIES, "0") == str(request.copies)
        and figure.samples == request.samples
    }
    if any(name not in by_name for name in request.estimators):
        return None
    return Measured(card, tuple(by_name[name] for name in request.estimators), reused=True)


def figures_of(
    request: Request, card: ModelCard, layer: str, *, samples: int, values: Mapping[str, Value], seconds: float
) -> tuple[Measurement, ...]:
    """The figures of one candidate on the first ``samples`` samples, with all that is needed to repeat them.

    Args:
        seconds: what they cost together; each is charged with an equal share.
    """
    data = request.part(samples)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    found = {**versions(), _PRECISION: request.precision(card)}
    if request.copies:
        found[_COPIES] = str(request.copies)
    return tuple(
        Measurement(
            model=card.id,
            task=request.task.name,
            data=data.fingerprint,
            dataset=data.name,
            estimator=name,
            value=values[name].value,
            low=values[name].low,
            high=values[name].high,
            layer=layer,
            samples=samples,
            seconds=round(seconds / len(request.estimators), 4),
            revision=revision_of(card),
            seed=request.seed,
            device=request.device,
            versions=found,
            created=now,
        )
        for name in request.estimators
    )


def versions(packages: Sequence[str] = ("torch", "transformers", "timm", "numpy")) -> dict[str, str]:
    """The versions that a figure depends on."""
    from importlib import metadata

    found = {"zoo": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
