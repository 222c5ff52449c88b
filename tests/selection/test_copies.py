"""Copies of a sample are held out together wherever models are measured, and candidates that know the data are named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import zoo
from zoo.adapt.saved.names import MARKER
from zoo.adapt.saved.seen import FILE, trained_on
from zoo.data import copies, units
from zoo.entities import Dataset, ModelCard
from zoo.errors import DataError
from zoo.plugins import plugins
from zoo.selection.explain.caveats import copies_warning
from zoo.selection.measure.baseline import baseline
from zoo.selection.measure.layer_statistics import LayerStatistics, Targets
from zoo.selection.measure.overlap import training_overlap
from zoo.selection.measure.plan import MeasurementPlan

TASK = plugins().tasks["text-classification"]


def by_chance(copied: int = 5, distinct: int = 60) -> Dataset:
    """Texts of which only a copy tells the label."""
    chance = np.random.default_rng(3)
    labels = chance.integers(0, 2, distinct)
    inputs = [f"{'WORD' if copy else 'word'}{n} {n * 7 % 61}" for n in range(distinct) for copy in range(copied)]
    return Dataset("chance", "text", inputs, np.repeat(labels, copied).tolist(), ("a", "b"), "f")


def features(data: Dataset) -> np.ndarray:
    """Vectors of chance, the same for copies."""
    numbers = units(data)
    assert numbers is not None
    return np.random.default_rng(0).normal(size=(int(numbers.max()) + 1, 64))[numbers]


@pytest.mark.parametrize("estimator", ["linear-probe", "knn", "logistic-probe"])
@pytest.mark.parametrize("rung", [120, 300])
def test_labels_drawn_at_random_are_not_told_from_copies(estimator: str, rung: int) -> None:
    data = by_chance()
    plan = MeasurementPlan(TASK, data, len(data), (estimator,))
    targets = Targets.of(data, plan.order, plan.estimators, plan.units)
    at = sorted(plan.order[:rung])

    found = LayerStatistics.of(features(data)[at], at, targets).estimate((estimator,), targets, 0)[estimator]

    assert found.value < 0.75
    assert plan.copies == 240


def test_groups_of_the_jackknife_hold_copies_together() -> None:
    data = by_chance()
    plan = MeasurementPlan(TASK, data, len(data), ("logme",))
    targets = Targets.of(data, plan.order, plan.estimators, plan.units)
    for unit in range(60):
        assert len(set(targets.group[plan.units == unit])) == 1
    assert np.bincount(targets.group).min() >= 20


def test_without_copies_nothing_is_grouped() -> None:
    data = by_chance(copied=1)
    plan = MeasurementPlan(TASK, data, len(data), ("linear-probe",))
    assert plan.units is None
    assert plan.copies == 0


def test_copies_outside_the_measured_part_do_not_count() -> None:
    data = by_chance()
    plan = MeasurementPlan(TASK, data, 60, ("linear-probe",))
    assert plan.copies == copies(units(data.subset(sorted(plan.order))))


def test_samples_that_are_all_the_same_are_refused() -> None:
    data = Dataset("one", "text", ["a day", "A  day"] * 10, [0, 1] * 10, ("a", "b"), "f")
    with pytest.raises(DataError, match="All 20 samples of 'one' are the same"):
        _ = MeasurementPlan(TASK, data, 20, ("linear-probe",)).units


def test_counts_of_words_do_not_tell_labels_from_copies() -> None:
    found = baseline(by_chance(), ["linear-probe"])
    assert found is not None
    assert found.value < 0.75


def test_a_recommendation_measures_says_and_records_it(poetry, tmp_path: Path) -> None:
    data = by_chance()
    path = tmp_path / "chance.csv"
    rows = [f"{text},{data.classes[label]}" for text, label in zip(data.inputs, data.targets, strict=True)]
    path.write_text("\n".join(["text,label", *rows]) + "\n")

    found = zoo.recommend(str(path), task="poem-classification", estimator=["linear-probe"])

    assert all(candidate.score < 0.8 for candidate in found.candidates)
    assert found.provenance["copies"] == 240
    assert any("240 items (80.0%) repeat an earlier one" in warning for warning in found.warnings)
    kept = zoo.open_registry().measurements(data=found.data["fingerprint"], models=["poems:careful"])
    assert {figure.versions["copies"] for figure in kept if figure.estimator == "linear-probe"} == {"240"}
    assert all(
        c.reused for c in zoo.recommend(str(path), task="poem-classification", estimator=["linear-probe"]).candidates
    )


def test_figures_that_were_measured_with_copies_on_both_sides_are_not_used_again(poetry, tmp_path: Path) -> None:
    path = tmp_path / "chance.csv"
    data = by_chance()
    rows = [f"{text},{data.classes[label]}" for text, label in zip(data.inputs, data.targets, strict=True)]
    path.write_text("\n".join(["text,label", *rows]) + "\n")
    first = zoo.recommend(str(path), task="poem-classification", estimator=["linear-probe"])
    registry = zoo.open_registry()
    old = []
    for figure in registry.measurements(data=first.data["fingerprint"], models=["poems:careful"]):
        versions = {name: version for name, version in figure.versions.items() if name != "copies"}
        old.append(replace(figure, versions=versions, value=1.0))
    registry.add(old)

    found = zoo.recommend(str(path), task="poem-classification", estimator=["linear-probe"])

    assert all(candidate.score < 0.8 for candidate in found.candidates)


def test_copies_that_the_profile_has_not_found_are_said() -> None:
    [warning] = copies_warning(5, SimpleNamespace(profile={"repeated": 2}))  # type: ignore[arg-type]
    assert warning.startswith("5 of the measured samples are copies of others in different files or spellings")
    assert list(copies_warning(5, SimpleNamespace(profile={"repeated": 5}))) == []  # type: ignore[arg-type]


def test_a_tuned_candidate_that_was_trained_on_the_samples_is_named(tmp_path: Path) -> None:
    data = by_chance(copied=1)
    folder = tmp_path / "tuned"
    folder.mkdir()
    (folder / MARKER).write_text('{"weights": "module"}')
    trained_on(data, range(20), ModelCard("pkg:base", "language")).write(folder / FILE)  # type: ignore[union-attr]
    tuned = ModelCard(f"file:{folder}", "language", library="zoo")

    assert list(training_overlap([tuned], data.subset(range(20, 60)))) == []
    [warning] = training_overlap([ModelCard("pkg:base", "language"), tuned, tuned], data)
    assert f"Leakage: file:{folder} was trained on 20 of the 60 samples" in warning
