"""Embeddings from OpenAI's API as features: batched, cut to the model's length, within a cost limit."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import CostNotice, DataError, SourceError, UnsupportedModel
from zoo_language.openai.client import client, openai_errors
from zoo_language.openai.prices import Budget, embedding_models
from zoo_language.openai.tokens import encoding

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.entities import Dataset, FeatureRequest, FeatureShard, ModelCard

LAYER = "embedding"
MOST_TEXTS = 2048
"""Maximum texts per request."""

MOST_TOKENS = 300_000
"""Maximum tokens per request."""

_ENCODING = "cl100k_base"


@dataclass(frozen=True)
class CountedText:
    """A text ready to send, and an upper bound of its number of tokens."""

    text: str
    tokens: int


class OpenAIBackbone:
    """An embedding model behind the API. Its budget applies while it is loaded."""

    input_kind = "text"
    layers = (LAYER,)

    def __init__(self, card: ModelCard) -> None:
        known = embedding_models().get(card.name)
        dimension = card.embedding_dimension or (known.dimension if known else 0)
        if not dimension:
            raise UnsupportedModel(
                f"'{card.id}' is not a known embedding model.", f"Embedding models: {', '.join(embedding_models())}."
            )
        self.card, self.embedding_dimension = card, dimension
        self.budget = Budget(card.name)
        self._most = int(card.input.get("max_tokens") or (known.max_tokens if known else 8191))
        self._client = client()
        self._encoding = encoding(_ENCODING)

    def preprocess(self, item: Any) -> CountedText:
        """A text cut to the model's length; an empty one becomes a space, since the API rejects empty texts."""
        if not isinstance(item, str):
            raise DataError(f"'{self.card.id}' takes texts, not {type(item).__name__}.")
        text = item or " "
        if self._encoding is not None:
            tokens = self._encoding.encode(text, disallowed_special=())
            if len(tokens) > self._most:
                text = self._encoding.decode(tokens[: self._most], errors="ignore")
            return CountedText(text, min(len(tokens), self._most))
        data = text.encode("utf-8", "replace")[: self._most]
        return CountedText(data.decode("utf-8", "ignore"), len(data))

    def collate(self, items: Sequence[CountedText]) -> list[CountedText]:
        """The texts of a batch."""
        return list(items)

    def features(self, batch: Sequence[CountedText], layers: Sequence[str]) -> dict[str, np.ndarray]:
        """Embeddings, batch x d, float32, in as few requests as the API's limits allow.

        Raises:
            InvalidInput: a request could cost more than the limit; it is not sent.
            SourceError: one of its subclasses, with what to do.
        """
        unknown = [layer for layer in layers if layer != LAYER]
        if unknown:
            raise UnsupportedModel(f"'{self.card.id}' has no layer '{unknown[0]}'.", f"Its only layer is {LAYER}.")
        return {LAYER: np.concatenate([self._embedded(part) for part in requests_of(batch)])}

    def _embedded(self, texts: Sequence[CountedText]) -> np.ndarray:
        self.budget.check(sum(text.tokens for text in texts))
        with openai_errors(self.card.id):
            reply = self._client.embeddings.create(model=self.card.name, input=[text.text for text in texts])
        self.budget.spend(int(reply.usage.total_tokens))
        found = sorted(reply.data, key=lambda one: one.index)
        if [one.index for one in found] != list(range(len(texts))):
            raise SourceError(f"'{self.card.id}' answered {len(found)} of {len(texts)} texts.", "Try again.")
        values = np.array([one.embedding for one in found], dtype=np.float32)
        if values.shape != (len(texts), self.embedding_dimension):
            raise SourceError(
                f"'{self.card.id}' returned vectors of {values.shape[-1]} numbers instead of "
                f"{self.embedding_dimension}.",
                "Check OPENAI_BASE_URL.",
            )
        return values


def requests_of(texts: Sequence[CountedText]) -> Iterator[list[CountedText]]:
    """The texts in order, in as few requests as the API's limits on texts and tokens allow."""
    part: list[CountedText] = []
    tokens = 0
    for text in texts:
        if part and (len(part) == MOST_TEXTS or tokens + text.tokens > MOST_TOKENS):
            yield part
            part, tokens = [], 0
        part.append(text)
        tokens += text.tokens
    if part:
        yield part


def extract(
    backbone: OpenAIBackbone, dataset: Dataset, request: FeatureRequest, progress: Progress
) -> Iterator[FeatureShard]:
    """Embeddings of a data set, one shard per request; reports the cost before the first one and after the last.

    Raises:
        InvalidInput: the whole data set could cost more than the limit; nothing is sent.
    """
    from zoo.entities import FeatureShard

    texts = [backbone.preprocess(item) for item in dataset.inputs]
    tokens = sum(text.tokens for text in texts)
    budget = backbone.budget
    budget.check(tokens)
    _report(
        f"Embedding {len(texts):,} texts with {backbone.card.id}: at most {tokens:,} tokens, "
        f"${budget.cost(tokens):.4f} of ${budget.limit:.2f} allowed."
    )
    before, start = budget.spent, 0
    with progress.step(f"Embedding with {backbone.card.id}", total=len(texts)) as step:
        for part in requests_of(texts):
            found = backbone.features(part, request.layers or backbone.layers)
            step.advance(len(part))
            if start + len(part) == len(texts):
                # Before the last shard is yielded: the caller may stop after it.
                _report(f"Embedding with {backbone.card.id} cost ${budget.spent - before:.4f}.")
            yield FeatureShard(range(start, start + len(part)), found)
            start += len(part)


def load(card: ModelCard) -> OpenAIBackbone:
    """The backbone of an embedding model.

    Raises:
        UnsupportedModel: the model is not a known embedding model.
        InvalidInput: its price is not known.
        GatedModel: there is no key.
    """
    return OpenAIBackbone(card)


def _report(line: str) -> None:
    warnings.warn(line, CostNotice, stacklevel=2)
