"""Measures only promising candidates: the selector chooses the next ones, and learns from their results.

Several are chosen at a time, each as if those before it had scored as expected (the kriging believer of
Ginsbourger, Le Riche and Carraro, 2010), and race against the best so far.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from zoo.answers import Exclusion
from zoo.errors import InvalidInput, ZooError
from zoo.selection.measure.measurements import Effort, Measurements, measure_all
from zoo.selection.request.candidates import Choice
from zoo.selection.select.selector import Selector
from zoo.transfer.intervals import difference

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.selection.measure.figures import Measured
    from zoo.selection.measure.plan import MeasurementPlan

_QUANTILE = 1.959964

TOGETHER = 4
"""Number of candidates that are chosen at a time if they race."""

FRACTIONS = frozenset({"linear-probe"})
"""Estimators whose value is a fraction; a tolerance is in their unit."""


@dataclass
class Selection:
    """The choices of the selector, for the answer.

    Attributes:
        asked: models in the order in which they were chosen.
        expected_regret: after each measurement, the expected difference between the best of all and the best so far.
        finished: why it stopped.
    """

    asked: list[str] = field(default_factory=list)
    expected_regret: list[float] = field(default_factory=list)
    finished: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The fields for ``--json``."""
        return {"asked": self.asked, "expected_regret": self.expected_regret, "finished": self.finished}


def check(estimators: Sequence[str], tolerance: float) -> None:
    """Check the tolerance.

    Raises:
        InvalidInput: it is not positive, or the value of the deciding estimator is not a fraction.
    """
    if not 0.0 < tolerance < float("inf"):
        raise InvalidInput(f"Invalid tolerance {tolerance:g}: it must be positive.", "Give a regret, such as 0.01.")
    if estimators[0] not in FRACTIONS:
        raise InvalidInput(
            f"A tolerance is in accuracy, and the deciding estimator is '{estimators[0]}'.",
            f"Name linear-probe first: --estimator linear-probe,{estimators[0]}",
        )


def measure_selected(
    choices: Sequence[Choice], plan: MeasurementPlan, effort: Effort, tolerance: float, progress: Progress
) -> tuple[Measurements, Selection]:
    """Measure candidates one batch after the other until the expected regret is at most ``tolerance``.

    Predictions come from the shipped prior and the registry's runs of the task.

    Raises:
        ZooError: no candidate is left, or none could be measured.
        KeyboardInterrupt: Ctrl-C before the first figure.
    """
    if not choices:
        return measure_all(choices, plan, effort, progress), Selection()
    by_id = {choice.card.id: choice for choice in choices}
    selector = Selector(
        [choice.card for choice in by_id.values()],
        task=plan.task.name,
        dataset=plan.dataset.name,
        tolerance=tolerance,
    )
    measurements, selection = Measurements(), Selection()
    started = time.monotonic()
    last: ZooError | None = None
    while names := selector.ask_several(TOGETHER if effort.race else 1):
        left = None if effort.budget is None else effort.budget - (time.monotonic() - started)
        if left is not None and left <= 0:
            measurements.partial = f"The budget of {effort.budget:g} s was spent before the selection was finished."
            break
        batch = [by_id[name] for name in names]
        if effort.race and selector.best is not None:
            batch.insert(0, by_id[selector.best])
        try:
            found = measure_all(batch, plan, replace(effort, budget=left), progress)
        except ZooError as error:
            last = error
            measurements.excluded += [Exclusion(name, f"could not be measured: {error}") for name in names]
            for name in names:
                selector.skip(name)
            continue
        except KeyboardInterrupt:
            if not measurements.measured:
                raise
            measurements.interrupted = True
            measurements.partial = "It was interrupted before the selection was finished."
            break
        _add(found, measurements)
        selection.asked += names
        _tell(selector, names, found, selection)
        if found.partial:
            break
    if not measurements.measured:
        raise last or InvalidInput("The budget was spent before one candidate was measured.", "Give a larger --budget.")
    selection.finished = selector.finished or measurements.partial or "every candidate is measured or could not be"
    measurements.excluded += list(_left(selector, measurements, selection))
    return measurements, selection


def _add(found: Measurements, into: Measurements) -> None:
    """Add the measurements of a batch; the best so far was measured again, and only its newest figures are kept."""
    known: dict[tuple[str, str], Measured] = {(m.card.id, m.layer): m for m in into.measured}
    for measured in found.measured:
        earlier = known.get((measured.card.id, measured.layer))
        if earlier is None or measured.samples >= earlier.samples:
            known[measured.card.id, measured.layer] = measured
    into.measured[:] = known.values()
    into.excluded += found.excluded
    into.partial, into.interrupted = found.partial, found.interrupted
    into.passes, into.full = into.passes + found.passes, into.full + found.full
    into.warnings += [warning for warning in found.warnings if warning not in into.warnings]


def _tell(selector: Selector, names: Sequence[str], found: Measurements, selection: Selection) -> None:
    lead = max(found.measured, key=lambda m: (m.samples, m.figures[0].value), default=None)
    for name in names:
        own = [m for m in found.measured if m.card.id == name]
        if not own or lead is None:
            selector.skip(name)
            continue
        best = max(own, key=lambda m: m.figures[0].value)
        selector.tell(name, best.figures[0].value, sum(m.seconds for m in own), _error(best, lead))
        selection.expected_regret.append(round(selector.expected_regret, 4))


def _error(measured: Measured, lead: Measured) -> float:
    """The standard error of a score, if known without the samples' common effect on all models. Each of two models on
    the same samples has half the variance of the error of their difference.
    """
    figure = measured.figures[0]
    own, other = measured.value_on(measured.samples), lead.value_on(measured.samples)
    if measured is not lead and own is not None and other is not None and len(own.parts) == len(other.parts) > 1:
        found = difference(own, other)
        return 0.0 if found is None else found.error / math.sqrt(2.0)
    return 0.0 if figure.low is None or figure.high is None else (figure.high - figure.low) / (2 * _QUANTILE)


def _left(selector: Selector, measurements: Measurements, selection: Selection) -> list[Exclusion]:
    """The candidates that were not measured, with their expected scores."""
    there = {measured.card.id for measured in measurements.measured} | {gone.id for gone in measurements.excluded}
    expected, why = selector.expected(), selection.finished.rstrip(".")
    return [
        Exclusion(
            model,
            f"not measured: {why}; expected {middle:.3g} (90 % interval {low:.3g} to {high:.3g})",
        )
        for model, (middle, low, high) in expected.items()
        if model not in there
    ]
