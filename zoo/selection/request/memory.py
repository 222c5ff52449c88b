"""Estimates the memory that a model needs to run and to be adapted, from its card only.

memory = the frameworks + weights x copies + activations of a batch, in bytes, all numbers in float32.

* Copies of the weights. Running: 1. Full fine-tuning: 6, which are the weights, their gradients, Adam's two moments
  (Kingma and Ba, 2015), a copy of the pretrained weights, which is restored at the end, and that of the best epoch.
  LoRA: 1, and the other five for the adapters only.
* Activations of transformers while training. Each layer keeps s b (72 h + 12 a s) bytes for b texts of s tokens, width
  h and a heads: equation 1 of Korthikanti et al., "Reducing activation recomputation in large transformer models",
  2022, with 4 bytes per number and dropout's masks too, as on a CPU; on an accelerator the part that grows with s
  squared is not stored (Dao et al., "FlashAttention", 2022). Layers are counted as (parameters - token embeddings) / 12
  h^2.
* Activations of convolutional networks while training: 4.1 times the outputs of the convolutions, which are the inputs
  of normalisation, of the activation function and of the next convolution, and the gradients in backpropagation. The
  outputs are counted in ``zoo.catalog.costs``; for other architectures, from parameters and image size.
* Allocators reserve more than is in use: a fifth more while transformers train.

The constants were fitted to, and are checked by, ``benchmarks/memory.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from zoo.contract.kind import Kind
from zoo.entities import Entity, ModelCard
from zoo.kinds.known import kind_of

BYTES = 4
"""Bytes of a number: float32."""

FRAMEWORKS: Mapping[str, int] = {"static": 580_000_000, "onnx": 720_000_000, "transformers": 780_000_000}
"""Resident memory of a process that has loaded the library, without a model, on the CPU."""

TORCH = 900_000_000
"""The same for torch with torchvision, timm or others."""

TRAINER: Mapping[str, int] = {"static": 350_000_000}
"""Memory of the optimiser's own modules, unless the library has imported them already."""

CONTEXT = 500_000_000
"""Memory that a process takes on an accelerator before it stores anything there."""

TRAINING_COPIES = 6
ADAPTER_SHARE = 0.01
TRAINED_SHARE = 4.1
"""Numbers in memory while a convolutional network trains, for each output of a convolution."""

RUNNING_SHARE = 0.66
"""The same while it only runs: the widest layers' inputs and outputs, for each output of all convolutions."""

RUNNING_WIDTHS = {"onnx": 56}
"""Numbers in memory for each token and width while a transformer runs: queries, keys, values, the hidden layer, and
with ONNX Runtime the attention, which is not fused there."""

USUAL_WIDTHS = 24

ALLOCATED = 1.2
TRAINING_BATCH = 32
MOST_TOKENS = 512
TOKENS_PER_WORD = 1.4


_VISION_TRANSFORMERS = re.compile(r"(vit|deit|beit|eva|dino|siglip|clip)(?![a-z]| hybrid)")


@dataclass(frozen=True)
class Workload(Entity):
    """The workload that memory is needed for.

    Attributes:
        device: ``cpu``, ``cuda``, ``mps``...
        batch_size: samples per batch; None takes zoo's own default.
        words: words of the longest text; None if unknown, which counts as long.
    """

    device: str = "cpu"
    batch_size: int | None = None
    words: int | None = None


def to_run(card: ModelCard, workload: Workload | None = None) -> int | None:
    """Bytes to extract features; None if the number of parameters is unknown."""
    workload = workload or Workload()
    if card.parameters is None:
        return None
    return _frameworks(card, workload) + _weights(card) + int(_batch(card, workload) * _running(card, workload))


def _batch(card: ModelCard, workload: Workload) -> float:
    """Samples at a time while running; where tokens are counted, as many of the longest texts as they allow."""
    from zoo.features.extraction import MOST_SAMPLES

    if workload.batch_size:
        return workload.batch_size
    kind, where = _kind(card), "cpu" if workload.device == "cpu" else "accelerator"
    shape = _transformer(card, workload)
    if kind.batch_tokens and shape is not None:
        return max(1.0, min(MOST_SAMPLES[where], kind.batch_tokens[where] / shape.tokens))
    return kind.batch_sizes[where]


def _kind(card: ModelCard) -> Kind:
    return kind_of(str(card.input.get("kind", "")))


