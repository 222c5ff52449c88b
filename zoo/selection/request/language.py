"""Detects the languages of texts, with the package py3langid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

SAMPLED = 200
"""Maximum number of texts to classify, spread evenly over the data set."""

SHORTEST = 20
"""Minimum characters of a text."""

LEAST_SHARE = 0.05
"""Minimum share of the texts; rarer languages are noise."""


def languages(texts: Sequence[str]) -> dict[str, float]:
    """Share of the classified texts by ISO 639-1 code, the most frequent first.

    Each of up to 200 texts of at least 20 characters counts for the most likely of 97 languages (Lui and Baldwin,
    "langid.py: an off-the-shelf language identification tool", ACL 2012). Languages below 5 % are left out. Empty if
    the package is not installed or the texts are too short.
    """
    try:
        import py3langid
    except ModuleNotFoundError:
        return {}
    step = max(1, len(texts) // SAMPLED)
    looked_at = [texts[position] for position in range(0, len(texts), step)][:SAMPLED]
    long_enough = [text for text in looked_at if len(text.strip()) >= SHORTEST]
    if not long_enough:
        return {}
    counts = Counter(str(py3langid.classify(text)[0]) for text in long_enough)
    shares = {code: round(count / len(long_enough), 3) for code, count in counts.most_common()}
    return {code: share for code, share in shares.items() if share >= LEAST_SHARE}
