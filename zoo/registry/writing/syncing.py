"""What a sync reads from and writes to a registry: notes, and pages together with the position in the listing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from zoo.entities import BenchmarkScore, ModelCard
from zoo.registry.database.connection import reading
from zoo.registry.database.location import Location


def note(location: Location, name: str) -> str | None:
    """The note stored under a name, or None."""
    with reading(location) as connection:
        row = connection.execute("SELECT value FROM state WHERE name = ?", [name]).fetchone()
    return None if row is None else str(row["value"])


def write_page(
    location: Location, items: Iterable[ModelCard | BenchmarkScore], notes: Mapping[str, str]
) -> dict[str, int]:
    """Write items and notes in one transaction, so that a position is never stored without the items before it.

    Returns the number of items written, by kind.
    """
    from zoo.registry.writing.items import write_items
    from zoo.registry.writing.transaction import write_state, writing

    with writing(location) as session:
        counts = write_items(session, items)
        write_state(session, notes)
    return counts
