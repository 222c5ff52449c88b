"""Checks a registry for damage and inconsistencies."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.entities import ModelCard
from zoo.errors import ZooError
from zoo.registry.database import audit_triggers, schema
from zoo.registry.database.connection import Reader, reading, streamed
from zoo.registry.database.decoding import card_of
from zoo.registry.database.location import Location
from zoo.registry.index.numbers import day
from zoo.registry.writing.checking_derived import derived_problems
from zoo.registry.writing.validation import checked

MOST = 20
"""Maximum number of problems of one kind that are reported."""


def check(location: Location) -> list[str]:
    """The problems of a registry, in sentences; empty if there are none.

    Raises:
        RegistryError: it is not a registry, was written by a newer zoo, or its server cannot be reached.
    """
    with reading(location) as connection:
        schema.must_be_newest(connection, location)
        problems = list(_pages(connection)) if isinstance(location, Path) else []
        problems = problems or list(_tables(connection))
        if not problems:
            problems = [*_references(connection), *_sources(connection), *_cards(connection)]
    return problems or list(derived_problems(location))


def _pages(connection: Reader) -> Iterator[str]:
    try:
        for (line,) in connection.execute(f"PRAGMA integrity_check({MOST})"):
            if line != "ok":
                yield f"SQLite's integrity check reports: {line}."
    except sqlite3.DatabaseError as error:
        yield f"SQLite's integrity check fails: {error}."


def _tables(connection: Reader) -> Iterator[str]:
    found = schema.tables(connection)
    for name in schema.TABLES:
        if name not in found:
            yield f"The table '{name}' is missing."
    if "audit" in found:
        for name in audit_triggers.missing(connection):
            yield f"The trigger '{name}', which protects the audit, is missing."


def _references(connection: Reader) -> Iterator[str]:
    for table, column, parent in (
        ("lineage", "model_key", "models"),
        ("scores", "model_key", "models"),
        ("scores", "benchmark_key", "benchmarks"),
        ("scores", "citation_key", "citations"),
    ):
        sql = f"SELECT count(*) FROM {table} t WHERE NOT EXISTS (SELECT 1 FROM {parent} p WHERE p.key = t.{column})"
        count = connection.execute(sql).fetchone()[0]
        if count:
            yield f"{count:,} rows of '{table}' refer to missing rows of '{parent}'."


def _sources(connection: Reader) -> Iterator[str]:
    count = connection.execute(
        "SELECT count(*) FROM scores s JOIN citations c ON c.key = s.citation_key "
        "WHERE s.plugin IS NOT NULL AND trim(c.source) = ''"
    ).fetchone()[0]
    if count:
        yield f"{count:,} scores of plugins have no source."


def _cards(connection: Reader) -> Iterator[str]:
    """Cards that cannot be read or have invalid values, and licences that are not SPDX expressions."""
    found: list[str] = []
    licenses: dict[str, int] = {}
    for row in streamed(connection, "SELECT * FROM models ORDER BY id"):
        try:
            card = checked(card_of(row))
        except (ZooError, ValueError, TypeError) as error:
            found.append(f"The card of '{row['id']}' cannot be read: {error}")
            continue
        found += (f"The card of '{card.id}' {wrong}." for wrong in _wrong(card, row))
        if card.license is not None:
            licenses[card.license] = licenses.get(card.license, 0) + 1
    yield from found[:MOST]
    if len(found) > MOST:
        yield f"{len(found) - MOST:,} more cards have problems."
    for license, count in sorted(licenses.items()):
        if not is_spdx(license):
            yield f"{count:,} models have the licence '{license}', which is neither an SPDX identifier nor 'other'."


def _wrong(card: ModelCard, row: Any) -> Iterator[str]:
    if card.source != row["source"]:
        yield f"has the wrong source '{row['source']}'"
    date = day(card.released)
    if card.released and (date is None or not (date % 10_000 == 0 or 1 <= date // 100 % 100 <= 12)):
        yield f"has the release date '{card.released}', which is not a date"
    for code in card.languages:
        if not 2 <= len(code.partition("-")[0]) <= 8 or not code.replace("-", "").isalnum():
            yield f"has the language '{code}', which is not a language code"
    if card.bytes == 0 or card.parameters == 0:
        yield "has 0 parameters or 0 bytes"


def is_spdx(license: str) -> bool:
    """Whether a licence is an SPDX expression, or ``other``."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        return license == "other" or bool(canonicalize_license_expression(license))
    except InvalidLicenseExpression:
        return False
