"""MusicGen of transformers: music from text, and its training on recordings with descriptions.

Copet et al., "Simple and controllable music generation", 2023: a decoder generates the codes of EnCodec, each codebook
one step later than the one before (section 2.1).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from torch import nn
from torch.nn import functional

from zoo.errors import DataError, UnsupportedModel
from zoo.kinds.audio import Recording
from zoo.loading.dtypes import require_float32
from zoo.loading.transformers import IGNORE, load_model, load_tokenizer
from zoo_audio.answering import AnsweringBackbone, as_text

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

TASK = "text-to-audio"
ARCHITECTURE = "MusicgenForConditionalGeneration"
SECONDS = 8.0
"""Default length of a piece."""

LONGEST_SECONDS = 30.0
"""Training recordings are cut at this length."""

UNTOLD = 0.2
"""Fraction of the pieces that are trained on without text, for classifier-free guidance (section 3.2)."""

_IGNORED = -100
_SEED = 0


class MusicBackbone(AnsweringBackbone):
    """Generates music from text.

    Attributes:
        model: the whole network: text encoder, decoder, and EnCodec.
    """

    task = TASK
    learning_rate = 1e-4

    def __init__(self, card: ModelCard, model: Any, tokenizer: Any, device: str) -> None:
        super().__init__(card, "text", device)
        self.model, self._tokenizer = model.to(device).eval(), tokenizer
        codec = model.config.audio_encoder
        self.rate, self.frame_rate = int(codec.sampling_rate), float(codec.frame_rate)
        self.codebooks, self.padding = int(model.decoder.num_codebooks), int(model.config.decoder.pad_token_id)

    def outputs(self, inputs: Sequence[Any], frames: int | None = None) -> list[Recording]:
        """A piece for each description, sampled with a fixed seed, whatever else is in the same call.

        A description that occurs several times gets as many pieces, the same ones in each call.

        Args:
            frames: length in frames of EnCodec; None takes eight seconds, or what the model was trained for.

        Raises:
            DataError: a description is empty, or not a text.
        """
        longest = int(self.model.config.decoder.max_position_embeddings) - self.codebooks
        count = min(frames or round(SECONDS * self.frame_rate), longest)
        pieces: list[Recording] = []
        asked = [as_text(self.card, text) for text in inputs]
        composed: Counter[str] = Counter()
        with torch.random.fork_rng(), torch.inference_mode():
            for text in asked:
                torch.manual_seed(_SEED + composed[text])
                composed[text] += 1
                # Each codebook is one step later, so the last needs a few more steps.
                found = self.model.generate(
                    **self.read([text]), do_sample=True, max_new_tokens=count + self.codebooks - 1
                )
                wave = found[0].float().mean(dim=0).cpu().numpy()
                pieces.append(Recording(wave.clip(-1, 1).astype(np.float32), self.rate))
        return pieces

    def learner(self, task: str, classes: Sequence[str]) -> MusicLearner | None:
        """A learner for music generation; None for other tasks."""
        return MusicLearner(self) if task == TASK else None

    def read(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Tokens of descriptions, padded, on the model's device.

        Raises:
            DataError: one is empty.
        """
        if not all(text.strip() for text in texts):
            raise DataError("The description is empty.", "Describe the music.")
        found = self._tokenizer(list(texts), padding=True, return_tensors="pt").to(self.device)
        return {"input_ids": found["input_ids"], "attention_mask": found["attention_mask"]}

    def codes(self, recording: Any) -> torch.Tensor:
        """EnCodec's codes of a recording, frames x codebooks."""
        wave = torch.from_numpy(recording.at(self.rate)[: int(LONGEST_SECONDS * self.rate)].copy())
        # One frame at least.
        wave = functional.pad(wave, (0, max(0, math.ceil(self.rate / self.frame_rate) - len(wave))))
        with torch.inference_mode():
            found = self.model.audio_encoder.encode(wave.to(self.device).reshape(1, 1, -1)).audio_codes
        if found.shape[0] != 1 or found.shape[2] != self.codebooks:
            raise UnsupportedModel(
                f"'{self.card.id}' generates {self.codebooks} codebooks, but its EnCodec returns {found.shape[2]} in "
                f"{found.shape[0]} pieces, so it cannot be trained."
            )
        return found[0, 0].T.cpu().clone()


