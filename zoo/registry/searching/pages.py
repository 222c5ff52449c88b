"""Finds the set of models that match a query, and sorts as much of it as the page needs."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.errors import InvalidInput
from zoo.registry.database.decoding import parsed
from zoo.registry.index import benchmarks, bits
from zoo.registry.index.numbers import WITH_INDEX, day
from zoo.registry.index.sets import Sets
from zoo.registry.index.words import Wanted
from zoo.registry.searching.query import RANGES, SearchQuery
from zoo.registry.searching.relevance import BLOCK, ranked
from zoo.untrusted import parse_json

if TYPE_CHECKING:
    from zoo.registry.database.connection import Reader

COLUMNS = {"size": "bytes"}
"""Sort keys whose column has another name."""

MOST_PHRASE = 20_000
"""Maximum number of models in which a phrase is looked for, the most downloaded ones."""

CHUNK = 500
_DENSE = 20
_STEPS = 60


@dataclass(frozen=True)
class Place:
    """A model in the order: the value that it is sorted by, and its key; for relevance also the start of its block."""

    value: Any
    key: int
    block: tuple[int | None, int] | None = None


@dataclass(frozen=True)
class Found:
    """The keys of one page in order, the cursor of the next one, and how many models match, exactly or at least."""

    keys: list[int]
    next: str | None
    total: int
    exact: bool


def matching(sets: Sets, query: SearchQuery, wanted: Wanted) -> tuple[int, bool]:
    """The set of models that match words and filters, and whether it is complete."""
    members = sets.all()
    for narrowed in _narrowings(sets, query, wanted):
        members = narrowed(members)
        if not members:
            return 0, True
    return _with_phrases(sets, members, wanted) if wanted.phrases else (members, True)


def _narrowings(sets: Sets, query: SearchQuery, wanted: Wanted) -> Iterator[Callable[[int], int]]:
    """Functions that apply one filter each to a set; fast and selective ones come first."""
    for kind in ("domain", "source", "library", "task", "language"):
        value = getattr(query, kind)
        if value is not None:
            yield lambda members, kind=kind, value=value: members & sets.one(kind, value)  # type: ignore[misc]
    if query.license is not None:
        yield lambda members: members & sets.ignoring_case("license", query.license or "")
    for tag in query.tag:
        yield lambda members, tag=tag: members & sets.one("tag", tag)  # type: ignore[misc]
    if query.gated is not None:
        yield lambda members: members & sets.one("gated", "yes" if query.gated else "no")
    for word in wanted.prefixes:
        yield lambda members, word=word: members & sets.with_prefix(word)  # type: ignore[misc]
    for phrase in wanted.phrases:
        for word in phrase:
            yield lambda members, word=word: members & sets.one("word", word)  # type: ignore[misc]
    for benchmark, least in query.min_score.items():
        yield lambda members, b=benchmark, v=least: benchmarks.reaching(sets, b, v, members)  # type: ignore[misc]
    for number, low, high in _ranges(query):
        yield lambda members, n=number, a=low, b=high: sets.ranged(n, a, b, members)  # type: ignore[misc]


def _ranges(query: SearchQuery) -> Iterator[tuple[str, int | None, int | None]]:
    for name, number in RANGES.items():
        low, high = getattr(query, f"min_{name}"), getattr(query, f"max_{name}")
        if low is not None or high is not None:
            yield number, low, high
    if query.fits is not None:
        yield "memory", None, query.fits
    if query.released_after is not None or query.released_before is not None:
        last = day(query.released_before)
        if last is not None:
            # A year and a month include their last day.
            last += 1231 if last % 10_000 == 0 else 31 if last % 100 == 0 else 0
        yield "released", day(query.released_after), last


def _with_phrases(sets: Sets, members: int, wanted: Wanted) -> tuple[int, bool]:
    keys = sets.first("downloads", members, MOST_PHRASE) if members.bit_count() > MOST_PHRASE else [*bits.keys(members)]
    columns = "key, id, architecture, description, tasks, tags"
    found = [
        row["key"]
        for row in rows_of(sets.connection, columns, keys)
        if wanted.phrases_in(
            [
                row["id"],
                row["architecture"] or "",
                row["description"] or "",
                *parsed(row["tasks"] or "[]"),
                *parsed(row["tags"] or "[]"),
            ]
        )
    ]
    return bits.of_keys(found), len(keys) < MOST_PHRASE


def page(sets: Sets, query: SearchQuery, wanted: Wanted, members: int, exact: bool) -> Found:
    """The page of a set that a query asks for.

    Raises:
        InvalidInput: the cursor is not of a page of this query.
    """
    order = query.order
    after = _opened(query)
    if order.startswith("score:"):
        members &= benchmarks.having(sets, order.removeprefix("score:"))
    total = members.bit_count()
    want = total if query.limit is None else query.limit + 1
    if order == "relevance":
        places = _by_relevance(sets, members, wanted, want, after, reverse=query.reverse)
    elif order == "name":
        places = _by_name(sets, query, members, want, after)
    elif order.startswith("score:"):
        best = benchmarks.best(
            sets, order.removeprefix("score:"), members, want, _pair(after), descending=not query.reverse
        )
        places = [Place(value, key) for value, key in best]
    else:
        places = _by_number(sets, COLUMNS.get(order, order), members, want, after, descending=not query.reverse)
    shown = places if query.limit is None else places[: query.limit]
    following = _cursor(query, shown[-1]) if len(shown) < len(places) else None
    return Found([place.key for place in shown], following, total, exact)


def rows_of(connection: Reader, columns: str, keys: Sequence[int], table: str = "models") -> Iterator[Any]:
    """Rows of models, in no particular order."""
    for start in range(0, len(keys), CHUNK):
        chunk = keys[start : start + CHUNK]
        marks = ",".join("?" * len(chunk))
        yield from connection.execute(f"SELECT {columns} FROM {table} WHERE key IN ({marks})", chunk)


def _by_number(
    sets: Sets, number: str, members: int, want: int, after: Place | None, *, descending: bool
) -> list[Place]:
    if descending and number in WITH_INDEX:
        walked = _walk(sets, number, members, want, after)
        if walked is not None:
            return walked
    keys = sets.first(number, members, want, descending=descending, after=_pair(after))
    value = day if number == "released" else int
    found = [
        Place(None if row[1] is None else value(row[1]), row[0])
        for row in rows_of(sets.connection, f"key, {number}", keys)
    ]
    sign = -1 if descending else 1
    found.sort(key=lambda place: (place.value is None, sign * (place.value or 0), place.key))
    return found[:want]


def _pair(place: Place | None) -> tuple[Any, int] | None:
    return None if place is None else (place.value, place.key)


def _walk(sets: Sets, number: str, members: int, want: int, after: Place | None) -> list[Place] | None:
    """Read the index from the largest value on, if many models match; None if that does not fill the page soon."""
    if members.bit_count() * _DENSE < sets.all().bit_count() or (after is not None and after.value is None):
        return None
    steps = want * _STEPS
    condition, parameters = f"{number} IS NOT NULL", []
    if after is not None:
        condition, parameters = f"{number} <= ?", [after.value]
    there = bits.as_bytes(members)
    found: list[Place] = []
    for row in sets.connection.execute(
        f"SELECT key, {number} FROM models WHERE {condition} ORDER BY {number} DESC, key LIMIT ?", [*parameters, steps]
    ):
        key = row[0]
        if key >> 3 < len(there) and there[key >> 3] >> (key & 7) & 1:
            if after is not None and row[1] == after.value and key <= after.key:
                continue
            found.append(Place(row[1], key))
            if len(found) == want:
                return found
    return None


def _by_name(sets: Sets, query: SearchQuery, members: int, want: int, after: Place | None) -> list[Place]:
    if members.bit_count() <= BLOCK * 10:
        named = [Place(row[1], row[0]) for row in rows_of(sets.connection, "key, id", [*bits.keys(members)])]
        named.sort(key=lambda place: place.value, reverse=query.reverse)
        if after is not None:
            named = [p for p in named if (p.value < after.value if query.reverse else p.value > after.value)]
        return named[:want]
    conditions, parameters = ["1 = 1"], []
    if query.source is not None:
        conditions.append("id >= ? AND id < ?")
        parameters += [f"{query.source}:", f"{query.source};"]
    if after is not None:
        conditions.append("id < ?" if query.reverse else "id > ?")
        parameters.append(after.value)
    there = bits.as_bytes(members)
    found: list[Place] = []
    for row in sets.connection.execute(
        f"SELECT key, id FROM models WHERE {' AND '.join(conditions)} ORDER BY id {'DESC' if query.reverse else ''}",
        parameters,
    ):
        key = row[0]
        if key >> 3 < len(there) and there[key >> 3] >> (key & 7) & 1:
            found.append(Place(row[1], key))
            if len(found) == want:
                break
    return found


def _by_relevance(
    sets: Sets, members: int, wanted: Wanted, want: int, after: Place | None, *, reverse: bool
) -> list[Place]:
    """Sort by downloads into blocks, and by relevance within each block."""
    start = after.block if after else None
    found: list[Place] = []
    while len(found) < want:
        keys = sets.first("downloads", members, BLOCK, after=start)
        block = ranked(sets.connection, wanted, keys)
        order = sorted(block, key=lambda hit: (hit.downloads is None, -(hit.downloads or 0), hit.key))[:BLOCK]
        for hit in sorted(order, key=lambda hit: (hit.fit if reverse else -hit.fit, hit.key)):
            if after is not None and start == after.block:
                behind = hit.fit > after.value if reverse else hit.fit < after.value
                if not behind and (hit.fit != after.value or hit.key <= after.key):
                    continue
            found.append(Place(hit.fit, hit.key, start))
        if len(order) < BLOCK:
            break
        start = (order[-1].downloads, order[-1].key)
    return found[:want]


def _cursor(query: SearchQuery, place: Place) -> str:
    """The cursor that continues after a model."""
    document = json.dumps([query.order, query.reverse, place.value, place.key, place.block], ensure_ascii=False)
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def _opened(query: SearchQuery) -> Place | None:
    if query.after is None:
        return None
    try:
        padded = query.after + "=" * (-len(query.after) % 4)
        order, reverse, value, key, block = parse_json(base64.urlsafe_b64decode(padded.encode()), finite=False)
        start = None if block is None else (None if block[0] is None else int(block[0]), int(block[1]))
        place = Place(value, int(key), start)
    except (ValueError, TypeError, IndexError) as error:
        raise InvalidInput(f"'{query.after}' is not a valid cursor.", "Copy 'next' from the previous page.") from error
    if (order, reverse) != (query.order, query.reverse):
        raise InvalidInput(
            f"The cursor belongs to a page sorted by {order}, not by {query.order}.", "Use the same --sort."
        )
    texts = query.order == "name"
    if not isinstance(value, str if texts else (int, float, type(None))):
        raise InvalidInput(f"'{query.after}' is not a valid cursor.", "Copy 'next' from the previous page.")
    return place
