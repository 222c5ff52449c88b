"""openai-whisper's own checkpoints: features of the encoder, and transcripts.

A ``.pt`` file holds ``dims`` and ``model_state_dict`` (Radford et al., "Robust speech recognition via large-scale weak
supervision", 2022); it is read without running any pickled code.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import UnsupportedModel, needs_extra
from zoo.loading.dtypes import require_float32

with needs_extra("whisper", "run openai-whisper's models"):
    import numpy as np
    import torch
    import whisper
    from torch import nn
    from torch.nn import functional

from zoo_audio.audio_backbone import RECOGNITION, AudioBackbone, Batch, Trunk
from zoo_audio.masking import MasksExamples

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

_FRAMES_PER_POSITION = 2
"""The encoder's second convolution halves the number of frames."""


class WhisperTrunk(Trunk):
    """Whisper's encoder; its layers are its blocks, averaged over the sound in the 30-second window."""

    sampling_rate = 16_000
    spectrogram_axes = (1, 0)

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.encoder = model.encoder
        self._mels = int(model.dims.n_mels)
        self._positions = int(model.dims.n_audio_ctx)
        self.longest = self._positions * _FRAMES_PER_POSITION * whisper.audio.HOP_LENGTH / self.sampling_rate
        self.layers = tuple(f"layer{number}.mean" for number in range(1, int(model.dims.n_audio_layer) + 1))
        self.embedding_dimension = int(model.dims.n_audio_state)

    def prepare(self, wave: np.ndarray) -> torch.Tensor:
        """The log-mel spectrogram of a waveform padded with silence, and the number of encoder positions with sound."""
        frames = self._positions * _FRAMES_PER_POSITION
        padded = whisper.pad_or_trim(torch.from_numpy(np.ascontiguousarray(wave)), frames * whisper.audio.HOP_LENGTH)
        mel = whisper.log_mel_spectrogram(padded, n_mels=self._mels)
        heard = -(-len(wave) // (whisper.audio.HOP_LENGTH * _FRAMES_PER_POSITION))
        # The number of positions with sound is stored in a column of its own.
        marks = torch.full((self._mels, 1), float(min(max(heard, 1), self._positions)))
        return torch.cat([mel, marks], dim=1)

    def masked(self, item: torch.Tensor, strength: str, generator: np.random.Generator) -> torch.Tensor:
        """The spectrogram masked, without the column of its own."""
        return torch.cat([super().masked(item[:, :-1], strength, generator), item[:, -1:]], dim=1)

    def length(self, item: torch.Tensor) -> int:
        """The same for all: Whisper's input is always 30 seconds."""
        return int(item.shape[1])

    def collate(self, items: Sequence[torch.Tensor]) -> Batch:
        """Spectrograms, batch x mels x frames, and the number of positions with sound."""
        stacked = torch.stack(list(items))
        return {"mel": stacked[:, :, :-1], "heard": stacked[:, 0, -1].long()}

    def at(self, batch: Batch, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """The means of each block over the positions with sound, each batch x d; the last with the final norm."""
        found: dict[str, torch.Tensor] = {}
        inside = torch.arange(self._positions, device=batch["mel"].device) < batch["heard"][:, None]
        hooks = [
            block.register_forward_hook(_keep(found, f"layer{number}.mean", inside))
            for number, block in enumerate(self.encoder.blocks, start=1)
        ]
        try:
            last = self.encoder(batch["mel"])
        finally:
            for hook in hooks:
                hook.remove()
        found[self.layers[-1]] = _mean(last, inside)
        return {layer: found[layer] for layer in layers}


class WhisperBackbone(AudioBackbone):
    """The encoder for features, and the whole model for transcripts."""

    def __init__(self, card: ModelCard, model: Any, *, device: str, dtype: str) -> None:
        require_float32(card, dtype)
        super().__init__(
            card, WhisperTrunk(model), device=device, dtype=dtype, transcribe=lambda waves: transcribed(model, waves)
        )
        self.model = model

    def learner(self, task: str, classes: Sequence[str]) -> WhisperLearner | None:
        """A learner for speech recognition that trains the whole model; None for other tasks."""
        return WhisperLearner(self) if task == RECOGNITION else None


class WhisperLearner(MasksExamples):
    """Trains and uses a Whisper model with its own tokens.

    Attributes:
        module: maps a batch with ``tokens`` to the mean cross entropy of each transcript, batch x 1.
    """

    classes = ()

    def __init__(self, backbone: WhisperBackbone) -> None:
        self.backbone, self.pretrained = backbone, backbone.model
        self.module = _Losses(backbone.model)
        model = backbone.model
        self._tokenizer = whisper.tokenizer.get_tokenizer(
            model.is_multilingual, num_languages=model.num_languages, language="en", task="transcribe"
        )

    def example(self, item: Any, target: Any) -> tuple[torch.Tensor, list[int]]:
        """A recording's spectrogram, and the tokens of its transcript, with Whisper's start and end tokens."""
        tokens = [
            *self._tokenizer.sot_sequence_including_notimestamps,
            *self._tokenizer.encode(f" {str(target).strip()}"),
            self._tokenizer.eot,
        ]
        return self.backbone.preprocess(item), tokens[: self.backbone.model.dims.n_text_ctx]

    def collate(self, examples: Sequence[tuple[torch.Tensor, list[int]]]) -> dict[str, torch.Tensor]:
        """Spectrograms, tokens padded on the right, and a mask of those that count, after the start tokens."""
        longest = max(len(tokens) for _, tokens in examples)
        start = len(self._tokenizer.sot_sequence_including_notimestamps)
        rows = [[*tokens, *[self._tokenizer.eot] * (longest - len(tokens))] for _, tokens in examples]
        counted = [[start <= at < len(tokens) for at in range(longest)] for _, tokens in examples]
        batch = self.backbone.collate([item for item, _ in examples])
        return {"mel": batch["mel"], "tokens": torch.tensor(rows), "counted": torch.tensor(counted)}

    def predict(self, inputs: Sequence[Any]) -> list[str]:
        """The transcript of each recording."""
        self.module.eval()
        return list(self.backbone.answer(RECOGNITION, inputs) or ())


class _Losses(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> torch.Tensor:
        logits = self.model(batch["mel"], batch["tokens"][:, :-1])
        counted = batch["counted"][:, 1:]
        losses = functional.cross_entropy(logits.transpose(1, 2), batch["tokens"][:, 1:], reduction="none")
        return ((losses * counted).sum(dim=1) / counted.sum(dim=1)).unsqueeze(1)


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> AudioBackbone:
    """The backbone of a Whisper checkpoint, with its decoder.

    Raises:
        UnsupportedModel: the file is damaged, is not a checkpoint of openai-whisper, or lacks a tensor.
    """
    path = files.path(weights_of(files))
    try:
        stored: Any = torch.load(path, map_location="cpu", weights_only=True)
        model = whisper.model.Whisper(whisper.model.ModelDimensions(**stored["dims"]))
        model.load_state_dict(stored["model_state_dict"])
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise UnsupportedModel(
            f"'{card.id}' is not a checkpoint of openai-whisper: {reason}.", f"Run: zoo verify {card.id}"
        ) from error
    model = model.float().to(device).eval()
    return WhisperBackbone(card, model, device=device, dtype=dtype)


def transcribed(model: Any, waves: Sequence[np.ndarray]) -> list[str]:
    """The transcript of each waveform of at most 30 seconds, by Whisper's own greedy decoding."""
    options = whisper.DecodingOptions(
        fp16=False, without_timestamps=True, language=None if model.is_multilingual else "en"
    )
    texts = []
    for wave in waves:
        padded = whisper.pad_or_trim(torch.from_numpy(np.ascontiguousarray(wave)), model.dims.n_audio_ctx * 320)
        mel = whisper.log_mel_spectrogram(padded, n_mels=model.dims.n_mels).to(model.device)
        texts.append(whisper.decode(model, mel, options).text.strip())
    return texts


def weights_of(files: LocalFiles) -> str:
    """The one ``.pt`` file of a model.

    Raises:
        UnsupportedModel: there is none, or there are several.
    """
    named = [file.path for file in files.files if file.path.endswith(".pt")]
    found = named or sorted(path.name for path in files.root.glob("*.pt"))
    if len(found) != 1:
        raise UnsupportedModel(f"{files.root} has {len(found)} weight files (.pt); exactly one is needed.")
    return found[0]


def _keep(found: dict[str, torch.Tensor], name: str, inside: torch.Tensor) -> Any:
    return lambda block, arguments, output: found.__setitem__(name, _mean(output, inside))


def _mean(states: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    weights = inside.to(states.dtype).unsqueeze(-1)
    return (states * weights).sum(dim=1) / weights.sum(dim=1)
