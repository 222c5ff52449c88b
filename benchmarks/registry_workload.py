"""The searches of ``benchmarks/registry.py``, and the same ones in hand-written SQL.

The hand-written SQL joins the registry's tables with typical additions: indexed tables of tasks, tags, languages and
other values, and a full-text index (FTS5), built in a separate file.
"""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

from synthetic_hub import FAMILIES, LANGUAGES, LIBRARIES, LICENSES, TASKS, WORDS

from zoo.registry import SearchQuery

SORTS = ("downloads", "likes", "parameters", "size")
COLUMNS = {"size": "bytes"}
PLAIN = ("words", "words and filter", "filter", "filters", "range", "sort", "tag", "score")
WEIGHTS = (25, 15, 20, 10, 12, 8, 5, 5)
LINKS = {"task": "tasks", "tag": "tags", "language": "languages"}
VALUES = ("domain", "library", "license", "source")


def workload(count: int, seed: int) -> list[tuple[str, dict[str, Any]]]:
    """Kinds and filters of a mix of searches."""
    r = random.Random(seed)
    return [(kind, _filters(r, kind)) for kind in r.choices(PLAIN, WEIGHTS, k=count)]


def _filters(r: random.Random, kind: str) -> dict[str, Any]:
    tasks = {task: weight for some in TASKS.values() for task, weight in some.items()}
    families = [family for some in FAMILIES.values() for family in some]

    def task() -> str:
        return r.choices(list(tasks), list(tasks.values()))[0]

    def word() -> str:
        return r.choice((r.choice(families), r.choice(WORDS), r.choice(WORDS)[:4]))

    if kind == "words":
        return {"words": " ".join(word() for _ in range(r.choice((1, 1, 2))))}
    if kind == "words and filter":
        return {"words": word(), "task": task()}
    if kind == "filter":
        return {"task": task(), "sort": r.choice(SORTS)}
    if kind == "filters":
        known = [license for license in LICENSES if license]
        some = {"library": r.choice(list(LIBRARIES)), "license": r.choice(known), "language": r.choice(LANGUAGES[:12])}
        return {"task": task(), **dict(r.sample(list(some.items()), 2)), "sort": r.choice(SORTS)}
    if kind == "range":
        low = r.choice((None, 10**7, 10**9))
        return {
            "min_parameters": low,
            "max_parameters": (low or 10**7) * r.choice((3, 10, 100)),
            "task": task(),
            "sort": r.choice(SORTS),
            "min_downloads": r.choice((None, 100)),
        }
    if kind == "sort":
        return {"sort": r.choice(SORTS)}
    if kind == "tag":
        return {"tag": (r.choice([family.lower() for family in families]),), "library": r.choice(list(LIBRARIES))}
    dataset = f"{r.choice(WORDS)}_{r.randrange(8)}"
    if r.random() < 0.5:
        return {"min_score": {f"{dataset}/accuracy": 0.8}, "sort": r.choice(SORTS)}
    return {"sort": f"score:{dataset}/f1", "task": task()}


def add_tables(registry: Path, beside: Path, *, full_text: bool) -> None:
    """Create the tables for the hand-written SQL."""
    connection = sqlite3.connect(beside)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -262144")
    connection.execute("ATTACH ? AS registry", [f"{registry}"])
    columns = "kind TEXT, value TEXT, model_key INTEGER, PRIMARY KEY (kind, value, model_key)"
    connection.execute(f"CREATE TABLE links ({columns}) WITHOUT ROWID")
    for kind, column in LINKS.items():
        connection.execute(
            f"INSERT OR IGNORE INTO links SELECT ?, j.value, m.key FROM registry.models m, json_each(m.{column}) j "
            f"WHERE m.{column} IS NOT NULL ORDER BY 1, 2, 3",
            [kind],
        )
    for column in VALUES:
        connection.execute(
            f"INSERT INTO links SELECT ?, {column}, key FROM registry.models "
            f"WHERE {column} IS NOT NULL ORDER BY 1, 2, 3",
            [column],
        )
    connection.execute(
        "CREATE VIRTUAL TABLE words USING fts5 (id, architecture, tasks, tags, description, "
        "content = '', prefix = '2 3 4', tokenize = 'unicode61 remove_diacritics 2')"
    )
    if full_text:
        columns = "id, architecture, tasks, tags, description"
        connection.execute(
            f"INSERT INTO words (rowid, {columns}) SELECT key, {columns} FROM registry.models ORDER BY key"
        )
        connection.execute("INSERT INTO words (words) VALUES ('optimize')")
    connection.execute("ANALYZE links")
    connection.commit()
    connection.close()