def to_tune(card: ModelCard, strategy: str = "full", workload: Workload | None = None) -> int | None:
    """Bytes to adapt a model by a strategy: ``linear-probe``, ``lora``, or anything that trains all weights.

    None if the number of parameters is unknown. The features that a linear probe stores are not counted.
    """
    workload = workload or Workload()
    if strategy == "linear-probe" or card.parameters is None:
        return to_run(card, workload)
    trained = ADAPTER_SHARE if strategy == "lora" else 1.0
    weights = _weights(card) * (1 + (TRAINING_COPIES - 1) * trained)
    batch = workload.batch_size or TRAINING_BATCH
    trainer = TRAINER.get(card.library or "", 0) if workload.device == "cpu" else 0
    return int(_frameworks(card, workload) + trainer + weights + batch * _training(card, workload))


def _frameworks(card: ModelCard, workload: Workload) -> int:
    return FRAMEWORKS.get(card.library or "", TORCH) if workload.device == "cpu" else CONTEXT


def _weights(card: ModelCard) -> int:
    if card.library == "onnx" and card.bytes:
        return card.bytes  # quantised weights stay so
    return (card.parameters or 0) * BYTES


def _running(card: ModelCard, workload: Workload) -> float:
    """Bytes of activations per sample while running."""
    if card.library == "static":
        return 0.0
    shape = _transformer(card, workload)
    if shape is not None:
        return shape.tokens * shape.width * RUNNING_WIDTHS.get(card.library or "", USUAL_WIDTHS) * BYTES
    return _outputs(card) * RUNNING_SHARE * BYTES


def _training(card: ModelCard, workload: Workload) -> float:
    """Bytes of activations per sample while training; plus one layer for the gradients in backpropagation."""
    if card.library == "static":
        return 0.0
    shape = _transformer(card, workload)
    if shape is None:
        return _outputs(card) * TRAINED_SHARE * BYTES
    squared = 12 * shape.heads * shape.tokens if workload.device == "cpu" else 0
    return (shape.layers + 1) * shape.tokens * (72 * shape.width + squared) * ALLOCATED


@dataclass(frozen=True)
class _Transformer:
    tokens: int
    width: int
    layers: float
    heads: int


def _transformer(card: ModelCard, workload: Workload) -> _Transformer | None:
    """The shape of a transformer by its card; None for another kind of network."""
    width = card.embedding_dimension
    if not width or not card.parameters:
        return None
    if _kind(card).batch_tokens:
        most = min(_positive_int(card.input.get("max_tokens")) or MOST_TOKENS, MOST_TOKENS)
        tokens = most if workload.words is None else min(most, int(workload.words * TOKENS_PER_WORD) + 2)
        # Small text encoders have heads of 32 (MiniLM, E5, BGE and GTE), all others of 64.
        heads = max(1, width // (32 if width <= 384 else 64))
        layers = max(1.0, (card.parameters - _vocabulary(card) * width) / (12 * width**2))
        return _Transformer(tokens, width, layers, heads)
    if not _VISION_TRANSFORMERS.match((card.architecture or "").lower()):
        return None
    tokens = (image_size(card) // 16) ** 2 + 1
    return _Transformer(tokens, width, max(1.0, card.parameters / (12 * width**2)), max(1, width // 64))


def _vocabulary(card: ModelCard) -> int:
    """Token embeddings: 30,522 of BERT's WordPiece; 250,002 of XLM-R's for models of many languages."""
    return 250_002 if len(card.languages) > 10 else 30_522


def _outputs(card: ModelCard) -> float:
    """Outputs of all convolutions for one sample, in numbers."""
    from zoo.catalog.costs import cost

    size = image_size(card)
    known = cost(str(card.loader.get("architecture", "")), size)
    if known is not None:
        return known.activations * 1e6
    # Least squares in logarithms over the 1,445 lines of timm.costs.csv; half of them are within 34 % of it.
    return 216.0 * float(card.parameters or 0) ** 0.65 * (size / 224) ** 2


def image_size(card: ModelCard) -> int:
    """Height and width of a model's input image, in pixels; 224 if it is unknown."""
    size = card.input.get("size") or card.input.get("input_size")  # of files with a configuration of timm
    return _positive_int(size[-1] if isinstance(size, (tuple, list)) and size else size) or 224


def _positive_int(value: object) -> int | None:
    return int(value) if isinstance(value, (int, float)) and 0 < value < 2**31 else None
