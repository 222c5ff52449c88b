"""Learners for speech recognition: an encoder with CTC over characters, or an encoder with a decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from zoo.errors import UnsupportedModel
from zoo.kinds.metrics.texts import spoken
from zoo_audio.masking import MasksExamples

if TYPE_CHECKING:
    from zoo_audio.transformers_trunk import TransformersBackbone

TASK = "automatic-speech-recognition"
_IGNORED = -100
"""Label that the losses of transformers ignore."""


class CtcLearner(MasksExamples):
    """Trains and uses a waveform encoder with connectionist temporal classification (Graves et al., 2006).

    A published head is kept if its characters cover the data's texts; else a new one is made for the data's own
    characters, without case and punctuation.

    Attributes:
        classes: the characters that the head predicts.
        module: maps a batch with ``labels`` to the loss of each transcript per character, batch x 1.
    """

    def __init__(self, backbone: TransformersBackbone, characters: Sequence[str]) -> None:
        self.backbone = backbone
        published = None if backbone.processor is None else _Published(backbone.processor.tokenizer)
        self._published = published if published is not None and published.writes(characters) else None
        if self._published is not None:
            self.classes = tuple(characters)
            self.pretrained: nn.Module = backbone.model
            self.module = _CtcLosses(backbone.model, None, self._published.blank)
            return
        self.classes = tuple(sorted({letter for text in characters for letter in _heard(text)}))
        self.pretrained = backbone.module.encoder
        head = nn.Linear(backbone.module.embedding_dimension, len(self.classes) + 1).to(backbone.device)
        self.module = _CtcLosses(self.pretrained, head, 0)

    def example(self, item: Any, target: Any) -> tuple[torch.Tensor, list[int]]:
        """Features of a recording, and its transcript as indices of characters."""
        encode = self._published.encode if self._published is not None else self._indices
        return self.backbone.preprocess(item), encode(str(target))

    def collate(self, examples: Sequence[tuple[torch.Tensor, list[int]]]) -> dict[str, torch.Tensor]:
        """Waveforms padded with silence, the frames of each, and the labels in a row with the number of each."""
        batch = dict(self.backbone.collate([wave for wave, _ in examples]))
        config = self.backbone.module.encoder.config
        # If spans of frames are masked in training, a batch has to be longer than one span.
        short = samples(config, int(getattr(config, "mask_time_length", 0)) + 1) - batch["values"].shape[1]
        batch["values"] = functional.pad(batch["values"], (0, max(0, short)))
        return {
            **self.backbone.network_inputs(batch),
            "frames": frames(config, batch["lengths"]),
            "labels": torch.tensor([label for _, labels in examples for label in labels], dtype=torch.long),
            "counts": torch.tensor([len(labels) for _, labels in examples]),
        }

    def predict(self, inputs: Sequence[Any]) -> list[str]:
        """The transcript of each recording, from the most likely character of each frame."""
        self.module.eval()
        if self._published is not None:
            return list(self.backbone.answer(TASK, inputs) or ())
        texts = []
        for item in inputs:
            batch = self.backbone.network_inputs(self.backbone.collate([self.backbone.preprocess(item)]))
            placed = {name: tensor.to(self.backbone.device) for name, tensor in batch.items()}
            with torch.inference_mode():
                best = self.module.logits(placed)[0].argmax(dim=-1).tolist()
            texts.append("".join(self.classes[index - 1] for index, _ in groupby(best) if index).strip())
        return texts

    def _indices(self, text: str) -> list[int]:
        places = {character: index for index, character in enumerate(self.classes, start=1)}
        return [places[character] for character in spoken(text) if character in places]


class _Published:
    """The characters of a tokenizer, in the tokenizer's case."""

    def __init__(self, tokenizer: Any) -> None:
        self._vocabulary = dict(tokenizer.get_vocab())
        self.blank = int(tokenizer.pad_token_id)
        self._space = getattr(tokenizer, "word_delimiter_token", " ")
        letters = [token for token in self._vocabulary if len(token) == 1 and token.lower() != token.upper()]
        upper = sum(token == token.upper() for token in letters)
        self._case: Callable[[str], str] = str.upper if upper > len(letters) / 2 else str.lower

    def writes(self, characters: Sequence[str]) -> bool:
        """Whether the tokenizer has all characters of the normalised texts."""
        return all(self._token(letter) in self._vocabulary for text in characters for letter in _heard(text))

    def encode(self, text: str) -> list[int]:
        """Indices of the characters of a normalised text."""
        tokens = [self._token(letter) for letter in spoken(text)]
        return [self._vocabulary[token] for token in tokens if token in self._vocabulary]

    def _token(self, letter: str) -> str:
        return self._space if letter == " " else self._case(letter)


