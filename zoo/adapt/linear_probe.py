"""The strategy ``linear-probe``: a linear head on the frozen features."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from zoo.adapt.experiment import make_run, prepare
from zoo.adapt.linear_head import PENALTIES, choose, extract, predict, refit

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone, Progress
    from zoo.entities import Dataset, Plan, Run


def adapt(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run:
    """Extract the features once, fit the head by the plan, test it, and write it to ``plan.output`` where given.

    Raises:
        ZooError: see ``zoo.adapt.experiment.prepare``; or the features are not finite.
    """
    from zoo.adapt.saved.saving import Adapted, save
    from zoo.adapt.saved.seen import trained_on

    started = time.perf_counter()
    experiment = prepare(dataset, plan, backbone.card)
    features, layer = extract(backbone, dataset, plan, progress)
    with progress.step("Fitting the head", len(PENALTIES) + 1) as step:
        penalty = choose(experiment, features, step).penalty
        head = refit(experiment, features, penalty)
        step.advance()
    metrics = experiment.evaluate(predict(head, features[list(experiment.test)], experiment), experiment.test)
    carried_out = {"penalty": penalty, "layer": layer, "class_weights": experiment.class_weights() is not None}
    run = make_run(experiment, backbone, plan, started=started, metrics=metrics, epochs=0, carried_out=carried_out)
    if plan.output:
        seen = trained_on(dataset, experiment.learned_from, backbone.card)
        run = save(Adapted(run, backbone.card, dataset, head=head, layer=layer, seen=seen))
    return run
