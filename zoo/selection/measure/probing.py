"""Probes the first candidates: the latency of one sample, and how far the data are from their pretraining data."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from zoo.answers import Candidate
from zoo.contract.backbone import HasModule
from zoo.entities import Dataset, Measurement, ModelCard
from zoo.errors import ZooError
from zoo.provenance import are_current, revision_of, versions

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.features import Model
    from zoo.tasks import Task

PROBED = 10
"""Number of top candidates that are probed."""

LATENCY, SHIFT = "latency-ms", "domain-shift"
"""Names of the figures in the registry."""

WARM_UP, TIMED = 3, 9
"""Warm-up samples, and timed samples."""

SHIFT_SAMPLES = 64
"""Number of samples whose activations are compared with those on the pretraining data."""


@dataclass(frozen=True)
class Prober:
    """Probes models on one data set; figures are saved in the registry and reused."""

    task: Task
    dataset: Dataset
    device: str
    progress: Progress
    fresh: bool = False

    def probe(
        self, candidates: Sequence[Candidate], cards: Mapping[str, ModelCard], count: int
    ) -> tuple[Candidate, ...]:
        """The candidates, the first ``count`` with latency and domain shift; one that fails is unchanged."""
        found: dict[str, dict[str, float]] = {}
        first = candidates[:count]
        with self.progress.step("Probing", len(first)) as step:
            for candidate in first:
                if candidate.id not in found:
                    found[candidate.id] = self._figures(cards[candidate.id])
                step.advance()
        return (*(self._probed(candidate, found[candidate.id]) for candidate in first), *candidates[count:])

    def _probed(self, candidate: Candidate, figures: Mapping[str, float]) -> Candidate:
        if LATENCY not in figures:
            return candidate
        source = f"measured here on {self.device}, one sample at a time"
        return replace(candidate, latency=figures[LATENCY], latency_source=source, shift=figures.get(SHIFT))

    def _figures(self, card: ModelCard) -> dict[str, float]:
        from zoo.features import load
        from zoo.registry import open_registry

        registry = open_registry()
        kept = {
            figure.estimator: figure.value
            for figure in registry.measurements(data=self.dataset.fingerprint, task=self.task.name, models=[card.id])
            if figure.device == self.device and figure.revision == revision_of(card) and are_current(figure.versions)
        }
        if LATENCY in kept and not self.fresh:
            return kept
        started = time.perf_counter()
        try:
            model = load(card, device=self.device, progress=self.progress, action="recommend", task=self.task.name)
            figures = {LATENCY: latency(model, self.dataset)}
            distance = domain_shift(model, self.dataset)
        except ZooError:
            return {}
        if distance is not None:
            figures[SHIFT] = distance
        seconds = (time.perf_counter() - started) / len(figures)
        computed_by = {**versions(), **model.versions}
        registry.add([self._measurement(card, name, value, seconds, computed_by) for name, value in figures.items()])
        return figures

    def _measurement(
        self, card: ModelCard, name: str, value: float, seconds: float, versions: Mapping[str, str]
    ) -> Measurement:
        return Measurement(
            model=card.id,
            task=self.task.name,
            data=self.dataset.fingerprint,
            dataset=self.dataset.name,
            estimator=name,
            value=value,
            samples=TIMED if name == LATENCY else SHIFT_SAMPLES,
            seconds=round(seconds, 4),
            revision=revision_of(card),
            device=self.device,
            versions=versions,
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )


def latency(model: Model, dataset: Dataset) -> float:
    """Milliseconds to preprocess one sample and run the model on it: the median over samples of the data."""
    layers = model.layers[-1:]
    times = []
    for position in _spread(len(dataset), WARM_UP + TIMED):
        item = dataset.inputs[position]
        started = time.perf_counter()
        backbone = model.backbone
        found = backbone.features(backbone.collate([backbone.preprocess(item)]), layers)
        for value in found.values():
            _wait_for(value)
        times.append((time.perf_counter() - started) * 1000)
    return round(statistics.median(times[WARM_UP:] or times), 4)


def domain_shift(model: Model, dataset: Dataset) -> float | None:
    """How far the data are from the model's pretraining data; None for models without statistics of the latter.

    Batch normalisation stores the mean and variance of each channel over the pretraining data. For each channel of each
    such layer the squared Frechet distance of two normal distributions, (m - m')^2 + (s - s')^2, is taken between the
    activations of 64 samples (m, s) and the stored statistics (m', s'), and divided by s'^2; the figure is the square
    root of the mean over layers of the median over channels. 0 means the same statistics; 1 means a difference as large
    as the variation of the pretraining data. Statistics as in Li et al., "Revisiting batch normalization for practical
    domain adaptation", 2017; distance as in Dowson and Landau, 1982.
    """
    backbone = model.backbone
    if not isinstance(backbone, HasModule):
        return None
    from torch import nn

    layers = [layer for layer in backbone.module.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    layers = [layer for layer in layers if layer.running_mean is not None]
    if not layers:
        return None
    items = [backbone.preprocess(dataset.inputs[position]) for position in _spread(len(dataset), SHIFT_SAMPLES)]
    with _recording_distances(layers) as distances:
        backbone.features(backbone.collate(items), model.layers[-1:])
    return round(statistics.fmean(distances) ** 0.5, 4) if distances else None


@contextmanager
def _recording_distances(layers: Sequence[Any]) -> Iterator[list[float]]:
    """The distance of each layer that is used in the forward pass."""
    import torch

    distances: list[float] = []

    def look(layer: Any, inputs: tuple[Any, ...]) -> None:
        values = inputs[0].detach().float().transpose(0, 1).flatten(1)
        mean, deviation = values.mean(1), values.std(1)
        recorded, variance = layer.running_mean.float(), layer.running_var.float()
        squared = (mean - recorded) ** 2 + (deviation - variance.sqrt()) ** 2
        distances.append(float(torch.median(squared / (variance + layer.eps))))

    hooks = [layer.register_forward_pre_hook(look) for layer in layers]
    try:
        yield distances
    finally:
        for hook in hooks:
            hook.remove()


def _spread(count: int, wanted: int) -> list[int]:
    """Positions spread evenly over a data set; some of them twice if it is smaller."""
    return [count * n // wanted for n in range(wanted)] if count >= wanted else [n % count for n in range(wanted)]


def _wait_for(value: Any) -> None:
    """Wait until a result is computed: an accelerator continues after the call has returned."""
    if hasattr(value, "cpu"):
        value.cpu()
