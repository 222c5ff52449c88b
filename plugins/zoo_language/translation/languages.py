"""Which languages a translator goes from and to: names and codes of people, and those of each family's tokenizer."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from zoo.data.languages import group, language, nearest
from zoo.errors import InvalidInput

_CODE = re.compile(r"[a-z]{2,3}_[A-Z][A-Za-z]{1,3}\Z")
"""``eng_Latn`` (NLLB), ``en_XX`` (mBART)."""

_MARIAN = re.compile(r">>([A-Za-z_]{2,12})<<\Z")


def codes(tokenizer: Any) -> dict[str, str]:
    """The codes of languages that a tokenizer has tokens for, with those tokens; empty of models for one pair."""
    own: Mapping[str, str] = getattr(tokenizer, "lang_code_to_token", None) or {}  # M2M100's
    found = dict(own) or {token: token for token in tokenizer.get_added_vocab() if _CODE.match(token)}
    targets = getattr(tokenizer, "supported_language_codes", None) or ()
    return found or {match[1]: token for token in targets if (match := _MARIAN.match(token))}


def find(name: str, known: Collection[str]) -> str | None:
    """The code among ``known`` of a language by its name or a code; None where it is not among them."""
    if name.strip() in known:
        return name.strip()
    tag = language(name)
    return None if tag is None else nearest(tag, known)


def pair(model: str, named: Sequence[str], known: Mapping[str, str], own: Sequence[str | None]) -> tuple[str, str]:
    """The codes of the two languages of a model that has many.

    Args:
        named: what the user or the columns of the data say: source and target.
        own: what the tokenizer was saved with, taken where nothing is said.

    Raises:
        InvalidInput: the model does not know one of them, or nobody says which to take.
    """
    found = [find(name, known) for name in named]
    if len(found) == 2 and all(found):
        return str(found[0]), str(found[1])
    if not named and len(own) == 2 and all(own):
        return str(own[0]), str(own[1])
    some = ", ".join(sorted(known)[:: max(1, len(known) // 6)][:6])
    said = f"'{','.join(str(name)[:30] for name in named)}' is no pair of them" if named else "none were named"
    raise InvalidInput(
        f"'{model}' translates between {len(known)} languages, and {said}.",
        f"Name source and target: --languages en,de; its codes are such as {some}.",
    )


def check(model: str, named: Sequence[str], own: Sequence[Sequence[str]]) -> None:
    """Refuse languages that are not those of a model for few.

    Args:
        named: what the user or the columns of the data say; nothing is refused where they say nothing.
        own: pairs of source and target of the model; empty where they are not known.

    Raises:
        InvalidInput: they are others.
    """
    if not named or not own or any(len(named) == 2 and all(map(_same, named, one)) for one in own):
        return
    raise InvalidInput(
        f"'{model}' translates from {', '.join(f'{source} to {target}' for source, target in own)}; "
        f"'{','.join(str(name)[:30] for name in named)}' is something else.",
        "Name others by --languages or as columns, or find a model that does: zoo search --task translation",
    )


def iso(name: str) -> str | None:
    """The ISO 639-1 code of a language by its name or a code, whatever the script; None where it has none."""
    tag = language(name)
    return group(tag) if tag else None


def _same(one: str, other: str) -> bool:
    return one == other or (iso(one) is not None and iso(one) == iso(other))
