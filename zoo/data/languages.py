"""Languages by their English names and codes, and what tells that a word is one."""

from __future__ import annotations

import re

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

_LANGUAGES: list[tuple[str, str, str, str]] = [
    (short, long, script, name)
    for line in _TABLE.split("\n")
    for entry in line.split("|")
    if entry
    for short, long, script, name in [entry.split()]
]
_KNOWN = {name.lower(): one for one in _LANGUAGES for name in (one[0], one[1], one[3])}
CODE = re.compile(r"[a-z]{2,3}_[A-Z][A-Za-z]{1,3}\Z")
"""``eng_Latn`` (NLLB), ``en_XX`` (mBART)."""


def language(name: str) -> tuple[str, str, str, str] | None:
    """ISO 639-1 and 639-3, script and English name of a language by its name or a code; None where it is not known."""
    name = name.strip()
    return _KNOWN.get(name.lower()) or next((one for one in _LANGUAGES if f"{one[1]}_{one[2]}" == name), None)


def iso(name: str) -> str | None:
    """The ISO 639-1 code of a language by its name or a code, whatever the script; None where it is not known."""
    found = language(name) or language(name.strip().split("_")[0])
    return found[0] if found else None


def is_language(name: str) -> bool:
    """Whether a word, such as a column's name, says a language: its English name, or a code."""
    return language(name) is not None or CODE.match(name.strip()) is not None