class ByHand:
    """Searches in SQL, over one connection."""

    def __init__(self, registry: Path, beside: Path) -> None:
        self.connection = sqlite3.connect(f"file:{registry}?mode=ro", uri=True)
        self.connection.execute("PRAGMA cache_size = -65536")
        self.connection.execute("PRAGMA mmap_size = 4294967296")
        self.connection.execute("ATTACH ? AS beside", [str(beside)])

    def search(self, filters: dict[str, Any], limit: int = 20) -> tuple[int, list[tuple[Any, ...]], list[Any]]:
        """The number of matching models, the rows of the first ones, and their scores."""
        query = SearchQuery(**filters)
        tables, conditions, parameters, order = self._parts(query)
        where = " AND ".join(conditions) or "1"
        ask = self.connection.execute
        total = ask(f"SELECT count(*) FROM {tables} WHERE {where}", parameters).fetchone()[0]
        found = ask(f"SELECT m.* FROM {tables} WHERE {where} ORDER BY {order} LIMIT {limit}", parameters).fetchall()
        marks = ",".join("?" * len(found))
        scores = ask(
            "SELECT s.model_key, b.task, b.dataset, b.split, b.metric, b.higher_is_better, s.value, s.origin, "
            "c.source, s.date FROM scores s JOIN benchmarks b ON b.key = s.benchmark_key "
            "JOIN citations c ON c.key = s.citation_key "
            f"WHERE s.model_key IN ({marks})",
            [row[0] for row in found],
        ).fetchall()
        return total, found, scores

    def _parts(self, query: SearchQuery) -> tuple[str, list[str], list[Any], str]:
        tables, conditions, parameters = "models m", [], []
        column = COLUMNS.get(query.order, query.order)
        order = f"m.{column} DESC, m.key"
        linked = [(kind, getattr(query, kind)) for kind in ("task", "language", *VALUES) if getattr(query, kind)]
        for kind, value in [*linked, *(("tag", tag) for tag in query.tag)]:
            conditions.append("m.key IN (SELECT model_key FROM beside.links WHERE kind = ? AND value = ?)")
            parameters += [kind, value]
        for name, low, high in (
            ("parameters", query.min_parameters, query.max_parameters),
            ("downloads", query.min_downloads, query.max_downloads),
        ):
            if low is not None or high is not None:
                conditions.append(f"m.{name} BETWEEN ? AND ?")
                parameters += [low or 0, 2**62 if high is None else high]
        for name, least in query.min_score.items():
            conditions.append(
                "m.key IN (SELECT model_key FROM scores s JOIN benchmarks b ON b.key = s.benchmark_key "
                "WHERE b.dataset = ? AND b.metric = ? AND s.value >= ?)"
            )
            parameters += [*name.split("/"), least]
        if query.order.startswith("score:"):
            tables += " JOIN scores o ON o.model_key = m.key JOIN benchmarks p ON p.key = o.benchmark_key"
            conditions.append("p.dataset = ? AND p.metric = ?")
            parameters += query.order.removeprefix("score:").split("/")
            order = "o.value DESC, m.key"
        if query.wanted:
            tables = "beside.words JOIN models m ON m.key = words.rowid"
            conditions.insert(0, "words MATCH ?")
            parameters.insert(0, " ".join(f'"{word}"*' for word in query.wanted.prefixes))
            order = "bm25(words, 8.0, 4.0, 1.0, 1.0, 1.0)"
        return tables, conditions, parameters, order
