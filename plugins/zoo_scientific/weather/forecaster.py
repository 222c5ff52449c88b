"""A vision transformer that forecasts fields over the globe, in the manner of ClimaX (Nguyen et al., 2023).

Its input is the standardised anomalies of the last states, in patches; its output is added to the climatology and to a
damped last anomaly. Before training, its forecast is the climatology.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, UnsupportedModel, needs_extra
from zoo.loading.dtypes import require_float32
from zoo.untrusted import parse_json

with needs_extra("scientific", "run forecasters"):
    import numpy as np
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file
    from torch import nn

from zoo_scientific.weather.fields import TASK, Field, Forecast, History
from zoo_scientific.weather.metrics import latitude_weights

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

ARCHITECTURE = "GridViTForWeatherForecasting"
CONFIG, WEIGHTS = "config.json", "model.safetensors"
_BATCH = 8


@dataclass(frozen=True)
class GridConfig:
    """Sizes of a forecaster.

    Attributes:
        history: states that it sees.
        variables: number of variables in a state.
        height, width: latitudes and longitudes.
        scale: scale of the anomalies, in the fields' unit.
    """

    history: int
    variables: int
    height: int
    width: int
    patch: int = 8
    hidden_size: int = 64
    num_hidden_layers: int = 2
    num_attention_heads: int = 4
    scale: float = 1.0


class GridViT(nn.Module):
    """Standardised departures, batch x history x variables x height x width, to the next one without its first axis."""

    def __init__(self, config: GridConfig) -> None:
        super().__init__()
        self.config = config
        channels = config.history * config.variables
        self.rows, self.columns = -(-config.height // config.patch), -(-config.width // config.patch)
        self.embed = nn.Conv2d(channels, config.hidden_size, config.patch, config.patch)
        self.places = nn.Parameter(0.02 * torch.randn(1, self.rows * self.columns, config.hidden_size))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                config.hidden_size,
                config.num_attention_heads,
                2 * config.hidden_size,
                0.1,
                "gelu",
                batch_first=True,
                norm_first=True,
            )
            for _ in range(config.num_hidden_layers)
        )
        self.norm = nn.LayerNorm(config.hidden_size)
        self.project = nn.Linear(config.hidden_size, config.variables * config.patch**2)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)
        self.damping = nn.Parameter(torch.zeros(1, config.variables, config.height, 1))

    def states(self, departures: torch.Tensor) -> list[torch.Tensor]:
        """Each block's output, batch x patches x d; the last with the final norm."""
        config = self.config
        below, beside = self.rows * config.patch - config.height, self.columns * config.patch - config.width
        padded = nn.functional.pad(departures.flatten(1, 2), (0, beside, 0, below))
        state = self.embed(padded).flatten(2).transpose(1, 2) + self.places
        found = []
        for block in self.blocks:
            state = block(state)
            found.append(state)
        return [*found[:-1], self.norm(found[-1])]

    def forward(self, departures: torch.Tensor) -> torch.Tensor:
        """The next departure, batch x variables x height x width."""
        config = self.config
        patches = self.project(self.states(departures)[-1])
        grid = patches.unflatten(2, (config.variables, config.patch, config.patch))
        grid = grid.unflatten(1, (self.rows, self.columns)).permute(0, 3, 1, 4, 2, 5)
        grid = grid.flatten(4, 5).flatten(2, 3)[:, :, : config.height, : config.width]
        return self.damping * departures[:, -1] + grid


