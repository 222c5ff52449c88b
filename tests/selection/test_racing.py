"""The race, on features that are known to be good and bad."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from zoo.contract.backbone import SilentProgress
from zoo.contract.estimator import Measured
from zoo.entities import Dataset, ModelCard
from zoo.errors import UnsupportedModel
from zoo.plugins import plugins
from zoo.selection.measure.extracting import SHARD, BudgetSpent, ShardResult, shards
from zoo.selection.measure.layer_statistics import GROUPS, LayerStatistics, Targets
from zoo.selection.measure.plan import MeasurementPlan
from zoo.selection.measure.racing import Race, Runner
from zoo.selection.measure.stopping import FIRST, MOST_LOOKS, extrapolated, looks, outlook
from zoo.transfer.measure import measure

CLASSES, DIMENSION = 4, 12


class Features:
    """An extractor over features that lie ready, which counts what it hands out and can break off."""

    def __init__(self, plan: MeasurementPlan, targets: Targets, features: dict[str, dict[str, np.ndarray]]):
        self.plan, self.targets, self.features = plan, targets, features
        self.handed_out: dict[str, list[int]] = {}
        self.broken: set[str] = set()
        self.break_off: tuple[int, type[BaseException]] | None = None
        self.closed = False

    def layers(self, card):
        return tuple(self.features[card.id])

    def run(self, tasks):
        for task in tasks:
            handed = self.handed_out.setdefault(task.card.id, [])
            total = sum(map(len, self.handed_out.values()))
            if self.break_off and total >= self.break_off[0]:
                raise self.break_off[1]
            if task.card.id in self.broken and handed:
                yield ShardResult(task, error=UnsupportedModel("It broke."))
                continue
            handed += task.positions
            values = self.features[task.card.id]
            found = {
                layer: LayerStatistics.of(values[layer][list(task.positions)], task.positions, self.targets)
                for layer in task.layers
            }
            yield ShardResult(task, found, 0.5, len(task.positions))

    def close(self):
        self.closed = True


def scene(noises: dict[str, float], samples: int = 800, estimators=("linear-probe",), seed: int = 0):
    """Models whose features are the class centres plus noise of that size; the less the better."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, CLASSES, samples)
    dataset = Dataset("made", "text", range(samples), targets.tolist(), tuple("abcd"), f"made-{seed}-{samples}")
    plan = MeasurementPlan(plugins().tasks["text-classification"], dataset, samples, estimators, seed=seed)
    centres = rng.standard_normal((CLASSES, DIMENSION))
    common = rng.standard_normal((samples, DIMENSION))
    features = {
        f"pkg:{name}": {"last": centres[targets] + noise * (common + 0.3 * rng.standard_normal(common.shape))}
        for name, noise in noises.items()
    }
    ready = Targets.of(dataset, plan.order, estimators)
    return plan, ready, Features(plan, ready, features)


def twins(estimators=("linear-probe",)):
    """Two models that are the same."""
    plan, targets, extractor = scene({"one": 1.5}, estimators=estimators)
    extractor.features["pkg:twin"] = extractor.features["pkg:one"]
    return plan, targets, extractor


FEW_LOOKS = (100, 800)
"""With so few samples at the first look models that are about as good run on."""


def rivals(estimators=("linear-probe",)):
    """Two models that are about as good."""
    plan, targets, extractor = scene({"base": 1.5}, estimators=estimators)
    base, rng = extractor.features.pop("pkg:base")["last"], np.random.default_rng(1)
    for name in ("one", "other"):
        extractor.features[f"pkg:{name}"] = {"last": base + 0.3 * rng.standard_normal(base.shape)}
    return plan, targets, extractor


def run(plan, targets, extractor, steps=None, finished=lambda runner: None):
    race = Race(
        plan,
        targets,
        extractor,
        steps or looks(plan.samples, CLASSES),
        progress=SilentProgress(),
        finished=finished,
    )
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
    plan, targets, extractor = twins()

    run(plan, targets, extractor)

    for positions in extractor.handed_out.values():
        assert len(positions) == len(set(positions))


