"""Search: words, filters, sorting and paging, all of it answered by indexed SQL."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zoo.entities import BenchmarkScore, Entity, ModelCard
from zoo.errors import InvalidInput, suggest

_WORD = re.compile(r"\w+", re.UNICODE)

_PROMINENCE = """
0.1 * min((SELECT count(*) FROM scores s WHERE s.model_key = m.key), 20) + 0.25 * length(coalesce(m.downloads, ''))
"""
"""How well known a model is: of those that words fit equally well, people look for the ones that others measured."""

SORTS = {
    "downloads": ("coalesce(m.downloads, -1)", True),
    "likes": ("coalesce(m.likes, -1)", True),
    "parameters": ("coalesce(m.parameters, -1)", True),
    "size": ("coalesce(m.bytes, -1)", True),
    "released": ("coalesce(m.released, '')", True),
    "name": ("m.id", False),
    "relevance": (f"bm25(models_fts, 8.0, 4.0, 1.0, 1.0, 1.0) - {_PROMINENCE}", False),
}
"""What can be sorted by: the SQL, and whether large comes first. ``score:BENCHMARK`` is one more."""

MISSING = {"downloads": -1, "likes": -1, "parameters": -1, "size": -1, "released": ""}


@dataclass(frozen=True)
class SearchQuery(Entity):
    """What to look for.

    A model whose parameters or size are unknown is not within a limit on them.

    Attributes:
        words: each must begin a word of the id, architecture, tasks, tags or description.
        license: SPDX id, without case.
        language: ISO 639-1 code.
        min_scores: (benchmark, value) pairs; a benchmark is a data set, or ``DATASET/METRIC``. For a metric where
            lower is better the value is an upper limit.
        sort: one of ``SORTS`` or ``score:BENCHMARK``; None takes relevance with words and downloads without.
        reverse: the other way round.
        limit: models a page; None for all.
        after: the ``next`` of the page before.
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

    @classmethod
    def of(cls, words: str = "", **filters: Any) -> SearchQuery:
        """The query of these filters.

        Raises:
            InvalidInput: a filter that does not exist, a limit below one, or an unknown sort.
        """
        scores = filters.get("min_scores") or ()
        filters["min_scores"] = tuple(scores.items() if isinstance(scores, dict) else (tuple(s) for s in scores))
        query = cls.from_dict({"words": words, **filters})
        if query.limit is not None and query.limit < 1:
            raise InvalidInput(f"A page holds at least one model, not {query.limit}.")
        if query.sort and query.sort not in SORTS and not query.sort.startswith("score:"):
            known = [*SORTS, "score:BENCHMARK"]
            raise InvalidInput(
                f"Models cannot be sorted by '{query.sort}'.", suggest(query.sort, known) or f"By: {', '.join(known)}."
            )
        return query

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """The benchmarks that it names."""
        sorting = [self.order.removeprefix("score:")] if self.order.startswith("score:") else []
        return tuple(dict.fromkeys([*(name for name, _ in self.min_scores), *sorting]))

    @property
    def order(self) -> str:
        """What the answer is sorted by in the end."""
        matched = match_expression(self.words) is not None
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
    """

    total: int
    models: tuple[SearchHit, ...] = field(default=())
    next: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """What ``zoo search --json`` prints."""
        return {"total": self.total, "models": [hit.to_dict() for hit in self.models], "next": self.next}

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


@dataclass(frozen=True)
class Statement:
    """SQL with its parameters."""

    sql: str
    parameters: Sequence[Any]


def counting(query: SearchQuery) -> Statement:
    """How many models match; sorted by a score, those that have one."""
    tables, conditions, parameters = _conditions(query)
    if query.order.startswith("score:"):
        expression, _, more = _score_order(query.order.removeprefix("score:"))
        conditions.append(f"{expression} IS NOT NULL")
        parameters = [*parameters, *more]
    return Statement(f"SELECT count(*) FROM {tables} WHERE {' AND '.join(conditions) or '1'}", parameters)


def paging(query: SearchQuery) -> Statement:
    """The rows of one page and one more, which tells whether there is a next; column ``sort_value`` sorts them."""
    tables, conditions, parameters = _conditions(query)
    order = query.order
    if order.startswith("score:"):
        expression, descending, more = _score_order(order.removeprefix("score:"))
        parameters = [*more, *parameters]
    else:
        expression, descending = SORTS[order]
    if query.reverse:
        descending = not descending
    sql = f"SELECT m.*, {expression} AS sort_value FROM {tables} WHERE {' AND '.join(conditions) or '1'}"
    # bm25 may stand beside MATCH only, and a sub-query as a sort key should be computed once: both in an inner query.
    sql = f"SELECT * FROM ({sql}) AS m" if order == "relevance" or order.startswith("score:") else sql
    key = "sort_value" if order == "relevance" or order.startswith("score:") else expression
    if order.startswith("score:"):
        sql += " WHERE sort_value IS NOT NULL"
    if query.after is not None:
        value, last = _opened(query)
        joint = "WHERE" if "WHERE" not in sql.rpartition(")")[2] and order == "relevance" else "AND"
        comparison = "<" if descending else ">"
        sql += f" {joint} ({key} {comparison} ? OR ({key} = ? AND m.id > ?))"
        parameters = [*parameters, value, value, last]
    sql += f" ORDER BY {key} {'DESC' if descending else 'ASC'}, m.id"
    if query.limit is not None:
        sql += " LIMIT ?"
        parameters = [*parameters, query.limit + 1]
    return Statement(sql, parameters)


def cursor(query: SearchQuery, value: Any, last: str) -> str:
    """What ``after`` takes to go on behind a model."""
    document = json.dumps([query.order, query.reverse, value, last], ensure_ascii=False)
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def _opened(query: SearchQuery) -> tuple[Any, str]:
    try:
        padded = (query.after or "") + "=" * (-len(query.after or "") % 4)
        order, reverse, value, last = json.loads(base64.urlsafe_b64decode(padded.encode()))
    except (ValueError, UnicodeError) as error:
        raise InvalidInput(f"'{query.after}' is not a place to go on from.", "Copy it from the page before.") from error
    if (order, reverse) != (query.order, query.reverse) or not isinstance(last, str):
        raise InvalidInput(f"That page was sorted by {order}, this one by {query.order}.", "Keep --sort as it was.")
    return value, last


def _conditions(query: SearchQuery) -> tuple[str, list[str], list[Any]]:
    found = list(_parts(query))
    match = match_expression(query.words)
    if match is None:
        return "models m", [sql for sql, _ in found], [value for _, values in found for value in values]
    tables = "models_fts JOIN models m ON m.key = models_fts.rowid"
    return (
        tables,
        ["models_fts MATCH ?", *(sql for sql, _ in found)],
        [match, *(value for _, values in found for value in values)],
    )


def match_expression(words: str) -> str | None:
    """The FTS5 expression for words that must each begin a word; None where there are none."""
    found = _WORD.findall(words.replace("_", " "))
    return " ".join(f'"{word}"*' for word in found) or None


def _parts(query: SearchQuery) -> Iterator[tuple[str, list[Any]]]:
    for column in ("domain", "source", "library"):
        value = getattr(query, column)
        if value is not None:
            yield f"m.{column} = ?", [value]
    if query.license is not None:
        yield "m.license = ? COLLATE NOCASE", [query.license]
    if query.max_parameters is not None:
        yield "m.parameters <= ?", [query.max_parameters]
    if query.max_bytes is not None:
        yield "m.bytes <= ?", [query.max_bytes]
    if query.task is not None:
        yield "m.key IN (SELECT model_key FROM model_tasks WHERE task = ?)", [query.task]
    if query.language is not None:
        yield "m.key IN (SELECT model_key FROM model_languages WHERE language = ?)", [query.language]
    for benchmark, value in query.min_scores:
        if not math.isfinite(value):
            raise InvalidInput(f"The least score on {benchmark} is {value}; it must be finite.")
        condition, parameters = _benchmark(benchmark)
        yield (
            (
                "m.key IN (SELECT s.model_key FROM benchmarks b JOIN scores s ON s.benchmark_key = b.key "
                f"WHERE {condition} AND CASE b.higher_is_better WHEN 1 THEN s.value >= ? ELSE s.value <= ? END)"
            ),
            [*parameters, value, value],
        )


def _benchmark(name: str) -> tuple[str, list[str]]:
    """A data set, which means its most used metric, or DATASET/METRIC; names may hold slashes themselves."""
    main = (
        "b.metric = (SELECT o.metric FROM benchmarks o JOIN scores p ON p.benchmark_key = o.key "
        "WHERE o.dataset = ? COLLATE NOCASE GROUP BY o.metric ORDER BY count(*) DESC, o.metric LIMIT 1)"
    )
    whole = f"(b.dataset = ? COLLATE NOCASE AND {main})"
    dataset, slash, metric = name.rpartition("/")
    if slash and dataset and metric:
        either = f"({whole} OR (b.dataset = ? COLLATE NOCASE AND b.metric = ? COLLATE NOCASE))"
        return either, [name, name, dataset, metric]
    return whole, [name, name]


def _score_order(benchmark: str) -> tuple[str, bool, list[Any]]:
    condition, parameters = _benchmark(benchmark)
    best = (
        "(SELECT max(CASE b.higher_is_better WHEN 1 THEN s.value ELSE -s.value END) FROM benchmarks b "
        f"JOIN scores s ON s.benchmark_key = b.key AND s.model_key = m.key WHERE {condition})"
    )
    return best, True, list(parameters)


def best_scores(benchmark: str, keys: Sequence[int]) -> Statement:
    """The best figure on a benchmark of each of these models that has one: ``model_key`` and ``value``."""
    condition, parameters = _benchmark(benchmark)
    return Statement(
        "SELECT s.model_key, CASE b.higher_is_better WHEN 1 THEN max(s.value) ELSE min(s.value) END AS value "
        "FROM benchmarks b JOIN scores s ON s.benchmark_key = b.key "
        f"WHERE {condition} AND s.model_key IN ({','.join('?' * len(keys))}) GROUP BY s.model_key",
        [*parameters, *keys],
    )


def without_paging(query: SearchQuery) -> SearchQuery:
    """The same query, all models at once."""
    return dataclasses.replace(query, limit=None, after=None)