class GridBackbone:
    """Turns histories of fields into features and forecasts.

    Attributes:
        layers: ``layer1.mean``...: the blocks' outputs averaged over the patches.
    """

    input_kind = "grid"
    learning_rate = 1e-3

    def __init__(self, card: ModelCard, module: GridViT, device: str) -> None:
        self.card, self.device, self.config = card, device, module.config
        self.module = module.to(device).eval()
        self.layers = tuple(f"layer{number}.mean" for number in range(1, module.config.num_hidden_layers + 1))
        self.embedding_dimension = module.config.hidden_size

    def preprocess(self, item: Any) -> torch.Tensor:
        """Standardised departures, history x variables x height x width; 0 where nothing is known.

        Raises:
            DataError: it is not a history of fields, or one on another grid.
        """
        if not isinstance(item, History):
            raise DataError(f"'{self.card.id}' takes histories of fields, not {type(item).__name__}.")
        config = self.config
        departures = np.stack([field.values - field.climatology for field in item.fields[-config.history :]])
        wanted = (config.history, config.variables, config.height, config.width)
        if departures.shape != wanted:
            raise DataError(f"'{self.card.id}' takes fields of the shape {wanted}, not {departures.shape}.")
        return torch.from_numpy(np.nan_to_num(departures / config.scale).astype(np.float32))

    def collate(self, items: Sequence[torch.Tensor]) -> torch.Tensor:
        """One batch."""
        return torch.stack(list(items))

    def features(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Layer name to vectors, batch x d."""
        with torch.inference_mode():
            states = self.module.states(batch.to(self.device))
        return {layer: states[self.layers.index(layer)].mean(dim=1) for layer in layers}

    def examples(self) -> list[Any]:
        """Histories on its own grid: waves that move eastward."""
        config = self.config
        latitudes = np.linspace(-75, 75, config.height)
        across = np.linspace(0, 2 * np.pi, config.width, endpoint=False)
        usual = np.zeros((config.variables, config.height, config.width), dtype=np.float32)
        wave = np.cos(np.radians(latitudes))[:, None] * config.scale
        names = tuple(f"field {number}" for number in range(1, config.variables + 1))
        found = []
        for number in (1, 2, 3):
            states = [
                (usual + wave * np.sin(number * across + step)).astype(np.float32) for step in range(config.history)
            ]
            fields = tuple(Field(values, usual, latitudes) for values in states)
            found.append(History(fields, usual, names))
        return found

    def learner(self, task: str, classes: Sequence[str]) -> Forecasting | None:
        """A learner for forecasting; None for other tasks."""
        return Forecasting(self) if task == TASK else None

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> list[Forecast] | None:
        """The next fields; None for other tasks."""
        if task != TASK:
            return None
        answers = []
        for start in range(0, len(inputs), _BATCH):
            part = inputs[start : start + _BATCH]
            with torch.inference_mode():
                found = self.module(self.collate([self.preprocess(item) for item in part]).to(self.device))
            for item, departure in zip(part, found.cpu().numpy(), strict=True):
                answers.append(Forecast(item.names, item.next_climatology + self.config.scale * departure))
        return answers


class Forecasting:
    """Trains a forecaster with the squared error weighted by area."""

    classes = ()

    def __init__(self, backbone: GridBackbone) -> None:
        self.backbone, self.pretrained = backbone, backbone.module
        self.module = _Losses(backbone.module)

    def example(self, item: Any, target: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Departures, the next one, and the weight of each cell, 0 where it is not known."""
        following = (target.values - target.climatology) / self.backbone.config.scale
        weights = np.isfinite(following) * latitude_weights(target.latitudes)[:, None]
        found = (np.nan_to_num(following).astype(np.float32), weights.astype(np.float32))
        return self.backbone.preprocess(item), torch.from_numpy(found[0]), torch.from_numpy(found[1])

    def collate(self, examples: Sequence[tuple[torch.Tensor, ...]]) -> tuple[torch.Tensor, ...]:
        """One batch of each."""
        return tuple(torch.stack(list(part)) for part in zip(*examples, strict=True))

    def predict(self, inputs: Sequence[Any]) -> list[Forecast]:
        """The next fields."""
        self.module.eval()
        return self.backbone.answer(TASK, inputs) or []


class _Losses(nn.Module):
    def __init__(self, model: GridViT) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        departures, following, weights = batch
        errors = (self.model(departures) - following).square() * weights
        return (errors.flatten(1).sum(dim=1) / weights.flatten(1).sum(dim=1)).unsqueeze(1)


def save(module: GridViT, folder: Path) -> None:
    """Save a forecaster in the format of ``load``."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "model_type": "grid_vit",
        "architectures": [ARCHITECTURE],
        "input_kind": "grid",
        **asdict(module.config),
    }
    (folder / CONFIG).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    save_file(module.state_dict(), folder / WEIGHTS)


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> GridBackbone:
    """The backbone of a forecaster's folder.

    Raises:
        UnsupportedModel: the folder is damaged, of another architecture, or another precision is requested.
    """
    require_float32(card, dtype)
    try:
        document = parse_json(files.path(CONFIG).read_text(encoding="utf-8"), finite=False)
        if ARCHITECTURE not in document["architectures"]:
            raise ValueError(f"its architecture is {document['architectures']}")
        known = {name: document[name] for name in GridConfig.__dataclass_fields__ if name in document}
        module = GridViT(GridConfig(**known))
        module.load_state_dict(load_file(files.path(WEIGHTS)))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise UnsupportedModel(
            f"The forecaster '{card.id}' cannot be loaded: {reason}.", "Save the forecaster again."
        ) from error
    return GridBackbone(card, module, device)
