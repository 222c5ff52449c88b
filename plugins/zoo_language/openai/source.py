"""``openai:`` models behind OpenAI's API: there is nothing to download, and each use costs money."""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.config import settings
from zoo.contract.backbone import Progress
from zoo.contract.listing import ListRequest, Page
from zoo.entities import LocalFiles, ModelCard, Problem
from zoo.errors import ModelNotFound, NetworkUnavailable, SourceError, suggest
from zoo_language.openai.client import client, openai_errors
from zoo_language.openai.prices import TUNED, ChatPrices, EmbeddingModel, base_of, chat_models, embedding_models


class OpenAISource:
    """OpenAI's API, or the server in ``OPENAI_BASE_URL``."""

    name = "openai"
    title = "OpenAI API"

    def fetch(self, card: ModelCard, store: Path, progress: Progress) -> LocalFiles:
        """No files: the model is used over the network.

        Raises:
            NetworkUnavailable: zoo is offline.
        """
        if settings().offline:
            raise NetworkUnavailable(
                f"'{card.id}' is used over the network, and zoo is offline (HF_HUB_OFFLINE or ZOO_OFFLINE is set).",
                "Unset them, or choose a local model: zoo list",
            )
        return LocalFiles(store, (), card.revision)

    def locate(self, card: ModelCard) -> LocalFiles | None:
        """None: there are no files."""
        return None

    def describe(self, name: str, revision: str | None = None) -> ModelCard:
        """The card of an embedding or chat model with its prices and their source, or of a model fine-tuned from one.

        Raises:
            ModelNotFound: the tables have no model of that name; the hint names the nearest.
        """
        embedding, chat = embedding_models(), chat_models()
        if name in embedding:
            return _card(embedding[name])
        if name in chat:
            return _chat_card(chat[name])
        if name.startswith(TUNED) and base_of(name) != name:
            return _tuned_card(name)
        known = [*embedding, *chat]
        raise ModelNotFound(
            f"There is no known OpenAI model called '{name}'.",
            suggest(name, known) or f"There are: {', '.join(known)}.",
        )

    def verify(self, card: ModelCard, progress: Progress) -> Sequence[Problem]:
        """Nothing to verify: there are no files."""
        return ()

    def remove(self, card: ModelCard) -> int:
        """Raise an error: there are no files.

        Raises:
            SourceError: always.
        """
        raise SourceError(f"'{card.id}' has no files on this machine.", "Nothing needs deleting.")

    def local(self) -> Iterator[LocalFiles]:
        """None: there are no files."""
        return iter(())

    def pages(self, wanted: ListRequest, state: Mapping[str, Any], progress: Progress) -> Iterator[Page]:
        """The models of the tables; with ``OPENAI_API_KEY``, also those that the account may use, on one page."""
        known = [*map(_card, embedding_models().values()), *map(_chat_card, chat_models().values())]
        cards = {card.id: card for card in known}
        requests = 0
        if os.environ.get("OPENAI_API_KEY") and not settings().offline:
            api, requests = client(), 1
            with openai_errors("the list of models"):
                for model in api.models.list():
                    cards.setdefault(f"{self.name}:{model.id}", _listed(model))  # the tables have more details
        chosen = [card for card in cards.values() if wanted.task is None or wanted.task in card.tasks]
        if wanted.since:
            chosen = [card for card in chosen if (card.released or "") >= wanted.since[:10]]
        chosen = chosen[: wanted.limit]
        yield Page(tuple(chosen), {}, (), requests, len(chosen))


def _card(model: EmbeddingModel) -> ModelCard:
    return ModelCard(
        id=f"openai:{model.name}",
        domain="language",
        tasks=("sentence-similarity", "feature-extraction"),
        library="api",
        description=f"${model.price:g} per million tokens on {model.date}, according to {model.source}.",
        license="other",
        input={"kind": "text", "max_tokens": model.max_tokens},
        embedding_dimension=model.dimension,
        url=f"https://platform.openai.com/docs/models/{model.name}",
        tags=("api",),
    )


def _chat_card(model: ChatPrices) -> ModelCard:
    return ModelCard(
        id=f"openai:{model.name}",
        domain="language",
        tasks=("text-generation", "text-classification"),
        library="api",
        description=f"OpenAI fine-tunes it at ${model.training:g} per million tokens of training; then "
        f"${model.input:g} per million of input and ${model.output:g} of output, on {model.date}, according to "
        f"{model.source}.",
        license="other",
        input={"kind": "text"},
        url=f"https://platform.openai.com/docs/models/{model.name}",
        tags=("api", "chat"),
    )


def _tuned_card(name: str) -> ModelCard:
    return ModelCard(
        id=f"openai:{name}",
        domain="language",
        tasks=("text-generation", "text-classification"),
        library="api",
        license="other",
        input={"kind": "text"},
        base_model=f"openai:{base_of(name)}",
        tags=("api", "chat", "tuned"),
    )


def _listed(model: Any) -> ModelCard:
    created = datetime.datetime.fromtimestamp(int(model.created), datetime.timezone.utc)
    if model.id.startswith(TUNED) and base_of(model.id) != model.id:
        # Only the registry that tuned it knows its task.
        return dataclasses.replace(_tuned_card(model.id), tasks=(), released=created.date().isoformat())
    card = ModelCard(id=f"openai:{model.id}", domain="other", library="api", license="other", tags=("api",))
    return dataclasses.replace(card, released=created.date().isoformat())
