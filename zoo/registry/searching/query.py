"""Queries, and the pages that a search returns."""

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
"""Sort keys, and whether large values come first; ``score:BENCHMARK`` is valid as well."""

RANGES = {
    "parameters": "parameters",
    "size": "bytes",
    "downloads": "downloads",
    "likes": "likes",
    "dimension": "embedding_dimension",
}
"""Numbers with a ``min_`` and a ``max_`` filter, with the name of the column."""


@dataclass(frozen=True)
class SearchQuery(Entity):
    """Words, filters and order of a search.

    A model whose number is unknown does not match a limit on it, and comes last where it is sorted by.

    Attributes:
        words: each must be the prefix of a word of the id, architecture, tasks, tags or description; words in double
            quotes are a phrase, which must occur exactly.
        license: SPDX id, in any case.
        language: ISO 639-1 code.
        tag: the model must have all of these tags.
        gated: whether models whose terms must be accepted are the only ones, or excluded; None for both.
        fits: bytes of memory that running the model must fit into, as ``zoo.registry.index.memory`` estimates it.
        max_size, min_size: limits of the size of the model's files, in bytes.
        max_dimension, min_dimension: limits of the number of features.
        released_after, released_before: dates, years, or years and months; both inclusive.
        min_score: lower limits by benchmark: a data set, ``DATASET/SPLIT``, ``DATASET/METRIC`` or
            ``DATASET/SPLIT/METRIC``. For a metric where lower is better the value is an upper limit.
        sort: one of ``SORTS`` or ``score:BENCHMARK``; None sorts by relevance with words, by downloads without.
        reverse: sort in the opposite order.
        limit: models per page; None for all.
        after: cursor, the ``next`` of the previous page.
        facets: count the values of the models that match.
        exact: do not look for similar words if nothing matches.

    Raises:
        InvalidInput: a limit below one, an unknown sort, an infinite score, or an invalid date.
    """

    words: str = ""
    domain: str | None = None
    task: str | None = None
    license: str | None = None
    max_parameters: int | None = None
    min_parameters: int | None = None
    max_size: int | None = None
    min_size: int | None = None
    fits: int | None = None
    max_downloads: int | None = None
    min_downloads: int | None = None
    max_likes: int | None = None
    min_likes: int | None = None
    max_dimension: int | None = None
    min_dimension: int | None = None
    released_after: str | None = None
    released_before: str | None = None
    tag: tuple[str, ...] = ()
    gated: bool | None = None
    language: str | None = None
    source: str | None = None
    library: str | None = None
    min_score: Mapping[str, float] = field(default_factory=dict)
    sort: str | None = None
    reverse: bool = False
    limit: int | None = 20
    after: str | None = None
    facets: bool = False
    exact: bool = False

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise InvalidInput(f"limit is {self.limit}; a page holds at least one model.")
        if self.sort and self.sort not in SORTS and not self.sort.startswith("score:"):
            known = [*SORTS, "score:BENCHMARK"]
            raise InvalidInput(
                f"Models cannot be sorted by '{self.sort}'.",
                suggest(self.sort, known) or f"Choose one of: {', '.join(known)}.",
            )
        for benchmark, value in self.min_score.items():
            if not math.isfinite(value):
                raise InvalidInput(f"The minimum score on {benchmark} is {value}; it must be finite.")
        for date in (self.released_after, self.released_before):
            if date is not None and day(date) is None:
                raise InvalidInput(f"'{date}' is not a date.", "Write 2024, 2024-05 or 2024-05-31.")

    @property
    def wanted(self) -> Wanted:
        """The words, parsed."""
        return Wanted.of(self.words)

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """The benchmarks that the query names."""
        sorting = [self.order.removeprefix("score:")] if self.order.startswith("score:") else []
        return tuple(dict.fromkeys([*self.min_score, *sorting]))

    @property
    def order(self) -> str:
        """The sort key that applies."""
        matched = bool(self.wanted)
        chosen = self.sort or ("relevance" if matched else "downloads")
        return "downloads" if chosen == "relevance" and not matched else chosen


@dataclass(frozen=True)
class SearchHit:
    """A model that matches, with its scores.

    Attributes:
        requested: its best score on each benchmark of the query, by the query's name for it.
    """

    card: ModelCard
    scores: tuple[BenchmarkScore, ...] = ()
    requested: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """One model of ``zoo search --json``."""
        card = self.card
        names = ("id", "domain", "tasks", "architecture", "parameters", "bytes", "license", "source", "downloads")
        values = {name: getattr(card, name) for name in names}
        scores = [{k: v for k, v in score.to_dict().items() if k != "model"} for score in self.scores]
        return {**values, "tasks": list(card.tasks), "scores": scores}


@dataclass(frozen=True)
class SearchPage:
    """One page of the models that match.

    Attributes:
        total: number of models that match, on all pages.
        next: cursor for ``after`` to get the next page; None on the last page.
        exact: whether ``total`` is exact; a phrase of very frequent words is only looked for among the most downloaded
            models.
        instead: the similar words that were searched for, if nothing matched the words themselves.
        facets: number of matching models by value, the most frequent first, if the query asks for facets.
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
        """The models as a pandas ``DataFrame``, one row per model."""
        from zoo.errors import needs_extra

        with needs_extra("notebook", "make a data frame"):
            import pandas as pd
        return pd.DataFrame([hit.to_dict() for hit in self.models])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(h.card.id)}</td><td>{html.escape(', '.join(h.card.tasks))}</td>"
            f"<td>{h.card.parameters or ''}</td><td>{html.escape(h.card.license or '')}</td></tr>"
            for h in self.models
        )
        return f"<table><tr><th>model<th>tasks<th>parameters<th>licence</tr>{rows}</table><p>{self.total} models</p>"
