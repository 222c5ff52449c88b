"""Finds a model by its id or name, and suggests similar names if there is none."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.entities import ModelId
from zoo.errors import InvalidInput, UnknownModel, suggest
from zoo.registry.index import benchmarks, bits
from zoo.registry.index.sets import WORD, Sets
from zoo.registry.index.words import words
from zoo.registry.searching import similar
from zoo.registry.searching.pages import rows_of
from zoo.registry.searching.query import SearchQuery

if TYPE_CHECKING:
    from zoo.registry.database.connection import Reader

_MOST_SUGGESTED_FROM = 300
_MOST_NAMED = 8


def row_of(connection: Reader, sets: Sets, reference: str) -> Any:
    """The row of a model by its id, with or without a revision, or by a name that only one model has.

    Raises:
        UnknownModel: there is no such model; with the nearest ids.
        InvalidInput: several models have that name; with their ids.
    """
    reference = reference.strip()
    wanted = [reference]
    if ":" in reference:
        parsed = ModelId.parse(reference)
        wanted.append(f"{parsed.source}:{parsed.name}")
    for id in wanted:
        row = connection.execute("SELECT * FROM models WHERE id = ?", (id,)).fetchone()
        if row is not None:
            return row
    ids = named(connection, sets, reference)
    if len(ids) == 1:
        return connection.execute("SELECT * FROM models WHERE id = ?", (ids[0],)).fetchone()
    if ids:
        more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
        raise InvalidInput(f"'{reference}' could be {', '.join(ids[:5])}{more}.", "Use the full id.")
    hint = (
        f"For the folder, write: file:{reference}"
        if Path(reference).is_dir()
        else _nearest(connection, sets, reference)
    )
    raise UnknownModel(f"There is no model '{reference}' in the registry.", hint)


def named(connection: Reader, sets: Sets, reference: str) -> list[str]:
    """The ids whose name is this one, or ends with a slash and this one."""
    parts = words(reference)
    if not parts:
        return []
    members = sets.all()
    for word in parts:
        members &= sets.one(WORD, word)
        if not members:
            return []
    ends = (f":{reference}", f"/{reference}")
    found = (row["id"] for row in rows_of(connection, "id", [*bits.keys(members)]))
    return sorted(id for id in found if id.endswith(ends))


def _nearest(connection: Reader, sets: Sets, reference: str) -> str:
    """A hint with the nearest ids that share words with a name."""
    name = reference.partition(":")[2] or reference
    likely: dict[str, None] = {}
    members = 0
    for word in words(name):
        known = word if sets.with_prefix(word) else similar.nearest(sets, word)
        members |= sets.with_prefix(known) if known else 0
    keys = sets.first("downloads", members, _MOST_SUGGESTED_FROM)
    likely.update((row["id"], None) for row in rows_of(connection, "id", keys))
    start = words(name)[:1]
    if start:
        close = sets.with_prefix(start[0][:3])
        likely.update((row["id"], None) for row in rows_of(connection, "id", [*islice(bits.keys(close), 500)]))
    first = name.split("/")[0] or reference
    plain = {id.partition(":")[2]: id for id in likely}  # the source, which many ids share, makes them no more similar
    return suggest(name, plain, shown=plain) or f"Search for it: zoo search {first}"


def check_names(sets: Sets, query: SearchQuery) -> None:
    """Check, if nothing was found, whether any model has the values of the filters.

    Raises:
        InvalidInput: no model has a value; with the nearest values. UnknownTask likewise.
    """
    if query.task is not None and query.task not in sets.values("task"):
        from zoo.plugins import plugins
        from zoo.tasks import find_task

        find_task(query.task, plugins().tasks)
    for kind in ("domain", "source", "library"):
        value, known = getattr(query, kind), sets.values(kind)
        if value is not None and value not in known:
            hint = suggest(value, known) or f"Available: {', '.join(sorted(known))}."
            raise InvalidInput(f"No model has the {kind} '{value}'.", hint)
    for benchmark in query.benchmarks:
        if not benchmarks.resolved(sets, benchmark):
            raise InvalidInput(
                f"No model has a score on the benchmark '{benchmark}'.", _benchmarks_like(sets, benchmark)
            )


def _benchmarks_like(sets: Sets, name: str) -> str:
    """A hint with similar benchmarks."""
    near = benchmarks.similar(sets, name)
    if near:
        more = f", and {len(near) - _MOST_NAMED} more" if len(near) > _MOST_NAMED else ""
        return f"Available: {'; '.join(near[:_MOST_NAMED])}{more}."
    datasets = {one.dataset for ones in sets.benchmarks().values() for one in ones}
    return suggest(name, sorted(datasets)) or "See a model's benchmarks: zoo show MODEL"
