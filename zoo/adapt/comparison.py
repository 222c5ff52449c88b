"""The linear probe that fine-tuning has to beat, on the same split and validation samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from zoo.adapt.linear_head import LinearHead, as_predictions, choose, extract, refit
from zoo.adapt.results.decision import Decision, fitted
from zoo.answers import figure_text
from zoo.errors import DataError
from zoo.kinds.metrics import metric

if TYPE_CHECKING:
    import numpy as np

    from zoo.adapt.training.settings import Training
    from zoo.contract.backbone import Backbone, Progress
    from zoo.contract.experiment import Experiment, Predictions
    from zoo.entities import Dataset, Plan, Run

FINE_TUNED, LINEAR_PROBE = "fine-tuned", "linear-probe"
"""Values of ``kept`` in a run's plan."""


@dataclass(frozen=True)
class Probe:
    """A linear probe on the pretrained features, as the strategy ``linear-probe`` fits it.

    Attributes:
        features: of the whole data set, n x d.
        layer: the layer of the features.
        head: the head fitted to training and validation samples, which is kept.
        penalty: its penalty.
        score: the primary metric on the validation samples, of the head with this penalty fitted without them; higher
            is better.
        decision: the temperature and the threshold of its logits.
    """

    features: np.ndarray
    layer: str
    head: LinearHead
    penalty: float
    score: float
    decision: Decision

    def outputs(self, experiment: Experiment) -> np.ndarray:
        """Logits or numbers for the test samples, n x k."""
        return self.head.outputs(self.features[list(experiment.test)])

    def tested(self, experiment: Experiment) -> Predictions:
        """Predictions for the test samples."""
        return as_predictions(self.outputs(experiment), experiment, self.decision)


def fit_probe(
    backbone: Backbone, dataset: Dataset, experiment: Experiment, plan: Plan, progress: Progress
) -> Probe | None:
    """The linear probe for the experiment; None if the model has no features, or they are not finite.

    Call it before the backbone's weights change.
    """
    if not backbone.layers:
        return None
    try:
        features, layer = extract(backbone, dataset, plan, progress)
    except DataError:
        return None
    with progress.step("Fitting a linear probe"):
        choice = choose(experiment, features)
        head = refit(experiment, features, choice.penalty)
    decision = fitted(experiment, choice.head.outputs(features[list(experiment.validation)]))
    return Probe(features, layer, head, choice.penalty, choice.score, decision)


def better_probe(
    plan: Plan, probe: Probe | None, training: Training, score: float, *, started_there: bool
) -> Probe | None:
    """The probe, if fine-tuning is no better on the validation samples and the plan allows the probe; else None.

    A tie goes to the probe: it is the simpler model, and the score of the fine-tuned model, the best of many epochs, is
        optimistic.

    Args:
        score: the primary metric of the fine-tuned model on the validation samples; higher is better.
        started_there: whether training started from a probe on the same features.
    """
    if probe is None or plan.keep == FINE_TUNED:
        return None
    unchanged = training.best.number == 0 and started_there
    return probe if unchanged or probe.score >= score else None


def record(
    experiment: Experiment,
    probe: Probe | None,
    score: float,
    fine_tuned: Predictions,
    better: Probe | None,
) -> dict[str, Any]:
    """The comparison as a run records it: metrics of both models on the test samples, which is kept, and why.

    Args:
        score: see ``better_probe``.
        fine_tuned: predictions of the fine-tuned model for the test samples.
        better: the result of ``better_probe``.
    """
    kept = FINE_TUNED if better is None else LINEAR_PROBE
    if probe is None:
        return {"kept": kept}
    sign = 1 if experiment.metrics[0].higher_is_better else -1
    probed = probe.tested(experiment)
    gain = experiment.gain(fine_tuned.values, probed.values)
    return {
        "kept": kept,
        "probe": experiment.evaluate(probed.values, experiment.test),
        "fine_tuned": experiment.evaluate(fine_tuned.values, experiment.test),
        **({"gain_over_probe": list(gain)} if all(map(isfinite, gain)) else {}),
        "probe_penalty": probe.penalty,
        "validation_scores": {"probe": sign * probe.score, "fine_tuned": sign * score},
        "validation_samples": len(experiment.validation),
        "test_samples": len(experiment.test),
    }


def other_metrics(plan: Mapping[str, Any]) -> dict[str, Mapping[str, float]]:
    """The metrics of the model that was not kept and of other rivals, by name; empty without a comparison."""
    rivals = dict(plan.get("rivals", {}))
    if "probe" not in plan:
        return rivals
    other = {"fine-tuned": plan["fine_tuned"]} if plan["kept"] == LINEAR_PROBE else {"linear probe": plan["probe"]}
    return {**other, **rivals}


def sentences(run: Run) -> str | None:
    """The scores of fine-tuning and the probe, which model is kept, and why; None for runs without a comparison."""
    plan = run.plan
    if "probe" not in plan:
        return None
    name = next(iter(plan["probe"]))
    reached, probed = (figure_text(plan[side][name]) for side in ("fine_tuned", "probe"))
    found = (
        f"Fine-tuning reached {name} {reached}, the linear probe {probed}, on the same {plan['test_samples']:,} test "
        f"samples{_difference(plan)}"
    )
    if plan["kept"] == LINEAR_PROBE:
        return f"{found}; the probe is kept: {_why(plan)}. To keep the fine-tuned model: --keep {FINE_TUNED}"
    if plan["keep"] == FINE_TUNED:
        return f"{found}; the fine-tuned model is kept, because of --keep {FINE_TUNED}."
    better = metric(name).higher_is_better == (plan["probe"][name] > plan["fine_tuned"][name]) and reached != probed
    other = f" To keep the probe: --strategy {LINEAR_PROBE}" if better else ""
    return f"{found}; the fine-tuned model is kept: {_why(plan)}.{other}"


def _difference(plan: Mapping[str, Any]) -> str:
    """The gain of fine-tuning over the probe with its interval; empty for runs without one."""
    if "gain_over_probe" not in plan:
        return ""
    value, low, high = plan["gain_over_probe"]
    unclear = ", which may be chance" if low <= 0 <= high else ""
    return f" (gain {value:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}{unclear})"


def _why(plan: Mapping[str, Any]) -> str:
    """Why the validation samples favour the kept model."""
    held_out = f"{plan['validation_samples']:,} validation samples"
    tuned, probe = (figure_text(plan["validation_scores"][side]) for side in ("fine_tuned", "probe"))
    if plan["kept"] == LINEAR_PROBE and plan["best_epoch"] == 0:
        return f"no epoch was better on the {held_out} than the probe that training started from"
    if tuned == probe:
        return f"both score the same on the {held_out} ({tuned})"
    best, other = (probe, tuned) if plan["kept"] == LINEAR_PROBE else (tuned, probe)
    return f"it was better on the {held_out} ({best} against {other})"
