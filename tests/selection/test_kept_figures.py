"""Kept figures are used again only with the software that they were measured with."""

from __future__ import annotations

from dataclasses import replace

import pytest

import zoo
from zoo import provenance

TASK = "poem-classification"


@pytest.fixture
def measured(poetry, poems):
    """All candidates are measured; a function that measures again and returns those whose figures were reused."""
    zoo.recommend(poems, task=TASK)

    def reused() -> set[str]:
        return {c.id for c in zoo.recommend(poems, task=TASK).candidates if c.reused}

    return reused


def figures(poems):
    """The kept figures of one model."""
    data = zoo.read(poems, task=TASK).fingerprint
    return list(zoo.open_registry().measurements(data=data, models=["poems:careful"]))


def test_figures_name_the_plugin_and_the_libraries_of_the_model_and_of_the_estimator(measured, poems) -> None:
    found = figures(poems)

    assert len(found) == 3
    for figure in found:
        assert figure.versions["zoo-poetry"] == "1.0"
        assert {"zoo", "python", "numpy", "torch", "scikit-learn", "precision"} <= figure.versions.keys()


def test_figures_are_used_again_while_nothing_changes(measured, poetry) -> None:
    poetry.FORWARD_PASSES.clear()

    assert measured() == {"poems:careful", "poems:sloppy"}
    assert not poetry.FORWARD_PASSES


@pytest.mark.parametrize("distribution", ["zoo", "numpy", "scikit-learn", "zoo-poetry", "a-library-that-is-gone"])
def test_another_version_of_anything_that_they_depend_on_measures_again(measured, poems, distribution: str) -> None:
    zoo.open_registry().add(
        [replace(figure, versions={**figure.versions, distribution: "0.0.1"}) for figure in figures(poems)]
    )

    assert measured() == {"poems:sloppy"}


def test_figures_that_do_not_name_the_libraries_are_measured_again(measured, poems) -> None:
    old = ("zoo", "python", "torch", "transformers", "timm", "numpy", "precision")
    zoo.open_registry().add(
        [replace(f, versions={name: f.versions[name] for name in old if name in f.versions}) for f in figures(poems)]
    )

    assert measured() == {"poems:sloppy"}


def test_probes_are_used_again_only_with_the_same_software(measured, poems, monkeypatch) -> None:
    from zoo.selection.measure import probing

    timed: list[str] = []
    latency = probing.latency
    monkeypatch.setattr(probing, "latency", lambda model, data: timed.append(model.card.id) or latency(model, data))
    zoo.recommend(poems, task=TASK, probe=True)
    zoo.recommend(poems, task=TASK, probe=True)
    assert sorted(timed) == ["poems:careful", "poems:sloppy"]

    zoo.open_registry().add(
        [
            replace(figure, versions={**figure.versions, "zoo-poetry": "0.9"})
            for figure in figures(poems)
            if figure.estimator == probing.LATENCY
        ]
    )
    zoo.recommend(poems, task=TASK, probe=True)

    assert timed.count("poems:careful") == 2
    assert timed.count("poems:sloppy") == 1


def test_features_that_another_version_of_a_library_computed_are_not_used(poetry, poems, monkeypatch) -> None:
    """The plugin's own version is one of those that its features depend on."""
    first = zoo.load("poems:careful").extract(zoo.read(poems, task=TASK))
    again = zoo.load("poems:careful").extract(zoo.read(poems, task=TASK))
    known = provenance._version

    monkeypatch.setattr(provenance, "_version", lambda name: "2.0" if name == "zoo-poetry" else known(name))
    later = zoo.load("poems:careful").extract(zoo.read(poems, task=TASK))

    assert [found.provenance["computed"] for found in (first, again, later)] == [60, 0, 60]
    assert later.provenance["versions"]["zoo-poetry"] == "2.0"
