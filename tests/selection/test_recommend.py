"""The main job, on a plugin whose models are known to be good and bad."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import zoo
from zoo.errors import DataError, InvalidInput, ModelNotFound, UnknownModel, UnknownTask, UnsupportedModel
from zoo.sources import resolve


def test_the_model_whose_features_separate_the_classes_comes_first(poetry, poems):
    result = zoo.recommend(str(poems), task="poem-classification")

    assert [c.id for c in result.candidates] == ["poems:careful", "poems:sloppy"]
    assert result.candidates[0].score > 0.95
    low, high = result.candidates[0].interval
    assert low <= result.candidates[0].score <= high


def test_a_kind_of_classes_that_a_plugin_adds_is_measured_as_classes(poetry):
    words = {"poor": "stone", "fair": "rain", "good": "rose"}
    texts = [f"the {words[grade]} number {n} speaks" for n in range(20) for grade in words]
    graded = zoo.Dataset("graded", "text", texts, [*words] * 20, tuple(words), "graded", "grade")

    result = zoo.recommend(graded, task="poem-grading")

    assert [c.id for c in result.candidates] == ["poems:careful", "poems:sloppy"]
    assert result.candidates[0].score > 0.95
    assert "accuracy" in result.candidates[0].reasons[0]
    twice = replace(graded, inputs=[*texts, texts[0]], targets=[*graded.targets, "good"])
    assert zoo.profile(twice).duplicates[0].labels == ("poor", "good")


def test_targets_may_be_an_array(poetry, poems):
    data = zoo.read(str(poems))

    as_list = zoo.recommend(data, task="poem-classification")
    as_array = zoo.recommend(replace(data, targets=np.asarray(data.targets)), task="poem-classification", fresh=True)

    assert [c.measured for c in as_array.candidates] == [c.measured for c in as_list.candidates]


def test_logme_decides_where_weights_will_be_trained(poetry, poems):
    plain, trained, thrifty = (
        zoo.recommend(str(poems), task="poem-classification", **options)
        for options in ({}, {"strategy": "full"}, {"strategy": "linear-probe"})
    )

    assert list(plain.candidates[0].measured) == ["linear-probe", "logme", "hscore"]
    assert list(trained.candidates[0].measured) == ["logme", "hscore", "linear-probe"]
    assert list(thrifty.candidates[0].measured) == list(plain.candidates[0].measured)
    assert trained.candidates[0].id == "poems:careful"


def test_a_model_that_cannot_be_loaded_is_left_out_with_its_reason(poetry, poems):
    result = zoo.recommend(str(poems), task="poem-classification")

    [broken] = result.excluded
    assert broken.id == "poems:broken"
    assert "The poem model is broken." in broken.reason


def test_kept_measurements_are_reused_without_a_forward_pass(poetry, poems):
    first = zoo.recommend(str(poems), task="poem-classification")
    poetry.FORWARD_PASSES.clear()

    second = zoo.recommend(str(poems), task="poem-classification")

    assert poetry.FORWARD_PASSES == []
    assert all(c.reused for c in second.candidates)
    assert [c.measured for c in second.candidates] == [c.measured for c in first.candidates]
    assert [c.interval for c in second.candidates] == [c.interval for c in first.candidates]


def test_changed_data_are_measured_again(poetry, poems):
    zoo.recommend(str(poems), task="poem-classification")
    poems.write_text(poems.read_text() + "one more rose,love\n")
    poetry.FORWARD_PASSES.clear()

    result = zoo.recommend(str(poems), task="poem-classification")

    assert set(poetry.FORWARD_PASSES) == {"poems:careful", "poems:sloppy"}
    assert result.candidates[0].samples == 61


def test_fresh_measures_again(poetry, poems):
    zoo.recommend(str(poems), task="poem-classification")
    poetry.FORWARD_PASSES.clear()

    again = zoo.recommend(str(poems), task="poem-classification", fresh=True)

    assert not any(candidate.reused for candidate in again.candidates)
    assert not poetry.FORWARD_PASSES, "the features are kept; only the estimators run again"


def test_another_estimator_needs_no_forward_pass(poetry, poems):
    zoo.recommend(str(poems), task="poem-classification", estimator=["logme"])
    poetry.FORWARD_PASSES.clear()

    zoo.recommend(str(poems), task="poem-classification", estimator=["hscore"])

    assert not poetry.FORWARD_PASSES


def test_figures_of_another_precision_are_not_reused(poetry, poems):
    half, exact = (
        zoo.recommend(str(poems), task="poem-classification", dtype=dtype) for dtype in ("bfloat16", "float32")
    )
    again = zoo.recommend(str(poems), task="poem-classification", dtype="float32")
    assert not any(candidate.reused for candidate in (*half.candidates, *exact.candidates))
    assert all(candidate.reused for candidate in again.candidates)


def test_a_precision_that_there_is_not(poetry, poems):
    with pytest.raises(InvalidInput, match=r"'bfloat' is not a precision. Did you mean bfloat16"):
        zoo.recommend(str(poems), task="poem-classification", dtype="bfloat")


def test_without_the_cache_fresh_runs_the_models_again(poetry, poems, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE_SIZE", "off")
    zoo.recommend(str(poems), task="poem-classification")
    poetry.FORWARD_PASSES.clear()

    zoo.recommend(str(poems), task="poem-classification", fresh=True)

    assert poetry.FORWARD_PASSES


def test_a_license_limit_leaves_out_the_others_with_the_reason(poetry, poems):
    result = zoo.recommend(str(poems), task="poem-classification", license=["apache-2.0"])

    assert [c.id for c in result.candidates] == ["poems:sloppy"]
    reasons = {e.id: e.reason for e in result.excluded}
    assert reasons["poems:careful"] == "licence MIT is not allowed"


def test_a_parameter_limit_leaves_out_larger_models(poetry, poems):
    result = zoo.recommend(str(poems), task="poem-classification", max_parameters=1_500)

    assert [c.id for c in result.candidates] == ["poems:sloppy"]


def test_limits_that_leave_nothing_say_what_to_relax(poetry, poems):
    with pytest.raises(InvalidInput, match="No candidate is within the limits"):
        zoo.recommend(str(poems), task="poem-classification", max_size=1)


def test_samples_limit_what_is_measured(poetry, poems):
    result = zoo.recommend(str(poems), task="poem-classification", samples=30)

    assert result.candidates[0].samples == 30
    assert result.data["samples"] == 60


def test_the_first_estimator_decides_the_order(poetry, poems):
    result = zoo.recommend(str(poems), task="poem-classification", estimator=["hscore", "logme"])

    best = result.candidates[0]
    assert best.score == best.measured["hscore"]
    assert list(best.measured) == ["hscore", "logme"]


def test_reasons_name_the_figure_the_place_and_the_size(poetry, poems):
    result = zoo.recommend(str(poems), task="poem-classification")

    best, second = result.candidates
    assert best.reasons[0].startswith("Best of 2: cross-validated linear-probe accuracy")
    assert "Made for poem-classification, pretrained on sonnets." in best.reasons
    assert any(reason.startswith("The smallest candidate") for reason in second.reasons)


def test_named_candidates_only(poetry, poems):
    result = zoo.recommend(str(poems), task="poem-classification", candidates="poems:sloppy")

    assert [c.id for c in result.candidates] == ["poems:sloppy"]


def test_candidates_as_a_list_of_ids_and_cards(poetry, poems):
    card = resolve("poems:sloppy")
    result = zoo.recommend(str(poems), task="poem-classification", candidates=["poems:careful", card])

    assert {c.id for c in result.candidates} == {"poems:careful", "poems:sloppy"}
    with pytest.raises(InvalidInput, match="empty list"):
        zoo.recommend(str(poems), task="poem-classification", candidates=[])


def test_more_candidates_than_a_file_name_has_letters(poetry, poems):
    result = zoo.recommend(str(poems), task="poem-classification", candidates=",".join(["poems:careful"] * 30))

    assert [c.id for c in result.candidates] == ["poems:careful"]


def test_candidates_from_a_file_with_comments(poetry, poems, tmp_path):
    listed = tmp_path / "candidates.txt"
    listed.write_text("# ours\npoems:sloppy  # small\n\npoems:careful\n")

    result = zoo.recommend(str(poems), task="poem-classification", candidates=str(listed))

    assert {c.id for c in result.candidates} == {"poems:careful", "poems:sloppy"}


def test_candidates_from_a_search(poetry, poems):
    result = zoo.recommend(str(poems), task="poem-classification", candidates="careful")

    assert [c.id for c in result.candidates] == ["poems:careful"]


def test_a_search_without_result_is_reported(poetry, poems):
    with pytest.raises(UnknownModel, match="matches 'zzzz'"):
        zoo.recommend(str(poems), task="poem-classification", candidates="zzzz")


def test_an_unknown_model_is_named_with_the_nearest(poetry, poems):
    with pytest.raises(ModelNotFound, match="poems:sloppy"):
        zoo.recommend(str(poems), task="poem-classification", candidates="poems:slopy")


def test_every_candidate_broken_raises_its_own_error(poetry, poems):
    with pytest.raises(UnsupportedModel, match="The poem model is broken"):
        zoo.recommend(str(poems), task="poem-classification", candidates="poems:broken")


def test_an_unknown_task_suggests_the_nearest(poetry, poems):
    with pytest.raises(UnknownTask, match="poem-classification"):
        zoo.recommend(str(poems), task="poem-clasification")


def test_an_unknown_estimator_suggests_the_nearest(poetry, poems):
    with pytest.raises(InvalidInput, match="logme"):
        zoo.recommend(str(poems), task="poem-classification", estimator=["logm"])


def test_one_class_only_is_refused(poetry, tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("text,label\na rose,love\nred roses,love\n")

    with pytest.raises(DataError, match="the same class"):
        zoo.recommend(str(path), task="poem-classification")


def test_a_text_task_refuses_images(poetry):
    with pytest.raises(DataError, match="image"):
        zoo.recommend("sklearn:digits", task="poem-classification")


def test_the_task_is_guessed_from_the_data(poems, poetry):
    from zoo.selection.request.task import analyse

    task, analysis = analyse(zoo.read(str(poems)))

    assert task.name == "text-classification"
    assert analysis.guessed


def test_without_measuring_shared_benchmarks_decide(poetry, poems):
    from zoo.registry import open_registry

    values = {"poems:careful": 0.6, "poems:sloppy": 0.9}
    open_registry().add(
        [
            zoo.BenchmarkScore(model, "poem-classification", "Anthology", "accuracy", value, source="test")
            for model, value in values.items()
        ]
    )

    result = zoo.recommend(str(poems), task="poem-classification", measure=False)

    assert [c.id for c in result.candidates] == ["poems:sloppy", "poems:careful"]
    assert any("without a published score: 1 more model made for poem-classification." in w for w in result.warnings)
    assert poetry.FORWARD_PASSES == []

    named = zoo.recommend(
        str(poems), task="poem-classification", measure=False, candidates="poems:broken,poems:careful,poems:sloppy"
    )
    assert [c.id for c in named.candidates] == ["poems:sloppy", "poems:careful", "poems:broken"]
    assert named.candidates[-1].score is None
    assert named.candidates[-1].reasons[0].startswith("No published score for this task")
    against = named.candidates[-1].explanation.against
    assert against[0].sentence == named.candidates[-1].reasons[0]


def test_without_measuring_and_without_scores_it_is_reported(poetry, poems):
    with pytest.raises(UnsupportedModel, match="nothing to rank them by"):
        zoo.recommend(str(poems), task="poem-classification", measure=False)


def test_a_figure_for_numbers_is_not_called_an_accuracy(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    table = tmp_path / "lengths.csv"
    table.write_text("text,label\n" + "".join(f"{'very ' * n}long,{n / 7}\n" for n in range(40)))

    result = zoo.recommend(str(table), candidates="pkg:wordllama/64,pkg:wordllama/128")

    assert "R²" in result.candidates[0].reasons[0]
    assert "accuracy" not in result.candidates[0].reasons[0]


@pytest.mark.parametrize("race", [False, True])
def test_leep_is_that_of_the_probabilities_and_leaves_out_models_without_a_classifier(poetry, poems, race):
    from zoo.transfer import score

    result = zoo.recommend(str(poems), task="poem-classification", estimator=("leep", "logme", "nce"), race=race)

    dataset = zoo.read(str(poems), task="poem-classification")
    careful = zoo.load("poems:careful").extract(dataset, ("words", "probabilities"))
    [candidate] = result.candidates
    assert (candidate.id, candidate.layer) == ("poems:careful", "words")
    for name, layer in (("leep", "probabilities"), ("nce", "probabilities"), ("logme", "words")):
        expected = score(name, careful[layer].values, careful[layer].targets)
        assert candidate.measured[name] == pytest.approx(expected, abs=1e-9)
    excluded = {e.id: e.reason for e in result.excluded}
    assert "'poems:sloppy' has no classifier" in excluded["poems:sloppy"]
    assert "leep and nce" in excluded["poems:sloppy"]


def test_where_no_model_has_a_classifier_leep_is_refused_in_one_sentence(poetry, poems):
    with pytest.raises(UnsupportedModel, match=r"'poems:sloppy' has no classifier .* Leave it out, or choose"):
        zoo.recommend(str(poems), task="poem-classification", estimator=("leep",), candidates="poems:sloppy")


def test_the_answer_says_what_each_estimators_number_is(poetry, poems):
    result = zoo.recommend(str(poems), task="poem-classification", estimator=("logme", "knn"))

    assert list(result.provenance["estimators"]) == ["logme", "knn"]
    assert result.provenance["estimators"]["logme"]["unit"] == "nats per sample"
    assert result.provenance["estimators"]["knn"]["words"] == "nearest-neighbour accuracy"