def test_every_candidate_sees_the_same_samples_at_a_rung():
    plan, targets, extractor = scene(NOISES)

    run(plan, targets, extractor)

    for positions in extractor.handed_out.values():
        assert set(positions) == set(plan.order[: len(positions)])


def test_of_candidates_that_cannot_be_told_apart_one_is_enough():
    outcome = run(*twins())

    one, twin = outcome.runners
    assert (one.stopped, one.samples) == ("", 200)  # a quarter: that 100 samples do not tell them apart says little
    assert twin.stopped == (
        f"Stopped after {one.samples} samples: 0 behind pkg:one#last with a standard error of 0; even all 800 are unlikely to put "
        "it ahead by more than their error."
    )


@pytest.mark.parametrize("estimators", [("linear-probe", "logme"), ("logme", "hscore")])
def test_the_figures_at_the_end_are_those_of_a_full_measurement(estimators):
    plan, targets, extractor = rivals(estimators)

    outcome = run(plan, targets, extractor, FEW_LOOKS)

    for runner in outcome.runners:
        expected = measure(estimators, extractor.features[runner.card.id]["last"], targets.values, plan.seed)
        for name in estimators:
            assert runner.values[800][name].value == pytest.approx(expected[name].value, abs=1e-12)
            assert runner.values[800][name].low == pytest.approx(expected[name].low, abs=1e-12)


def test_layers_of_one_model_share_its_forward_passes():
    plan, targets, extractor = scene(NOISES)
    layers = {model.removeprefix("pkg:"): values["last"] for model, values in extractor.features.items()}
    extractor.features = {"pkg:model": layers}

    outcome = run(plan, targets, extractor)

    assert outcome.passed == {"pkg:model": len(extractor.handed_out["pkg:model"])}
    assert outcome.passed["pkg:model"] <= 800


@pytest.mark.parametrize(("exception", "ended"), [(KeyboardInterrupt, "interrupted"), (BudgetSpent, "budget")])
def test_breaking_off_keeps_what_was_measured(exception, ended):
    plan, targets, extractor = rivals()
    extractor.break_off = (500, exception)

    outcome = run(plan, targets, extractor, FEW_LOOKS)

    assert outcome.ended == ended
    assert sorted(runner.samples for runner in outcome.runners) == [100, 800]
    assert all(100 in runner.values for runner in outcome.runners)
    assert extractor.closed


def test_a_model_that_breaks_on_the_way_keeps_its_figures_and_the_others_continue():
    plan, targets, extractor = rivals()
    extractor.broken = {"pkg:one"}

    outcome = run(plan, targets, extractor, FEW_LOOKS)

    one, other = outcome.runners
    assert one.samples == 100
    assert "It broke." in one.stopped
    assert other.samples == 800
    assert not other.stopped
    assert outcome.failures == []


def test_whatever_has_finished_is_reported_once():
    finished = []

    run(*scene(NOISES), finished=lambda runner: finished.append(runner.name))

    assert sorted(finished) == sorted(set(finished))
    assert "pkg:worse#last" in finished


def values(parts):
    parts = np.asarray(parts, dtype=float)
    return Measured(float(parts.mean()), None, None, tuple(parts.tolist()))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.floats(-0.5, 0.5))
def test_a_candidate_ahead_at_the_end_beyond_the_error_is_almost_never_stopped(seed, lead):
    """Against the definition: the rest of the samples is drawn, and the full difference looked at."""
    rng = np.random.default_rng(seed)
    m, n, trials, wrong = 200, 800, 200, 0
    for _ in range(trials):
        differences = rng.normal(-lead * 0.1, 1.0, n)
        found = outlook(values(differences[:m]), values(np.zeros(m)), m, n)
        ahead = -differences.mean() > 1.97 * differences.std(ddof=1) / np.sqrt(n)
        wrong += found.hopeless and ahead
    assert wrong <= 8  # of 200, where under 2 % are expected


