"""Aurora (Bodnar et al., "A foundation model for the Earth system", 2025): forecasts the next state of the atmosphere.

The library microsoft-aurora has the model; this module adds safe loading, batches from files, features and training.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, UnsupportedModel, needs_extra
from zoo.loading.dtypes import require_float32

with needs_extra("aurora", "run Aurora"):
    import aurora
    import numpy as np
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file
    from torch import nn

from zoo.untrusted import parse_json
from zoo_scientific.weather.aurora_states import (
    State,
    Variables,
    back,
    batch_of,
    centred,
    deviation,
    fields_of,
    mean,
    state_of,
    turned,
)
from zoo_scientific.weather.fields import HISTORY, TASK, Field, Forecast, Grid, History
from zoo_scientific.weather.metrics import latitude_weights

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.entities import LocalFiles, ModelCard

CONFIG, WEIGHTS = "config.json", "model.safetensors"

PUBLISHED = {
    name: kind
    for kind in ("AuroraSmallPretrained", "AuroraPretrained", "Aurora", "Aurora12hPretrained", "AuroraHighRes")
    for name in [getattr(aurora, kind).default_checkpoint_name]
}
"""Published checkpoints by file name, with their classes in the library."""

SETTINGS = (
    "surf_vars",
    "static_vars",
    "atmos_vars",
    "window_size",
    "encoder_depths",
    "encoder_num_heads",
    "decoder_depths",
    "decoder_num_heads",
    "latent_levels",
    "patch_size",
    "embed_dim",
    "num_heads",
    "enc_depth",
    "dec_depth",
    "max_history_size",
    "use_lora",
)
"""Arguments of the library's ``Aurora`` that a ``config.json`` may have."""

LONGEST_LEAD = 504.0
"""Maximum lead time in hours of the library's embedding; longer steps are embedded as this one."""

_BATCH = 4