class _CtcLosses(nn.Module):
    def __init__(self, network: nn.Module, head: nn.Module | None, blank: int) -> None:
        super().__init__()
        self.network, self.head, self._blank = network, head, blank

    def logits(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        """Batch x frames x characters."""
        found = self.network(**inputs)
        return found.logits if self.head is None else self.head(found.last_hidden_state)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Losses of recordings too short for their transcripts are 0."""
        given = dict(batch)
        heard, labels, counts = given.pop("frames"), given.pop("labels"), given.pop("counts")
        odds = self.logits(given).float().log_softmax(dim=-1).transpose(0, 1)
        losses = functional.ctc_loss(
            odds, labels, heard.clamp(max=len(odds)), counts, blank=self._blank, reduction="none", zero_infinity=True
        )
        return (losses / counts.clamp(min=1)).unsqueeze(1)


class DecoderLearner(MasksExamples):
    """Trains and uses Whisper, or another speech-to-text model, with its own tokens.

    Transcripts for a multilingual Whisper start like its own outputs: with the detected language, its task and no
        timestamps (Radford et al., "Robust speech recognition via large-scale weak supervision", 2022, section 2.3).

    Attributes:
        module: maps a batch with ``labels`` to the mean cross entropy of each transcript, batch x 1.
    """

    classes = ()
    independent_losses = True

    def __init__(self, backbone: TransformersBackbone) -> None:
        self.backbone, self.pretrained = backbone, backbone.model
        self.module = _WritingLosses(backbone.model, backbone.module.encoder.main_input_name)
        config = backbone.model.config
        self._longest = int(getattr(config, "max_target_positions", None) or config.max_position_embeddings)
        settings = getattr(backbone.model, "generation_config", None)
        self._multilingual = bool(getattr(settings, "is_multilingual", False)) and hasattr(settings, "lang_to_id")

    def example(self, item: Any, target: Any) -> tuple[torch.Tensor, list[int]]:
        """Features of a recording, and the tokens of its transcript."""
        prepared, tokenizer = self.backbone.preprocess(item), self.backbone.processor.tokenizer
        if self._multilingual:
            written = tokenizer(str(target).strip(), add_special_tokens=False)["input_ids"]
            room = self._longest - len(opening := self._opening(prepared)) - 1
            return prepared, [*opening, *written[:room], tokenizer.eos_token_id]
        tokens = tokenizer(str(target).strip())["input_ids"]
        start = self.backbone.model.config.decoder_start_token_id
        # The model itself puts its starting token before the labels.
        return prepared, tokens[tokens[0] == start : self._longest]

    def collate(self, examples: Sequence[tuple[torch.Tensor, list[int]]]) -> dict[str, torch.Tensor]:
        """Recordings, and tokens padded on the right; the padding does not count."""
        longest = max(len(tokens) for _, tokens in examples)
        rows = [[*tokens, *[_IGNORED] * (longest - len(tokens))] for _, tokens in examples]
        batch = self.backbone.network_inputs(self.backbone.collate([item for item, _ in examples]))
        return {**batch, "labels": torch.tensor(rows)}

    def predict(self, inputs: Sequence[Any]) -> list[str]:
        """The transcript of each recording."""
        self.module.eval()
        return list(self.backbone.answer(TASK, inputs) or ())

    def _opening(self, prepared: torch.Tensor) -> list[int]:
        """The tokens that the model's own transcript of a recording begins with, after the start token."""
        model, settings = self.backbone.model, self.backbone.model.generation_config
        values = prepared.unsqueeze(0).to(self.backbone.device, next(model.parameters()).dtype)
        training = model.training
        with torch.inference_mode():
            language = int(model.eval().detect_language(values)[0])
        model.train(training)
        return [language, settings.task_to_id["transcribe"], settings.no_timestamps_token_id]


class _WritingLosses(nn.Module):
    def __init__(self, network: nn.Module, name: str) -> None:
        super().__init__()
        self.network, self._name = network, name

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        labels = batch["labels"]
        logits = self.network(**batch).logits.float()
        losses = functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=_IGNORED, reduction="none")
        return (losses.sum(dim=1) / (labels != _IGNORED).sum(dim=1).clamp(min=1)).unsqueeze(1)


def learner(backbone: TransformersBackbone, task: str, classes: Sequence[str]) -> CtcLearner | DecoderLearner | None:
    """A learner for a task with structured targets; None for tasks without a head.

    Raises:
        UnsupportedModel: the encoder takes no waveforms, or its number of frames is unknown.
    """
    if task != TASK:
        return None
    if backbone.writes_text:
        return DecoderLearner(backbone)
    config = backbone.module.encoder.config
    if not hasattr(config, "conv_stride") or getattr(config, "add_adapter", False):
        raise UnsupportedModel(
            f"'{backbone.card.id}' is not a waveform encoder with a fixed frame rate, so it cannot be trained for "
            f"{task}.",
            f"Find a model that can: zoo search --task {task}",
        )
    return CtcLearner(backbone, classes)


def greedy(model: Any, processor: Any, extractor: Any, waves: Sequence[np.ndarray], device: str) -> list[str]:
    """The transcript of each waveform, from the most likely character of each frame, or token by token."""
    texts = []
    # Waveforms shorter than one frame of the convolutions are padded with silence.
    least = samples(model.config, 1) if hasattr(model.config, "conv_stride") else 0
    for heard in waves:
        wave = np.pad(heard, (0, max(0, least - len(heard))))
        inputs = extractor(wave, sampling_rate=extractor.sampling_rate, return_tensors="pt")
        values = inputs[model.main_input_name].to(device, next(model.parameters()).dtype)
        with torch.inference_mode():
            if model.can_generate():
                tokens = model.generate(**{model.main_input_name: values})
            else:
                tokens = model(**{model.main_input_name: values}).logits.argmax(dim=-1)
        texts += processor.batch_decode(tokens, skip_special_tokens=True)
    return [text.strip() for text in texts]


def frames(config: Any, lengths: torch.Tensor) -> torch.Tensor:
    """Number of frames that an encoder's convolutions make of waveforms, from its configuration."""
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        lengths = torch.div(lengths - kernel, stride, rounding_mode="floor") + 1
    return lengths.clamp(min=1)


def samples(config: Any, wanted: int) -> int:
    """Minimum length of a waveform for this number of frames."""
    for kernel, stride in zip(reversed(config.conv_kernel), reversed(config.conv_stride), strict=True):
        wanted = (wanted - 1) * stride + kernel
    return wanted


def _heard(text: str) -> str:
    """A character or text, normalised, with its white space."""
    return spoken(text) or (" " if text.isspace() else "")
