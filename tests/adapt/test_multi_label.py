"""Sets of labels: thresholds, metrics, the linear probe, fine-tuning, saved models, and ranking."""

from __future__ import annotations

import csv
import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import zoo as command
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, average_precision_score, f1_score
from tiny_models import WIDTH, TinyBackbone

import zoo
from zoo.adapt import multi_label
from zoo.adapt.linear_head import choose, fit, refit
from zoo.adapt.results.decision import fitted
from zoo.adapt.results.paired import compare_runs
from zoo.adapt.saved.predictors import module_predictor
from zoo.adapt.saved.tuned import TunedBackbone
from zoo.adapt.strategies import adapt
from zoo.contract.backbone import SilentProgress
from zoo.contract.experiment import Experiment
from zoo.data.joining import joined
from zoo.entities import Dataset, Plan
from zoo.errors import DataError, InvalidInput, UnsupportedModel
from zoo.kinds.known import estimated_as, kind_of
from zoo.kinds.label_sets import LabelSet
from zoo.kinds.metrics import metric
from zoo.selection.measure.layer_statistics import LayerStatistics, Targets

TASK = "multi-label-text-classification"
MODEL = "pkg:wordllama/64"
WORDS = {
    "law": ["jury", "court", "lawyer", "trial"],
    "food": ["soup", "bread", "cheese", "dinner"],
    "sport": ["goal", "match", "team", "race"],
}


@pytest.fixture
def notes(tmp_path: Path) -> str:
    """150 short texts on up to three topics each."""
    chance = random.Random(0)
    lines = []
    for number in range(150):
        topics = chance.sample(sorted(WORDS), chance.choice([0, 1, 1, 2, 2, 3]))
        words = [chance.choice(WORDS[topic]) for topic in topics for _ in range(2)]
        words += chance.choices(["the", "a", "of", "with", "our", "some", "many", "few", "old", "new"], k=4)
        chance.shuffle(words)
        lines.append(json.dumps({"text": f"note {number} {' '.join(words)}", "topics": topics}))
    path = tmp_path / "notes.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 1)), min_size=2, max_size=25))
def test_without_the_prior_a_threshold_has_the_highest_f1_of_all_cuts(samples) -> None:
    values, wanted = np.array([float(value) for value, _ in samples]), np.array([label for _, label in samples])
    assume(wanted.any())
    counts = multi_label._Counts(values, wanted)
    found = multi_label._threshold(counts, counts, 0.0)

    def f1(cut: float) -> float:
        return 2 * float((wanted * (values > cut)).sum()) / float((values > cut).sum() + wanted.sum())

    assert f1(found) == pytest.approx(max(f1(cut) for cut in [*(values - 0.5), 6.0]))


def test_a_label_with_few_samples_takes_the_threshold_of_all_labels() -> None:
    chance = np.random.default_rng(0)
    targets = (chance.random((400, 6)) < 0.3).astype(int)
    decisions = targets * 2.0 - 3.0 + chance.normal(0, 0.7, targets.shape)
    targets[:, 5] = 0
    decisions[:, 5] = chance.normal(-4, 1, 400)
    targets[7, 5] = 1  # by chance, ranked anywhere
    found = multi_label.thresholds(decisions, targets)
    assert found[:5] == pytest.approx(np.full(5, -2.0), abs=0.4)
    assert found[5] == pytest.approx(-2.0, abs=0.4)
    assert multi_label.thresholds(decisions, 0 * targets).tolist() == [0.0] * 6


def test_separable_labels_keep_one_half() -> None:
    targets = np.array([[1, 0], [0, 1]] * 30)
    assert multi_label.thresholds(targets * 8.0 - 4.0, targets).tolist() == [0.0, 0.0]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=30)
)
def test_metrics_agree_with_scikit_learn(rows) -> None:
    true, scores = np.array([row[:2] for row in rows]).astype(int), np.array([row[2:] for row in rows], dtype=float)
    assume(true.any(axis=0).all())
    expected = {
        "mean_average_precision": average_precision_score(true, scores, average="macro"),
        "micro_f1": f1_score(true, scores > 0, average="micro"),
        "macro_f1": f1_score(true, scores > 0, average="macro"),
        "subset_accuracy": accuracy_score(true, scores > 0),
    }
    for name, value in expected.items():
        assert metric(name).compute(true, scores) == pytest.approx(value), name


