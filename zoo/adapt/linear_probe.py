"""The strategy ``linear-probe``: a linear head on the frozen features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.adapt.linear_head import PENALTIES, choose, extract, predictions, refit

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
        penalty = choose(experiment, features, step).penalty
        head = refit(experiment, features, penalty)
        step.advance()
    found = predictions(head, features[list(experiment.test)], experiment)
    carried_out = {"penalty": penalty, "layer": layer, "class_weights": experiment.class_weights() is not None}
    run = experiment.record(backbone, plan, predictions=found, carried_out=carried_out)
    if plan.output:
        seen = trained_on(dataset, experiment.learned_from, backbone.card, experiment.test)
        run = save(run, Adapted(backbone.card, dataset, head=head, layer=layer), seen)
    return run
