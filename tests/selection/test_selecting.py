"""``zoo.recommend`` with a tolerance, and with fine-tuning of the first few, on models of poems."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from zoo.answers import Candidate, Confirmation
from zoo.entities import Run
from zoo.errors import InvalidInput
from zoo.plugins import plugins
from zoo.registry import open_registry
from zoo.selection.select import confirming
from zoo.selection.select.selector import Selector

TASK = "poem-classification"
COUNT = 12


@pytest.fixture
def readers(poetry, monkeypatch):
    """Twelve models of poems; the higher the number, the more of the poem is in the features."""
    poetry.CARDS[:] = [poetry.card(f"reader-{number:02}", 1_000 + number, revision="1") for number in range(COUNT)]

    def vector(self, text):
        noise = np.frombuffer(poetry.hashlib.sha256(text.encode()).digest(), dtype=np.uint8)[:8] / 255.0
        strength = 3.0 * int(self.card.name[-2:]) / COUNT
        noise[0] += strength * ("rose" in text)
        noise[1] += strength * ("rain" in text)
        return noise.astype(np.float32)

    monkeypatch.setattr(poetry.Reader, "vector", vector)
    return poetry


def remember_runs() -> None:
    """Five other data sets on which the readers did as they are numbered."""
    open_registry().add(
        [
            Run(
                f"{d}-{n}",
                f"poems:reader-{n:02}",
                TASK,
                f"poems-{d}",
                "",
                "full",
                {"accuracy": 0.4 + 0.04 * n + 0.01 * d},
            )
            for d in range(5)
            for n in range(COUNT)
        ]
    )


def test_past_runs_spare_measurements_that_are_not_worth_it(readers, poems):
    remember_runs()
    result = zoo.recommend(str(poems), task=TASK, tolerance=0.02)

    measured = {candidate.id for candidate in result.candidates}
    assert result.candidates[0].score > 0.9
    assert len(measured) < COUNT / 2
    assert result.selection["asked"][0] in {"poems:reader-11", "poems:reader-10"}
    assert result.selection["expected_regret"][-1] <= 0.02
    assert "expected regret is at most 0.02" in result.selection["finished"]
    left = {excluded.id: excluded.reason for excluded in result.excluded}
    assert set(left) | measured == {card.id for card in readers.CARDS}
    assert left["poems:reader-00"].startswith("not measured: the expected regret is at most 0.02; expected 0.")


def test_in_a_race_several_are_asked_for_at_once(readers, many_poems):
    remember_runs()
    result = zoo.recommend(str(many_poems), task=TASK, tolerance=0.02, race=True)

    assert result.candidates[0].score > 0.98
    assert len(result.selection["asked"]) % 4 == 0
    assert len({candidate.id for candidate in result.candidates}) == len(result.candidates)


def test_a_model_that_fails_is_passed_over(readers, poems, monkeypatch):
    load = readers.zoo_load

    def broken(card, files, device, dtype):
        if card.id == "poems:reader-11":
            from zoo.errors import UnsupportedModel

            raise UnsupportedModel("It is torn.", "Fix it.")
        return load(card, files, device, dtype)

    monkeypatch.setattr(readers, "zoo_load", zoo.hookimpl(broken))
    from zoo.plugins import plugins

    plugins.cache_clear()
    remember_runs()
    result = zoo.recommend(str(poems), task=TASK, tolerance=0.02)

    assert "poems:reader-11" not in {candidate.id for candidate in result.candidates}
    assert "It is torn." in {excluded.id: excluded.reason for excluded in result.excluded}["poems:reader-11"]


def test_a_tolerance_is_in_accuracy(readers, poems):
    with pytest.raises(InvalidInput, match="the deciding estimator is 'logme'"):
        zoo.recommend(str(poems), task=TASK, tolerance=0.02, estimator=["logme"])


def test_the_selector_reads_the_registry_s_runs(readers):
    remember_runs()
    assert Selector(readers.CARDS, task=TASK, dataset="new-poems").ask() in {"poems:reader-11", "poems:reader-10"}


def test_several_are_asked_for_and_some_skipped() -> None:
    selector = Selector([*"abcd"], budget=3)
    asked = selector.ask_several(4)
    assert len(set(asked)) == 3, "the budget allows three"
    selector.skip(asked[0])
    assert asked[0] not in selector.ask_several(4)
    with pytest.raises(InvalidInput, match="not one of the candidates left"):
        selector.skip("z")


def test_the_first_are_fine_tuned_and_what_they_reach_decides(readers, poems):
    result = zoo.recommend(
        str(poems), task=TASK, candidates="poems:reader-02,poems:reader-09,poems:reader-11", confirm=2
    )

    first, second, third = result.candidates
    assert {first.id, second.id} == {"poems:reader-09", "poems:reader-11"}
    assert first.confirmed.strategy == "linear-probe"
    assert first.confirmed.value >= second.confirmed.value or second.tied
    assert first.explanation.certainty.startswith("By brief fine-tuning: accuracy ")
    assert first.explanation.probability_best is None
    assert third.confirmed is None
    assert [c.rank for c in result.candidates] == [1, 2, 3]
    assert first.reasons[0].startswith("Fine-tuned here (linear-probe, 2 epochs): accuracy ")
    assert {run.id for run in open_registry().runs(task=TASK)} == {first.confirmed.run, second.confirmed.run}


def confirmed(value: float, samples: int, epochs: int = 2) -> Confirmation:
    return Confirmation("run", "full", epochs, "accuracy", value, 0.1, samples)


@pytest.mark.parametrize(
    ("values", "samples", "order"),
    [((0.80, 0.82, 0.70), 20, "abc"), ((0.70, 0.90, 0.80), 5_000, "bca"), ((0.5, 0.9, 0.89), 1_000, "bca")],
)
def test_fine_tuning_decides_where_its_held_out_samples_can_tell(values, samples, order):
    ranked = [Candidate(rank, id, 0.9) for rank, id in enumerate("abc", start=1)]
    results = {id: confirmed(value, samples) for id, value in zip("abc", values, strict=True)}
    trial = confirming.TuningPlan(plugins().tasks["image-classification"], None, "full", "cpu")  # type: ignore[arg-type]

    found = confirming._reranked(ranked, results, trial)

    assert "".join(candidate.id for candidate in found) == order
    assert [candidate.rank for candidate in found] == [1, 2, 3]


def test_only_what_was_measured_is_confirmed(readers, poems):
    with pytest.raises(InvalidInput, match="Only measured candidates can be confirmed"):
        zoo.recommend(str(poems), task=TASK, measure=False, confirm=2)


def test_the_front_holds_the_best_for_their_size(readers, poems):
    result = zoo.recommend(str(poems), task=TASK, candidates="poems:reader-02,poems:reader-09,poems:reader-11")
    sizes = [c.parameters for c in result.candidates if "parameters" in c.pareto]
    assert result.candidates[0].parameters in sizes
    assert result.ranked_by == "measured"
    assert all(c.predicted_interval[0] <= c.predicted <= c.predicted_interval[1] for c in result.candidates)
