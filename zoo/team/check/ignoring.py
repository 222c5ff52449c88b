"""Comments that silence findings: ``# zoo: ignore[code] reason``."""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field

from zoo.errors import suggest
from zoo.team.check.codes import CODES

_COMMENT = re.compile(r"#[ \t]*zoo:[ \t]*ignore\b(?:\[(?P<codes>[^\]]*)\])?(?P<reason>[^#]*)")


@dataclass
class Ignore:
    """One comment.

    Attributes:
        line, column: of the comment, in the parsed source.
        codes: what it silences.
        used: the codes that it has silenced.
    """

    line: int
    column: int
    codes: tuple[str, ...]
    reason: str
    used: set[str] = field(default_factory=set)


def ignores(lines: list[str]) -> list[Ignore]:
    """The comments of a file that silence findings."""
    if not any(_COMMENT.search(line) for line in lines):
        return []
    return [*_ignores(lines)]


def _ignores(lines: list[str]) -> Iterator[Ignore]:
    source = iter([f"{line}\n" for line in lines])
    try:
        for token in tokenize.generate_tokens(lambda: next(source, "")):
            match = _COMMENT.search(token.string) if token.type == tokenize.COMMENT else None
            if match is not None:
                codes = tuple(filter(None, re.split(r"[,\s]+", match["codes"] or "")))
                yield Ignore(token.start[0], token.start[1] + match.start() + 1, codes, match["reason"].strip(" \t:-"))
    except (tokenize.TokenError, SyntaxError):  # the file was parsed, so this is a cell in another language
        return


def remarks(one: Ignore, active: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    """Code, message and hint for what is wrong with a comment.

    Args:
        active: the codes that were checked.
    """
    if not one.codes:
        yield (
            "unused-ignore",
            "This comment silences nothing, because it names no code.",
            "Write: # zoo: ignore[code] reason",
        )
    for code in one.codes:
        if code not in CODES:
            yield "unused-ignore", f"'{code}' is not a code of a finding.", suggest(code, CODES)
        elif code in active and code not in one.used:
            yield "unused-ignore", f"This comment silences no finding '{code}'.", "Remove it."
    if one.used and not one.reason:
        yield "ignore-without-reason", "This comment gives no reason.", "Write why after the bracket."
