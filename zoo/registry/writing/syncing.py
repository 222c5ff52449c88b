"""What a sync reads from and writes to a registry: known cards, and pages with the place that they were found at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from zoo.entities import BenchmarkScore, ModelCard
from zoo.registry.database.connection import reading
from zoo.registry.writing import rows

if TYPE_CHECKING:
    from zoo.registry.registry import Registry

_CHUNK = 500


def note(registry: Registry, name: str) -> str | None:
    """What was noted under a name, or None."""
    with reading(registry.path) as connection:
        row = connection.execute("SELECT value FROM state WHERE name = ?", [name]).fetchone()
    return None if row is None else str(row["value"])


def known_cards(registry: Registry, ids: Sequence[str]) -> dict[str, ModelCard]:
    """The cards of those models that the registry has, by id."""
    found: dict[str, ModelCard] = {}
    with reading(registry.path) as connection:
        for start in range(0, len(ids), _CHUNK):
            chunk = list(ids[start : start + _CHUNK])
            marks = ",".join("?" * len(chunk))
            for row in connection.execute(f"SELECT * FROM models WHERE id IN ({marks})", chunk):
                found[row["id"]] = rows.card_of(row)
    return found


def write_page(
    registry: Registry, items: Iterable[ModelCard | BenchmarkScore], notes: Mapping[str, str]
) -> dict[str, int]:
    """Write items and notes in one transaction, so that a place in a list is never noted without what came before it.

    Returns how many items of each kind were written.
    """
    from zoo.registry.writing.transaction import write_items, write_state, writing

    with writing(registry.path) as session:
        counts = write_items(session, items)
        write_state(session, notes)
    return counts
