"""Searching settings: what is evaluated first, pruning, crashes, budgets, and searches that are continued or shared."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import zoo as command
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo.adapt import strategies
from zoo.adapt.search import search
from zoo.adapt.search.portfolio import Past, Task, pasts, propose, reliability, similarity
from zoo.adapt.search.pruning import Curve, is_hopeless
from zoo.adapt.search.settings import Facts, planned, space_for, start
from zoo.adapt.search.study import MOST_LOSSES, Result, Study
from zoo.adapt.search.summary import sentences, trials_table
from zoo.adapt.training.settings import Epoch
from zoo.adapt.training.watching import Pruned
from zoo.adapt.training.watching import is_hopeless as ended_by_watch
from zoo.config import settings as zoo_settings
from zoo.contract.backbone import SilentProgress
from zoo.contract.space import Choice, Range
from zoo.entities import Dataset, ModelCard, Plan, Run
from zoo.errors import Interrupted, InvalidInput, StorageError, UnsupportedModel, ZooError

MODEL = "pkg:wordllama/64"
SPACE = {
    "learning_rate": Range(0.1, 10.0, log=True, relative=True),
    "epochs": Range(5, 40, log=True, integer=True),
    "augment": Choice(("none", "light")),
}
START = {"learning_rate": 1.0, "epochs": 20, "augment": "none"}
CARD = ModelCard(MODEL, "wordllama", "language", ("sentence-similarity",))


def texts(count: int = 60) -> Dataset:
    inputs = [f"text {number}" for number in range(count)]
    return Dataset("texts", "text", inputs, [at % 2 for at in range(count)], ("a", "b"), fingerprint="f" * 8)


def run_of(plan: Plan, score: float, accuracy: float | None = None, **also: Any) -> Run:
    """A run as fine-tuning records it."""
    return Run(
        f"{plan.learning_rate}-{plan.epochs}",
        MODEL,
        "text-classification",
        "texts",
        "f" * 8,
        plan.strategy,
        {"accuracy": score if accuracy is None else accuracy},
        plan={
            **plan.to_dict(),
            "validation_score": score,
            "validation_loss": 1 - score,
            "usual_learning_rate": 1e-4,
            "trained_blocks": 2,
            **also,
        },
        samples=60,
    )


def by_rate(plan: Plan) -> Run:
    """The better, the nearer the learning rate is to 4e-4."""
    return run_of(plan, 1 - abs(np.log10((plan.learning_rate or 1e-4) / 4e-4)) / 4)


def searched(adapt: Callable[[Plan], Run], trials: int = 8, runs: Sequence[Run] = (), **options: Any) -> Run:
    plan = Plan(strategy="full", task="text-classification", trials=trials, **options)
    return search(plan, CARD, texts(), adapt, SilentProgress(), runs=lambda: runs)


class TestTrials:
    def test_the_first_has_the_plans_own_settings_and_the_best_wins(self) -> None:
        plans = []

        def adapt(plan: Plan) -> Run:
            plans.append(plan)
            return by_rate(plan)

        run = searched(adapt, trials=12)

        assert plans[0] == Plan(strategy="full", task="text-classification")
        found = run.plan["search"]
        assert len(found["trials"]) == len(plans) == 12
        scores = [one["score"] for one in found["trials"]]
        assert run.plan["validation_score"] == max(scores) > scores[0]
        assert found["trials"][0]["origin"] == "default"
        assert run.plan["rivals"]["default settings"] == {"accuracy": scores[0]}
        assert max(found["importances"], key=lambda name: found["importances"][name][0]) == "learning_rate"
        assert sum(share for share, _ in found["importances"].values()) == pytest.approx(1)
        assert "Trial" in sentences(run)[0]

    def test_the_same_search_gives_the_same_trials(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        found = []
        for home in ("one", "other"):
            monkeypatch.setenv("ZOO_HOME", str(tmp_path / home))
            found.append([one["settings"] for one in searched(by_rate).plan["search"]["trials"]])
        assert found[0] == found[1]
        assert len({json.dumps(one) for one in found[0]}) == 8

    def test_more_trials_extend_a_search(self) -> None:
        calls: list[Plan] = []

        def adapt(plan: Plan) -> Run:
            calls.append(plan)
            return by_rate(plan)

        first = searched(adapt, trials=3)
        again = searched(adapt, trials=3)
        more = searched(adapt, trials=5)

        assert len(calls) == 5
        assert again.plan["search"]["trials"] == first.plan["search"]["trials"] == more.plan["search"]["trials"][:3]

    def test_a_crash_is_recorded_and_the_search_continues(self) -> None:
        def adapt(plan: Plan) -> Run:
            if (plan.learning_rate or 0) > 4e-4:
                raise RuntimeError("too much\nfor this network")
            return by_rate(plan)

        trials = searched(adapt, trials=12).plan["search"]["trials"]

        failed = [one for one in trials if one["state"] == "failed"]
        assert failed
        assert all(one["reason"] == "RuntimeError: too much for this network" for one in failed)
        assert len(trials) == 12

    def test_a_request_that_cannot_work_fails_at_once(self) -> None:
        calls = []

        def adapt(plan: Plan) -> Run:
            calls.append(plan)
            raise UnsupportedModel("It cannot be trained.")

        with pytest.raises(UnsupportedModel, match="cannot be trained"):
            searched(adapt)
        assert len(calls) == 1

    def test_if_all_fail_the_first_reason_is_reported(self) -> None:
        def adapt(plan: Plan) -> Run:
            raise ZooError("The training diverged: the loss is not finite.")

        with pytest.raises(ZooError, match="None of the 3 trials succeeded; the first: The training diverged"):
            searched(adapt, trials=3)

    def test_equal_scores_are_decided_by_the_loss_and_else_the_default_stays(self) -> None:
        def same(plan: Plan) -> Run:
            return run_of(plan, 0.5)

        run = searched(same, trials=4)
        assert run.plan["search"]["best"] == 0
        assert "None was better than the default settings" in sentences(run)[0]

        def confident(plan: Plan) -> Run:
            return run_of(plan, 0.5, validation_loss=0.3 if plan.learning_rate else 0.5)

        run = searched(confident, trials=4, seed=1)
        assert run.plan["search"]["best"] != 0
        assert trials_table(run)[0][0] == str(run.plan["search"]["best"] + 1)

    def test_a_budget_ends_it(self) -> None:
        def adapt(plan: Plan) -> Run:
            assert plan.budget is not None
            time.sleep(0.15)
            return by_rate(plan)

        trials = searched(adapt, trials=50, budget=1.0).plan["search"]["trials"]
        assert 2 <= len(trials) <= 6

    def test_a_trial_that_the_budget_cuts_does_not_win(self) -> None:
        def adapt(plan: Plan) -> Run:
            if plan.learning_rate is None:
                return run_of(plan, 0.2)
            return run_of(plan, 0.9, stopped="budget")

        run = searched(adapt, trials=3, budget=60.0)
        assert run.plan["search"]["best"] == 0
        assert [one["state"] for one in run.plan["search"]["trials"]] == ["complete", "pruned", "pruned"]

    def test_settings_that_a_budget_ended_are_evaluated_again_with_more_time(self) -> None:
        def hurried(plan: Plan) -> Run:
            return run_of(plan, 0.2, stopped="budget")

        cut = searched(hurried, trials=3, budget=1e-6)
        assert [one["state"] for one in cut.plan["search"]["trials"]] == ["complete"]
        assert cut.plan["budget"] == 1e-6

        run = searched(by_rate, trials=3)
        trials = run.plan["search"]["trials"]
        assert [one["state"] for one in trials] == ["complete"] * 3
        assert sum(one["origin"] == "default" for one in trials) == 1
        assert trials[0]["score"] == by_rate(Plan(strategy="full")).plan["validation_score"]
        assert run.plan["trials"] == 3

    def test_ctrl_c_in_the_first_trial_names_the_way_to_continue(self) -> None:
        def adapt(plan: Plan) -> Run:
            raise KeyboardInterrupt

        for _ in range(MOST_LOSSES + 1):
            with pytest.raises(Interrupted, match="repeat the command to continue"):
                searched(adapt, trials=2)
        assert [one["state"] for one in searched(by_rate, trials=2).plan["search"]["trials"]] == ["complete"] * 2

    @pytest.mark.parametrize("content", ["", "[]", "3", '{"id": 1}', '{"model": "m"'])
    def test_a_damaged_record_of_a_trial_is_made_again(self, content: str) -> None:
        first = searched(by_rate, trials=4)
        for path in (zoo_settings().home / "searches").rglob("[0-9].json"):
            path.write_text(content)
        again = searched(by_rate, trials=4)
        assert again.metrics == first.metrics
        assert again.plan["search"] == first.plan["search"]
        assert again.plan.get("gains") == first.plan.get("gains")

    def test_the_best_settings_are_a_command(self) -> None:
        run = searched(by_rate, trials=8)
        [said] = [one for one in sentences(run) if one.startswith("To train with these settings")]
        assert f"DATA --strategy full --learning-rate {run.plan['learning_rate']:.4g} " in said

    def test_a_probe_that_both_settings_keep_is_not_compared_with_itself(self) -> None:
        def adapt(plan: Plan) -> Run:
            return replace(by_rate(plan), plan={**by_rate(plan).plan, "kept": "linear-probe"})

        run = searched(adapt, trials=6)
        assert run.plan["search"]["best"] != 0
        assert "default settings" not in run.plan.get("gains", {})
        assert "the search changed nothing" in sentences(run)[-1]

    def test_default_settings_that_failed_are_named(self) -> None:
        def adapt(plan: Plan) -> Run:
            if plan.learning_rate is None:
                raise RuntimeError("out of range")
            return by_rate(plan)

        said = sentences(searched(adapt, trials=4))
        assert "The default settings failed, so nothing is compared with them: RuntimeError: out of range." in said

    def test_ctrl_c_keeps_the_best_so_far_and_the_trial_is_repeated(self) -> None:
        calls = []

        def adapt(plan: Plan) -> Run:
            calls.append(plan)
            return (
                replace(by_rate(plan), plan={**by_rate(plan).plan, "stopped": "interrupted"})
                if len(calls) == 3
                else by_rate(plan)
            )

        run = searched(adapt, trials=5)
        assert len(run.plan["search"]["trials"]) == 2
        assert sentences(run)[0].startswith(
            "Interrupted after 2 of 5 trials; repeat the command to continue. 2 trials,"
        )

        assert len(searched(adapt, trials=5).plan["search"]["trials"]) == 5
        assert calls[3] in calls[2:3] or calls[2] in calls[3:]
        assert len(calls) == 6

    def test_the_model_is_written_once_with_the_best_settings(self) -> None:
        written = []

        def adapt(plan: Plan) -> Run:
            if plan.output:
                written.append(plan)
            return by_rate(plan)

        run = searched(adapt, trials=6, output="tuned")
        assert len(written) == 1
        assert run.plan["validation_score"] == max(one["score"] for one in run.plan["search"]["trials"])
        assert written[0].budget is None


class TestSettings:
    def test_settings_that_are_given_are_not_searched(self) -> None:
        plan = Plan(strategy="full", task="text-classification", learning_rate=3e-5, batch_size=8)
        space = space_for(plan, texts())

        assert set(space) == {"epochs", "weight_decay", "layer_decay"}
        assert planned(plan, start(plan, texts(), space), space, Facts(1e-4)).learning_rate == 3e-5

    def test_learning_rates_are_multiples_of_the_usual_one(self) -> None:
        plan = Plan(strategy="full", task="text-classification")
        assert planned(plan, {"learning_rate": 3.0}, SPACE, Facts(1e-3)).learning_rate == pytest.approx(3e-3)

    def test_a_decay_over_one_block_is_not_searched(self) -> None:
        def adapt(plan: Plan) -> Run:
            assert plan.layer_decay == 1.0
            return run_of(plan, 0.5, trained_blocks=1)

        trials = searched(adapt, trials=6).plan["search"]["trials"]
        assert all("layer_decay" not in one["settings"] for one in trials[1:])

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"strategy": "linear-probe"}, "--trials has no effect with --strategy linear-probe: it has no settings"),
            ({"strategy": "full", "folds": 3}, "--folds has no effect with --trials"),
            ({"strategy": "full", "repeats": 2}, "--repeats has no effect with --trials"),
            (
                {
                    "strategy": "ia3",
                    "learning_rate": 1e-3,
                    "epochs": 2,
                    "batch_size": 4,
                    "weight_decay": 0.0,
                },
                "its settings are given",
            ),
        ],
    )
    def test_searches_without_effect_are_refused(self, reviews: str, options: dict[str, Any], message: str) -> None:
        with pytest.raises(InvalidInput, match=message):
            zoo.tune(MODEL, reviews, trials=3, **options)

    def test_a_cluster_without_trials_is_refused(self, reviews: str) -> None:
        with pytest.raises(InvalidInput, match="--cluster has no effect without --trials"):
            zoo.tune(MODEL, reviews, strategy="full", cluster="local")

    @given(st.floats(0.1, 10.0), st.integers(5, 40))
    def test_positions_are_in_the_unit_cube(self, rate: float, epochs: int) -> None:
        assert 0 <= SPACE["learning_rate"].position(rate) <= 1
        assert 0 <= SPACE["epochs"].position(epochs) <= 1
        assert SPACE["learning_rate"].position(1.0) == pytest.approx(0.5)
        assert SPACE["epochs"].inside(1000) == 40
        assert SPACE["augment"].inside("unknown") == "none"


class TestHistory:
    @staticmethod
    def past(task: Task, best: float, source: str) -> Past:
        rates = [0.1, 0.3, 1.0, 3.0, 10.0]
        scores = tuple(-abs(np.log(rate / best)) for rate in rates)
        return Past(task, tuple({"learning_rate": rate} for rate in rates), scores, source)

    def test_the_nearest_task_speaks_first(self) -> None:
        here = Task("text-classification", "pkg:wordllama/64", "d1", 100, 2)
        near = Task("text-classification", "pkg:wordllama/64", "d2", 120, 2)
        far = Task("image-classification", "pkg:mobilenet-v2", "d3", 9000, 200)
        alike = similarity(here, [near, far, here])
        assert alike[2] == pytest.approx(1)
        assert alike[2] > alike[0] > alike[1] > 0

        found = propose(here, [self.past(far, 0.1, "far"), self.past(near, 10.0, "near")], SPACE, START)
        assert found[0].settings == {**START, "learning_rate": 10.0}
        assert found[0].source == "near"
        other = replace(near, data="d4", samples=400)
        found = propose(here, [self.past(other, 0.1, "other"), self.past(near, 10.0, "near")], SPACE, START)
        assert [one.source for one in found[:2]] == ["near", "other"]
        assert [one.settings["learning_rate"] for one in found[:2]] == [10.0, 0.1]

    def test_nothing_is_proposed_if_the_default_was_best(self) -> None:
        here = Task("text-classification", "m", "d", 100)
        assert propose(here, [self.past(here, 1.0, "r")], SPACE, START) == []
        assert propose(here, [], SPACE, START) == []

    def test_an_earlier_search_is_the_history_of_the_next(self) -> None:
        first = replace(searched(by_rate, trials=12), id="the-first", data="other data")
        run = searched(by_rate, trials=3, runs=[first], seed=7)

        trials = run.plan["search"]["trials"]
        assert trials[1]["origin"] == "the-first"
        best = max(first.plan["search"]["trials"], key=lambda one: one["score"])
        assert trials[1]["settings"]["learning_rate"] == pytest.approx(best["settings"]["learning_rate"])

    def test_runs_that_differ_in_their_settings_are_a_history_too(self) -> None:
        plans = [Plan(strategy="full", learning_rate=rate) for rate in (1e-5, 1e-4, 4e-4)]
        other = Plan(strategy="lora", learning_rate=1e-3)
        found = pasts([*map(by_rate, plans), by_rate(other)], plans[0], "", SPACE)

        assert len(found) == 1
        assert [one["learning_rate"] for one in found[0].settings] == pytest.approx([0.1, 1.0, 4.0])
        assert pasts([by_rate(plans[0])], plans[0], "", SPACE) == []

    def test_validation_samples_that_may_be_tested_now_do_not_count(self) -> None:
        runs = [by_rate(Plan(strategy="full", learning_rate=rate)) for rate in (1e-5, 1e-4, 4e-4)]
        own = runs[0].data
        assert len(pasts(runs, Plan(strategy="full"), own, SPACE)) == 1
        assert pasts(runs, Plan(strategy="full", seed=1), own, SPACE) == []
        assert len(pasts(runs, Plan(strategy="full", seed=1), "other data", SPACE)) == 1

    def test_scores_that_a_budget_ended_do_not_count(self) -> None:
        plans = [Plan(strategy="full", learning_rate=rate) for rate in (1e-5, 1e-4, 4e-4)]
        cut = [replace(run, plan={**run.plan, "stopped": "budget"}) for run in map(by_rate, plans)]
        assert pasts(cut, plans[0], "", SPACE) == []

    def test_settings_outside_the_space_are_brought_inside(self) -> None:
        here = Task("text-classification", "m", "d", 100)
        past = Past(here, ({"learning_rate": 99.0, "epochs": 500}, {"learning_rate": 1.0}), (0.9, 0.1), "r")
        assert propose(here, [past], SPACE, START)[0].settings == {**START, "learning_rate": 10.0, "epochs": 40}


class TestPruning:
    ENDED = tuple(Curve((0.3, 0.5, 0.6, 0.6 + at / 100), 4) for at in range(5))

    def test_a_curve_far_below_the_others_is_hopeless(self) -> None:
        assert is_hopeless(Curve((0.1, 0.15), 4), self.ENDED)
        assert not is_hopeless(Curve((0.3, 0.52), 4), self.ENDED)

    def test_nothing_is_pruned_early_or_without_curves(self) -> None:
        assert not is_hopeless(Curve((0.0,), 4), self.ENDED)
        assert not is_hopeless(Curve((0.0, 0.0), 4), self.ENDED[:2])

    def test_curves_of_other_lengths_are_compared_by_their_share(self) -> None:
        ended = [Curve(tuple(np.linspace(0.1, 0.8 + at / 50, 20)), 20) for at in range(4)]
        assert not is_hopeless(Curve((0.1, 0.3, 0.45), 8), ended)
        assert is_hopeless(Curve((0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.12), 8), ended)

    @settings(max_examples=50)
    @given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
    def test_the_best_is_never_hopeless(self, scores: list[float]) -> None:
        assert not is_hopeless(Curve((*scores, 1.0), len(scores) + 1), self.ENDED)

    def test_a_pruned_trial_is_recorded_with_its_curve(self) -> None:
        def adapt(plan: Plan) -> Run:
            score = by_rate(plan).plan["validation_score"]
            for number, share in enumerate((0.5, 0.8, 0.95, 1.0), start=1):
                if ended_by_watch(Epoch(number, 1.0, 1.0, score * share)):
                    raise Pruned
            return by_rate(plan)

        trials = searched(adapt, trials=16, epochs=4).plan["search"]["trials"]
        pruned = [one for one in trials if one["state"] == "pruned"]
        assert pruned
        assert all(one["epochs"] < 4 and one["score"] is not None for one in pruned)
        assert max(trials, key=lambda one: one["score"])["state"] == "complete"


class TestStudy:
    @staticmethod
    def study(tmp_path: Path) -> Study:
        return Study(tmp_path / "study", SPACE, 0)

    def test_settings_of_a_killed_process_are_evaluated_again(self, tmp_path: Path) -> None:
        first = lambda: [(START, "default")]  # noqa: E731
        context = multiprocessing.get_context("fork")

        def killed() -> None:
            self.study(tmp_path).begin(3, first)
            os.kill(os.getpid(), signal.SIGKILL)

        for _ in range(MOST_LOSSES - 1):
            process = context.Process(target=killed)
            process.start()
            process.join()
        study = self.study(tmp_path)
        trial = study.begin(3, first)

        assert trial is not None
        assert (trial.settings, trial.origin) == (START, "default")
        assert study.ended() == []
        study.end(trial, Result("complete", 0.5, 0.1, (0.5,), 20))
        assert [one.trial for one in study.ended()] == [trial]

    def test_settings_that_kill_every_process_are_given_up(self, tmp_path: Path) -> None:
        context = multiprocessing.get_context("fork")

        def killed() -> None:
            self.study(tmp_path).begin(2, lambda: [(START, "default")])
            os.kill(os.getpid(), signal.SIGKILL)

        for _ in range(MOST_LOSSES):
            process = context.Process(target=killed)
            process.start()
            process.join()
        study = self.study(tmp_path)
        trial = study.begin(2, lambda: [])
        assert trial is not None
        assert trial.origin == "search"
        assert [one.result.state for one in study.ended()] == ["failed"]
        assert "was killed 3 times" in study.ended()[0].result.reason
        assert study.begin(2, lambda: []) is None

    def test_a_line_that_was_cut_off_is_removed(self, tmp_path: Path) -> None:
        study = self.study(tmp_path)
        trial = study.begin(2, lambda: [(START, "default")])
        assert trial is not None
        study.end(trial, Result("complete", 0.5, 0.1, (0.5,), 20))
        journal = tmp_path / "study" / "journal.jsonl"
        journal.write_bytes(journal.read_bytes() + b'{"op_code": 4, "worker')

        again = self.study(tmp_path)
        assert [one.result.score for one in again.ended()] == [0.5]
        assert again.begin(2, lambda: []) is not None
        assert [one.result.score for one in self.study(tmp_path).ended()] == [0.5]

    def test_a_damaged_journal_is_an_error_with_the_way_out(self, tmp_path: Path) -> None:
        study = self.study(tmp_path)
        study.begin(2, lambda: [(START, "default")])
        journal = tmp_path / "study" / "journal.jsonl"
        lines = journal.read_bytes().splitlines(keepends=True)
        journal.write_bytes(b"".join([lines[0], b"not json\n", *lines[1:]]))

        with pytest.raises(StorageError, match="journal of the search is damaged"):
            self.study(tmp_path).ended()

    def test_processes_share_the_trials(self, tmp_path: Path) -> None:
        context = multiprocessing.get_context("fork")

        def worker() -> None:
            study = self.study(tmp_path)
            while (trial := study.begin(12, lambda: [(START, "default")])) is not None:
                time.sleep(0.02)
                study.end(trial, Result("complete", float(trial.number), 0.0, (0.1,), 20))

        processes = [context.Process(target=worker) for _ in range(3)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        ended = self.study(tmp_path).ended()
        assert [one.trial.number for one in ended] == list(range(12))
        assert [one.trial.origin for one in ended].count("default") == 1


KILLED = """
import os, signal, sys
import zoo, zoo.adapt.plans as adapt
whole, done = adapt.adapted, []
def adapted(*given):
    if len(done) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    done.append(given)
    return whole(*given)