def test_metrics_leave_out_labels_without_samples_and_refuse_what_is_not_finite() -> None:
    targets = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]])
    scores = np.array([[0.5, -1.0, -2.0], [0.7, 2.0, -2.0], [0.9, -0.5, -2.0]])
    assert metric("mean_average_precision").compute(targets, scores) == pytest.approx((5 / 6 + 1) / 2)
    assert metric("micro_f1").compute(targets, scores) == pytest.approx(6 / 8)
    assert metric("macro_f1").compute(targets, scores) == pytest.approx((0.8 + 2 / 3) / 2)
    assert metric("subset_accuracy").compute(targets, scores) == pytest.approx(1 / 3)
    for name in ("mean_average_precision", "micro_f1", "macro_f1", "subset_accuracy"):
        assert metric(name).compute(targets, targets) == 1.0
        with pytest.raises(DataError, match="finite"):
            metric(name).compute(targets, scores * np.nan)
        with pytest.raises(DataError, match="shapes"):
            metric(name).compute(targets, scores[:2])


class Split(Experiment):
    """The part of an experiment that a head needs."""

    def record(self, *args, **kwargs):  # pragma: no cover
        raise NotImplementedError

    def gain(self, predictions, other):  # pragma: no cover
        raise NotImplementedError

    def register(self, card):  # pragma: no cover
        raise NotImplementedError


def experiment(features: np.ndarray, targets: np.ndarray) -> Split:
    names = tuple(f"label {k}" for k in range(targets.shape[1]))
    texts = [f"text {n}" for n in range(len(features))]
    data = Dataset("x", "text", texts, [tuple(row) for row in targets.tolist()], names, "x", "labels")
    order = list(range(len(features)))
    task = zoo.plugins.plugins().tasks[TASK]
    metrics = tuple(metric(one.name) for one in task.metrics)
    parts = (tuple(order[:300]), tuple(order[300:400]), tuple(order[400:]))
    return Split(task, data, *parts, targets, metrics, kind_of("labels"))


def test_the_probe_predicts_each_label_and_beats_the_baseline() -> None:
    features, targets = make_multilabel_classification(500, 20, n_classes=5, n_labels=2, random_state=0)
    prepared = experiment(features, targets)
    choice = choose(prepared, features)
    head = refit(prepared, features, choice.penalty)
    decision = fitted(prepared, choice.head.outputs(features[list(prepared.validation)]))

    test = list(prepared.test)
    metrics = prepared.evaluate(decision.predictions(head.outputs(features[test])).values, test)
    assert prepared.outputs == 5
    assert not prepared.classification
    assert metrics["mean_average_precision"] > prepared.baseline()["mean_average_precision"] + 0.2
    assert metrics["micro_f1"] > prepared.baseline()["micro_f1"] + 0.1


def test_all_labels_at_once_are_fitted_as_each_alone() -> None:
    features, targets = make_multilabel_classification(300, 12, n_classes=4, random_state=1)
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    weight, bias = multi_label.fit(features, targets, 0.05)
    for label in range(4):
        alone = LogisticRegression(C=0.05, tol=1e-6).fit(features, targets[:, label])
        assert weight[label] == pytest.approx(alone.coef_[0], abs=5e-3)
        assert bias[label] == pytest.approx(alone.intercept_[0], abs=5e-3)


def test_labels_that_all_or_none_of_the_training_samples_have_stay_finite() -> None:
    features, targets = make_multilabel_classification(500, 10, n_classes=3, random_state=0)
    targets[:, 1], targets[:, 2] = 0, 1
    head = fit(experiment(features, targets), features[:300], targets[:300], 1e-3)
    outputs = multi_label.probabilities(head.outputs(features))
    assert outputs[:, 1] == pytest.approx(np.full(500, 1 / 302))
    assert outputs[:, 2] == pytest.approx(np.full(500, 301 / 302))


def test_the_baseline_has_the_labels_of_most_samples_or_the_most_frequent_one() -> None:
    kind = kind_of("labels")
    assert kind.baseline(range(2), np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1]]), TASK).tolist() == [[1, 1, 0]] * 2
    assert kind.baseline(range(1), np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0]]), TASK).tolist() == [[0, 1, 0]]


