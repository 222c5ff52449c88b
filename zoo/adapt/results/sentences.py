"""What the figures of a run mean, in sentences: gains with their errors, calibration, and tests that are too small."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.adapt.results.calibration import Calibration, calibration
from zoo.adapt.results.intervals import FEWEST_UNITS
from zoo.answers import figure_text
from zoo.entities import Outcomes, Run
from zoo.kinds.metrics import metric

MODEL, BASELINE, DEFAULT_SETTINGS = "this model", "baseline", "default settings"


def gains(run: Run) -> list[str]:
    """The gain of a run's model over each other one that it is not worse than, in the primary metric, with interval."""
    name = next(iter(run.metrics), "")
    return [_gain(name, other, *ends) for other, ends in _gains(run).items() if ends[0] >= 0]


def losses(run: Run) -> list[str]:
    """What is better than a run's model, with the interval of the difference, and what to try next."""
    name = next(iter(run.metrics), "")
    found = [_gain(name, other, *ends) for other, ends in _gains(run).items() if ends[0] < 0]
    return [*found, f"Next: {_next_step(run)}"] if found else []


def _gains(run: Run) -> Mapping[str, list[float]]:
    found: Mapping[str, list[float]] = run.plan.get("gains", {})
    return found


def _next_step(run: Run) -> str:
    """What to try when something simpler, or earlier, is better."""
    lost = [other for other, ends in _gains(run).items() if ends[0] < 0]
    if DEFAULT_SETTINGS in lost:
        return "use the default settings (leave --trials out), or search with more validation samples: --validation"
    if any(other in run.plan.get("rivals", {}) for other in lost):
        return f"use the model without training: zoo predict {run.model} INPUT --labels ..."
    earlier = run.plan.get("earlier", {})
    if any(other != BASELINE for other in lost) and earlier:
        return f"start from the earlier model: zoo tune {earlier['model']} DATA --strategy {earlier['strategy']}"
    return "check the labels (zoo profile DATA), or let zoo rank other models: zoo recommend DATA"


def _gain(name: str, other: str, value: float, low: float, high: float) -> str:
    sign = 1 if metric(name).higher_is_better else -1
    ends = sorted((sign * low, sign * high))
    figures = f"{name} {_signed(sign * value)} (95 % interval {_signed(ends[0])} to {_signed(ends[1])})"
    unclear = "; it may be chance" if low <= 0 <= high else ""
    return f"{'Gain over' if value >= 0 else 'Worse than'} the {other}: {figures}{unclear}."


def _signed(value: float) -> str:
    return f"{value:+.3f}" if abs(value) < 100 else f"{value:+.4g}"


def ends_text(ends: tuple[float, float] | None) -> str:
    """An interval as text: ``0.71 to 0.93``."""
    return "-" if ends is None else f"{figure_text(ends[0])} to {figure_text(ends[1])}"


def too_small(plan: Mapping[str, Any]) -> str:
    """A warning about a test with too few independent samples for its intervals to mean anything; or an empty text."""
    units, samples = plan.get("test_units"), plan.get("test_samples")
    if units is None or units >= FEWEST_UNITS:
        return ""
    noun = "sample" if units == 1 else "samples"
    independent = f"{units} independent {noun}" if units != samples else f"{units} {noun}"
    return f"The test has only {independent}, so its figures and intervals are useless; add samples."


def calibration_of(outcomes: Outcomes | None) -> Calibration | None:
    """The calibration of a run's predicted probabilities; None if it has none."""
    if outcomes is None or not outcomes.confidences:
        return None
    pairs = zip(outcomes.targets, outcomes.predictions, strict=True)
    return calibration([target == found for target, found in pairs], outcomes.confidences)


def calibration_text(found: Calibration) -> str:
    """A calibration in a sentence."""
    verdict = "within" if found.error <= found.by_chance else "above"
    return (
        f"Calibration error {found.error:.3f} (mean confidence {found.confidence:.3f}, accuracy {found.accuracy:.3f}), "
        f"{verdict} the {found.by_chance:.3f} that a perfectly calibrated model may have on as many samples."
    )


def notes(run: Run) -> list[str]:
    """What to know about how a run was made: samples that were left out, what was kept, and how it ended."""
    plan, found = run.plan, []
    copies, near = plan.get("copies", 0), plan.get("near_copies", 0)
    if copies or near:
        counts = [f"{copies:,} samples are duplicates"] * bool(copies)
        counts += [f"{near:,} {'' if copies else 'samples '}are near duplicates"] * bool(near)
        found.append(f"{' and '.join(counts)}; duplicates are kept in the same part of the split.")
    if left_out := plan.get("left_out_repeats"):
        given = "a test or validation sample, and were not trained on"
        other = given if "parts" in plan else "an earlier one, and were left out of later parts"
        found.append(f"{left_out:,} samples are copies or near copies of {other}.")
    if kept := plan.get("kept_strategies"):
        found.append(f"Kept by split: {', '.join(f'{name} {count}' for name, count in kept.items())}.")
    if plan.get("merge") and plan.get("kept") == run.strategy == "linear-probe":
        found.append("Nothing was merged, because the linear probe is kept; --keep fine-tuned keeps the other model.")
    for part, effect in (("training", "so they are not learned"), ("test", "so the figures say nothing about them")):
        if names := plan.get(f"labels_without_{part}_samples"):
            listed = ", ".join(f"'{name}'" for name in names[:5]) + (" and more" if len(names) > 5 else "")
            found.append(f"No {part} sample has the labels {listed}, {effect}.")
    if dropped := plan.get("dropped"):
        found.append(
            f"Dropped by {plan['drop']}: {dropped['training']:,} training and {dropped['validation']:,} "
            f"validation samples; the test part keeps {dropped['test']:,} listed samples."
        )
    if plan.get("stopped") == "interrupted":
        found.append(f"Interrupted in epoch {run.epochs + 1}; the best weights so far were kept and tested.")
    if plan.get("stopped") == "budget":
        found.append(f"Ended by the budget in epoch {run.epochs}; the best weights so far were kept and tested.")
    return found
