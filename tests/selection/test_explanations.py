"""What is said for and against candidates, how sure it is, and what would change it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.answers import Candidate, Confirmation, Recommendation
from zoo.entities import BenchmarkScore, Measurement, ModelCard, ModelFile, Run
from zoo.plugins import plugins
from zoo.selection.explain.arguments import Context, arguments
from zoo.selection.explain.certainty import _cumulative, in_words, probabilities_best, would_change
from zoo.selection.explain.explanations import EXPLAINED, explain
from zoo.selection.measure.figures import Measured
from zoo.selection.rank.ranking import measured_candidates
from zoo.selection.rank.wording import ordinal
from zoo.selection.request.task import Analysis
from zoo.selection.select.confirming import TuningPlan, _reranked

TASK = plugins().tasks["image-classification"]
ANALYSIS = Analysis(TASK.name, "vision", True, {"name": "photos/", "samples": 100, "classes": 2})


def candidate(name: str, score: float, error: float = 0.02, **fields) -> Candidate:
    values = {
        "samples": 100,
        "layer": "pooled",
        "measured": {"linear-probe": score},
        "parameters": 10_000_000,
        **fields,
    }
    return Candidate(1, f"pkg:{name}", score, (score - error, score + error), **values)


def ranked(*candidates: Candidate) -> list[Candidate]:
    best = candidates[0]
    return [
        replace(c, rank=rank, tied=rank > 1 and c.interval[1] >= best.interval[0])
        for rank, c in enumerate(candidates, start=1)
    ]


def context(candidates: list[Candidate], cards: dict[str, dict] | None = None, **fields) -> Context:
    known = {c.id: ModelCard(c.id, "vision", **{"license": "MIT", **(cards or {}).get(c.id, {})}) for c in candidates}
    return Context(**{"task": TASK, "analysis": ANALYSIS, "cards": known, **fields})


def said(c: Candidate, everyone: list[Candidate], known: Context, speaks_for: bool) -> str:
    return " ".join(a.sentence for side, a in arguments(c, everyone, known) if side is speaks_for)


def test_a_lead_beyond_the_error_counts_for_the_first_and_against_the_second():
    first, second = everyone = ranked(candidate("a", 0.9), candidate("b", 0.8))
    known = context(everyone)

    assert "Best of 2: cross-validated linear-probe accuracy 0.9000 (95 % interval 0.8800 to 0.9200)." in said(
        first, everyone, known, True
    )
    assert "0.1 below the best, beyond the error" in said(second, everyone, known, False)


def test_a_gap_within_the_error_is_not_held_against_a_candidate():
    _, second = everyone = ranked(candidate("a", 0.90), candidate("b", 0.89))

    assert "0.01 below the best, within the error" in said(second, everyone, context(everyone), True)


def test_every_argument_names_its_source_and_numbers_their_figure():
    everyone = ranked(candidate("a", 0.9, parameters=2_000_000), candidate("b", 0.8, parameters=90_000_000))
    score = BenchmarkScore("pkg:a", TASK.name, "ImageNet-1k", "accuracy", 0.75, source="arXiv:1234")
    run = Run("r1", "pkg:a", TASK.name, "photos/", "f", "full", {"accuracy": 0.95}, {"accuracy": 0.5})
    known = context(
        everyone,
        {"pkg:a": {"tasks": (TASK.name,), "pretraining": ("ImageNet-1k",)}},
        scores={"pkg:a": [score]},
        runs={"pkg:a": [run]},
    )

    found = [argument for _, argument in arguments(everyone[0], everyone, known)]

    assert all(argument.source for argument in found)
    by_source = {argument.source: argument for argument in found}
    assert by_source["arXiv:1234"].figure == 0.75
    assert by_source["run r1"].sentence == "Adapted before (full, photos/): accuracy 0.95, against a baseline of 0.5."
    assert any(argument.sentence == "The smallest candidate: 2.0M parameters." for argument in found)


@pytest.mark.parametrize(
    ("fields", "speaks_for", "sentence"),
    [
        ({"license": "Apache-2.0"}, True, "Licence Apache-2.0, permissive."),
        ({"license": "CC-BY-NC-4.0"}, False, "Licence CC-BY-NC-4.0, non-commercial."),
        ({"license": None}, False, "Its licence is unknown."),
        ({"gated": True}, False, "Gated: its terms must be accepted before the download."),
        ({"files": (ModelFile("model.pth"),)}, False, "The weights are a pickle (model.pth), not safetensors."),
        ({"tasks": ("object-detection",)}, False, "Its own task is object-detection."),
    ],
)
def test_the_card_speaks_for_and_against(fields: dict, speaks_for: bool, sentence: str):
    everyone = ranked(candidate("a", 0.9))

    assert sentence in said(everyone[0], everyone, context(everyone, {"pkg:a": fields}), speaks_for)


def test_a_model_of_another_language_is_reported_so():
    everyone = ranked(candidate("a", 0.9))
    german = replace(ANALYSIS, languages={"de": 0.9})

    known = context(everyone, {"pkg:a": {"languages": ("en",)}}, analysis=german)

    assert "Made for en; 90% of the texts are in de." in said(everyone[0], everyone, known, False)


def test_too_little_memory_to_fine_tune_speaks_against():
    everyone = ranked(candidate("a", 0.9))

    known = context(everyone, {"pkg:a": {"parameters": 10**9}}, memory=8 * 10**9)

    assert "Full fine-tuning takes about" in said(everyone[0], everyone, known, False)


@given(st.lists(st.tuples(st.floats(0.1, 0.9), st.floats(0.01, 0.2)), min_size=1, max_size=6))
def test_probabilities_of_being_best_add_up_to_one(figures):
    found = probabilities_best([candidate(str(n), score, error) for n, (score, error) in enumerate(figures)])

    assert sum(found) == pytest.approx(1)
    assert all(0 <= chance <= 1 for chance in found)


def test_two_equal_candidates_are_equally_likely_and_two_apart_follow_the_normal_distribution():
    assert probabilities_best([candidate("a", 0.8), candidate("b", 0.8)]) == pytest.approx([0.5, 0.5])
    error = 0.1 * 1.959964  # a standard error of 0.1 each; the difference of 0.1 has one of 0.1414

    assert probabilities_best([candidate("a", 0.8, error), candidate("b", 0.7, error)])[0] == pytest.approx(
        0.7602, abs=2e-3
    )


def test_a_score_without_interval_says_nothing_of_its_certainty():
    alone = Candidate(1, "pkg:a", 0.5)

    assert probabilities_best([alone]) == [None]
    assert in_words(alone, [alone], None).startswith("These scores have no intervals")


def test_a_sure_winner_claims_nothing_of_intervals_that_overlap():
    sure = replace(candidate("a", 0.95, 0.03), tied=False)
    other = replace(candidate("b", 0.92, 0.03), rank=2, tied=False)  # apart in pairs, though the intervals overlap

    assert in_words(sure, [sure, other], 0.96) == (
        "96% likely the best of 2; its difference from each of the others is beyond the error."
    )


def test_a_single_fine_tuned_model_is_not_said_to_be_apart_from_the_others():
    alone = replace(candidate("a", 0.9), confirmed=Confirmation("r", "full", 2, "accuracy", 1.0, 0.5, 22, 1.0))
    everyone = [alone, replace(candidate("b", 0.9), rank=2, tied=True)]

    assert in_words(alone, everyone, None) == (
        "By brief fine-tuning: accuracy 1 on 22 samples; the only model that was fine-tuned."
    )


@pytest.mark.parametrize(
    ("winner", "tied"), [("pkg:a", {"pkg:b": True, "pkg:c": False}), ("pkg:b", {"pkg:a": True, "pkg:c": False})]
)
def test_what_was_measured_to_be_tied_stays_tied_with_the_only_fine_tuned_model(winner: str, tied: dict[str, bool]):
    everyone = ranked(candidate("a", 0.9), candidate("b", 0.89), candidate("c", 0.5))
    trial = TuningPlan(TASK, None, "full", "cpu")  # type: ignore[arg-type]

    first, *others = _reranked(everyone, {winner: Confirmation("r", "full", 2, "accuracy", 1.0, 0.5, 22, 1.0)}, trial)

    assert (first.id, first.tied) == (winner, False)
    assert "22 held-out samples, against a baseline of 0.5; the only one that was" in first.reasons[0]
    assert {c.id: c.tied for c in others} == tied


def test_no_error_is_claimed_where_none_is_known():
    figures = [
        Measurement(f"pkg:{n}", TASK.name, "", "", "linear-probe", v, samples=4) for n, v in enumerate((0.5, 0.5, 0.2))
    ]
    ordered = [Measured(ModelCard(figure.model, "vision"), (figure,)) for figure in figures]

    found = measured_candidates(ordered, TASK)

    assert [c.tied for c in found] == [False, True, False]
    assert "<td>2=</td>" in Recommendation(TASK.name, {}, tuple(found))._repr_html_()
    assert "tied with 1 other" in found[0].reasons[0]
    assert "beyond the error" not in measured_candidates(ordered[1:], TASK)[0].reasons[0]
    assert said(found[2], found, context(found), False).startswith("0.3 below the best: ")


def test_equal_scores_are_called_equal():
    first, second = everyone = ranked(candidate("a", 0.9), candidate("b", 0.9))

    assert said(second, everyone, context(everyone), True).startswith("Equal to the best, within the error: ")
    assert in_words(first, everyone, 0.5) == "50% likely the best of 2; tied with 1 other within the error."


def test_certainty_says_how_likely_the_best_and_tied_with_how_many():
    several = ranked(candidate("a", 0.90, 0.03), candidate("b", 0.88, 0.03), candidate("c", 0.60, 0.03))

    assert in_words(several[0], several, 0.82) == "82% likely the best of 3; tied with 1 other within the error."
    assert in_words(several[2], several, 0.001) == (
        "Unlikely to be the best; its difference from each of the others is beyond the error."
    )
    assert in_words(several[0], several[:1], 1.0) == "There is no other candidate."


def test_more_samples_are_asked_for_where_they_would_tell_two_apart():
    first, _ = everyone = ranked(candidate("a", 0.90, 0.03), candidate("b", 0.88, 0.03))

    [sentence] = would_change(first, everyone, context(everyone))

    # 100 x (1.96 x 0.0216 / 0.02)^2
    assert "telling them apart would take about 450 samples, and you have 100." in sentence


def test_another_estimator_and_a_level_smaller_model_would_change_the_order():
    first, _ = everyone = ranked(
        candidate("a", 0.90, measured={"linear-probe": 0.9, "logme": 0.1}, parameters=90_000_000),
        candidate("b", 0.89, measured={"linear-probe": 0.89, "logme": 0.2}, parameters=9_000_000),
    )

    found = " ".join(would_change(first, everyone, context(everyone)))

    assert "Ranked by LogME it would be 2nd, not 1st." in found
    assert "If size counted, pkg:b would rank above it: tied, with 10% of the parameters." in found


def test_the_first_ten_are_explained():
    everyone = ranked(*[candidate(f"m{n}", 0.9 - n / 100) for n in range(EXPLAINED + 2)])

    explained = explain(everyone, context(everyone))

    assert [c.explanation is not None for c in explained] == [True] * EXPLAINED + [False] * 2
    assert explained[0].to_dict()["explanation"]["in_favour"][0]["figure"] == 0.9


@pytest.mark.parametrize(
    ("number", "word"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd")]
)
def test_places_in_words(number: int, word: str):
    assert ordinal(number) == word


@given(st.floats(-6, 6))
def test_the_normal_distribution_is_that_of_the_error_function(z: float):
    assert _cumulative(np.array([z]))[0] == pytest.approx(0.5 * math.erfc(-z / math.sqrt(2)), abs=2e-7)


def test_an_interval_that_is_cut_where_the_range_ends_counts_by_its_longer_side():
    whole, cut = Candidate(1, "pkg:a", 0.98, (0.92, 1.04)), Candidate(1, "pkg:a", 0.98, (0.92, 1.0))
    other = candidate("b", 0.95, 0.06)

    assert probabilities_best([cut, other]) == pytest.approx(probabilities_best([whole, other]))
