"""Indexes the cards of plugins in a registry."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlmodel import Session, select

from zoo.entities import BenchmarkScore, ModelCard
from zoo.errors import ZooError
from zoo.plugins import plugins
from zoo.registry.database.location import Location
from zoo.registry.database.tables import ModelRow
from zoo.registry.writing.items import Writer, write_items
from zoo.registry.writing.transaction import write_plugins, write_state, writing


def index(
    location: Location, present: Mapping[str, str], changed: Collection[str], notes: Mapping[str, str] | None = None
) -> dict[str, int]:
    """Read the cards of changed plugins and delete those of removed plugins, in one transaction.

    A plugin whose cards cannot be read or are inconsistent is reported by ``zoo plugins``; none of its cards is kept.

    Args:
        present: version by name, of all installed plugins.
        changed: names of the plugins whose cards are read again.
        notes: notes on the registry itself, written in the same transaction.
    """
    counts = {"models": 0, "scores": 0}
    with writing(location) as session:
        indexed = {name for name in session.exec(select(ModelRow.plugin).distinct()).all() if name is not None}
        first = (indexed - set(present)) | set(changed)
        lost = [_index_one(session, name, name in present, counts) for name in sorted(first)]
        if any(lost):
            # Another plugin may provide a card that was deleted with this one.
            for name in sorted(set(present) - first):
                _index_one(session, name, True, counts)
        write_plugins(session, present)
        write_state(session, notes or {})
    return counts


def _index_one(session: Session, name: str, present: bool, counts: dict[str, int]) -> bool:
    """Replace a plugin's cards; return whether it no longer provides some of the former ones."""
    loaded = plugins()
    items = list(loaded.items("zoo_cards", (ModelCard, BenchmarkScore), only=name)) if present else []
    lost = _forget(session, name, {item.id for item in items if isinstance(item, ModelCard)})
    try:
        with session.begin_nested():
            written = write_items(session, items, plugin=name)
    except ZooError as error:
        loaded.report_failure(name, "zoo_cards", error)
    else:
        for kind in counts:
            counts[kind] += written[kind]
    return lost


def _forget(session: Session, plugin: str, kept: set[str]) -> bool:
    """Delete a plugin's scores and the cards that it no longer provides; return whether there are such cards."""
    found = session.exec(select(ModelRow.key, ModelRow.id).where(ModelRow.plugin == plugin)).all()
    stale = [key for key, id in found if id not in kept and key is not None]
    writer = Writer(session, None)
    writer.forget_scores(plugin)
    writer.remove(stale)
    writer.finish()
    return bool(stale)
