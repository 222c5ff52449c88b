"""CLAP of transformers: recordings and texts in one embedding space (Wu et al., "Large-scale contrastive language-audio
pretraining", 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from torch import nn

from zoo.errors import InvalidInput
from zoo.kinds.classes import Labels
from zoo.loading.transformers import IGNORE, load_model, load_part, load_tokenizer
from zoo_audio.audio_backbone import CLASSIFICATION, TOP, AudioBackbone, Batch, Trunk

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

ARCHITECTURE = "ClapModel"
ZERO_SHOT = "zero-shot-audio-classification"
LAYER = "projected"
TEMPLATES = ("This is a sound of {}.", "{}.")
"""Prompt templates for a class; their vectors are averaged (section 4.2)."""

_BATCH = 16
_UNTRAINED = ("logit_scale_t", "position_ids", "relative_position_index")


class ClapTrunk(Trunk):
    """The audio tower; its layer is the unit vector that texts are compared with.

    Attributes:
        model: both towers.
    """

    layers = (LAYER,)
    spectrogram_axes = (1, 2)

    def __init__(self, model: Any, extractor: Any, tokenizer: Any) -> None:
        super().__init__()
        self.model, self._extractor, self._tokenizer = model, extractor, tokenizer
        self.embedding_dimension = int(model.config.projection_dim)
        self.sampling_rate = int(extractor.sampling_rate)
        self.longest = float(extractor.max_length_s)

    def prepare(self, wave: np.ndarray) -> torch.Tensor:
        """The spectrogram of a waveform's first ten seconds, repeated if it is shorter: channels x frames x mels."""
        values = self._extractor(wave, sampling_rate=self.sampling_rate, return_tensors="np")["input_features"][0]
        return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))

    def length(self, item: torch.Tensor) -> int:
        """The same for all."""
        return int(item.shape[1])

    def collate(self, items: Sequence[torch.Tensor]) -> Batch:
        """Spectrograms, batch x channels x frames x mels."""
        return {"values": torch.stack(list(items))}

    def at(self, batch: Batch, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Batch x d."""
        values = batch["values"]
        # Recordings longer than ten seconds have been cut, so there is nothing to fuse.
        longer = torch.zeros(len(values), 1, dtype=torch.bool, device=values.device)
        found = self.model.get_audio_features(input_features=values, is_longer=longer)
        vectors = nn.functional.normalize(_vectors(found), dim=1)
        return dict.fromkeys(layers, vectors)

    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Vectors of texts, of length 1, n x d."""
        longest = int(self.model.config.text_config.max_position_embeddings) - 2
        inputs = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=longest, return_tensors="pt"
        ).to(self.model.device)
        inputs.pop("token_type_ids", None)
        return nn.functional.normalize(_vectors(self.model.get_text_features(**inputs)), dim=1)


class ClapBackbone(AudioBackbone):
    """Embeds recordings and texts in one space."""

    module: ClapTrunk

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts in the same space, of length 1: float32, n x d."""
        with torch.inference_mode():
            parts = [self.module.texts(texts[at : at + _BATCH]).float() for at in range(0, len(texts), _BATCH)]
        found: np.ndarray = torch.cat(parts).cpu().numpy()
        return found

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> Sequence[Any] | None:
        """The most likely of the labels for each recording; None for tasks other than classification."""
        return self.zero_shot(inputs, labels) if task in {ZERO_SHOT, CLASSIFICATION} else None

    def zero_shot(self, inputs: Sequence[Any], labels: Sequence[str]) -> list[Labels]:
        """The most likely labels of each recording, best first, with their probabilities among all labels.

        Raises:
            InvalidInput: there are fewer than two labels to choose from.
        """
        if len(labels) < 2:
            raise InvalidInput(
                f"'{self.card.id}' needs at least 2 labels to choose from, but got {len(labels)}.",
                "Name them: --labels dog,rain",
            )
        words = [" ".join(label.replace("_", " ").split()) for label in labels]
        vectors = (torch.from_numpy(self.embed_texts([t.format(word) for word in words])) for t in TEMPLATES)
        names = nn.functional.normalize(sum(vectors, torch.zeros(())), dim=1)
        scale = float(self.module.model.logit_scale_a.detach().exp())
        rows: list[Labels] = []
        for start in range(0, len(inputs), _BATCH):
            batch = self.collate([self.preprocess(item) for item in inputs[start : start + _BATCH]])
            odds = (scale * self.features(batch, self.layers)[LAYER].cpu() @ names.T).softmax(dim=1)
            scores, places = odds.topk(min(TOP, len(labels)))
            for row, chosen in zip(scores.tolist(), places.tolist(), strict=True):
                rows.append(Labels.of([labels[place] for place in chosen], row))
        return rows


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> ClapBackbone:
    """The backbone of a CLAP folder.

    Raises:
        UnsupportedModel: the folder lacks weights, or is damaged.
    """
    extractor = load_part(transformers.AutoFeatureExtractor, card, files.root)
    tokenizer = load_tokenizer(card, files.root, "audio")
    model = load_model(transformers.ClapModel, card, files.root, unneeded=_UNTRAINED, unexpected=IGNORE)
    return ClapBackbone(card, ClapTrunk(model.to(device), extractor, tokenizer), device=device, dtype=dtype)


def _vectors(found: Any) -> torch.Tensor:
    """The output of a tower, wrapped or not."""
    vectors: torch.Tensor = found if isinstance(found, torch.Tensor) else found.pooler_output
    return vectors