@pytest.mark.parametrize("samples", [100, 130, 400, 900, 5000])
@pytest.mark.parametrize("gap", [-0.1, 0.0, 0.1, 0.2, 0.3])
def test_the_outlook_is_the_inequality_of_the_docstring(samples, gap):
    differences = np.random.default_rng(3).normal(gap, 1.0, 100)
    share = 100 / samples
    found = outlook(values(differences), values(np.zeros(100)), 100, samples)

    error = differences.std(ddof=1) / 10
    assert found.gap == pytest.approx(differences.mean())
    assert found.error == pytest.approx(error)
    reach, tolerance = stats.t.ppf(0.998, 99) * error, stats.t.ppf(0.95, 99) * error
    assert found.at_least == pytest.approx(found.gap - reach, rel=1e-3)
    tolerance *= np.sqrt(share) * (share >= 0.24)
    assert found.hopeless == (reach * np.sqrt(1 - share) - found.gap <= tolerance)


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=10, max_size=60), st.floats(0.0, 2.0), st.integers(1, 20))
def test_a_candidate_that_lies_further_behind_is_not_kept_longer(differences, further, times):
    m = len(differences)
    near = outlook(values(differences), values([0.0] * m), m, m * times)
    far = outlook(values([d + further for d in differences]), values([0.0] * m), m, m * times)

    assert far.hopeless or not near.hopeless


@settings(deadline=None)
@given(st.floats(-2, 2), st.floats(-2, 2), st.integers(3, 8), st.integers(1, 4))
def test_a_curve_that_has_the_form_is_extrapolated_exactly(level, bend, parts, times):
    counts = [round(100 * 2 ** (part / 2)) for part in range(parts)]
    curve = {count: level + bend / np.sqrt(count) for count in counts}

    samples = counts[-1] * times
    assert extrapolated(curve, samples) == pytest.approx(level + bend / np.sqrt(samples), abs=1e-9)


def test_the_extrapolation_is_the_least_squares_solution():
    """Against scipy's, with the increments written out."""
    counts, found = np.array([100.0, 141, 200, 283]), np.array([0.71, 0.78, 0.8, 0.84])
    grown = np.diff(counts, prepend=0)

    def residuals(coefficients):
        level, bend = coefficients
        return (
            np.diff(counts * found, prepend=0) - level * grown - bend * np.diff(np.sqrt(counts), prepend=0)
        ) / np.sqrt(grown)

    level, bend = optimize.least_squares(residuals, [0.0, 0.0]).x
    rest = level * (800 - 283) + bend * (np.sqrt(800) - np.sqrt(283))
    known = dict(zip(counts.astype(int).tolist(), found.tolist(), strict=True))
    assert extrapolated(known, 800) == pytest.approx((283 * 0.84 + rest) / 800, rel=1e-6)


@given(st.dictionaries(st.integers(1, 500), st.floats(-5, 5), min_size=1, max_size=8))
def test_what_is_measured_on_all_samples_is_not_extrapolated(curve):
    last = max(curve)
    assert extrapolated(curve, last) == curve[last]
    few = dict(list(curve.items())[:2])
    assert extrapolated(few, 1000) == few[max(few)]


def test_a_candidate_that_overtakes_is_not_stopped():
    """Behind so far, but predicted to overtake."""
    noise = np.random.default_rng(0).normal(0.03, 0.5, 400)
    behind = outlook(values(noise), values(np.zeros(400)), 400, 1600)
    rising = outlook(values(noise), values(np.zeros(400)), 400, 1600, ahead=-0.06)
    falling = outlook(values(noise), values(np.zeros(400)), 400, 1600, ahead=0.12)

    assert behind.predicted == behind.gap
    assert (rising.hopeless, falling.hopeless) == (False, True)
    assert "predicted 0.12 behind on all;" in falling.in_words("pkg:first", 400, 1600)


