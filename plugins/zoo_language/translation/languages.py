"""Source and target language of a translation model: from names and codes to the codes of each family's tokenizer."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from zoo.errors import InvalidInput
from zoo_language.translation.codes import group, language, nearest

_CODE = re.compile(r"[a-z]{2,3}_[A-Z][A-Za-z]{1,3}\Z")
"""``eng_Latn`` (NLLB), ``en_XX`` (mBART)."""

_MARIAN = re.compile(r">>([A-Za-z_]{2,12})<<\Z")


def codes(tokenizer: Any) -> dict[str, str]:
    """The codes of languages that a tokenizer has tokens for, with those tokens; empty for models of one pair."""
    own: Mapping[str, str] = getattr(tokenizer, "lang_code_to_token", None) or {}  # M2M100's
    found = dict(own) or {token: token for token in tokenizer.get_added_vocab() if _CODE.match(token)}
    targets = getattr(tokenizer, "supported_language_codes", None) or ()
    return found or {match[1]: token for token in targets if (match := _MARIAN.match(token))}


def find(name: str, known: Collection[str]) -> str | None:
    """The code among ``known`` of a language by its name or a code; None if it is not among them."""
    if name.strip() in known:
        return name.strip()
    tag = language(name)
    return None if tag is None else nearest(tag, known)


def pair(model: str, named: Sequence[str], known: Mapping[str, str], own: Sequence[str | None]) -> tuple[str, str]:
    """The codes of the two languages of a model that has many.

    Args:
        named: source and target, by the user or the columns of the data.
        own: those that the tokenizer was saved with, used if none are given.

    Raises:
        InvalidInput: the model does not support one of them, or none are given.
    """
    found = [find(name, known) for name in named]
    if len(found) == 2 and all(found):
        return str(found[0]), str(found[1])
    if not named and len(own) == 2 and all(own):
        return str(own[0]), str(own[1])
    some = ", ".join(sorted(known)[:: max(1, len(known) // 6)][:6])
    problem = f"'{','.join(str(name)[:30] for name in named)}' is not a pair of them" if named else "none were given"
    raise InvalidInput(
        f"'{model}' translates between {len(known)} languages, and {problem}.",
        f"Name source and target: --languages en,de; its codes are such as {some}.",
    )


def check(model: str, named: Sequence[str], own: Sequence[Sequence[str]]) -> None:
    """Reject languages that a model for few pairs does not support.

    Args:
        named: source and target, by the user or the columns of the data; empty if none are named.
        own: pairs of source and target of the model; empty if they are not known.

    Raises:
        InvalidInput: they are others.
    """
    if not named or not own or any(len(named) == 2 and all(map(_same, named, one)) for one in own):
        return
    raise InvalidInput(
        f"'{model}' translates from {', '.join(f'{source} to {target}' for source, target in own)}; "
        f"'{','.join(str(name)[:30] for name in named)}' is not supported.",
        "Name other languages with --languages or as columns, or find another model: zoo search --task translation",
    )


def iso(name: str) -> str | None:
    """The ISO 639-1 code of a language by its name or a code, whatever the script; None if it has none."""
    tag = language(name)
    return group(tag) if tag else None


def _same(one: str, other: str) -> bool:
    return one == other or (iso(one) is not None and iso(one) == iso(other))
