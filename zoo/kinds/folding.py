"""Normalises texts, and names of classes, for comparison."""

from __future__ import annotations

import unicodedata

_VARIANTS = {
    **dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufe0e\ufe0f\ufeff")),
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b\u2032\u02bc"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u00ab\u00bb"), '"'),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-"),
}
"""Invisible characters (soft hyphens, joiners, byte order marks), and typographic quotes and dashes."""


def folded(name: str) -> str:
    """A name without case, hyphens, underscores and extra spaces."""
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def folded_text(text: str) -> str:
    """A text in NFKC, without case and invisible characters, with plain quotes, white space as single spaces."""
    if text.isascii():
        return " ".join(text.lower().split())
    plain = unicodedata.normalize("NFKC", text.translate(_VARIANTS))
    return " ".join(unicodedata.normalize("NFKC", plain.casefold()).translate(_VARIANTS).split())