def test_a_model_of_many_dimensions_that_overtakes_late_wins():
    """The small one is worn out by 100 samples; what the wide one knows is spread over all of its dimensions."""
    rng = np.random.default_rng(5)
    plan, targets, extractor = scene({"small": 1.5}, samples=1600)
    centres = rng.standard_normal((CLASSES, 160))
    labels = np.array(plan.dataset.targets)
    wide = 0.38 * centres[labels] + 2.2 * rng.standard_normal((1600, 160))
    extractor.features["pkg:wide"] = {"last": wide}

    outcome = run(plan, targets, extractor)

    early = {runner.name: runner.values[100]["linear-probe"].value for runner in outcome.runners}
    assert early["pkg:wide#last"] < early["pkg:small#last"] - 0.1
    assert [runner.name for runner in outcome.runners if not runner.stopped] == ["pkg:wide#last"]


def test_without_any_error_no_model_is_stopped():
    assert outlook(Measured(0.9), Measured(0.1), 100, 400) is None


@given(st.integers(1, 100_000), st.integers(0, 300))
def test_looks_grow_to_all_samples(samples, classes):
    sizes = looks(samples, classes)

    assert sizes[-1] == samples
    assert list(sizes) == sorted(set(sizes))
    assert len(sizes) <= MOST_LOOKS
    assert len(sizes) == 1 or sizes[0] >= max(FIRST, 4 * classes)


@given(st.sets(st.integers(0, 10**6), max_size=50), st.integers(0, 3 * SHARD))
def test_shards_hold_every_sample_once_in_order(few, many):
    positions = [*few, *range(2 * 10**6, 2 * 10**6 + many)]

    pieces = shards(positions)

    assert [position for piece in pieces for position in piece] == sorted(positions)
    assert all(0 < len(piece) <= SHARD for piece in pieces)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 5), st.booleans())
def test_statistics_adds_up_in_any_order_and_either_form(seed, pieces, streamed):
    _, targets, extractor = scene(NOISES, samples=200, estimators=("logme",), seed=seed % 7)
    targets = Targets(targets.values, targets.classes, targets.group, streamed)
    features = extractor.features["pkg:middling"]["last"]
    rng = np.random.default_rng(seed)
    parts = np.array_split(rng.permutation(200), pieces)
    statistics = LayerStatistics()
    for part in parts:
        statistics.merge(LayerStatistics.of(features[part], part.tolist(), targets))

    found = statistics.estimate(("logme",), targets, 0)["logme"]

    expected = measure(("logme",), features, targets.values, 0)["logme"]
    assert found.value == pytest.approx(expected.value, abs=1e-9)
    assert found.low < found.value < found.high


@given(st.lists(st.integers(0, 4), min_size=50, max_size=300), st.integers(0, 9))
def test_every_prefix_of_the_order_spreads_over_the_groups(labels, seed):
    labels[:2] = [0, 1]
    dataset = Dataset("d", "text", range(len(labels)), labels, tuple("abcde"), "d")
    plan = MeasurementPlan(plugins().tasks["text-classification"], dataset, len(labels), ("logme",), seed=seed)
    group = Targets.of(dataset, plan.order, ("logme",)).group

    for count in (len(labels) // 2, len(labels)):
        head = np.asarray(plan.order[:count])
        for label in set(labels):
            sizes = np.bincount(group[head[np.asarray(labels)[head] == label]], minlength=GROUPS)
            assert sizes.max() - sizes.min() <= 1


def test_two_that_agree_on_few_samples_are_not_the_same():
    same = values(np.zeros(125))

    early, later = (outlook(same, same, 125, samples) for samples in (2000, 500))

    assert early is not None
    assert later is not None
    assert (early.hopeless, later.hopeless) == (False, True)
