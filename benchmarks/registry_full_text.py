"""Compares the registry's sets of words with SQLite's FTS5: build time, size, and search times of the workload.

    python benchmarks/registry_full_text.py [--models 200000] [--folder DIR] [--json results.json]

The same synthetic Hub is indexed in separate files: by FTS5 with unicode61 words and with trigrams, each without a copy
of the text, and by zoo, once with all of its sets (words, prefixes, and those for filters, ranges and totals) and once
with those of words only. The searches are those of ``registry_workload.py`` that have words. Each returns the number of
matching models and the first twenty, by relevance or by downloads; with FTS5, those with a task join a table of tasks.
Trigrams match inside words, so they find more, but no words of fewer than three letters.
"""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from registry_workload import workload

from zoo.registry import Registry, SearchQuery, creating
from zoo.registry.database.statements import Statements
from zoo.registry.index.membership import Membership
from zoo.registry.writing import encoding
from zoo.registry.writing.items import BATCH
from zoo.registry.writing.transaction import writing

HERE = Path(__file__).parent
FIELDS = "id, architecture, tasks, tags, description"
TOKENIZERS = {
    "FTS5 unicode61": "prefix = '2 3 4', tokenize = 'unicode61 remove_diacritics 2'",
    "FTS5 trigram": "tokenize = 'trigram'",
}
ORDERS = {"relevance": "bm25(words, 8.0, 4.0, 1.0, 1.0, 1.0)", "downloads": "m.downloads DESC, m.key"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", type=int, default=200_000)
    parser.add_argument("--folder", type=Path, help="keep the registry in this folder and reuse an existing one")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"r{options.models}.db"
        if not path.exists():
            command = [sys.executable, str(HERE / "registry_import.py"), str(path), str(options.models)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        report = {
            "machine": f"{platform.machine()}, SQLite {sqlite3.sqlite_version}",
            "models": options.models,
            "indexes": measure(path, Path(temporary)),
        }
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def measure(path: Path, folder: Path) -> dict[str, Any]:
    """Seconds, bytes, milliseconds and totals of every index."""
    registry = Registry(path)
    asked = [filters for kind, filters in workload(1000, seed=2) if kind in {"words", "words and filter"}]
    found: dict[str, Any] = {"zoo's sets": sets_alone(registry, folder / "sets.db")}
    found["zoo's sets"]["bytes_of_words"] = bytes_of_words(path, folder / "words.db")
    totals = {}
    for order in ORDERS:
        taken, totals[order] = timed(
            asked,
            lambda filters, order=order: (
                registry.search(
                    SearchQuery(exact=True, **filters, **({} if order == "relevance" else {"sort": order}))
                ).total
            ),
        )
        found["zoo's sets"][order] = taken
    for name, options in TOKENIZERS.items():
        beside = folder / f"{name}.db"
        found[name] = full_text(path, beside, options)
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        connection.execute("PRAGMA mmap_size = 4294967296")
        connection.execute("ATTACH ? AS beside", [str(beside)])
        for order, by in ORDERS.items():
            taken, counted = timed(asked, lambda filters, by=by: matching(connection, filters, by))  # noqa: B023
            found[name][order] = taken
            found[name]["other_totals"] = sum(a != b for a, b in zip(counted, totals[order], strict=True))
        connection.close()
    found["searches"] = len(asked)
    return found


def sets_alone(registry: Registry, target: Path) -> dict[str, float]:
    """Build time of all sets, without reading the cards, and their file."""
    creating.create(target, empty=True)
    seconds, key = 0.0, 1
    cards = registry.cards()
    with writing(target) as session:
        statements = Statements(session.connection())
        membership = Membership(statements.run, statements.ask)
        while batch := list(islice(cards, BATCH)):
            columns = encoding.columns_of(batch)
            started = time.perf_counter()
            membership.add_new(range(key, key + len(batch)), columns)
            seconds += time.perf_counter() - started
            key += len(batch)
        started = time.perf_counter()
        membership.write()
    return {"seconds": seconds + time.perf_counter() - started, "bytes": float(compacted(target))}


def bytes_of_words(path: Path, target: Path) -> int:
    """The size of a file with only the sets of words and prefixes."""
    connection = sqlite3.connect(target)
    connection.execute("ATTACH ? AS registry", [str(path)])
    (sql,) = connection.execute("SELECT sql FROM registry.sqlite_master WHERE name = 'sets'").fetchone()
    connection.execute(sql)
    kinds = "kind IN ('word', 'prefix') ORDER BY kind, value, chunk"
    connection.execute(f"INSERT INTO sets SELECT * FROM registry.sets WHERE {kinds}")
    connection.commit()
    connection.close()
    return compacted(target)


def full_text(path: Path, target: Path, options: str) -> dict[str, float]:
    """Build time of an FTS5 index and a table of tasks, without reading the cards, and the file of the index."""
    source = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection = sqlite3.connect(target)
    connection.execute("PRAGMA cache_size = -98304")
    connection.execute(f"CREATE VIRTUAL TABLE words USING fts5 ({FIELDS}, content = '', {options})")
    seconds = 0.0
    read = source.execute(f"SELECT key, {FIELDS} FROM models ORDER BY key")
    while batch := read.fetchmany(BATCH):
        started = time.perf_counter()
        connection.executemany(f"INSERT INTO words (rowid, {FIELDS}) VALUES (?, ?, ?, ?, ?, ?)", batch)
        seconds += time.perf_counter() - started
    started = time.perf_counter()
    connection.execute("INSERT INTO words (words) VALUES ('optimize')")
    connection.commit()
    seconds += time.perf_counter() - started
    connection.close()
    size = compacted(target)
    connection = sqlite3.connect(target)
    connection.execute("CREATE TABLE tasks (value TEXT, key INTEGER, PRIMARY KEY (value, key)) WITHOUT ROWID")
    connection.execute("ATTACH ? AS registry", [str(path)])
    connection.execute(
        "INSERT OR IGNORE INTO tasks SELECT j.value, m.key FROM registry.models m, json_each(m.tasks) j ORDER BY 1, 2"
    )
    connection.commit()
    connection.close()
    return {"seconds": seconds, "bytes": float(size)}


def compacted(path: Path) -> int:
    """The size of a file after VACUUM."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.stat().st_size


def matching(connection: sqlite3.Connection, filters: dict[str, Any], order: str) -> int:
    """The number of matching models; the rows of the first twenty are read."""
    match = " ".join(f'"{word}"*' for word in SearchQuery(**filters).wanted.prefixes)
    where, values = "words MATCH ?", [match]
    if "task" in filters:
        where += " AND m.key IN (SELECT key FROM beside.tasks WHERE value = ?)"
        values.append(filters["task"])
    tables = "beside.words JOIN models m ON m.key = words.rowid"
    counting = tables if "task" in filters else "beside.words"
    total = int(connection.execute(f"SELECT count(*) FROM {counting} WHERE {where}", values).fetchone()[0])
    connection.execute(f"SELECT m.* FROM {tables} WHERE {where} ORDER BY {order} LIMIT 20", values).fetchall()
    return total


def timed(asked: list[dict[str, Any]], answer: Callable[[dict[str, Any]], int]) -> tuple[dict[str, float], list[int]]:
    """Milliseconds (median and 95th percentile) of the second run of each search, and the totals."""
    taken, totals = [], []
    for filters in asked:
        answer(filters)
    for filters in asked:
        started = time.perf_counter()
        totals.append(answer(filters))
        taken.append((time.perf_counter() - started) * 1000)
    taken.sort()
    return {"p50": statistics.median(taken), "p95": taken[len(taken) * 95 // 100]}, totals


def show(report: dict[str, Any]) -> None:
    """Print the table."""
    indexes = report["indexes"]
    searches = indexes.pop("searches")
    print(f"{report['models']:,} cards, {searches} searches with words; {report['machine']}")
    print(f"{'':16} {'build':>9} {'bytes/card':>13} {'relevance p50, p95':>22} {'downloads p50, p95':>22}")
    for name, found in indexes.items():
        cells = [f"{found['seconds']:.1f} s", f"{found['bytes'] / report['models']:.0f}"]
        cells += [f"{found[order]['p50']:.1f}, {found[order]['p95']:.1f} ms" for order in ORDERS]
        print(f"{name:16} {cells[0]:>9} {cells[1]:>13} {cells[2]:>22} {cells[3]:>22}")
    words = indexes["zoo's sets"]["bytes_of_words"] / report["models"]
    print(f"zoo's sets of words and prefixes take {words:.0f} bytes per card.")
    for name in TOKENIZERS:
        print(f"{name} finds a different number of models in {indexes[name]['other_totals']} of {searches} searches.")
    indexes["searches"] = searches


if __name__ == "__main__":
    main()
