"""Named entities: a linear head on each word's first token, trained here or published with the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from zoo.errors import DataError
from zoo_language.entities.spans import NamedEntities, named_entities

if TYPE_CHECKING:
    from zoo_language.text_model import TextModel

BATCH_SIZE = 32
_IGNORED = -100
_DROPOUT = 0.1


class TokenClassifier(nn.Module):
    """An encoder with a linear layer on each token; maps a batch with ``labels`` to its losses, batch x 1."""

    def __init__(self, model: nn.Module, width: int, classes: int) -> None:
        super().__init__()
        self.model, self.dropout, self.linear = model, nn.Dropout(_DROPOUT), nn.Linear(width, classes)

    def logits(self, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Batch x tokens x classes."""
        return self.linear(self.dropout(self.model(**batch).last_hidden_state))

    def forward(self, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The mean cross entropy over each sentence's words, batch x 1."""
        labels = batch["labels"]
        logits = self.logits({name: tensor for name, tensor in batch.items() if name != "labels"})
        losses = functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=_IGNORED, reduction="none")
        return (losses.sum(dim=1) / (labels != _IGNORED).sum(dim=1).clamp(min=1)).unsqueeze(1)


class TagLearner:
    """Trains and uses a token classifier; words beyond the model's maximum are not in any entity."""

    independent_losses = True

    def __init__(self, backbone: TextModel, classes: Sequence[str]) -> None:
        self.backbone, self.classes = backbone, tuple(classes)
        self.pretrained: nn.Module = backbone.module.model
        width = int(backbone.module.model.config.get_text_config().hidden_size)
        self.module = TokenClassifier(self.pretrained, width, len(self.classes)).to(backbone.device)

    def example(self, item: Any, target: Any) -> dict[str, list[int]]:
        """Token ids of one sentence, and the class of each word at its first token."""
        encoded, firsts = encode(self.backbone, item)
        known = {tag: index for index, tag in enumerate(self.classes)}
        labels = [_IGNORED] * len(encoded["input_ids"])
        for word, place in firsts.items():
            labels[place] = known[target[word]]
        return {**encoded, "labels": labels}

    def collate(self, examples: Sequence[Mapping[str, list[int]]]) -> dict[str, torch.Tensor]:
        """Padded on the right."""
        batch = self.backbone.collate([{k: v for k, v in e.items() if k != "labels"} for e in examples])
        longest = batch["input_ids"].shape[1]
        rows = [[*e["labels"], *[_IGNORED] * (longest - len(e["labels"]))] for e in examples]
        return {**batch, "labels": torch.tensor(rows)}

    def predict(self, inputs: Sequence[Any]) -> list[NamedEntities]:
        """The entities of each text."""
        return tag(self.backbone, inputs, self.module.logits, self.classes)


def tag(
    backbone: TextModel, texts: Sequence[str], logits: Callable[[Any], torch.Tensor], classes: Sequence[str]
) -> list[NamedEntities]:
    """The entities of each text, by a function that returns batch x tokens x classes."""
    answers: list[NamedEntities] = []
    for start in range(0, len(texts), BATCH_SIZE):
        part = texts[start : start + BATCH_SIZE]
        pairs = [encode(backbone, text) for text in part]
        batch = backbone.collate([encoded for encoded, _ in pairs])
        with torch.inference_mode():
            found = logits({name: tensor.to(backbone.device) for name, tensor in batch.items()}).float().softmax(dim=-1)
        scores, indices = (tensor.tolist() for tensor in found.max(dim=-1))
        for row, (text, (_, firsts)) in enumerate(zip(part, pairs, strict=True)):
            count = len(text.split())
            tags = [classes[indices[row][firsts[word]]] if word in firsts else "O" for word in range(count)]
            confidence = [scores[row][firsts[word]] if word in firsts else 0.0 for word in range(count)]
            answers.append(named_entities(text, tags, confidence))
    return answers


def encode(backbone: TextModel, text: Any) -> tuple[dict[str, list[int]], dict[int, int]]:
    """Token ids of a text cut at white space, and the place of each word's first token.

    Raises:
        DataError: it is not a text.
    """
    if not isinstance(text, str):
        raise DataError(f"'{backbone.card.id}' takes texts, not {type(text).__name__}.")
    encoded = backbone.tokenizer(
        text.split() or [""], is_split_into_words=True, truncation=True, max_length=backbone.max_tokens
    )
    firsts: dict[int, int] = {}
    for place, word in enumerate(encoded.word_ids()):
        if word is not None:
            firsts.setdefault(word, place)
    return {name: list(encoded[name]) for name in ("input_ids", "token_type_ids") if name in encoded}, firsts
