"""The race, on features that are known to be good and bad."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.entities import Dataset, ModelCard
from zoo.errors import UnsupportedModel
from zoo.protocols import SilentProgress
from zoo.recommend.evidence import GROUPS, Evidence, Targets
from zoo.recommend.extracting import SHARD, BudgetSpent, Done, shards
from zoo.recommend.measuring import Request
from zoo.recommend.racing import FIRST_RUNG, Race, Runner, rungs
from zoo.tasks import TASKS
from zoo.transfer.measure import measure

CLASSES, DIMENSION = 4, 12


class Features:
    """An extractor over features that lie ready, which counts what it hands out and can break off."""

    def __init__(self, request: Request, targets: Targets, features: dict[str, dict[str, np.ndarray]]):
        self.request, self.targets, self.features = request, targets, features
        self.handed_out: dict[str, list[int]] = {}
        self.broken: set[str] = set()
        self.break_off: tuple[int, type[BaseException]] | None = None
        self.closed = False

    def layers(self, card):
        return tuple(self.features[card.id])

    def run(self, works):
        for work in works:
            handed = self.handed_out.setdefault(work.card.id, [])
            total = sum(map(len, self.handed_out.values()))
            if self.break_off and total >= self.break_off[0]:
                raise self.break_off[1]
            if work.card.id in self.broken and handed:
                yield Done(work, error=UnsupportedModel("It broke."))
                continue
            handed += work.positions
            values = self.features[work.card.id]
            found = {layer: Evidence.gather(values[layer][list(work.positions)], work.positions, self.targets)
                     for layer in work.layers}  # fmt: skip
            yield Done(work, found, 0.5, len(work.positions))

    def close(self):
        self.closed = True


def scene(noises: dict[str, float], samples: int = 800, estimators=("linear-probe",), seed: int = 0):
    """Models whose features are the class centres plus noise of that size; the less the better."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, CLASSES, samples)
    dataset = Dataset("made", "text", range(samples), targets.tolist(), tuple("abcd"), f"made-{seed}-{samples}")
    request = Request(TASKS["text-classification"], dataset, samples, estimators, seed=seed)
    centres = rng.standard_normal((CLASSES, DIMENSION))
    common = rng.standard_normal((samples, DIMENSION))
    features = {
        f"pkg:{name}": {"last": centres[targets] + noise * (common + 0.3 * rng.standard_normal(common.shape))}
        for name, noise in noises.items()
    }
    ready = Targets.of(dataset, request.order, estimators)
    return request, ready, Features(request, ready, features)


def twins(estimators=("linear-probe",)):
    """Two models that cannot be told apart."""
    request, targets, extractor = scene({"one": 1.5}, estimators=estimators)
    extractor.features["pkg:twin"] = extractor.features["pkg:one"]
    return request, targets, extractor


def run(request, targets, extractor, steps=None, finished=lambda runner: None):
    race = Race(request, targets, extractor, steps or rungs(request.samples, CLASSES), progress=SilentProgress(),
                finished=finished)  # fmt: skip
    runners = [Runner(ModelCard(model, "language"), layer) for model, f in extractor.features.items() for layer in f]
    return race.run(runners)


NOISES = {"best": 0.8, "middling": 2.0, "bad": 4.0, "worse": 6.0}


def test_losers_stop_early_and_the_best_is_left():
    outcome = run(*scene(NOISES))

    left = [runner.name for runner in outcome.runners if not runner.stopped]
    assert left == ["pkg:best#last"]
    assert outcome.passed["pkg:worse"] < 400
    stopped = {runner.name: runner.stopped for runner in outcome.runners}
    assert stopped["pkg:worse#last"].startswith("Stopped after 100 samples: ")
    assert "behind pkg:best#last" in stopped["pkg:worse#last"]


def test_no_sample_goes_through_a_model_twice():
    request, targets, extractor = twins()

    run(request, targets, extractor)

    for positions in extractor.handed_out.values():
        assert len(positions) == len(set(positions))


def test_every_candidate_sees_the_same_samples_at_a_rung():
    request, targets, extractor = scene(NOISES)

    run(request, targets, extractor)

    for positions in extractor.handed_out.values():
        assert set(positions) == set(request.order[: len(positions)])


def test_candidates_that_cannot_be_told_apart_run_to_the_end():
    outcome = run(*twins())

    assert [runner.stopped for runner in outcome.runners] == ["", ""]
    assert [runner.samples for runner in outcome.runners] == [800, 800]


