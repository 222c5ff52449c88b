"""What can be searched for, and what a search gives."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.entities import BenchmarkScore, Entity, ModelCard
from zoo.errors import InvalidInput, suggest
from zoo.registry.index.numbers import day
from zoo.registry.index.words import Wanted

SORTS = {
    "downloads": True,
    "likes": True,
    "parameters": True,
    "size": True,
    "memory": True,
    "released": True,
    "name": False,
    "relevance": True,
}
"""What can be sorted by, and whether large comes first. ``score:BENCHMARK`` is one more."""

RANGES = {
    "parameters": "parameters",
    "bytes": "bytes",
    "downloads": "downloads",
    "likes": "likes",
    "dimension": "embedding_dimension",
}
"""What has a ``min_`` and a ``max_`` filter, with the name of its column."""


@dataclass(frozen=True)
class SearchQuery(Entity):
    """What to look for.

    A model whose number is unknown is not within a limit on it, and comes last where it is sorted by.

    Attributes:
        words: each must begin a word of the id, architecture, tasks, tags or description; words in double quotes are a
            phrase, which must stand there as it is.
        license: SPDX id, without case.
        language: ISO 639-1 code.
        tags: each must be a tag of the model.
        fits: bytes of memory that running the model must fit into; ``zoo.registry.index.memory`` tells the estimate.
        released_after, released_before: dates, or years, or years and months; both inclusive.
        min_scores: (benchmark, value) pairs; a benchmark is a data set, ``DATASET/SPLIT``, ``DATASET/METRIC`` or
            ``DATASET/SPLIT/METRIC``. For a metric where lower is better the value is an upper limit.
        sort: one of ``SORTS`` or ``score:BENCHMARK``; None takes relevance with words and downloads without.
        reverse: the other way round.
        limit: models a page; None for all.
        after: the ``next`` of the page before.
        facets: whether to count the values of the models that match.
        fuzzy: whether to look for similar words where nothing matches.
    """

    words: str = ""
    domain: str | None = None
    task: str | None = None
    license: str | None = None
    max_parameters: int | None = None
    max_bytes: int | None = None
    language: str | None = None
    source: str | None = None
    library: str | None = None
    min_scores: tuple[tuple[str, float], ...] = ()
    sort: str | None = None
    reverse: bool = False
    limit: int | None = 20
    after: str | None = None
    tags: tuple[str, ...] = ()
    gated: bool | None = None
    fits: int | None = None
    min_parameters: int | None = None
    min_bytes: int | None = None
    min_downloads: int | None = None
    max_downloads: int | None = None
    min_likes: int | None = None
    max_likes: int | None = None
    min_dimension: int | None = None
    max_dimension: int | None = None
    released_after: str | None = None
    released_before: str | None = None
    facets: bool = False
    fuzzy: bool = True

    @classmethod
    def of(cls, words: str = "", **filters: Any) -> SearchQuery:
        """The query of these filters.

        Raises:
            InvalidInput: a filter that does not exist, a limit below one, or an unknown sort.
        """
        scores = filters.get("min_scores") or ()
        filters["min_scores"] = tuple(scores.items() if isinstance(scores, dict) else (tuple(s) for s in scores))
        filters["tags"] = tuple(filters.get("tags") or ())
        query = cls.from_dict({"words": words, **filters})
        if query.limit is not None and query.limit < 1:
            raise InvalidInput(f"A page holds at least one model, not {query.limit}.")
        if query.sort and query.sort not in SORTS and not query.sort.startswith("score:"):
            known = [*SORTS, "score:BENCHMARK"]
            raise InvalidInput(
                f"Models cannot be sorted by '{query.sort}'.", suggest(query.sort, known) or f"By: {', '.join(known)}."
            )
        for benchmark, value in query.min_scores:
            if not math.isfinite(value):
                raise InvalidInput(f"The least score on {benchmark} is {value}; it must be finite.")
        for date in (query.released_after, query.released_before):
            if date is not None and day(date) is None:
                raise InvalidInput(f"'{date}' is no date.", "Write 2024, 2024-05 or 2024-05-31.")
        return query

    @property
    def wanted(self) -> Wanted:
        """The words, taken apart."""
        return Wanted.of(self.words)

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """The benchmarks that it names."""
        sorting = [self.order.removeprefix("score:")] if self.order.startswith("score:") else []
        return tuple(dict.fromkeys([*(name for name, _ in self.min_scores), *sorting]))

    @property
    def order(self) -> str:
        """What the answer is sorted by in the end."""
        matched = bool(self.wanted)
        chosen = self.sort or ("relevance" if matched else "downloads")
        return "downloads" if chosen == "relevance" and not matched else chosen


@dataclass(frozen=True)
class SearchHit:
    """A model that was found, with its scores.

    Attributes:
        sought: its best figures on the benchmarks that the query names, as the query names them.
    """

    card: ModelCard
    scores: tuple[BenchmarkScore, ...] = ()
    sought: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The shape of one model in ``zoo search --json``."""
        card = self.card
        names = ("id", "domain", "tasks", "architecture", "parameters", "bytes", "license", "source", "downloads")
        values = {name: getattr(card, name) for name in names}
        scores = [{k: v for k, v in score.to_dict().items() if k != "model"} for score in self.scores]
        return {**values, "tasks": list(card.tasks), "scores": scores}


@dataclass(frozen=True)
class SearchPage:
    """One page of an answer.

    Attributes:
        total: how many models match, on all pages.
        next: what ``after`` takes for the next page; None on the last one.
        exact: whether ``total`` is exact; a phrase of words that very many models have is looked for among the most
            downloaded of them.
        instead: where nothing matched the words, those that were looked for instead.
        facets: counts of the models that match by value, the most frequent first, where the query asks for facets.
    """

    total: int
    models: tuple[SearchHit, ...] = field(default=())
    next: str | None = None
    exact: bool = True
    instead: str | None = None
    facets: Mapping[str, Mapping[str, int]] | None = None

    def to_dict(self) -> dict[str, Any]:
        """What ``zoo search --json`` prints."""
        document = {"total": self.total, "models": [hit.to_dict() for hit in self.models], "next": self.next}
        if not self.exact:
            document["total_is_a_lower_bound"] = True
        if self.instead is not None:
            document["instead"] = self.instead
        if self.facets is not None:
            document["facets"] = {name: dict(counts) for name, counts in self.facets.items()}
        return document

    def to_frame(self) -> Any:
        """The models as a pandas ``DataFrame``, one row each."""
        from zoo.errors import needs_extra

        with needs_extra("notebook", "make a table for a notebook"):
            import pandas as pd
        return pd.DataFrame([hit.to_dict() for hit in self.models])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(h.card.id)}</td><td>{html.escape(', '.join(h.card.tasks))}</td>"
            f"<td>{h.card.parameters or ''}</td><td>{html.escape(h.card.license or '')}</td></tr>"
            for h in self.models
        )
        return f"<table><tr><th>model<th>tasks<th>parameters<th>licence</tr>{rows}</table><p>{self.total} models</p>"
