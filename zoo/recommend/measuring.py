"""Measure a candidate on a data set, or remember that it was measured before."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from zoo import __version__
from zoo.entities import Dataset, Measurement, ModelCard
from zoo.protocols import Progress
from zoo.tasks import Task


@dataclass(frozen=True)
class Request:
    """What is measured, the same for every candidate.

    Attributes:
        dataset: the samples to measure on.
        estimators: names, the first one decides the ranking.
        device: where the forward passes run.
        fresh: measure again even where figures are kept.
    """

    task: Task
    dataset: Dataset
    estimators: tuple[str, ...]
    device: str = "cpu"
    seed: int = 0
    fresh: bool = False


@dataclass(frozen=True)
class Measured:
    """The figures of one candidate, in the order of the estimators that were asked for."""

    card: ModelCard
    figures: tuple[Measurement, ...]
    reused: bool

    @property
    def seconds(self) -> float:
        """What measuring cost: loading, one extraction, and the estimators; they share it in equal parts."""
        return sum(figure.seconds for figure in self.figures)


def revision_of(card: ModelCard) -> str | None:
    """What pins the weights: the revision, or a digest of the files' hashes where there is none."""
    if card.revision:
        return card.revision
    hashes = sorted(f"{file.path}:{file.sha256}" for file in card.files if file.sha256)
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()[:16] if hashes else None


def sample(dataset: Dataset, samples: int, seed: int) -> Dataset:
    """A stratified, seeded part of a data set of ``samples`` items; all of it where it is small or 0 is asked."""
    from zoo.data import sample as stratified

    return dataset if samples <= 0 else stratified(dataset, samples, seed)


def remembered(card: ModelCard, request: Request) -> Measured | None:
    """The kept figures of a candidate, if every estimator has one of this revision, data, seed and version of zoo."""
    from zoo.registry import open_registry

    if request.fresh:
        return None
    kept = open_registry().measurements(data=request.dataset.fingerprint, task=request.task.name, models=[card.id])
    revision = revision_of(card)
    by_name = {
        figure.estimator: figure
        for figure in kept
        if figure.revision == revision
        and figure.seed == request.seed
        and figure.versions.get("zoo") == __version__
        and figure.samples == len(request.dataset)
    }
    if not all(name in by_name for name in request.estimators):
        return None
    return Measured(card, tuple(by_name[name] for name in request.estimators), reused=True)


def measure(card: ModelCard, request: Request, progress: Progress) -> Measured:
    """Extract the candidate's features once, let every estimator judge them, and keep the figures.

    Raises:
        ZooError: the model cannot be had, loaded or run, or an estimator cannot judge its features.
    """
    from zoo.features import load
    from zoo.registry import open_registry
    from zoo.transfer.measure import measure as measure_features

    started = time.perf_counter()
    model = load(card, device=request.device, progress=progress)
    features = model.extract(request.dataset, progress=progress)
    judged = measure_features(request.estimators, features.values, features.targets, request.seed)
    share = (time.perf_counter() - started) / len(judged)
    figures = [
        Measurement(
            model=card.id,
            task=request.task.name,
            data=request.dataset.fingerprint,
            dataset=request.dataset.name,
            estimator=name,
            value=figure.value,
            low=figure.low,
            high=figure.high,
            layer=features.layer,
            samples=len(request.dataset),
            seconds=round(share, 4),
            revision=revision_of(card),
            seed=request.seed,
            device=request.device,
            versions=versions(),
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )
        for name, figure in judged.items()
    ]
    open_registry().add(figures)
    return Measured(card, tuple(figures), reused=False)


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
