"""Extractive question answering: predicts the start and end of the answer (Devlin et al., BERT, 2019, 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from zoo.errors import DataError
from zoo.kinds.answers import Answer
from zoo_language.answers.questions import Question

if TYPE_CHECKING:
    from zoo_language.text_model import TextModel

STRIDE = 128
"""Tokens by which two windows over a long text overlap."""

LONGEST_ANSWER = 30
"""Maximum tokens of an answer."""


class SpanFinder(nn.Module):
    """An encoder with two scores per token; maps a batch with ``positions`` to its losses, batch x 1."""

    def __init__(self, model: nn.Module, width: int) -> None:
        super().__init__()
        self.model, self.linear = model, nn.Linear(width, 2)

    def logits(self, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Batch x tokens x 2: scores of the start and the end of the answer."""
        return self.linear(self.model(**batch).last_hidden_state)

    def forward(self, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The mean cross entropy of both ends, batch x 1."""
        positions = batch["positions"]
        logits = self.logits({name: tensor for name, tensor in batch.items() if name != "positions"})
        masked = logits.float().masked_fill(batch["attention_mask"].unsqueeze(-1) == 0, -1e4)
        losses = [functional.cross_entropy(masked[..., end], positions[:, end], reduction="none") for end in (0, 1)]
        return ((losses[0] + losses[1]) / 2).unsqueeze(1)


class AnswerLearner:
    """Trains and uses a span finder; reads long texts in overlapping windows."""

    independent_losses = True

    def __init__(self, backbone: TextModel) -> None:
        self.backbone, self.classes = backbone, ()
        self.pretrained: nn.Module = backbone.module.model
        width = int(backbone.module.model.config.get_text_config().hidden_size)
        self.module = SpanFinder(self.pretrained, width).to(backbone.device)

    def example(self, item: Any, target: Any) -> dict[str, Any]:
        """The first window that contains the first known answer, and the answer's tokens; else the first window."""
        start = item.context.index(target[0])
        end = start + len(target[0])
        windows = encode(self.backbone, item)
        for tokens, places in windows:
            inside = [(at, place) for at, place in enumerate(places) if place and place[0] < end and place[1] > start]
            if inside and inside[0][1][0] <= start and inside[-1][1][1] >= end:
                return {**tokens, "positions": [inside[0][0], inside[-1][0]]}
        return {**windows[0][0], "positions": [0, 0]}

    def collate(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Padded on the right."""
        batch = self.backbone.collate([{k: v for k, v in e.items() if k != "positions"} for e in examples])
        return {**batch, "positions": torch.tensor([e["positions"] for e in examples])}

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """The most likely answer to each question."""
        return [find(self.backbone, item, self.module.logits) for item in inputs]


def find(backbone: TextModel, item: Any, logits: Callable[[Any], torch.Tensor]) -> Answer:
    """The most likely answer over all windows, by a function that returns batch x tokens x 2."""
    best = Answer("", 0.0, 0, 0)
    highest = -float("inf")
    for tokens, places in encode(backbone, item):
        batch = {name: tensor.to(backbone.device) for name, tensor in backbone.collate([tokens]).items()}
        with torch.inference_mode():
            ends = logits(batch)[0].float()
        outside = torch.tensor([place is None for place in places], device=ends.device)
        if bool(outside.all()):
            continue
        first, last = (ends[:, end].masked_fill(outside, -1e4) for end in (0, 1))
        scores = first[:, None] + last[None, :]
        allowed = torch.ones_like(scores).triu() - torch.ones_like(scores).triu(LONGEST_ANSWER)
        scores = scores.masked_fill(allowed == 0, -1e9)
        value, place = scores.flatten().max(dim=0)
        if value.item() > highest:
            highest = value.item()
            begin, stop = divmod(int(place), len(places))
            probability = first.softmax(dim=0)[begin] * last.softmax(dim=0)[stop]
            start, end = places[begin][0], places[stop][1]  # type: ignore[index]
            best = Answer(item.context[start:end], float(probability), start, end)
    return best


def encode(backbone: TextModel, item: Any) -> list[tuple[dict[str, list[int]], list[tuple[int, int] | None]]]:
    """Windows over question and text: token ids, and for each token of the text its characters.

    Raises:
        DataError: it is not a question with a text.
    """
    if not isinstance(item, Question):
        raise DataError(f"'{backbone.card.id}' takes a question with a text, not {type(item).__name__}.")
    longest = backbone.max_tokens
    encoded = backbone.tokenizer(
        " ".join(item.question.split()[: longest // 4]),
        item.context,
        truncation="only_second",
        max_length=longest,
        stride=min(STRIDE, longest // 4),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    windows = []
    for number in range(len(encoded["input_ids"])):
        tokens = {name: list(encoded[name][number]) for name in ("input_ids", "token_type_ids") if name in encoded}
        owners = encoded.sequence_ids(number)
        offsets = encoded["offset_mapping"][number]
        places = [tuple(offset) if owner == 1 else None for owner, offset in zip(owners, offsets, strict=True)]
        windows.append((tokens, places))
    return windows
