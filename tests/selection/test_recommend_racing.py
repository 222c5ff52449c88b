"""``zoo.recommend`` with races, layers as candidates, limits of time and Ctrl-C, on the plugin of poems."""

from __future__ import annotations

import pytest

import zoo
from zoo.errors import InvalidInput, StorageError, ZooError

TASK = "poem-classification"


def test_a_race_stops_the_loser_and_says_why_and_what_was_saved(poetry, many_poems):
    result = zoo.recommend(str(many_poems), task=TASK, race=True)

    best, loser = result.candidates
    assert (best.id, loser.id) == ("poems:careful", "poems:sloppy")
    assert loser.samples < 600
    assert f"Stopped after {loser.samples} samples: " in loser.stopped
    assert loser.stopped in loser.reasons
    assert best.stopped == f"Measured on {best.samples} samples: then all others had stopped."
    assert result.forward_passes == {"done": best.samples + loser.samples, "full": 1200}
    assert best.curve == () if best.samples == loser.samples else best.curve[-1] == (best.samples, best.score)
    assert result.partial == ""


def test_without_a_budget_everything_is_measured_in_full(poetry, many_poems):
    result = zoo.recommend(str(many_poems), task=TASK)

    assert [c.samples for c in result.candidates] == [600, 600]
    assert [c.stopped for c in result.candidates] == ["", ""]
    assert result.forward_passes == {"done": 1200, "full": 1200}


def test_a_race_and_a_smaller_sample_keep_the_same_figures(poetry, many_poems):
    raced = zoo.recommend(str(many_poems), task=TASK, race=True)
    loser = raced.candidates[-1]
    poetry.FORWARD_PASSES.clear()

    again = zoo.recommend(str(many_poems), task=TASK, samples=loser.samples, candidates=loser.id)

    assert poetry.FORWARD_PASSES == []
    assert again.candidates[0].measured == loser.measured


def test_after_a_full_measurement_a_race_needs_no_forward_pass(poetry, many_poems):
    full = zoo.recommend(str(many_poems), task=TASK, candidates="poems:careful,poems:sloppy")
    poetry.FORWARD_PASSES.clear()

    raced = zoo.recommend(str(many_poems), task=TASK, candidates="poems:careful,poems:sloppy", race=True)

    assert poetry.FORWARD_PASSES == []
    assert [c.measured for c in raced.candidates] == [c.measured for c in full.candidates]
    assert raced.forward_passes == {"done": 0, "full": 1200}


def test_layers_are_candidates(poetry, many_poems):
    result = zoo.recommend(str(many_poems), task=TASK, layers="all")

    assert (result.candidates[0].id, result.candidates[0].layer) == ("poems:careful", "words")
    assert sorted((c.id, c.layer) for c in result.candidates) == [
        ("poems:careful", "letters"),
        ("poems:careful", "words"),
        ("poems:sloppy", "letters"),
        ("poems:sloppy", "words"),
    ]
    assert result.forward_passes["done"] == 1200


def test_one_layer_by_its_name(poetry, many_poems):
    result = zoo.recommend(str(many_poems), task=TASK, candidates="poems:careful#let*,poems:sloppy")

    assert {(c.id, c.layer) for c in result.candidates} == {("poems:careful", "letters"), ("poems:sloppy", "words")}


def test_a_layer_in_a_file_of_candidates_is_not_a_comment(poetry, many_poems, tmp_path):
    listed = tmp_path / "candidates.txt"
    listed.write_text("# ours\npoems:careful#letters  # the lower one\npoems:careful#words\n")

    result = zoo.recommend(str(many_poems), task=TASK, candidates=str(listed))

    assert {c.layer for c in result.candidates} == {"letters", "words"}


def test_figures_of_another_layer_are_not_taken_for_the_last_one(poetry, many_poems):
    zoo.recommend(str(many_poems), task=TASK, candidates="poems:careful#letters")

    result = zoo.recommend(str(many_poems), task=TASK, candidates="poems:careful")

    assert result.candidates[0].layer == "words"
    assert not result.candidates[0].reused


