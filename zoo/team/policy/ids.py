"""Model ids as rules compare them: in one spelling, without a revision."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from fnmatch import translate

FILE = "file:"
MOST_KNOWN = 10_000
"""How many texts each list of patterns remembers."""

_WILD = re.compile(r"[*?[]")
_OWNED = frozenset({"hf", "kaggle", "torchhub"})


def canonical(id: str) -> str:
    """An id in lower case and in one Unicode form, without a revision and without invisible characters.

    Platforms answer to names in any case.
    """
    if not id.isascii():
        id = "".join(c for c in unicodedata.normalize("NFKC", id).casefold() if unicodedata.category(c) != "Cf")
    lowered = id.lower()
    return lowered.partition("@")[0] if "@" in lowered and not lowered.startswith(FILE) else lowered


def is_plain(id: str) -> bool:
    """Whether an id can be compared with names: one with other letters may only look like a known one."""
    return id.isascii() or id.startswith(FILE)


def author(canonical_id: str) -> str | None:
    """Who published a model: the owner of its repository; None if the platform names no owner."""
    colon = canonical_id.find(":")
    slash = canonical_id.find("/", colon)
    return canonical_id[colon + 1 : slash] or None if slash > 0 and canonical_id[:colon] in _OWNED else None


Matches = Callable[[str], bool]


def patterns(texts: Iterable[str], *, repeated: bool = True) -> Matches:
    """A function of a text in lower case: whether it matches one of some patterns (``*``, ``?``, ``[a-z]``).

    Args:
        repeated: whether many models have the same text, so that it is worth remembering.
    """
    lowered = [
        text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold().lower() for text in texts
    ]
    exact = frozenset(one for one in lowered if not _WILD.search(one))
    wild = [translate(one) for one in lowered if one not in exact]
    if not wild:
        return exact.__contains__
    match = re.compile("|".join(wild)).match
    if repeated:
        return _Known(exact, match).__getitem__
    return lambda text: match(text) is not None or text in exact


class _Known(dict[str, bool]):
    """Whether texts match, each computed once."""

    def __init__(self, exact: frozenset[str], match: Callable[[str], object]) -> None:
        self._exact, self._match = exact, match

    def __missing__(self, text: str) -> bool:
        if len(self) >= MOST_KNOWN:
            self.clear()
        found = self[text] = text in self._exact or self._match(text) is not None
        return found
