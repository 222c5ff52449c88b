"""Which languages a translator goes from and to: names and codes of people, and those of each family's tokenizer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.errors import InvalidInput

_TABLE = """
af afr Latn Afrikaans|am amh Ethi Amharic|ar arb Arab Arabic|az azj Latn Azerbaijani|be bel Cyrl Belarusian
bg bul Cyrl Bulgarian|bn ben Beng Bengali|bs bos Latn Bosnian|ca cat Latn Catalan|cs ces Latn Czech|cy cym Latn Welsh
da dan Latn Danish|de deu Latn German|el ell Grek Greek|en eng Latn English|eo epo Latn Esperanto|es spa Latn Spanish
et est Latn Estonian|eu eus Latn Basque|fa pes Arab Persian|fi fin Latn Finnish|fr fra Latn French|ga gle Latn Irish
gl glg Latn Galician|gu guj Gujr Gujarati|ha hau Latn Hausa|he heb Hebr Hebrew|hi hin Deva Hindi|hr hrv Latn Croatian
hu hun Latn Hungarian|hy hye Armn Armenian|id ind Latn Indonesian|ig ibo Latn Igbo|is isl Latn Icelandic
it ita Latn Italian|ja jpn Jpan Japanese|jv jav Latn Javanese|ka kat Geor Georgian|kk kaz Cyrl Kazakh
km khm Khmr Khmer|kn kan Knda Kannada|ko kor Hang Korean|lo lao Laoo Lao|lt lit Latn Lithuanian|lv lvs Latn Latvian
mk mkd Cyrl Macedonian|ml mal Mlym Malayalam|mn khk Cyrl Mongolian|mr mar Deva Marathi|ms zsm Latn Malay
mt mlt Latn Maltese|my mya Mymr Burmese|ne npi Deva Nepali|nl nld Latn Dutch|no nob Latn Norwegian|pa pan Guru Punjabi
pl pol Latn Polish|ps pbt Arab Pashto|pt por Latn Portuguese|ro ron Latn Romanian|ru rus Cyrl Russian
si sin Sinh Sinhala|sk slk Latn Slovak|sl slv Latn Slovenian|so som Latn Somali|sq als Latn Albanian
sr srp Cyrl Serbian|sv swe Latn Swedish|sw swh Latn Swahili|ta tam Taml Tamil|te tel Telu Telugu|th tha Thai Thai
tl tgl Latn Tagalog|tr tur Latn Turkish|uk ukr Cyrl Ukrainian|ur urd Arab Urdu|uz uzn Latn Uzbek
vi vie Latn Vietnamese|yo yor Latn Yoruba|zh zho Hans Chinese|zu zul Latn Zulu
"""
"""ISO 639-1 and 639-3, the script that NLLB writes with it (ISO 15924), and the English name."""

_LANGUAGES = [tuple(entry.split()) for line in _TABLE.split("\n") for entry in line.split("|") if entry]
_KNOWN = {name.lower(): language for language in _LANGUAGES for name in (*language[:2], language[3])}
_TOKEN = re.compile(r"[a-z]{2,3}_[A-Z][A-Za-z]{1,3}\Z")
"""``eng_Latn`` (NLLB), ``en_XX`` (mBART)."""

_MARIAN = re.compile(r">>([A-Za-z_]{2,12})<<\Z")


def codes(tokenizer: Any) -> dict[str, str]:
    """The codes of languages that a tokenizer has tokens for, with those tokens; empty of models for one pair."""
    own: Mapping[str, str] = getattr(tokenizer, "lang_code_to_token", None) or {}  # M2M100's
    found = dict(own) or {token: token for token in tokenizer.get_added_vocab() if _TOKEN.match(token)}
    targets = getattr(tokenizer, "supported_language_codes", None) or ()
    return found or {match[1]: token for token in targets if (match := _MARIAN.match(token))}


def find(name: str, known: Mapping[str, str] | Sequence[str]) -> str | None:
    """The code among ``known`` of a language by its name or a code; None where it is not among them."""
    name = name.strip()
    if name in known:
        return name
    language = _KNOWN.get(name.lower()) or next((one for one in _LANGUAGES if f"{one[1]}_{one[2]}" == name), None)
    if language is None:
        return None
    short, long, script, _ = language
    exact = next((code for code in (short, long, f"{long}_{script}", f"{short}_XX") if code in known), None)
    return exact or next((code for code in known if code.startswith((f"{short}_", f"{long}_"))), None)


def iso(name: str) -> str | None:
    """The ISO 639-1 code of a language by its name or a code; None where it is not known."""
    language = _KNOWN.get(name.strip().lower()) or _KNOWN.get(name.strip().split("_")[0].lower())
    return language[0] if language else None


def pair(model: str, named: Sequence[str], known: Mapping[str, str], own: Sequence[str | None]) -> tuple[str, str]:
    """The codes of the two languages of a model that has many.

    Args:
        named: what the user or the columns of the data say: source and target.
        own: what the tokenizer was saved with, taken where nothing is said, or nothing that is a language.

    Raises:
        InvalidInput: the model does not know one of them, or nobody says which to take.
    """
    found = [find(name, known) for name in named]
    if len(found) == 2 and all(found):
        return str(found[0]), str(found[1])
    if not any(found) and len(own) == 2 and all(own):
        return str(own[0]), str(own[1])
    some = ", ".join(sorted(known)[:: max(1, len(known) // 6)][:6])
    said = f"{' and '.join(repr(str(name)[:30]) for name in named)} are not two of them" if named else "none were named"
    raise InvalidInput(
        f"'{model}' translates between {len(known)} languages, and {said}.",
        f"Name source and target, by --labels en,de or as the columns of the table; its codes are such as {some}.",
    )
