"""One interface to the three kinds of Chronos: encoding, forecasting, and the loss of a forecast."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from zoo.errors import needs_extra

with needs_extra("forecasting", "forecast time series"):
    import chronos
    import torch
    import transformers
    from chronos.chronos_bolt import ChronosBoltModelForForecasting


class BoltModel(ChronosBoltModelForForecasting):
    """Chronos-Bolt that reports missing tensors: the library would initialise both patch embeddings at random."""

    _keys_to_ignore_on_load_missing = None


class Bolt:
    """Chronos-Bolt: patches in, all quantiles of all steps out."""

    architecture = BoltModel
    head = "output_patch_embedding"
    samples = False

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.context, self.steps = int(config["context_length"]), int(config["prediction_length"])
        self.patch = int(config["input_patch_size"])

    def pipeline(self, model: Any) -> Any:
        """The forecaster for ``model``."""
        return chronos.ChronosBoltPipeline(model)

    def encode(self, model: Any, context: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """States of the encoder, batch x patches x d, and which of them have a value."""
        states, _, _, mask = model.encode(context)
        return states, mask

    def loss(self, model: Any, context: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The mean quantile loss of ``target``, batch x steps, after ``context``, batch x steps."""
        found: torch.Tensor = model(context=context, target=target[:, : self.steps]).loss
        return found


class Second:
    """Chronos-2: patches in, quantiles of the requested patches out; each series by itself."""

    architecture = chronos.Chronos2Model
    head = "output_patch_embedding"
    samples = False

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.context, self.patch = int(config["context_length"]), int(config["output_patch_size"])
        self.steps = self.patch * int(config.get("max_output_patches", 1))

    def pipeline(self, model: Any) -> Any:
        """The forecaster for ``model``."""
        return chronos.Chronos2Pipeline(model)

    def encode(self, model: Any, context: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """States of the encoder, batch x patches x d, and which of them have a value."""
        found, _, _, count = model.encode(context=context)
        known = torch.isfinite(context[:, -self.context :])
        padded = torch.nn.functional.pad(known, (count * self.patch - known.shape[1], 0))
        return found[0][:, :count], padded.unflatten(1, (count, self.patch)).any(dim=2)

    def loss(self, model: Any, context: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The mean quantile loss of ``target``, batch x steps, after ``context``, batch x steps."""
        target = target[:, : self.steps]
        patches = math.ceil(target.shape[1] / self.patch)
        found: torch.Tensor = model(context=context, future_target=target, num_output_patches=patches).loss
        return found


class Language:
    """The first Chronos: a T5 over values as tokens of a vocabulary of bins, which samples the next values."""

    architecture = transformers.T5ForConditionalGeneration
    head = "lm_head"
    samples = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = chronos.ChronosConfig(**config)
        self._tokenizer = self._config.create_tokenizer()
        self.context, self.steps = self._config.context_length, self._config.prediction_length

    def pipeline(self, model: Any) -> Any:
        """The forecaster for ``model``."""
        return chronos.ChronosPipeline(self._tokenizer, chronos.ChronosModel(self._config, model))

    def encode(self, model: Any, context: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """States of the encoder, batch x steps x d, and which of them have a value."""
        words, mask, _ = self._tokenizer.context_input_transform(context.cpu())
        device = model.device
        states = model.encoder(input_ids=words.to(device), attention_mask=mask.to(device)).last_hidden_state
        return states, mask.to(device)

    def loss(self, model: Any, context: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The mean cross-entropy of the tokens of ``target``, batch x steps, after ``context``, batch x steps."""
        words, mask, scale = self._tokenizer.context_input_transform(context.cpu())
        target = target[:, : self.steps].cpu()
        short = self.steps - target.shape[1]
        labels, known = self._tokenizer.label_input_transform(
            torch.nn.functional.pad(target, (0, short), value=math.nan), scale
        )
        if short:
            known[:, -1] = False  # a shorter target has no end token to learn
        labels = labels.masked_fill(~known, -100)
        device = model.device
        found: torch.Tensor = model(
            input_ids=words.to(device), attention_mask=mask.to(device), labels=labels.to(device)
        ).loss
        return found


def family(config: Mapping[str, Any]) -> Bolt | Second | Language:
    """The kind of Chronos of a ``config.json``.

    Raises:
        ValueError: it is not one of the three, or not an encoder with a decoder.
        KeyError, TypeError: a setting is missing or unknown.
    """
    settings = config["chronos_config"]
    pipeline = config.get("chronos_pipeline_class", "ChronosPipeline")
    kinds: dict[str, Any] = {"ChronosBoltPipeline": Bolt, "Chronos2Pipeline": Second, "ChronosPipeline": Language}
    if pipeline not in kinds:
        raise ValueError(f"its pipeline is {pipeline}")
    if pipeline == "ChronosPipeline" and settings.get("model_type") != "seq2seq":
        raise ValueError("it has no encoder")
    found: Bolt | Second | Language = kinds[pipeline](settings)
    return found
