"""Temperatures calibrate, thresholds find the rare class, and both are saved with the model and used by it."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny_models import TASKS, TinyBackbone, tiny_data

import zoo
from zoo.adapt.results.decision import Decision, best_threshold, fitted
from zoo.adapt.strategies import adapt
from zoo.adapt.training.budget import Clock
from zoo.contract.backbone import SilentProgress
from zoo.entities import Plan
from zoo.errors import InvalidInput

MODEL = "pkg:wordllama/64"


def experiment(targets: np.ndarray, classes: int, train: np.ndarray | None = None) -> Any:
    """The parts of an experiment that a decision depends on."""
    train = targets if train is None else train
    parts = {"train": train, "validation": targets}
    return SimpleNamespace(
        classification=True,
        multi_label=False,
        outputs=classes,
        train="train",
        validation="validation",
        of=lambda part: parts[part],
    )


def sampled(count: int, classes: int, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits of a perfectly calibrated model, times a factor, and targets drawn from its probabilities."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, size=(count, classes))
    odds = np.exp(logits)
    targets = np.array([generator.choice(classes, p=row / row.sum()) for row in odds])
    return sharpness * logits, targets


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 4.0])
def test_the_temperature_undoes_the_sharpness_of_the_logits(sharpness: float) -> None:
    logits, targets = sampled(4000, 3, sharpness)
    assert fitted(experiment(targets, 3), logits).temperature == pytest.approx(sharpness, rel=0.1)


def test_few_samples_or_no_mistake_do_not_sharpen_probabilities() -> None:
    logits, targets = sampled(49, 3, 4.0)
    assert fitted(experiment(targets, 3), logits).temperature == 1.0
    right = np.eye(3)[np.arange(90) % 3]
    assert fitted(experiment(np.arange(90) % 3, 3), right).temperature >= 1.0


def test_a_class_without_training_samples_does_not_disturb_the_temperature() -> None:
    logits, targets = sampled(2000, 3, 2.0)
    wider = np.concatenate([logits, np.full((2000, 1), -np.inf)], axis=1)
    targets[:10] = 3
    assert fitted(experiment(targets, 4), wider).temperature == pytest.approx(2.0, rel=0.15)


def test_the_threshold_has_the_highest_f1_of_all() -> None:
    generator = np.random.default_rng(1)
    wanted = generator.random(400) < 0.1
    probabilities = np.clip(0.1 + 0.2 * wanted + generator.normal(0, 0.08, 400), 0, 1)

    found = best_threshold(wanted, probabilities)

    def f1(threshold: float) -> float:
        chosen = probabilities >= threshold
        return 2 * (chosen & wanted).sum() / (chosen.sum() + wanted.sum())

    assert f1(found) == pytest.approx(max(f1(one) for one in np.unique(probabilities)))


def test_a_threshold_is_for_a_rare_class_of_two_only() -> None:
    logits, _ = sampled(300, 2, 1.0)
    rare, even = (np.arange(300) % 10 == 0).astype(int), np.arange(300) % 2
    assert fitted(experiment(rare, 2), logits).threshold is not None
    assert fitted(experiment(even, 2), logits).threshold is None
    assert fitted(experiment(rare[:30], 2, rare), logits[:30]).threshold is None


def test_a_decision_names_the_class_by_its_threshold() -> None:
    found = Decision(rare=1, threshold=0.2).predictions(np.log([[0.9, 0.1], [0.7, 0.3]]))
    assert found.values.tolist() == [0, 1]
    assert np.allclose(found.confidences, [0.9, 0.3])


@pytest.fixture
def rare(tmp_path: Path) -> str:
    """800 short texts, 6 % of them complaints, which share some words with the others."""
    chance = random.Random(0)
    both = ["order", "shop", "box", "day", "team", "price"]
    own = {"complaint": ["late", "broken", "refund"], "other": ["thanks", "nice", "good"]}
    lines = ["text,label"]
    for number in range(800):
        label = "complaint" if number % 16 == 0 else "other"
        words = [*chance.sample(both, 3), chance.choice(own[label if chance.random() < 0.8 else "other"])]
        lines.append(f"{' '.join(words)} {number},{label}")
    path = tmp_path / "mails.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_the_saved_model_predicts_as_the_run_was_tested(rare: str, tmp_path: Path) -> None:
    run = zoo.tune(MODEL, rare, output=str(tmp_path / "tuned"))

    document = json.loads((tmp_path / "tuned" / "zoo.json").read_text(encoding="utf-8"))
    found = run.plan["rare_class"]
    assert found["class"] == "complaint"
    assert document["decision"]["threshold"] == found["threshold"] is not None
    assert document["decision"]["temperature"] == pytest.approx(run.plan["temperature"], abs=1e-3)
    assert found["average_precision"] > 3 * found["test_share"]
    assert set(run.plan["calibration_error"]) == {"before", "after"}
    assert zoo.evaluate(f"file:{tmp_path / 'tuned'}", rare).metrics == pytest.approx(run.metrics)


def test_another_threshold_changes_what_is_predicted(rare: str, tmp_path: Path) -> None:
    zoo.tune(MODEL, rare, output=str(tmp_path / "tuned"))
    model, texts = zoo.load(f"file:{tmp_path / 'tuned'}"), list(zoo.read(rare).inputs[:50])

    def complaints(threshold: float | None) -> int:
        return sum(answer[0].label == "complaint" for answer in zoo.predict(model, texts, threshold=threshold))

    assert complaints(0.0) == 50
    assert complaints(1.0) == 0
    assert 0 < complaints(None) < 50
    with pytest.raises(InvalidInput, match="is not a tuned model of two classes"):
        zoo.predict(MODEL, texts, threshold=0.5)


def test_balanced_weights_find_more_of_the_rare_class(rare: str) -> None:
    recall = {
        weights: zoo.tune(MODEL, rare, class_weights=weights, save_run=False).plan for weights in ("none", "balanced")
    }
    assert [recall[name]["weighted"] for name in ("none", "balanced")] == [False, True]
    assert recall["balanced"]["class_weights"] == "balanced"
    with pytest.raises(InvalidInput, match="'heavy' is not a valid value of class_weights"):
        zoo.tune(MODEL, rare, class_weights="heavy")


@pytest.mark.parametrize("budget", [0.05, 0.4])
def test_training_ends_before_the_budget_with_the_best_weights(budget: float) -> None:
    plan = Plan("full", TASKS["class"], epochs=10**5, patience=10**5, head="random", budget=budget)
    run = adapt(TinyBackbone(), tiny_data("class"), plan, SilentProgress())

    assert run.plan["stopped"] == "budget"
    assert run.plan["budget"] == budget
    assert 1 <= run.epochs < 10**5


def test_a_clock_counts_the_passes_that_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    clock = Clock(deadline=100.0, validation=9, reserve=2.0)

    clock.ends_before_epoch()
    for at in range(1, 11):
        now[0] = float(at)
        assert not clock.ends_after_batch()
    now[0] = 30.0
    clock.epoch_ends()

    assert not clock.ends_before_epoch()  # 30 + 1.1 * 30 + 6 for the later passes
    now[0] = 62.0
    assert clock.ends_before_epoch()
    now[0] = 92.0
    assert clock.ends_after_batch()
    assert clock.cut
