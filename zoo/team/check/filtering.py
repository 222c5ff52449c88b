"""Decides from the bytes of a file whether it has to be parsed: parsing costs a hundred times more.

A file is left out only if none of the known functions can be called in it: the identifiers that such a call needs do
not occur, or only in comments and strings.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable

from zoo.team.check.loaders import loaders

IGNORING = re.compile(rb"#[ \t]*zoo:[ \t]*ignore")
_MARK = b"zoo:"

# The words that can occur in an f-string; the name of a package also stands in an import.
_WITHIN = {word for one in loaders() for word in one.words if word not in one.package[:1]}

# Every alternative begins with a fixed character, which lets the search skip other text quickly. An f-string holds
# code: one without calls is removed, and one whose calls have none of the words; any other keeps its first quote, which
# is visible in the result.
_QUOTED = r"""
    Q(?:
        (?<![fFtT]Q)(?<![fFtT][rR]Q)(?:
            QQ[^Q\\]*(?:(?:\\.|Q(?!QQ))[^Q\\]*)*QQQ
          | (?!QQ)[^Q\\\n\r]*(?:\\.[^Q\\\n\r]*)*Q
        )
      | (?!QQ)(?:[^Q{}\\\n\r]|\\[^\n\rN]|\{\{|\}\}|\{[^Q{}\\\n\r(]*\})*Q
      | (?!QQ)(?![^Q\n\r]*\b(?:WORDS)\b)(?:[^Q{}\\\n\r]|\\[^\n\rNQ]|\{\{|\}\}|\{[^Q{}\\\n\r]*\})*Q
    )
""".replace("WORDS", "|".join(sorted({*_WITHIN})))
_STRINGS_AND_COMMENTS = re.compile(
    rf"\#[^\n\r]* | {_QUOTED.replace('Q', chr(34))} | {_QUOTED.replace('Q', chr(39))}".encode(),
    re.VERBOSE | re.DOTALL,
)
_CODING = re.compile(rb"coding[:=][ \t]*([-\w.]+)")
_USUAL = frozenset({b"utf-8", b"utf8", b"utf-8-sig", b"ascii", b"us-ascii"})
_LETTER = re.compile(r"[A-Za-z0-9_]")
_BOM = b"\xef\xbb\xbf"


def may_load(content: bytes) -> bool:
    """Whether a Python file may call one of the known functions, has comments for this check, or cannot be read."""
    if b"\0" in content or unusual_coding(content) or (_MARK in content and IGNORING.search(content)):
        return True
    if content.isascii():
        further: frozenset[str] = frozenset()
    else:
        try:
            further = _hidden_words(content.decode("utf-8"))
        except UnicodeDecodeError:
            return True
    if not _possible(content, further):
        return False
    code = _STRINGS_AND_COMMENTS.sub(b" ", content.removeprefix(_BOM))
    if b'"' in code or b"'" in code:
        code = content
    return _possible(code, further, whole=True)


def notebook_may_load(content: bytes) -> bool:
    """The same for a notebook, whose texts may be escaped."""
    if not content.isascii() or b"\\u" in content or b"\0" in content or b"zoo:" in content:
        return True
    return _possible(content, frozenset()) or content.lstrip()[:1] != b"{" or content.rstrip()[-1:] != b"}"


@functools.cache
def _needs() -> tuple[tuple[tuple[str, bytes, re.Pattern[bytes]], ...], ...]:
    """The words of each function: as text, as bytes, and as an expression for the whole word, not defined here."""
    found = {one.words: None for one in loaders()}
    return tuple(tuple((word, word.encode(), _entire(word.encode())) for word in words) for words in found)


def _entire(word: bytes) -> re.Pattern[bytes]:
    return re.compile(b"%b(?<![0-9A-Za-z_]%b)(?<!def %b)\\b" % (word, word, word))


def _possible(content: bytes, further: Iterable[str], *, whole: bool = False) -> bool:
    """Whether all words of one of the functions occur.

    Args:
        further: words that occur in another spelling.
        whole: whether part of a longer word does not count.
    """
    absent: set[str] = set()
    for words in _needs():
        for word, plain, pattern in words:
            if word in absent:
                break
            if not (word in further or (plain in content and (not whole or pattern.search(content)))):
                absent.add(word)
                break
        else:
            return True
    return False


def _hidden_words(text: str) -> frozenset[str]:
    """Words that are written with letters which Python reads as others, such as full-width ones (PEP 3131)."""
    if unicodedata.is_normalized("NFKC", text):
        return frozenset()
    letters = [one for one in {*text} if not one.isascii() and _LETTER.search(unicodedata.normalize("NFKC", one))]
    if not letters:
        return frozenset()
    normal = unicodedata.normalize("NFKC", text)
    return frozenset(word for one in loaders() for word in one.words if word in normal)


def unusual_coding(content: bytes) -> bool:
    """Whether the first two lines state an encoding (PEP 263) that is not UTF-8."""
    head = content[:400]
    if b"coding" not in head:
        return False
    return any(found.lower() not in _USUAL for found in _CODING.findall(b"\n".join(head.splitlines()[:2])))
