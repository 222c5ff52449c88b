"""Chronos, Chronos-Bolt and Chronos-2 (Ansari et al., 2024 and 2025): zero-shot forecasts of time series.

The library chronos-forecasting has the models and forecasts; this module adds safe loading, features and training.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, needs_extra

with needs_extra("forecasting", "forecast time series"):
    import numpy as np
    import torch
    from torch import nn

from zoo.loading.dtypes import float_dtype
from zoo.loading.published_config import published_config
from zoo.loading.transformers import REFUSE, clear_errors, load_model
from zoo_scientific.forecasting.chronos_models import Bolt, Language, Second, family
from zoo_scientific.forecasting.series import KIND, LEVELS, TASK, Forecast, Series
from zoo_scientific.forecasting.steps import label

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

_BATCH = 32
_SEED = 0


class ChronosBackbone:
    """Turns series into features and forecasts.

    Attributes:
        layers: ``encoder.mean``: the encoder's last states, averaged over those with a value.
    """

    input_kind = KIND
    layers = ("encoder.mean",)
    learning_rate = 1e-4

    def __init__(self, card: ModelCard, model: Any, kind: Bolt | Second | Language, device: str) -> None:
        self.card, self.device, self.kind = card, device, kind
        self.module = model.to(device).eval()
        self.embedding_dimension = int(model.config.d_model)

    def preprocess(self, item: Any) -> torch.Tensor:
        """The last values of a series, up to the model's context, float32; NaN where unknown.

        Raises:
            DataError: it is not a series, or none of these values is known.
        """
        if not isinstance(item, Series):
            raise DataError(f"'{self.card.id}' takes time series, not {type(item).__name__}.")
        values = np.asarray(item.values[-self.kind.context :], dtype=np.float32)
        if not np.isfinite(values).any():
            raise DataError(f"The series '{item.name}' has no value in the context of '{self.card.id}'.")
        return torch.from_numpy(np.where(np.isfinite(values), values, np.float32("nan")))

    def length(self, item: torch.Tensor) -> int:
        """Number of steps, for batches of similar length."""
        return len(item)

    def collate(self, items: Sequence[torch.Tensor]) -> torch.Tensor:
        """Batch x steps; shorter series are padded with NaN at the start, as in the library."""
        return _left_padded(items)

    def features(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Layer name to float32 vectors, batch x d."""
        with torch.inference_mode():
            states, known = self.kind.encode(self.module, batch.to(self.device))
            weights = (known > 0).unsqueeze(-1).float()
            mean = (states.float() * weights).sum(dim=1) / weights.sum(dim=1)
        return dict.fromkeys(layers, mean)

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> list[Forecast] | None:
        """A forecast of each series up to its horizon; None for other tasks.

        Raises:
            DataError: as ``preprocess``.
        """
        return _forecast(self, self.module, inputs) if task == TASK else None

    def learner(self, task: str, classes: Sequence[str]) -> Forecasting | None:
        """A learner for forecasting; None for other tasks."""
        return Forecasting(self) if task == TASK else None


