"""MTEB's multilingual data sets: the languages of a score, and which scores are ambiguous.

The records have one score per model and task: the mean over the subsets with English that the model was run on, or over
all subsets if none has English. The subsets follow from the suites that the model was run on: each has the task in its
own languages, and single-language tasks show that it was run.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

ENGLISH = "en"
UNKNOWN, QUOTED = "no_revision_available", "external"
"""Revisions in the records of models that were run without one, and of scores quoted from model cards."""

_REVIEWS, _DOMAIN, _INTENT = "AmazonReviewsClassification", "MTOPDomainClassification", "MTOPIntentClassification"
_MASSIVE = ("MassiveIntentClassification", "MassiveScenarioClassification")
_BELEBELE, _MIRACL = "BelebeleRetrieval", "MIRACLRetrievalHardNegatives"


@dataclass(frozen=True)
class _Suite:
    """A suite of tasks: the languages of each multilingual one, and the tasks that show that it ran."""

    subsets: dict[str, str]
    shown_by: frozenset[str]


def _suite(shown_by: str, subsets: dict[str, str]) -> _Suite:
    return _Suite(subsets, frozenset(shown_by.split()))


_SUITES = (
    _suite(  # MTEB(eng, v1)
        "AmazonPolarityClassification SciFact STS16 TwitterSemEval2015",
        dict.fromkeys((_REVIEWS, _DOMAIN, _INTENT, *_MASSIVE), ENGLISH),
    ),
    _suite(  # MTEB(eng, v2)
        "FEVERHardNegatives Touche2020Retrieval.v3 ToxicConversationsClassification TwentyNewsgroupsClustering.v2",
        dict.fromkeys((_DOMAIN, *_MASSIVE), ENGLISH),
    ),
    _suite(  # MTEB(Multilingual)
        "CTKFactsNLI FaroeseSTS SwahiliNewsClassification SwissJudgementClassification",
        {_MASSIVE[0]: ENGLISH, _MIRACL: ENGLISH, _BELEBELE: "pairs with English"},
    ),
    _suite(  # MTEB(Scandinavian)
        "AngryTweetsClassification NoRecClassification SweRecClassification SwednClusteringS2S",
        dict.fromkeys(_MASSIVE, "da, nb, sv"),
    ),
    _suite(  # MTEB(fra)
        "AlloProfClusteringP2P BSARDRetrieval HALClusteringS2S SyntecReranking",
        dict.fromkeys((_REVIEWS, _DOMAIN, _INTENT, *_MASSIVE), "fr"),
    ),
    _suite(  # MTEB(deu)
        "GerDaLIR GermanQuAD-Retrieval XMarket",
        dict.fromkeys((_REVIEWS, _DOMAIN, _INTENT, *_MASSIVE), "de"),
    ),
    _suite("JaGovFaqsRetrieval JSTS LivedoorNewsClustering.v2", dict.fromkeys((_REVIEWS, *_MASSIVE), "ja")),  # JMTEB
    _suite("KinopoiskClassification RuBQRetrieval RuSTSBenchmarkSTS", dict.fromkeys(_MASSIVE, "ru")),  # MTEB(rus)
)

_ALWAYS = {"MInDS14": "en-GB"}
"""Multilingual data sets with a single English subset, which are always run completely."""

MULTILINGUAL = frozenset(task for suite in _SUITES for task in suite.subsets) | frozenset(_ALWAYS)

_MIXED = frozenset(
    {
        "Hum-Works/lodestone-base-4096-v1",
        "jinaai/jina-embedding-b-en-v1",
        "jinaai/jina-embedding-s-en-v1",
        "jinaai/jina-embeddings-v2-base-en",
        "jinaai/jina-embeddings-v2-small-en",
    }
)
"""Models whose scores on these sets are far below those in their model cards, or those implied by
English-only sets: the records mix several runs."""

_OTHER_LANGUAGE = frozenset({("Qwen/Qwen3-Embedding-8B", _INTENT)})
"""Scores near chance of models that are near the top in English, so English was not run."""


def subset(model: str, revision: str, task: str, run: Collection[str]) -> str | None:
    """The languages of a score; empty for a set without subsets, None if unknown.

    Args:
        model, revision: as MTEB names them; for models without a known revision the records mix several runs.
        run: all tasks with scores of the model in the records.
    """
    if task not in MULTILINGUAL:
        return ""
    if task in _ALWAYS:
        return _ALWAYS[task]
    if model in _MIXED or revision == UNKNOWN or (model, task) in _OTHER_LANGUAGE:
        return None
    found = {suite.subsets[task] for suite in _SUITES if task in suite.subsets and suite.shown_by <= set(run)}
    if ENGLISH in found:
        return ENGLISH
    return found.pop() if len(found) == 1 and revision != QUOTED else None