@pytest.mark.parametrize("estimators", [("linear-probe", "logme"), ("logme", "hscore")])
def test_the_figures_at_the_end_are_those_of_a_full_measurement(estimators):
    request, targets, extractor = twins(estimators)

    outcome = run(request, targets, extractor)

    for runner in outcome.runners:
        expected = measure(estimators, extractor.features[runner.card.id]["last"], targets.values, request.seed)
        for name in estimators:
            assert runner.values[800][name].value == pytest.approx(expected[name].value, abs=1e-12)
            assert runner.values[800][name].low == pytest.approx(expected[name].low, abs=1e-12)


def test_layers_of_one_model_share_its_forward_passes():
    request, targets, extractor = scene(NOISES)
    layers = {model.removeprefix("pkg:"): values["last"] for model, values in extractor.features.items()}
    extractor.features = {"pkg:model": layers}

    outcome = run(request, targets, extractor)

    assert outcome.passed == {"pkg:model": len(extractor.handed_out["pkg:model"])}
    assert outcome.passed["pkg:model"] <= 800


@pytest.mark.parametrize(("exception", "ended"), [(KeyboardInterrupt, "interrupted"), (BudgetSpent, "budget")])
def test_breaking_off_keeps_what_was_judged(exception, ended):
    request, targets, extractor = twins()
    extractor.break_off = (500, exception)

    outcome = run(request, targets, extractor)

    assert outcome.ended == ended
    assert [runner.samples for runner in outcome.runners] == [400, 200]
    assert all(200 in runner.values for runner in outcome.runners)
    assert extractor.closed


def test_a_model_that_breaks_on_the_way_keeps_its_figures_and_the_others_go_on():
    request, targets, extractor = twins()
    extractor.broken = {"pkg:one"}

    outcome = run(request, targets, extractor)

    one, twin = outcome.runners
    assert one.samples == 100
    assert "It broke." in one.stopped
    assert twin.samples >= 100
    assert not twin.stopped
    assert outcome.failures == []


def test_whatever_has_finished_is_told_once():
    told = []

    run(*scene(NOISES), finished=lambda runner: told.append(runner.name))

    assert sorted(told) == sorted(set(told))
    assert "pkg:worse#last" in told


@given(st.integers(1, 100_000), st.integers(0, 300))
def test_rungs_grow_to_all_samples(samples, classes):
    sizes = rungs(samples, classes)

    assert sizes[-1] == samples
    assert list(sizes) == sorted(set(sizes))
    assert len(sizes) == 1 or sizes[0] >= max(FIRST_RUNG, 4 * classes)


@given(st.sets(st.integers(0, 10**6), max_size=50), st.integers(0, 3 * SHARD))
def test_shards_hold_every_sample_once_in_order(few, many):
    positions = [*few, *range(2 * 10**6, 2 * 10**6 + many)]

    pieces = shards(positions)

    assert [position for piece in pieces for position in piece] == sorted(positions)
    assert all(0 < len(piece) <= SHARD for piece in pieces)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 5), st.booleans())
def test_evidence_adds_up_in_any_order_and_either_form(seed, pieces, streamed):
    _, targets, extractor = scene(NOISES, samples=200, estimators=("logme",), seed=seed % 7)
    targets = Targets(targets.values, targets.classes, targets.group, streamed)
    features = extractor.features["pkg:middling"]["last"]
    rng = np.random.default_rng(seed)
    parts = np.array_split(rng.permutation(200), pieces)
    evidence = Evidence()
    for part in parts:
        evidence.merge(Evidence.gather(features[part], part.tolist(), targets))

    judged = evidence.judge(("logme",), targets, 0)["logme"]

    expected = measure(("logme",), features, targets.values, 0)["logme"]
    assert judged.value == pytest.approx(expected.value, abs=1e-9)
    assert judged.low < judged.value < judged.high


@given(st.lists(st.integers(0, 4), min_size=50, max_size=300), st.integers(0, 9))
def test_every_beginning_of_the_order_spreads_over_the_groups(labels, seed):
    labels[:2] = [0, 1]
    dataset = Dataset("d", "text", range(len(labels)), labels, tuple("abcde"), "d")
    request = Request(TASKS["text-classification"], dataset, len(labels), ("logme",), seed=seed)
    group = Targets.of(dataset, request.order, ("logme",)).group

    for count in (len(labels) // 2, len(labels)):
        head = np.asarray(request.order[:count])
        for label in set(labels):
            sizes = np.bincount(group[head[np.asarray(labels)[head] == label]], minlength=GROUPS)
            assert sizes.max() - sizes.min() <= 1
