"""Counts what a registry holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.registry.database import schema
from zoo.registry.database.connection import Reader
from zoo.registry.database.location import Location
from zoo.registry.index.sets import BENCHMARK, Sets


def statistics(location: Location, connection: Reader, sets: Sets) -> dict[str, Any]:
    """The number of models by domain, task, source, licence and library, and of scores, measurements and runs."""

    def count(table: str) -> int:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def by(kind: str) -> dict[str, int]:
        return dict(sorted(sets.values(kind).items(), key=lambda item: (-item[1], item[0])))

    scored = 0
    for key in sets.values(BENCHMARK):
        scored |= sets.one(BENCHMARK, key)
    return {
        "path": str(location),
        "bytes": _bytes(location, connection),
        "models": sets.all().bit_count(),
        "models_with_score": scored.bit_count(),
        "scores": count("scores"),
        "benchmarks": count("benchmarks"),
        "measurements": count("measurements"),
        "runs": count("runs"),
        "domains": by("domain"),
        "tasks": by("task"),
        "sources": by("source"),
        "licenses": by("license"),
        "libraries": by("library"),
    }


def _bytes(location: Location, connection: Reader) -> int:
    if isinstance(location, Path):
        return location.stat().st_size
    sizes = " + ".join(f"pg_total_relation_size('{table}')" for table in schema.TABLES)
    return int(connection.execute(f"SELECT {sizes}").fetchone()[0])