adapt.adapted = adapted
zoo.tune({model!r}, {data!r}, strategy="full", epochs=3, trials=5)
"""


@pytest.mark.slow
def test_a_killed_search_continues_to_the_same_end(
    reviews: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = KILLED.format(model=MODEL, data=reviews)
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    resumed = zoo.tune(MODEL, reviews, strategy="full", epochs=3, trials=5)

    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "undisturbed"))
    whole = zoo.tune(MODEL, reviews, strategy="full", epochs=3, trials=5)

    def compared(run: Run) -> Any:
        return [(one["settings"], one["score"]) for one in run.plan["search"]["trials"]]

    assert sorted(compared(resumed), key=str)[:3] == sorted(compared(whole), key=str)[:3]
    assert len(compared(resumed)) == 5
    assert resumed.metrics == whole.metrics


def test_the_command_searches_and_shows_what_it_found(reviews: str, tmp_path: Path, home: Path) -> None:
    page = tmp_path / "page.html"
    folder = tmp_path / "tuned"
    shown = command(
        *("tune", MODEL, reviews, "--strategy", "full", "--epochs", "3", "--trials", "9"),
        *("-o", str(folder), "--report", str(page)),
        home=home,
    ).stdout

    assert "9 trials, " in shown
    assert "share of the differences" in shown or "none of the settings made a difference" in shown
    assert "learning rate" in shown
    run = zoo.open_registry().runs()[0]
    assert zoo.evaluate(f"file:{folder}", reviews).metrics
    listed = command("runs", "show", run.id, home=home).stdout
    assert "Trials, best first" in listed
    assert "Trials, best first" in page.read_text(encoding="utf-8")


def test_a_crash_inside_a_plugin_is_a_failed_trial_with_its_reason(
    reviews: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, calls = strategies.adapt, []

    def adapt(*given: Any) -> Run:
        calls.append(given)
        if len(calls) == 2:
            raise RuntimeError("broken kernel")
        return whole(*given)

    monkeypatch.setattr(strategies, "adapt", adapt)
    trials = zoo.tune(MODEL, reviews, strategy="full", epochs=2, trials=3).plan["search"]["trials"]
    assert [one["state"] for one in trials] == ["complete", "failed", "complete"]
    assert "RuntimeError: broken kernel" in trials[1]["reason"]


def test_recommend_searches_the_settings_of_the_model_that_it_confirms(reviews: str) -> None:
    found = zoo.recommend(reviews, candidates=[MODEL], confirm=1, trials=2, strategy="full")
    confirmed = found.candidates[0].confirmed
    assert confirmed is not None
    assert confirmed.trials == 2
    assert "the best of 2 settings" in found.candidates[0].reasons[0]

    with pytest.raises(InvalidInput, match="confirmed candidates only"):
        zoo.recommend(reviews, candidates=[MODEL], trials=2)


@pytest.mark.slow
def test_trials_run_on_workers(reviews: str) -> None:
    pytest.importorskip("ray")
    run = zoo.tune(MODEL, reviews, strategy="full", epochs=2, trials=4, cluster="local")
    assert [one["state"] for one in run.plan["search"]["trials"]].count("complete") >= 3
    assert len(run.plan["search"]["trials"]) == 4


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"trials": "many"}, "The plan's trials is 'many'; it must be a whole number."),
        ({"trials": True}, "The plan's trials is True; it must be a whole number."),
        ({"epochs": 2.5}, "The plan's epochs is 2.5; it must be a whole number."),
        ({"budget": "1s"}, "The plan's budget is '1s'; it must be a number of seconds."),
        ({"learning_rate": "high"}, "The plan's learning_rate is 'high'; it must be a number."),
    ],
)
def test_values_of_a_wrong_type_are_refused(reviews: str, option: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        zoo.tune(MODEL, reviews, strategy="full", **option)
    assert str(caught.value).startswith(said)


def test_chance_does_not_count() -> None:
    generator = np.random.default_rng(0)
    points = generator.random((48, 3))
    assert reliability(points, generator.random(48).tolist()) < 0.1
    assert reliability(points, np.sin(3 * points[:, 0]).tolist()) > 0.5
    assert reliability(points[:3], [0.1, 0.9, 0.5]) == 1.0
