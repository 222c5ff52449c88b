"""Metrics of captions: CIDEr, the agreement of n-grams weighted by their rarity."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from zoo.contract.metric import Metric
from zoo.kinds.metrics.texts import checked, spoken

LONGEST, DEVIATION, SCALE = 4, 6.0, 10.0
"""Words of the longest n-grams, standard deviation of the length penalty, and scale, as in the paper."""

Grams = Counter[tuple[str, ...]]


def cider(targets: Sequence[str], predictions: Sequence[str]) -> float:
    """CIDEr-D with one reference each, 0 to 10 (Vedantam, Zitnick and Parikh, 2015, sections 3 and 6).

    N-grams are weighted by their rarity among the references, and clipped to their count in the reference.
    """
    known, found = checked("cider", targets, predictions)
    references, candidates = ([_grams(spoken(text).split()) for text in texts] for texts in (known, found))
    having = Counter(gram for lengths in references for grams in lengths for gram in grams)
    rarity = {gram: math.log(len(known) / count) for gram, count in having.items()}
    unseen = math.log(len(known))
    total = 0.0
    for reference, candidate in zip(references, candidates, strict=True):
        # A text has one more word than pairs of words, and so on; the single words give its length.
        difference = candidate[0].total() - reference[0].total()
        cosines = (_cosine(*pair, rarity, unseen) for pair in zip(candidate, reference, strict=True))
        total += math.exp(-(difference**2) / (2 * DEVIATION**2)) * sum(cosines) / LONGEST
    return SCALE * total / len(known)


METRICS = (
    Metric("cider", cider, True, "CIDEr-D of captions, one reference each; 0 to 10.", bounds=(0, 10), recomputed=20),
)


def _grams(words: Sequence[str]) -> list[Grams]:
    """Counts of all n-grams of 1 to 4 words."""
    return [
        Counter(tuple(words[at : at + length]) for at in range(len(words) - length + 1))
        for length in range(1, LONGEST + 1)
    ]


def _cosine(candidate: Grams, reference: Grams, rarity: dict[tuple[str, ...], float], unseen: float) -> float:
    weighed = [
        {gram: count * rarity.get(gram, unseen) for gram, count in side.items()} for side in (candidate, reference)
    ]
    norms = [math.sqrt(sum(weight**2 for weight in side.values())) for side in weighed]
    if not all(norms):
        return 0.0
    given, expected = weighed
    shared = sum(min(weight, expected[gram]) * expected[gram] for gram, weight in given.items() if gram in expected)
    return shared / (norms[0] * norms[1])