class AuroraBackbone:
    """Turns histories of fields into features and forecasts.

    Attributes:
        layers: ``encoder.mean`` and ``backbone.mean``: states averaged over levels and patches.
        step_hours: hours from the last state to the forecast.
        least_times: minimum times in a file to forecast from.
    """

    input_kind = "grid"
    layers = ("encoder.mean", "backbone.mean")
    learning_rate = 1e-4
    least_times = HISTORY

    def __init__(self, card: ModelCard, module: Any, step_hours: float, device: str) -> None:
        self.card, self.device, self.step_hours = card, device, step_hours
        self.module = module.to(device).eval()
        self.variables = Variables(tuple(module.surf_vars), tuple(module.atmos_vars), tuple(module.static_vars))
        self.embedding_dimension = 2 * int(module.encoder.embed_dim)

    def preprocess(self, item: Any) -> State:
        """What the model needs of a history of fields.

        Raises:
            DataError: see ``zoo_scientific.weather.aurora_states.state_of``; or the patches do not fit the grid.
        """
        state = state_of(self.card.id, item, self.variables, self.module.max_history_size, self.step_hours)
        height, width = state.values.shape[2:]
        patch = self.module.patch_size
        if width % patch or height % patch > 1:
            raise DataError(
                f"'{self.card.id}' needs a multiple of {patch} longitudes, and a multiple or one more of latitudes; "
                f"the grid has {width} and {height}."
            )
        return replace(state, latitudes=centred(state.latitudes, patch))

    def collate(self, items: Sequence[State]) -> list[State]:
        """The states themselves: the library makes a batch of them when they are needed."""
        return list(items)

    def features(self, batch: Sequence[State], layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Layer name to vectors, batch x d; the backbone's are twice as long as the encoder's."""
        found: dict[str, torch.Tensor] = {}

        def keep(name: str) -> Any:
            return lambda module, inputs, output: found.update({name: output.mean(dim=1)})

        hooks = [
            getattr(self.module, name).register_forward_hook(keep(f"{name}.mean")) for name in ("encoder", "backbone")
        ]
        try:
            with torch.inference_mode():
                self.module(batch_of(batch, self.variables))
        finally:
            for hook in hooks:
                hook.remove()
        return {layer: found[layer].float() for layer in layers}

    def examples(self) -> list[Any]:
        """Inputs for the conformance suite."""
        return _examples(self)

    def learner(self, task: str, classes: Sequence[str]) -> Forecasting | None:
        """A learner for forecasting; None for other tasks."""
        return Forecasting(self) if task == TASK else None

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> list[Forecast] | None:
        """The next fields; None for other tasks. Raises as ``preprocess``."""
        if task != TASK:
            return None
        answers = []
        for start in range(0, len(inputs), _BATCH):
            part = [inputs[at] for at in range(start, min(start + _BATCH, len(inputs)))]
            states = [self.preprocess(item) for item in part]
            with torch.inference_mode():
                found = fields_of(self.module(batch_of(states, self.variables)), states[0]).cpu().numpy()
            answers += [Forecast(item.names, back(values, item)) for item, values in zip(part, found, strict=True)]
        return answers


def _examples(backbone: AuroraBackbone) -> list[Any]:
    """Three histories of waves around the globe, with all variables of the model."""
    patch, variables = backbone.module.patch_size, backbone.variables
    latitudes = np.linspace(88, -88, 8 * patch)
    longitudes = np.arange(16 * patch) * 360 / (16 * patch)
    names = (*variables.surface, *(f"{name}_{level}" for name in variables.levels for level in (850, 1000)))
    means = np.array([mean(name) for name in names])[:, None, None]
    units = np.array([deviation(name, backbone.module.surf_stats) for name in names])[:, None, None]
    down, across = np.meshgrid(np.deg2rad(latitudes), np.deg2rad(longitudes), indexing="ij")
    grid = Grid(longitudes, {f"static_{name}": np.cos(down) for name in variables.static}, backbone.step_hours)
    found = []
    for number in range(1, 4):
        fields = tuple(
            Field(
                (means + units * np.sin(number * across + down + time)).astype(np.float32),
                np.zeros(1),
                latitudes,
                number * 1e5 + time * backbone.step_hours,
            )
            for time in range(HISTORY)
        )
        found.append(History(fields, fields[0].values, names, grid))
    return found


class Forecasting:
    """Trains with the squared error weighted by area, each variable divided by its standard deviation."""

    classes = ()

    def __init__(self, backbone: AuroraBackbone) -> None:
        self.backbone, self.pretrained = backbone, backbone.module
        self.module = _Losses(backbone.module, backbone.variables)

    def example(self, item: Any, target: Any) -> tuple[State, torch.Tensor]:
        """A history, and the next state in the model's form; NaN where it is not known."""
        state = self.backbone.preprocess(item)
        return state, turned(target.values, target.latitudes, item.grid.longitudes)

    def collate(self, examples: Sequence[tuple[State, torch.Tensor]]) -> tuple[list[State], torch.Tensor]:
        """The states, and the next ones, batch x variables x latitudes x longitudes."""
        return [state for state, _ in examples], torch.stack([following for _, following in examples])

    def predict(self, inputs: Sequence[Any]) -> list[Forecast]:
        """The next fields."""
        self.module.eval()
        return self.backbone.answer(TASK, inputs) or []


class _Losses(nn.Module):
    """Losses of a batch, batch x 1."""

    def __init__(self, model: Any, variables: Variables) -> None:
        super().__init__()
        self.model, self._variables = model, variables

    def forward(self, batch: tuple[list[State], torch.Tensor]) -> torch.Tensor:
        states, following = batch
        found = fields_of(self.model(batch_of(states, self._variables)), states[0])
        following = following[:, :, : found.shape[2]].to(found.device)
        units = torch.tensor([deviation(name, self.model.surf_stats) for name in states[0].names], device=found.device)
        weights = torch.from_numpy(latitude_weights(states[0].latitudes[: found.shape[2]].numpy())).to(found)
        known = torch.isfinite(following) * weights[:, None]
        errors = ((found - torch.nan_to_num(following)) / units[:, None, None]).square() * known
        return (errors.flatten(1).sum(dim=1) / known.flatten(1).sum(dim=1)).unsqueeze(1)


def save(module: Any, folder: Path, settings: dict[str, Any], step_hours: float) -> None:
    """Save a model of the library's ``Aurora`` with these settings in the format of ``load``."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"model_type": "aurora", "architectures": ["Aurora"], "step_hours": step_hours, "settings": settings}
    (folder / CONFIG).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    save_file({name: tensor.contiguous() for name, tensor in module.state_dict().items()}, folder / WEIGHTS)


def build(settings: dict[str, Any], step_hours: float) -> Any:
    """An untrained model of the library's ``Aurora``.

    Raises:
        ValueError: a setting is not one that zoo passes on.
    """
    unknown = sorted(set(settings) - set(SETTINGS))
    if unknown:
        raise ValueError(f"its settings have {unknown[0]}, which is not one of {', '.join(SETTINGS)}")
    arguments = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    return aurora.Aurora(timestep=timedelta(hours=min(step_hours, LONGEST_LEAD)), **{"use_lora": False, **arguments})


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> AuroraBackbone:
    """The backbone of a published checkpoint, or of a folder that ``save`` wrote.

    Raises:
        UnsupportedModel: the folder is damaged, has other tensors, or a checkpoint that is not in ``PUBLISHED``.
        UnsupportedPrecision: a precision other than float32 is requested.
    """
    require_float32(card, dtype)
    try:
        if files.path(CONFIG).is_file():
            document = parse_json(files.path(CONFIG).read_text(encoding="utf-8"), finite=False)
            step_hours = float(document["step_hours"])
            module = build(document["settings"], step_hours)
            module.load_state_dict(load_file(files.path(WEIGHTS)))
        else:
            name, kind = _published(files, card)
            module = getattr(aurora, kind)()
            module.load_checkpoint_local(str(files.path(name)))  # with weights_only=True
            step_hours = module.timestep.total_seconds() / 3600
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RuntimeError,
        AssertionError,
        SafetensorError,
        pickle.UnpicklingError,
    ) as error:
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise UnsupportedModel(
            f"microsoft-aurora cannot load '{card.id}': {reason}.", f"Run: zoo verify {card.id}"
        ) from error
    return AuroraBackbone(card, module, step_hours, device)


def _published(files: LocalFiles, card: ModelCard) -> tuple[str, str]:
    named = card.loader.get("weights")
    here = [name for name in PUBLISHED if files.path(name).is_file()]
    wanted = [name for name in here if name == named] or here
    if len(wanted) != 1:
        raise UnsupportedModel(
            f"'{card.id}' has {len(wanted)} of the known checkpoints; exactly one is needed.",
            f"Known checkpoints: {', '.join(PUBLISHED)}.",
        )
    return wanted[0], PUBLISHED[wanted[0]]
