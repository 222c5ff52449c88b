"""The strategy ``linear-probe``: a linear head on the frozen features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.adapt.linear_head import PENALTIES, as_predictions, choose, extract, refit
from zoo.adapt.results.decision import fitted, recorded
from zoo.adapt.results.familiarity import familiarity

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone, Progress
    from zoo.contract.experiment import Experiment
    from zoo.entities import Plan, Run


def adapt(backbone: Backbone, experiment: Experiment, plan: Plan, progress: Progress) -> Run:
    """Extract the features once, fit the head by the plan, test it, and write it to ``plan.output`` if given.

    Raises:
        ZooError: the features are not finite, or the folder cannot be written.
    """
    from zoo.adapt.saved.saving import Adapted, save
    from zoo.adapt.saved.seen import trained_on

    dataset = experiment.dataset
    features, layer = extract(backbone, dataset, plan, progress)
    with progress.step("Fitting the head", len(PENALTIES) + 1) as step:
        choice = choose(experiment, features, step)
        head = refit(experiment, features, choice.penalty)
        step.advance()
    decided = fitted(experiment, choice.head.outputs(features[list(experiment.validation)]))
    outputs = head.outputs(features[list(experiment.test)])
    found = as_predictions(outputs, experiment, decided)
    carried_out = {
        "penalty": choice.penalty,
        "layer": layer,
        "weighted": experiment.class_weights() is not None,
        **recorded(experiment, decided, outputs),
    }
    run = experiment.record(backbone, plan, predictions=found, carried_out=carried_out)
    if plan.output:
        seen = trained_on(dataset, experiment.learned_from, backbone.card, experiment.test)
        parts = (features[list(part)] for part in (experiment.train, experiment.validation))
        known = familiarity(experiment, *parts)
        adapted = Adapted(backbone.card, dataset, head=head, layer=layer, decision=decided, familiarity=known)
        run = save(run, adapted, seen)
    return run