class Forecasting:
    """Trains a model with its own forecast loss; its last layer is a copy, with a higher learning rate.

    In training, each window is cut at a random step of its last horizon, so that every step is forecast.
    """

    classes = ()

    def __init__(self, backbone: ChronosBackbone) -> None:
        self.backbone = backbone
        self._model, self.pretrained = _with_own_head(backbone.module, backbone.kind.head)
        self.module = _Losses(self._model, backbone.kind)

    def example(self, item: Any, target: Any) -> tuple[torch.Tensor, int]:
        """A window with its target, as one tensor, and the number of target steps.

        Raises:
            DataError: as ``ChronosBackbone.preprocess``.
        """
        self.backbone.preprocess(item)
        whole = np.concatenate([item.values, target.values])[-(self.backbone.kind.context + 2 * item.horizon) :]
        return torch.from_numpy(whole.astype(np.float32)), item.horizon

    def collate(self, examples: Sequence[tuple[torch.Tensor, int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Batch x steps, and the horizon, batch."""
        return _left_padded([whole for whole, _ in examples]), torch.tensor([horizon for _, horizon in examples])

    def predict(self, inputs: Sequence[Any]) -> list[Forecast]:
        """Forecasts, see ``ChronosBackbone.answer``."""
        self.module.eval()
        return _forecast(self.backbone, self._model, inputs)


class _Losses(nn.Module):
    """The loss of each batch, repeated for each of its samples: batch x 1."""

    def __init__(self, model: Any, kind: Bolt | Second | Language) -> None:
        super().__init__()
        self.model, self._kind = model, kind

    def forward(self, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        whole, horizons = batch
        horizon = int(horizons.max())
        later = int(torch.randint(horizon, ())) if self.training else 0
        cut, end = whole.shape[1] - later - horizon, whole.shape[1] - later
        loss = self._kind.loss(self.model, whole[:, max(0, cut - self._kind.context) : cut], whole[:, cut:end])
        return loss.reshape(1, 1).expand(len(whole), 1)


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> ChronosBackbone | None:
    """The backbone of a folder in the published format; None if its ``config.json`` is not of a Chronos.

    Raises:
        UnsupportedModel: the folder is damaged, or its weights are not those of its architecture.
    """
    if not files.path("config.json").is_file():
        return None
    raw = published_config(files.root, card)
    if not isinstance(raw.get("chronos_config"), dict):
        return None
    library = "chronos-forecasting"
    with _silent():
        with clear_errors(card, f"{library} cannot load '{card.id}'"):
            kind = family(raw)
        model = load_model(
            kind.architecture, card, files.root, unexpected=REFUSE, library=library, dtype=float_dtype(dtype)
        )
    return ChronosBackbone(card, model, kind, device)


def _forecast(backbone: ChronosBackbone, model: Any, inputs: Sequence[Any]) -> list[Forecast]:
    answers: list[Forecast] = []
    pipeline = backbone.kind.pipeline(model)
    # Sampling models draw for all series of a batch at once: one by one, forecasts do not depend on the batch.
    size = 1 if backbone.kind.samples else _BATCH
    for start in range(0, len(inputs), size):
        part = [inputs[at] for at in range(start, min(start + size, len(inputs)))]
        rows = [backbone.preprocess(item) for item in part]
        # Sampling models answer the same each time, without changing the caller's random state.
        devices = [torch.device(backbone.device)] if backbone.device.startswith("cuda") else []
        with torch.random.fork_rng(devices), _silent():
            torch.manual_seed(_SEED)
            found, _ = pipeline.predict_quantiles(
                rows, prediction_length=max(item.horizon for item in part), quantile_levels=list(LEVELS)
            )
        for item, quantiles in zip(part, found, strict=True):
            table = quantiles.reshape(-1, len(LEVELS))[: item.horizon].double().cpu().numpy()
            table = np.sort(table, axis=1)  # a network's quantiles may cross
            answers.append(Forecast(item.name, tuple(label(time) for time in item.times[len(item.values) :]), table))
    return answers


def _with_own_head(model: Any, name: str) -> tuple[Any, nn.Module]:
    """The model with a copy of its last layer, all else shared, and that copy; a full copy if the layer is tied."""
    own: Any = copy.copy(model)
    own._modules = dict(model._modules)
    head = own._modules[name]
    shared = {id(parameter) for part, child in own._modules.items() if part != name for parameter in child.parameters()}
    if any(id(parameter) in shared for parameter in head.parameters()):
        return model, model
    own._modules[name] = copy.deepcopy(head)
    return own, nn.ModuleDict({part: child for part, child in own._modules.items() if part != name})


def _left_padded(items: Sequence[torch.Tensor]) -> torch.Tensor:
    longest = max(len(item) for item in items)
    return torch.stack([nn.functional.pad(item, (longest - len(item), 0), value=float("nan")) for item in items])


@contextmanager
def _silent() -> Iterator[None]:
    """Suppress the library's advice on stderr; its advice on long horizons is in the documentation."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
