"""Checks that values match the types of an entity's fields and the limits of a registry."""

from __future__ import annotations

import dataclasses
import functools
import sys
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

from zoo.entities import Entity, ModelCard, ModelFile
from zoo.errors import InvalidInput

_LARGEST = 2**63 - 1
_LARGEST_FLOAT = sys.float_info.max
LONGEST_TEXT = 100_000
"""Maximum letters of a description."""

LONGEST_NAME = 500
"""Maximum letters of an id, a tag, or another name."""

MOST_VALUES = 2000
"""Maximum number of tags, tasks, languages, and other values of a list."""

_TEXTS = (
    "id",
    "domain",
    "architecture",
    "library",
    "description",
    "license",
    "released",
    "base_model",
    "revision",
    "url",
)
_NESTED = ("files", "input", "loader")
_NUMBERS = ("parameters", "bytes", "downloads", "likes", "embedding_dimension")
_LISTS = ("tasks", "tags", "languages", "pretraining", "requires")
_Checked = TypeVar("_Checked", bound=Entity)


def checked(entity: _Checked) -> _Checked:
    """Check an entity and return it.

    Raises:
        InvalidInput: a field has the wrong type, a number needs more than 64 bits, or text is not valid Unicode.
    """
    kind: Any = type(entity)
    for name, wanted in _types(kind):
        value = getattr(entity, name)
        if not _fits(value, wanted):
            raise InvalidInput(f"{type(entity).__name__}: '{name}' is {_shown(value)}; it must be {_named(wanted)}.")
    return entity


@functools.cache
def _types(kind: Any) -> tuple[tuple[str, Any], ...]:
    names = {field.name for field in dataclasses.fields(kind)}
    return tuple((name, wanted) for name, wanted in typing.get_type_hints(kind).items() if name in names)


def all_storable(cards: Sequence[ModelCard], columns: Mapping[str, Sequence[Any]]) -> None:
    """Like ``storable``, for many cards with these columns of fields; plain text is checked all at once."""
    plain = all(
        _plain_text("\n".join(filter(None, columns[name])))
        and _longest(columns[name]) <= (LONGEST_TEXT if name == "description" else LONGEST_NAME)
        for name in _TEXTS
    )
    for name in _LISTS:
        plain = plain and _longest(columns[name]) <= MOST_VALUES
        every = [*chain.from_iterable(columns[name])] if plain else []
        plain = plain and _plain_text("\n".join(every)) and _longest(every) <= LONGEST_NAME
    plain = plain and all(max(filter(None, columns[name]), default=0) <= _LARGEST for name in _NUMBERS)
    nested = map(any, zip(*(columns[name] for name in _NESTED), strict=True))
    for card, documents in zip(cards, nested, strict=True):
        if documents or not plain:
            storable(card)


def _longest(values: Iterable[Any]) -> int:
    return max(map(len, filter(None, values)), default=0)


def _plain_text(text: str) -> bool:
    return text.isascii() and "\x00" not in text and "\\u0000" not in text


def storable(card: ModelCard) -> None:
    """Check that a registry can store a card.

    Raises:
        InvalidInput: it is too large, or has a value that the databases cannot store; names the card and the field.
    """
    for message in _too_large(card):
        raise InvalidInput(f"The card of '{card.id[:LONGEST_NAME]}' {message}.", "Shorten or remove it.")
    checked(card)


def _too_large(card: ModelCard) -> Iterator[str]:
    if len(card.description or "") > LONGEST_TEXT:
        yield f"has a description of {len(card.description or ''):,} letters; the limit is {LONGEST_TEXT:,}"
    for name in _LISTS:
        values = getattr(card, name)
        if len(values) > MOST_VALUES:
            yield f"has {len(values):,} {name}; the limit is {MOST_VALUES:,}"
        if max(map(len, values), default=0) > LONGEST_NAME:
            yield f"has a value of more than {LONGEST_NAME} letters among its {name}"
    for name in ("id", "domain", "architecture", "library", "license", "base_model"):
        if len(getattr(card, name) or "") > LONGEST_NAME:
            yield f"has a {name} of more than {LONGEST_NAME} letters"


def fitted(card: ModelCard) -> ModelCard:
    """A card that a registry can store: truncated to its limits, without NUL, invalid Unicode and too large numbers.

    For cards of a platform, where one card must not stop the others.

    Raises:
        InvalidInput: its id or domain cannot be stored, and must not be truncated.
    """
    cut: dict[str, Any] = {}
    for name in ("description", "architecture", "library", "license", "released", "base_model", "revision", "url"):
        value = getattr(card, name)
        if value is not None:
            kept = _clean(str(value), LONGEST_TEXT if name == "description" else LONGEST_NAME)
            # A truncated description is useful; a truncated address or model name is not.
            cut[name] = kept if name not in {"base_model", "revision", "url"} or kept == value else None
    for name in _LISTS:
        short = dict.fromkeys(_clean(str(value), LONGEST_NAME) for value in getattr(card, name)[:MOST_VALUES])
        cut[name] = tuple(value for value in short if value)
    for name in _NUMBERS:
        cut[name] = value if (value := getattr(card, name)) is not None and value <= _LARGEST else None
    for name in ("input", "loader"):
        cut[name] = {} if _unplain(getattr(card, name)) else getattr(card, name)
    if card.files and not all(_fits(file, ModelFile) for file in _quietly(card.files)):
        cut["files"] = ()
    truncated = dataclasses.replace(card, **cut)
    storable(truncated)
    return truncated


def _unplain(value: Any) -> bool:
    return not (isinstance(value, Mapping) and all(_fits(key, str) and _plain(item) for key, item in value.items()))


def _quietly(files: Iterable[ModelFile]) -> Iterator[ModelFile | None]:
    """The files; None for one that cannot be stored."""
    for file in files:
        try:
            yield checked(file)
        except InvalidInput:
            yield None


def _clean(text: str, longest: int) -> str:
    return text[:longest].replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


def _fits(value: Any, wanted: Any) -> bool:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in {typing.Union, types.UnionType}:
        return any(_fits(value, one) for one in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, arguments[0]) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        inner = arguments[1]
        return isinstance(value, Mapping) and all(_fits(k, str) and _fits(item, inner) for k, item in value.items())
    if wanted is Any:
        return _plain(value)
    if wanted is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LARGEST_FLOAT
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST
    if wanted is str:
        return isinstance(value, str) and _encodable(value)
    if wanted is type(None):
        return value is None
    return isinstance(value, wanted) and (not isinstance(value, Entity) or checked(value) is value)


def _plain(value: Any) -> bool:
    """Whether a value can be stored as JSON."""
    if isinstance(value, Mapping):
        return all(_fits(key, str) and _plain(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(_plain(item) for item in value)
    if isinstance(value, float):
        return _fits(value, float)
    return (
        value is None
        or isinstance(value, bool)
        or _fits(value, str)
        or (isinstance(value, int) and _fits(value, float))
    )


def _encodable(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\x00" not in value


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _named(wanted: Any) -> str:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in {typing.Union, types.UnionType}:
        return " or ".join(_named(one) for one in arguments)
    if origin is tuple:
        return f"a list of {_named(arguments[0]).removeprefix('a ')}s"
    if origin is not None:
        return "an object"
    names = {str: "text", int: "a whole number", float: "a finite number", bool: "true or false", type(None): "null"}
    return names.get(wanted, f"a {getattr(wanted, '__name__', wanted)}")