def test_answers_show_the_labels_above_their_thresholds() -> None:
    kind = kind_of("labels")
    answer = LabelSet.of(("a", "b", "c"), (0.3, 0.6, 0.2), (0.25, 0.7, 0.5))
    assert [one.label for one in answer] == ["a"]
    assert kind.summary(answer) == [("a", "0.300")]
    assert kind.to_json(answer)["labels"] == ["a"]
    assert [one["label"] for one in kind.to_json(answer)["scores"]] == ["b", "a", "c"]
    assert kind.summary(LabelSet.of(("a",), (0.1,))) == [("(no label)", "")]
    decisions = kind.comparable(None, answer, ("C", "a", "unknown", "b"))
    assert [value > 0 for value in decisions] == [False, True, False, False]
    assert np.isfinite(decisions).all()
    with pytest.raises(UnsupportedModel, match="sets of labels"):
        kind.comparable(None, "a", ("a",))
    for name, extreme in kind.extreme():
        assert np.isfinite(kind.comparable(None, extreme, ("x", "y"))).all(), name
        assert "<b>" not in kind.html(None, extreme)


def test_a_tuned_model_predicts_sets_of_labels(tmp_path: Path, notes: str) -> None:
    folder = tmp_path / "tuned"
    run = zoo.tune(MODEL, notes, target_column="topics", task=TASK, output=str(folder))

    assert run.metrics["mean_average_precision"] > run.baseline["mean_average_precision"] + 0.3
    document = json.loads((folder / "zoo.json").read_text())
    assert document["target_kind"] == "labels"
    assert len(document["thresholds"]) == document["outputs"] == 3

    assert run.intervals["mean_average_precision"][0] <= run.metrics["mean_average_precision"]
    table = kind_of("labels").breakdown(run.outcomes)["By label"]
    assert [row[0] for row in table.rows] == ["food", "law", "sport"]
    compared = compare_runs(run, replace(run, id="the same again")).metrics
    assert {one.metric: one.first for one in compared} == pytest.approx(dict(run.metrics))

    both, none = zoo.predict(f"file:{folder}", ["the jury had soup and bread at court", "some old big things"])
    assert {"law", "food"} <= {one.label for one in both}
    assert len(none) < len(both)
    assert [one.threshold for one in sorted(both.scored, key=lambda one: one.label)] == document["thresholds"]

    table = tmp_path / "new.csv"
    table.write_text("text\nthe jury had soup and bread at court\nsome old big things\n", encoding="utf-8")
    zoo.predict_table(f"file:{folder}", table, tmp_path / "predicted.csv")
    with (tmp_path / "predicted.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, answer in zip(rows, (both, none), strict=True):
        assert set(filter(None, row["prediction"].split("|"))) == {one.label for one in answer}
        expected = {one.label: one.score for one in answer.scored}
        assert {name: float(row[f"probability_{name}"]) for name in expected} == pytest.approx(expected, abs=1e-5)
    assert list(rows[0]) == [
        "text",
        "prediction",
        *(f"probability_{name}" for name in document["classes"]),
        "unlike_training_data",
        "problem",
    ]

    page = tmp_path / "page.html"
    found = zoo.evaluate(f"file:{folder}", notes, target_column="topics", report=str(page))
    assert "By label" in page.read_text(encoding="utf-8")
    assert "Confusion matrix" not in page.read_text(encoding="utf-8")
    assert found.task == TASK
    assert found.left_out == 120
    for name, value in run.metrics.items():
        assert found.metrics[name] == pytest.approx(value, abs=1e-6)


def test_fine_tuning_chooses_thresholds_and_a_loaded_module_uses_them(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(160, WIDTH)).astype(np.float32)
    targets = [tuple(row) for row in (vectors[:, :2] > [0.0, 0.8]).astype(int).tolist()]
    data = Dataset("tiny", "vector", vectors.tolist(), targets, ("left", "right"), "tiny", "labels")
    plan = Plan("full", TASK, epochs=2, keep="fine-tuned", output=str(tmp_path / "out"), device="cpu")
    backbone = TinyBackbone()
    run = adapt(backbone, data, plan, SilentProgress())

    document = json.loads((tmp_path / "out" / "zoo.json").read_text())
    assert (document["weights"], document["outputs"], len(document["thresholds"])) == ("module", 2, 2)
    assert run.plan["head"] == "probe"
    assert run.metrics["mean_average_precision"] > run.baseline["mean_average_precision"] + 0.2

    predictor = module_predictor(tmp_path / "out", document, backbone, "cpu")
    tuned = TunedBackbone(backbone.card, backbone, document, predictor)
    answers = tuned.predict(vectors.tolist())
    found = [[name in {one.label for one in answer} for name in data.classes] for answer in answers]
    assert (np.array(found) == np.array(targets)).mean() > 0.8


def test_cross_validation_of_sets_of_labels_tests_each_sample(notes: str) -> None:
    run = zoo.tune(MODEL, notes, folds=2, save_run=False)
    assert run.outcomes is not None
    assert len(run.outcomes.samples) == 150
    assert run.intervals["micro_f1"][0] < run.metrics["micro_f1"]


def test_test_data_with_fewer_labels_keep_their_names() -> None:
    train = Dataset("x", "text", ["one", "two"], [(1, 0, 0), (0, 1, 1)], ("a", "b", "c"), "x", "labels")
    test = Dataset("y", "text", ["three"], [(1, 0)], ("c", "b"), "y", "labels")
    assert joined(train, test=test).targets == [(1, 0, 0), (0, 1, 1), (0, 0, 1)]
    with pytest.raises(DataError, match="'d'"):
        joined(train, test=Dataset("y", "text", ["three"], [(1,)], ("d",), "y", "labels"))


def test_models_are_ranked_by_sets_of_labels(notes: str) -> None:
    found = zoo.recommend(notes, candidates=[MODEL, "pkg:wordllama/128"], task=TASK, target_column="topics")
    best = found.candidates[0]
    assert set(best.measured) >= {"logme", "linear-probe"}
    assert found.data["classes"] == 3
    assert estimated_as("labels") == "classes"
    with pytest.raises(InvalidInput, match="gbc"):
        zoo.recommend(notes, candidates=[MODEL], task=TASK, target_column="topics", estimator=["gbc"])


def test_sums_over_shards_give_the_same_estimate_as_all_features(monkeypatch: pytest.MonkeyPatch) -> None:
    features, targets = make_multilabel_classification(300, 8, n_classes=4, random_state=0)
    targets[:, 2] = 1  # a constant label is left out
    data, order = experiment(features, targets).dataset, range(300)
    shards = [range(100), range(100, 300)]

    def estimate(streamed: bool) -> float:
        monkeypatch.setattr("zoo.selection.measure.layer_statistics.STREAMED_FROM", 10 if streamed else 1000)
        found = Targets.of(data, order, ["logme"])
        assert found.streamed == streamed
        first, second = (LayerStatistics.of(features[list(at)], at, found) for at in shards)
        return first.merge(second).estimate(["logme"], found, 0)["logme"].value

    assert estimate(streamed=True) == pytest.approx(estimate(streamed=False))
    assert estimate(streamed=True) == pytest.approx(zoo.transfer.score("logme", features, targets))


def test_features_of_sets_of_labels_are_written_and_read_back(tmp_path: Path, notes: str) -> None:
    from zoo.features.files import read_features, write_features

    data = zoo.read(notes)
    features = zoo.load(MODEL).extract(data)
    assert features.targets is not None
    for name in ("x.safetensors", "x.npz", "x.parquet"):
        back = read_features(write_features(tmp_path / name, features))
        assert back.targets is not None
        assert (back.targets == features.targets).all()
        assert back.targets.shape == (150, 3)


def test_data_in_which_all_samples_have_the_same_labels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(json.dumps({"text": f"number {n}", "labels": ["a", "b"]}) for n in range(20)))
    with pytest.raises(DataError, match="same labels"):
        zoo.tune(MODEL, str(path))


def test_labels_without_a_test_sample_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    sets = [["a", "b"], ["a"], ["b"], []] * 10
    sets[3] = ["rare"]
    path.write_text("\n".join(json.dumps({"text": f"number {n}", "labels": found}) for n, found in enumerate(sets)))
    done = command("tune", MODEL, str(path), "--no-save-run", home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    said = " ".join((done.stdout + done.stderr).split())
    assert "No test sample has the labels 'rare'" in said
    assert "Label 'rare' occurs on one sample only" in said


def test_classes_do_not_suit_a_task_of_sets(reviews: str) -> None:
    data = zoo.read(reviews)
    with pytest.raises(DataError, match="set of labels"):
        zoo.tune(MODEL, data, task=TASK)
