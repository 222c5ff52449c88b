"""Languages by their English names and codes (ISO 639, BCP 47), with langcodes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from zoo.errors import needs_extra

_SAME = 3
"""Distance up to which two codes are one language in CLDR's matching, such as Norwegian and Bokmål."""


def language(name: str) -> str | None:
    """The BCP 47 tag of a language by its English name or a code such as ``de``, ``deu`` or ``zho_Hant``; or None."""
    langcodes = _langcodes()
    name = name.strip()
    try:
        tag = name if langcodes.tag_is_valid(name) else langcodes.find(name).to_tag()
    except (LookupError, ValueError):
        return None
    return str(langcodes.standardize_tag(tag))


def group(tag: str) -> str:
    """The language of a tag or a tokenizer's code, by its ISO 639 macrolanguage: ``zh`` of ``cmn_Hans``."""
    langcodes = _langcodes()
    return str(langcodes.Language.get(langcodes.standardize_tag(tag, macro=True)).language)


def nearest(tag: str, codes: Collection[str]) -> str | None:
    """The code with the nearest script and region among those of the same language; None if there is none."""
    match = _langcodes().closest_supported_match
    if found := match(tag, list(codes), max_distance=_SAME):
        return str(found)
    same = [code for code in codes if group(code) == group(tag)]
    return str(match(tag, same) or same[0]) if same else None


def is_language(name: str) -> bool:
    """Whether a word, such as a column's name, is a language: its English name, or a code.

    Three letters count only if the language also has a two-letter code: ``deu`` does; ``src`` means the source.
    """
    tag = language(name)
    return tag is not None and (len(name.strip()) != 3 or len(tag) == 2)


def _langcodes() -> Any:
    with needs_extra("language", "tell languages apart"):
        import langcodes
    return langcodes
