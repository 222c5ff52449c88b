"""Parses untrusted JSON and YAML: bounded in depth and size of numbers, and always into JSON's own types."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zoo.errors import InvalidInput

DEEPEST = 100
"""Maximum nesting of lists and objects; configurations and data sets have about ten levels."""

LONGEST_NUMBER = 308
"""Maximum digits of a whole number; larger ones do not fit into a float."""

MAX_JSON_BYTES = 25_000_000
"""Maximum size of a JSON configuration file."""

_LONG_NUMBER = re.compile(r"(?<!\d)\d{309}")
_INTEGER = re.compile(r"[-+]?(0|[1-9]\d*)\Z", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\d+\.\d*|\.\d+)([eE][-+]\d+)?\Z", re.ASCII)
_NOT_FINITE = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})


class Malformed(ValueError):
    """The JSON or YAML is invalid or not supported; the message is the reason, to follow a colon."""


def parse_json(text: str | bytes, *, finite: bool = True, unique: bool = False) -> Any:
    """The value that a JSON text holds.

    Args:
        finite: refuse NaN, Infinity, and numbers that do not fit into a float; otherwise they are read as Python does.
        unique: refuse an object that has a key twice; otherwise the last one counts.

    Raises:
        ValueError: it is not JSON (``json.JSONDecodeError``), is nested deeper than ``DEEPEST``, or holds a number of
            more than ``LONGEST_NUMBER`` digits (``Malformed``).
        UnicodeDecodeError: bytes that are not Unicode.
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text))
    decoder = _decoder(finite, unique, _LONG_NUMBER.search(text) is not None)
    try:
        value = decoder.decode(text)
    except RecursionError:
        raise _too_deep() from None
    if text.count("[") + text.count("{") > DEEPEST:
        _check_depth(value)
    return value


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None if the file does not exist.

    Raises:
        InvalidInput: it cannot be read, or is not a JSON object.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise InvalidInput(f"{path} is larger than {MAX_JSON_BYTES:,} bytes, too large for a configuration.")
        document = parse_json(path.read_text(encoding="utf-8"), finite=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise InvalidInput(f"{path} is not JSON: {error}.", "Save the model again.") from error
    if not isinstance(document, dict):
        raise InvalidInput(f"{path} must be a JSON object, not a {type(document).__name__}.", "Save the model again.")
    return document


def parse_yaml(text: str) -> Any:
    """The value that a YAML text holds: plain data, always of a type that JSON has, never larger than what is written.

    References to anchors, tags, and keys that are not texts are refused. Null, ``true``, ``false`` and decimal numbers
    are what they are in YAML 1.2; dates, ``no`` (Norwegian), ``1:30`` and ``007`` are texts, and so is ``12e5``, which
    may be the start of a commit.

    Raises:
        Malformed: it is not such YAML.
    """
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _built(yaml, yaml.parse(text, Loader=loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error)
        raise Malformed(" ".join(f"{said}{f', line {mark.line + 1}' if mark else ''}".split())[:150]) from error
    except UnicodeEncodeError as error:
        raise Malformed("it is not valid Unicode") from error


@functools.cache
def _decoder(finite: bool, unique: bool, long_numbers: bool) -> json.JSONDecoder:
    return json.JSONDecoder(
        parse_constant=_refused_constant if finite else None,
        parse_float=_finite if finite else None,
        parse_int=_integer if long_numbers else None,
        object_pairs_hook=_unique if unique else None,
    )


def _refused_constant(name: str) -> float:
    raise Malformed(f"it holds {name}, which is not a finite number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise Malformed(f"it holds {digits[:20]}, which is not a finite number")
    return value


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise Malformed(f"it holds a whole number of {len(digits):,} digits")
    return int(digits)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _twice(key)
            seen.add(key)
    return document


def _twice(key: str) -> Malformed:
    return Malformed(f"the key '{key[:60]}' appears twice")


def _too_deep() -> Malformed:
    return Malformed(f"it is nested more than {DEEPEST} levels deep")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST + 1):
        containers = [one for one in level if isinstance(one, (dict, list))]
        if not containers:
            return
        level = [child for one in containers for child in (one.values() if isinstance(one, dict) else one)]
    raise _too_deep()


class _Open:
    """A list or an object that is being filled; an object waits for a key, then for its value."""

    def __init__(self, value: list[Any] | dict[str, Any]) -> None:
        self.value = value
        self.key: str | None = None

    def add(self, value: Any) -> None:
        container = self.value
        if isinstance(container, list):
            container.append(value)
        else:
            assert self.key is not None
            container[self.key] = value
            self.key = None


def _built(yaml: Any, events: Iterable[Any]) -> Any:
    found: list[Any] = []
    stack = [_Open(found)]
    documents = 0
    for event in events:
        match event:
            case yaml.DocumentStartEvent():
                documents += 1
                if documents > 1:
                    raise Malformed("it holds more than one document")
            case yaml.AliasEvent():
                raise Malformed(f"it refers to its own parts (*{event.anchor}); write them out")
            case yaml.ScalarEvent():
                _add_scalar(stack[-1], event)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                _check_tag(event)
                if isinstance(stack[-1].value, dict) and stack[-1].key is None:
                    raise Malformed(f"a key is not a text, line {event.start_mark.line + 1}")
                if len(stack) > DEEPEST:
                    raise _too_deep()
                stack.append(_Open([] if isinstance(event, yaml.SequenceStartEvent) else {}))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                done = stack.pop()
                stack[-1].add(done.value)
    return found[0] if found else None


def _add_scalar(parent: _Open, event: Any) -> None:
    if isinstance(parent.value, dict) and parent.key is None:
        _check_tag(event)
        if event.value in parent.value:
            raise _twice(event.value)
        parent.key = event.value
    else:
        parent.add(_scalar(event))


def _check_tag(event: Any) -> None:
    if event.tag is not None and event.tag not in _TEXT_TAGS:
        raise Malformed(f"it has the tag '{event.tag[:60]}', line {event.start_mark.line + 1}; only plain data is read")


def _scalar(event: Any) -> Any:
    _check_tag(event)
    text: str = event.value
    if event.tag is not None or not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    try:
        if _INTEGER.match(text):
            return _integer(text)
        if _FLOAT.match(text):
            return _finite(text)
        if _NOT_FINITE.match(text):
            return _refused_constant(text)
    except Malformed as error:
        raise Malformed(f"{error}, line {event.start_mark.line + 1}") from None
    return text
