"""A transformer with its pooling as one torch module: a batch of token ids in, one vector per text out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zoo_language import pooling
from zoo_language.sentence_pipeline import DenseLayer, SentencePipeline

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ACTIVATIONS = {"Identity", "Tanh", "ReLU", "GELU", "SiLU", "Sigmoid"}


class TextEncoder(nn.Module):
    """Transformer, pooling and dense layers; its output is not normalised, so that a head can be trained on it."""

    def __init__(self, model: PreTrainedModel, modes: Sequence[str], dense: Sequence[nn.Module] = ()) -> None:
        super().__init__()
        self.model = model
        self.modes = tuple(modes)
        self.dense = nn.ModuleList(dense)

    def forward(self, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Batch x d from ``input_ids``, ``attention_mask`` and other outputs of the tokenizer."""
        return self.pool(self.model(**batch).last_hidden_state, batch["attention_mask"])

    def hidden_states(self, batch: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """The embeddings' output, then each layer's, batch x tokens x d; the last as the model itself returns it."""
        output = self.model(**batch, output_hidden_states=True)
        return (*output.hidden_states[:-1], output.last_hidden_state)

    def pool(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The model's own pooling of its last layer, batch x d."""
        vectors = torch.cat([pooling.BY_NAME[mode](hidden, mask) for mode in self.modes], dim=-1)
        for layer in self.dense:
            vectors = layer(vectors)
        return vectors


def dense_modules(pipeline: SentencePipeline) -> list[nn.Module]:
    """The dense layers of a sentence-transformers folder with their weights.

    Raises:
        UnsupportedModel: weights are missing, of other shapes, or the activation is unknown.
    """
    return [_dense_module(layer) for layer in pipeline.dense]


def _dense_module(layer: DenseLayer) -> nn.Module:
    from zoo.errors import UnsupportedModel

    if layer.activation not in _ACTIVATIONS:
        raise UnsupportedModel(f"{layer.folder} uses the activation '{layer.activation}', which zoo does not know.")
    linear = nn.Linear(layer.inputs, layer.outputs, bias=layer.bias)
    state = {name.removeprefix("linear."): tensor for name, tensor in _dense_weights(layer).items()}
    try:
        linear.load_state_dict(state)
    except RuntimeError as error:
        raise UnsupportedModel(f"The weights in {layer.folder} do not fit its config: {error}.") from error
    return nn.Sequential(linear, getattr(nn, layer.activation)())


def _dense_weights(layer: DenseLayer) -> dict[str, Any]:
    from zoo.errors import UnsupportedModel

    if (layer.folder / "model.safetensors").is_file():
        from safetensors.torch import load_file

        return load_file(layer.folder / "model.safetensors")
    if (layer.folder / "pytorch_model.bin").is_file():
        return torch.load(layer.folder / "pytorch_model.bin", map_location="cpu", weights_only=True)
    raise UnsupportedModel(f"{layer.folder} has no weights.", "Pull the model again.")