class MusicLearner:
    """Trains MusicGen by the cross entropy of the codes; EnCodec stays as it is.

    Attributes:
        module: maps a batch to the mean loss of each piece's codes, batch x 1.
    """

    classes = ()

    def __init__(self, backbone: MusicBackbone) -> None:
        if int(getattr(backbone.model.config.decoder, "audio_channels", 1)) != 1:
            raise UnsupportedModel(f"'{backbone.card.id}' is stereo; only models with one channel can be trained.")
        self.backbone, self.pretrained = backbone, backbone.model
        self.module = _CodeLosses(backbone.model, backbone.padding)

    def example(self, item: Any, target: Any) -> tuple[str, torch.Tensor]:
        """A description, and the codes of its recording, each codebook one step later than the one before.

        Raises:
            DataError: there is no recording.
        """
        if target.recording is None:
            raise DataError(
                "A music model is trained on recordings, and the data have none.",
                "Name their column with --target-column.",
            )
        return target.text, delayed(self.backbone.codes(target.recording), self.backbone.padding)

    def collate(self, examples: Sequence[tuple[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        """Tokens, and codes padded at the end; the padding does not count."""
        codes = [rows for _, rows in examples]
        return {
            **self.backbone.read([text for text, _ in examples]),
            "codes": nn.utils.rnn.pad_sequence(codes, batch_first=True, padding_value=self.backbone.padding),
            "frames": torch.tensor([len(rows) - self.backbone.codebooks + 1 for rows in codes]),
        }

    def predict(self, inputs: Sequence[Any]) -> list[Recording]:
        """A piece for each description, of the mean length of the training recordings."""
        self.module.eval()
        return self.backbone.outputs(inputs, self.module.mean_frames())


class _CodeLosses(nn.Module):
    lengths: torch.Tensor

    def __init__(self, network: nn.Module, padding: int) -> None:
        super().__init__()
        self.network, self._padding = network, padding
        self.register_buffer("lengths", torch.zeros(2, dtype=torch.int64))

    def mean_frames(self) -> int | None:
        """The mean length of the training recordings; None before training."""
        total, count = self.lengths.tolist()
        return round(total / count) if count else None

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        codes, mask = batch["codes"].transpose(1, 2), batch["attention_mask"]
        if self.training:
            self.lengths += torch.stack([batch["frames"].sum(), torch.tensor(len(codes), device=codes.device)])
            told = torch.rand(len(codes), 1, device=mask.device) >= UNTOLD
            mask = mask * told
        start = torch.full_like(codes[:, :, :1], self._padding)
        given = torch.cat([start, codes[:, :, :-1]], dim=2)
        logits = self.network(
            input_ids=batch["input_ids"], attention_mask=mask, decoder_input_ids=given.reshape(-1, given.shape[2])
        ).logits.float()
        counted = codes != self._padding
        labels = codes.masked_fill(~counted, _IGNORED).reshape(-1, codes.shape[2])
        losses = functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=_IGNORED, reduction="none")
        return (losses.reshape(codes.shape).sum(dim=(1, 2)) / counted.sum(dim=(1, 2)).clamp(min=1)).unsqueeze(1)


def delayed(codes: torch.Tensor, padding: int) -> torch.Tensor:
    """Codes, frames x codebooks, with codebook k delayed by k steps: frames + codebooks - 1 x codebooks."""
    frames, codebooks = codes.shape
    moved = torch.full((frames + codebooks - 1, codebooks), padding, dtype=codes.dtype)
    for number in range(codebooks):
        moved[number : number + frames, number] = codes[:, number]
    return moved


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> MusicBackbone:
    """The backbone of a MusicGen folder.

    Raises:
        UnsupportedModel: the folder lacks weights, or is damaged.
        UnsupportedPrecision: a precision other than float32 is requested.
    """
    require_float32(card, dtype, "composes")
    tokenizer = load_tokenizer(card, files.root, "audio")
    kind = transformers.MusicgenForConditionalGeneration
    model = load_model(kind, card, files.root, unneeded=("embed_positions",), unexpected=IGNORE)
    return MusicBackbone(card, model, tokenizer, device)