def test_a_layer_that_is_not_there_leaves_only_that_model_out(poetry, many_poems):
    result = zoo.recommend(str(many_poems), task=TASK, candidates="poems:careful#word,poems:sloppy")

    assert [c.id for c in result.candidates] == ["poems:sloppy"]
    [excluded] = result.excluded
    assert excluded.id == "poems:careful"
    assert "Did you mean words?" in excluded.reason


def test_a_budget_that_is_spent_gives_the_best_so_far(poetry, many_poems, monkeypatch):
    from zoo.selection.measure import extracting

    clock = _Clock()
    monkeypatch.setattr(extracting.time, "monotonic", clock)
    twins = "poems:sloppy#words,poems:sloppy#letters"
    looked_at = extracting.LocalExtractor.run

    def slow_from_the_second_rung(self, works):
        clock.now += 0.0 if clock.rungs == 0 else 100.0
        clock.rungs += 1
        return looked_at(self, works)

    monkeypatch.setattr(extracting.LocalExtractor, "run", slow_from_the_second_rung)

    result = zoo.recommend(str(many_poems), task=TASK, candidates=twins, budget=16.0)

    assert {c.samples for c in result.candidates} == {106}
    assert result.partial == "The budget of 16 s was spent before the measurement was complete."
    assert not result.interrupted
    assert "then the budget of 16 s was spent." in result.candidates[0].stopped


def test_a_budget_too_short_for_anything_is_reported(poetry, many_poems):
    with pytest.raises(InvalidInput, match=r"The budget was spent before one candidate was measured\."):
        zoo.recommend(str(many_poems), task=TASK, budget=1e-9)


@pytest.mark.parametrize("budget", [0.0, -1.0, float("inf"), float("nan")])
def test_a_budget_that_is_invalid_is_refused(poetry, poems, budget):
    with pytest.raises(InvalidInput, match="it must be positive"):
        zoo.recommend(str(poems), task=TASK, budget=budget)


def test_control_c_gives_what_is_known(poetry, many_poems):
    poetry.INTERRUPTED.add("poems:careful")  # The second model.

    result = zoo.recommend(str(many_poems), task=TASK)

    assert result.interrupted
    assert result.partial == "It was interrupted before the measurement was complete."
    assert [c.id for c in result.candidates] == ["poems:sloppy"]
    assert {e.id: e.reason for e in result.excluded}["poems:careful"] == "not measured: it was interrupted"


def test_control_c_before_the_first_figure_is_passed_on(poetry, many_poems):
    poetry.INTERRUPTED.update({"poems:careful", "poems:sloppy"})

    with pytest.raises(KeyboardInterrupt):
        zoo.recommend(str(many_poems), task=TASK)


def test_figures_that_cannot_be_saved_are_shown_all_the_same(poetry, many_poems, monkeypatch):
    from zoo.registry import Registry

    def full(self, items, plugin=None):
        raise StorageError("The disk is full.")

    zoo.recommend(str(many_poems), task=TASK, samples=20)
    monkeypatch.setattr(Registry, "add", full)

    result = zoo.recommend(str(many_poems), task=TASK)

    assert [c.id for c in result.candidates] == ["poems:careful", "poems:sloppy"]
    assert "The figures could not be saved for the next time: The disk is full." in result.warnings


def test_all_candidates_failing_in_a_race_raise_their_own_error(poetry, many_poems):
    with pytest.raises(ZooError, match="The poem model is broken"):
        zoo.recommend(str(many_poems), task=TASK, candidates="poems:broken", race=True)


def test_equal_candidates_are_called_tied(poetry, many_poems):
    result = zoo.recommend(str(many_poems), task=TASK, candidates="poems:sloppy#words,poems:sloppy#letters")

    best, second = result.candidates
    assert not best.tied
    assert second.tied
    assert "a tie within the error" in second.reasons[0]
    assert "tied with 1 other within the error" in best.reasons[0]


class _Clock:
    def __init__(self):
        self.now, self.rungs = 0.0, 0

    def __call__(self) -> float:
        return self.now
