"""The backbone of audio models: a trunk that prepares recordings and turns batches of them into features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, needs_extra
from zoo.kinds.audio import Recording
from zoo.kinds.classes import Labels

with needs_extra("audio", "run audio models"):
    import numpy as np
    import torch
    from torch import nn

from zoo.loading.dtypes import float_dtype
from zoo.loading.heads import with_head
from zoo_audio import masking

if TYPE_CHECKING:
    from zoo.entities import ModelCard

CLASSIFICATION, RECOGNITION = "audio-classification", "automatic-speech-recognition"
TOP = 5
_BATCH = 16
Batch = Mapping[str, torch.Tensor]


class Trunk(nn.Module):
    """A network without its classifier.

    Attributes:
        layers: names from input to output; the last is the default.
        embedding_dimension: length of the last layer's vector.
        sampling_rate: the rate that ``prepare`` takes.
        longest: maximum seconds of a recording that are used.
        spectrogram_axes: the axes of time and of frequencies of what ``prepare`` returns; None for waveforms.
    """

    layers: tuple[str, ...]
    embedding_dimension: int
    sampling_rate: int = 16_000
    longest: float = 30.0
    spectrogram_axes: tuple[int, int] | None = None

    def prepare(self, wave: np.ndarray) -> Any:
        """The network's input for a waveform, float32, at the trunk's sampling rate."""
        raise TypeError(f"{type(self).__name__} prepares nothing.")

    def masked(self, item: Any, strength: str, generator: np.random.Generator) -> Any:
        """A prepared recording, its spectrogram masked at random; a waveform as it is."""
        axes = self.spectrogram_axes
        return item if axes is None else masking.masked(item, axes, strength, generator)

    def length(self, item: Any) -> int:
        """Length of a prepared recording, for batches of similar length."""
        raise TypeError(f"{type(self).__name__} has no lengths.")

    def collate(self, items: Sequence[Any]) -> Batch:
        """Prepared recordings as one batch of tensors."""
        raise TypeError(f"{type(self).__name__} makes no batches.")

    def at(self, batch: Batch, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Features of several layers from one forward pass, each batch x its own d."""
        raise TypeError(f"{type(self).__name__} has no feature layers.")

    def trained(self, batch: Batch) -> torch.Tensor:
        """The input of a new head, batch x d: the last layer."""
        return self.at(batch, self.layers[-1:])[self.layers[-1]]


class AudioBackbone:
    """Turns recordings into features.

    Attributes:
        card: its model card.
        layers: the trunk's; the last is the default.
        module: the trunk. ``head`` builds on this module, so training changes this backbone.
    """

    input_kind = "audio"

    def __init__(
        self,
        card: ModelCard,
        trunk: Trunk,
        *,
        device: str,
        dtype: str,
        classify: Callable[[Batch], torch.Tensor] | None = None,
        classes: Sequence[str] = (),
        transcribe: Callable[[Sequence[np.ndarray]], list[str]] | None = None,
    ) -> None:
        self.card, self.device = card, device
        self.module = trunk.to(device=device, dtype=float_dtype(dtype)).eval()
        self.layers, self.embedding_dimension = trunk.layers, trunk.embedding_dimension
        self._classify, self._classes, self._transcribe = classify, tuple(classes), transcribe

    def preprocess(self, item: Any) -> Any:
        """The network's input for one ``zoo.kinds.audio.Recording``, cut to the maximum length.

        Raises:
            DataError: it is not a recording.
        """
        return self.module.prepare(self._wave(item))

    def length(self, item: Any) -> int:
        """Length of a prepared recording, for batches of similar length."""
        return self.module.length(item)

    @property
    def augmentations(self) -> Mapping[str, str]:
        """What ``augment`` does, by strength; nothing for waveforms."""
        return {} if self.module.spectrogram_axes is None else masking.DESCRIBED

    def augment(self, prepared: torch.Tensor, strength: str, generator: np.random.Generator) -> torch.Tensor:
        """A prepared recording whose spectrogram is masked; waveforms stay as they are."""
        return self.module.masked(prepared, strength, generator)

    def collate(self, items: Sequence[Any]) -> Batch:
        """Prepared recordings as one batch."""
        return self.module.collate(items)

    def features(self, batch: Batch, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Layer name to float32 features, batch x d."""
        with torch.inference_mode():
            found = self.module.at(self._placed(batch), layers)
        return {layer: found[layer].float() for layer in layers}

    def head(self, task: Any, classes: int) -> nn.Module:
        """The trunk with a new linear layer of ``classes`` outputs on top (1 for numbers), all of it trainable.

        Raises:
            InvalidInput: fewer than one output.
        """
        return with_head(
            self.module,
            self.embedding_dimension,
            classes,
            task=task,
            device=self.device,
            features=lambda trunk, batch: trunk.trained(batch),
            names=("trunk", "head"),
        )

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> Sequence[Any] | None:
        """Classes or transcripts from the published head; None without one for the task."""
        if task == CLASSIFICATION and self._classify is not None:
            return self._classified(inputs, self._classify)
        if task == RECOGNITION and self._transcribe is not None:
            return self._transcribe([self._wave(item) for item in inputs])
        return None

    def _classified(self, inputs: Sequence[Any], classify: Callable[[Batch], torch.Tensor]) -> list[Labels]:
        """The most likely classes of each recording, best first."""
        rows: list[Labels] = []
        for start in range(0, len(inputs), _BATCH):
            batch = self._placed(self.collate([self.preprocess(item) for item in inputs[start : start + _BATCH]]))
            with torch.inference_mode():
                scores, indices = classify(batch).float().softmax(dim=1).topk(min(TOP, len(self._classes)))
            for row, places in zip(scores.tolist(), indices.tolist(), strict=True):
                rows.append(Labels.of([self._classes[place] for place in places], row))
        return rows

    def _wave(self, item: Any) -> np.ndarray:
        if not isinstance(item, Recording):
            raise DataError(f"'{self.card.id}' takes recordings, not {type(item).__name__}.")
        wave: np.ndarray = item.at(self.module.sampling_rate)
        if not len(wave):
            # A sample or two at a high rate are less than one at a lower rate.
            wave = np.zeros(1, dtype=np.float32)
        return wave[: int(self.module.longest * self.module.sampling_rate)]

    def _placed(self, batch: Batch) -> dict[str, torch.Tensor]:
        dtype = next(self.module.parameters()).dtype
        return {
            name: tensor.to(self.device, dtype if tensor.is_floating_point() else None, non_blocking=True)
            for name, tensor in batch.items()
        }


def mean_by_owner(rows: torch.Tensor, owner: torch.Tensor) -> torch.Tensor:
    """The mean of the rows of each owner: rows x d and the owners' numbers from 0, to owners x d."""
    count = int(owner.max()) + 1
    total = torch.zeros(count, rows.shape[1], dtype=rows.dtype, device=rows.device).index_add_(0, owner, rows)
    return total / torch.bincount(owner, minlength=count).to(rows.dtype).unsqueeze(1)
