"""Reads TOML tables with a closed vocabulary: every key is known, every value has its type, every error names both."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from zoo.errors import PolicyError, suggest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MOST_BYTES = 1 << 20
"""Maximum size of a policy, in bytes."""

_HEADER = r"""^[ \t]*\[\[[ \t]*["']?{name}["']?[ \t]*\]\]"""
_LINE = re.compile(r"at line (\d+)")


class Place:
    """A position in a file, for errors: ``zoo-policy.toml:12``."""

    def __init__(self, file: str, line: int) -> None:
        self.file, self.line = file, line

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def error(self, message: str, hint: str = "") -> PolicyError:
        """An error that names the position."""
        error = PolicyError(f"{self}: {message}", hint)
        error.line = self.line
        return error


def parse(content: bytes, file: str, most: int = MOST_BYTES) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        PolicyError: it is too large, not UTF-8, or not TOML.
    """
    if len(content) > most:
        raise PolicyError(f"{file} is larger than {most:,} bytes.", "Split it with 'extends'.")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise PolicyError(f"{file} is not UTF-8 text.", "Save it as UTF-8.") from error
    except RecursionError as error:
        raise PolicyError(f"{file} is nested too deeply.") from error
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        place = f"{file}:{found[1]}" if found else file
        wrong = PolicyError(f"{place} is not TOML: {error}.", "Correct the line, then run: zoo policy check")
        wrong.line = int(found[1]) if found else None
        raise wrong from error
    except ValueError as error:  # such as a number of thousands of digits
        raise PolicyError(f"{file} has a value that cannot be read: {error}.", "Correct it.") from error


class Lines:
    """Finds the lines of a file's tables; the parser does not keep them."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def headers(self, name: str, count: int) -> list[int]:
        """Line of each ``[[name]]``, from 1; 1 for all if they are written in another way."""
        header = re.compile(_HEADER.format(name=re.escape(name)))
        found = [number for number, line in enumerate(self._lines, 1) if header.match(line)]
        return found if len(found) == count else [1] * count

    def top(self, key: str) -> int:
        """Line of a key before the first table, or of the first table with this name; 1 if it is written otherwise."""
        name = rf"[\"']?{re.escape(key)}[\"']?"
        wanted = re.compile(rf"[ \t]*(?:{name}[ \t]*[=.]|\[{{1,2}}[ \t]*{name}[ \t]*[].])")
        return next((number for number, line in enumerate(self._lines, 1) if wanted.match(line)), 1)

    def key(self, start: int, key: str) -> int:
        """Line of ``key`` in the table that begins at ``start``; ``start`` if it is written in another way."""
        dotted = r"[ \t]*\.[ \t]*".join(map(re.escape, key.split(".")))
        wanted = re.compile(rf"[ \t]*{dotted}[ \t]*=")
        for number in range(start + 1, len(self._lines) + 1):
            line = self._lines[number - 1]
            if line.lstrip().startswith("[["):
                break
            if wanted.match(line):
                return number
        return start


class Table:
    """A table of the file, with its position; a key that is not known is an error."""

    def __init__(self, values: Any, place: Place, what: str, known: Iterable[str], lines: Lines | None = None) -> None:
        if not isinstance(values, Mapping):
            raise place.error(f"{what} must be a table.")
        self.values, self.place, self.what, self._lines = dict(values), place, what, lines
        names = tuple(known)
        for key in self.values:
            if key not in names:
                raise self.at(key).error(
                    f"{what} has no key '{key}'.", suggest(key, names) or f"Keys: {', '.join(sorted(names))}."
                )

    def at(self, key: str) -> Place:
        """The position of a key: its line in the top table, the beginning of another one."""
        return self.place if self._lines is None else Place(self.place.file, self._lines.top(key))

    @property
    def inside(self) -> str:
        """What the table is, inside a sentence."""
        return self.what[:1].lower() + self.what[1:]

    def text(self, key: str, default: str | None = None) -> str:
        """A text; without a default, it is required."""
        value = self._value(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.at(key).error(f"'{key}' of {self.inside} must be text.")
        return value.strip()

    def texts(self, key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        """A list of texts; a single text is a list of one."""
        value = self._value(key, list(default))
        return texts(value, f"'{key}' of {self.inside}", self.at(key)) if key in self.values else tuple(default)

    def names(self, key: str, known: Iterable[str], default: Sequence[str] = ()) -> tuple[str, ...]:
        """A list of texts of a closed list."""
        found, allowed = self.texts(key, default), tuple(known)
        for name in found:
            if name not in allowed:
                raise self.at(key).error(
                    f"'{key}' of {self.inside} names '{name}', which does not exist.",
                    suggest(name, allowed) or f"Choose from: {', '.join(allowed)}.",
                )
        return found

    def name(self, key: str, known: Iterable[str], default: str | None = None) -> str:
        """A text of a closed list."""
        if default is None or key in self.values:
            self.text(key)
        return self.names(key, known, () if default is None else (default,))[0]

    def number(self, key: str, default: int, least: int) -> int:
        """A whole number."""
        value = self._value(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self.at(key).error(f"'{key}' of {self.inside} must be a whole number of at least {least}.")
        return value

    def flag(self, key: str) -> bool:
        """True or false; false if it is missing."""
        value = self._value(key, False)
        if not isinstance(value, bool):
            raise self.at(key).error(f"'{key}' of {self.inside} must be true or false.")
        return value

    def day(self, key: str) -> date:
        """A date, as TOML writes it or as text."""
        value = self._value(key, None)
        if type(value) is date:
            return value
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise self.at(key).error(f"'{key}' of {self.inside} must be a date, such as 2027-03-31.") from None

    def table(self, key: str) -> Mapping[str, Any]:
        """A table; empty if it is missing."""
        value = self._value(key, {})
        if not isinstance(value, Mapping):
            raise self.at(key).error(f"'{key}' of {self.inside} must be a table.")
        return value

    def tables(self, key: str) -> list[Any]:
        """A list of tables; empty if it is missing."""
        value = self._value(key, [])
        if not isinstance(value, list):
            raise self.at(key).error(f"'{key}' of {self.inside} must be a list of tables.", f"Write [[{key}]].")
        return value

    def _value(self, key: str, default: Any) -> Any:
        if key in self.values:
            return self.values[key]
        if default is None:
            raise self.place.error(f"{self.what} has no '{key}'.", f"Add: {key} = ...")
        return default


def texts(value: Any, what: str, place: Place) -> tuple[str, ...]:
    """A list of texts that is not empty; a single text is a list of one."""
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not found or not all(isinstance(one, str) and one.strip() for one in found):
        raise place.error(f"{what} must be text, or a list of texts that is not empty.")
    return tuple(one.strip() for one in found)
