"""The languages of MTEB scores follow from the suites that the model was evaluated on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from catalog_converters.mteb_subsets import subset

FIRST_ENGLISH = {"AmazonPolarityClassification", "SciFact", "STS16", "TwitterSemEval2015"}
JAPANESE = {"JaGovFaqsRetrieval", "JSTS", "LivedoorNewsClustering.v2"}
FRENCH = {"AlloProfClusteringP2P", "BSARDRetrieval", "HALClusteringS2S", "SyntecReranking"}
MASSIVE, REVIEWS = "MassiveIntentClassification", "AmazonReviewsClassification"


@pytest.mark.parametrize(
    ("task", "run", "languages"),
    [
        ("STS12", set(), ""),
        (MASSIVE, FIRST_ENGLISH, "en"),
        (MASSIVE, FIRST_ENGLISH | JAPANESE, "en"),
        (MASSIVE, JAPANESE, "ja"),
        (REVIEWS, JAPANESE | FRENCH, None),
        (MASSIVE, JAPANESE - {"JSTS"}, None),
        (MASSIVE, {MASSIVE}, None),
        ("MIRACLRetrievalHardNegatives", FIRST_ENGLISH, None),
        ("MInDS14", set(), "en-GB"),
    ],
)
def test_the_suites_that_were_run_tell_the_languages(task: str, run: set[str], languages: str | None) -> None:
    assert subset("a/model", "0123456789" * 4, task, run) == languages


def test_records_that_mix_runs_tell_nothing() -> None:
    assert subset("a/model", "no_revision_available", MASSIVE, FIRST_ENGLISH) is None
    assert subset("jinaai/jina-embedding-s-en-v1", "external", MASSIVE, FIRST_ENGLISH) is None


def test_figures_quoted_from_a_card_are_trusted_for_english_only() -> None:
    assert subset("a/model", "external", MASSIVE, FIRST_ENGLISH) == "en"
    assert subset("a/model", "external", MASSIVE, JAPANESE) is None
