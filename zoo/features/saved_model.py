"""Backbones from a TensorFlow SavedModel: its serving signature, run as it was exported.

The kind of input follows from the signature: strings are texts; batch x height x width x 3 are images with values from
0 to 1, the convention of TensorFlow Hub (https://www.tensorflow.org/hub/common_signatures/images); batch x samples,
with or without a channel, are recordings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, UnsupportedModel, needs_extra

if TYPE_CHECKING:
    import numpy as np

    from zoo.entities import LocalFiles, ModelCard

LIBRARY = "tensorflow"
FILE = "saved_model.pb"
SAMPLING_RATE = 16_000
"""Sampling rate of recordings where the card's ``input`` has no ``sampling_rate``."""

_SIZE = 224
_STRING, _FLOAT = 7, 1
_MOST_RANK = 4


@dataclass(frozen=True)
class _Input:
    tensor: str
    kind: str
    shape: tuple[int, ...]


class SavedModelBackbone:
    """A SavedModel that turns inputs into features; its layers are its signature's outputs, averaged over positions.

    It cannot be trained: the graph is frozen.
    """

    def __init__(self, card: ModelCard, session: Any, entry: _Input, outputs: Mapping[str, str]) -> None:
        self.card, self.input_kind = card, entry.kind
        self._session, self._entry, self._outputs = session, entry, dict(outputs)
        self.layers = tuple(self._outputs)
        probe = self.features(self.collate([self._empty()]), (self.layers[-1],))[self.layers[-1]]
        self.embedding_dimension = int(probe.shape[1])

    def preprocess(self, item: Any) -> Any:
        """A text as it is; an image as height x width x 3 from 0 to 1; a recording cut or padded to its length."""
        import numpy as np

        if self.input_kind == "text":
            if not isinstance(item, str):
                raise DataError(f"'{self.card.id}' takes texts, not {type(item).__name__}.")
            return item
        if self.input_kind == "image":
            height, width = (size if size > 0 else _SIZE for size in self._entry.shape[1:3])
            return np.asarray(item.convert("RGB").resize((width, height)), dtype=np.float32) / 255
        samples = item.at(int(self.card.input.get("sampling_rate", SAMPLING_RATE)))
        length = self._entry.shape[1]
        if length > 0:
            samples = np.pad(samples[:length], (0, max(0, length - len(samples))))
        return samples[:, None] if len(self._entry.shape) == 3 else samples

    def collate(self, items: Sequence[Any]) -> np.ndarray:
        """The items as one array; recordings of any length are padded to the longest."""
        import numpy as np

        if self.input_kind == "text":
            return np.array(list(items), dtype=object)
        if self.input_kind == "audio":
            longest = max(len(item) for item in items)
            items = [np.pad(item, [(0, longest - len(item)), *[(0, 0)] * (item.ndim - 1)]) for item in items]
        return np.stack(items).astype(np.float32)

    def features(self, batch: np.ndarray, layers: Sequence[str]) -> dict[str, np.ndarray]:
        """The outputs of the signature, averaged over positions: batch x d, float32."""
        import numpy as np

        found = self._session.run({layer: self._outputs[layer] for layer in layers}, {self._entry.tensor: batch})
        features = {}
        for layer, output in found.items():
            values = np.asarray(output, dtype=np.float32)
            features[layer] = values.mean(axis=tuple(range(1, values.ndim - 1))) if values.ndim > 2 else values
        return features

    def _empty(self) -> Any:
        import numpy as np

        if self.input_kind == "text":
            return ""
        sizes = [
            size if size > 0 else SAMPLING_RATE if self.input_kind == "audio" else _SIZE for size in self._entry.shape
        ]
        return np.zeros(sizes[1:], dtype=np.float32)


def load(card: ModelCard, files: LocalFiles) -> SavedModelBackbone:
    """The backbone of the SavedModel among the files, run by TensorFlow on the CPU.

    The graph is read without its Python objects, so that a model saved with an optimizer or layers of another
    version still loads.

    Raises:
        UnsupportedModel: there is no SavedModel, it cannot be read, or its signature has an unknown form.
        MissingExtra: TensorFlow is not installed.
    """
    folder = _folder(card, files)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with needs_extra("tensorflow", "run models of TensorFlow"):
        import tensorflow as tf
    tf.get_logger().setLevel("ERROR")
    graph = tf.Graph()
    with graph.as_default():
        session = tf.compat.v1.Session(graph=graph)
        try:
            meta = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        except (RuntimeError, ValueError, OSError, tf.errors.OpError) as error:
            raise UnsupportedModel(
                f"The SavedModel of '{card.id}' cannot be read: {type(error).__name__}.", f"Run: zoo verify {card.id}"
            ) from error
    signatures = {name: s for name, s in meta.signature_def.items() if s.inputs and s.outputs}
    signature = signatures.get("serving_default") or next(iter(signatures.values()), None)
    if signature is None:
        raise UnsupportedModel(f"The SavedModel of '{card.id}' has no signature to serve.", "Choose another version.")
    outputs = {
        name: info.name
        for name, info in sorted(signature.outputs.items())
        if info.dtype == _FLOAT and len(info.tensor_shape.dim) > 1
    }
    entry = _input(card, signature)
    if not outputs:
        raise UnsupportedModel(
            f"The SavedModel of '{card.id}' has no outputs that are vectors of numbers.", "Choose another model."
        )
    return SavedModelBackbone(card, session, entry, _default_last(outputs))


def _folder(card: ModelCard, files: LocalFiles) -> Path:
    found = [file.path for file in files.files if Path(file.path).name == FILE]
    if len(found) != 1:
        raise UnsupportedModel(
            f"'{card.id}' holds {len(found) or 'no'} files called {FILE}, so it is not one SavedModel.",
            "zoo runs models of the framework tensorFlow2 that are saved as a SavedModel.",
        )
    return files.path(found[0]).parent


def _input(card: ModelCard, signature: Any) -> _Input:
    if len(signature.inputs) == 1:
        info = next(iter(signature.inputs.values()))
        shape = tuple(int(dim.size) for dim in info.tensor_shape.dim)
        if info.dtype == _STRING and len(shape) == 1:
            return _Input(info.name, "text", shape)
        if info.dtype == _FLOAT and len(shape) == _MOST_RANK and shape[3] == 3:
            return _Input(info.name, "image", shape)
        if info.dtype == _FLOAT and (len(shape) == 2 or (len(shape) == 3 and shape[2] == 1)):
            return _Input(info.name, "audio", shape)
    raise UnsupportedModel(
        f"The SavedModel of '{card.id}' takes neither texts, nor images, nor recordings.",
        "Its signature must have one input: strings, batch x height x width x 3, or batch x samples.",
    )


def _default_last(outputs: Mapping[str, str]) -> dict[str, str]:
    """The outputs, with one that has TensorFlow Hub's name for feature vectors last."""
    preferred = [name for name in ("default", "feature_vector", "pooled_output", "embedding") if name in outputs]
    return {**{k: v for k, v in outputs.items() if k not in preferred[:1]}, **{k: outputs[k] for k in preferred[:1]}}
