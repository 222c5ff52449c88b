"""Checks plans, identifies them, and has them carried out by plugins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.config import all_configured
from zoo.entities import Dataset, ModelCard, Plan, Run
from zoo.errors import InvalidInput, PluginError
from zoo.provenance import revision_of, versions

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.features import Model

HEADS = ("auto", "probe", "random")
"""Initialisation of a new head: as a linear probe on the frozen features, at random, or as suits the model."""

KEEP = ("best", "fine-tuned")
"""Which model a fine-tuning ends with: the better of the fine-tuned one and a linear probe, or always the former."""

CLASS_WEIGHTS = ("auto", "none", "balanced")
"""Weights of classes in the loss, see ``zoo.contract.experiment.Experiment.class_weights``."""


AUGMENT = ("auto", "none", "light", "strong")
"""Strengths of the augmentation of training inputs; ``auto`` is the one that suits the kinds of the data."""


def check_plan(plan: Plan) -> None:
    """Reject invalid values of a plan.

    Raises:
        InvalidInput: names the option and its valid values.
    """
    _check_types(plan)
    if not (0 < plan.validation < 1 and 0 < plan.test < 1 and plan.validation + plan.test < 1):
        raise InvalidInput(
            f"Invalid fractions: {plan.validation:g} for validation and {plan.test:g} for the test.",
            "Choose fractions above 0 whose sum is below 1.",
        )
    if plan.folds < 0 or plan.folds == 1 or not 0 <= plan.fold <= max(0, plan.folds - 1):
        raise InvalidInput(f"The plan's folds are {plan.folds}; a cross-validation has at least 2.", "Use --folds 5.")
    if plan.repeats < 1:
        raise InvalidInput(f"The plan's repeats are {plan.repeats}; there must be at least 1.", "Use --repeats 5.")
    if plan.trials < 1:
        raise InvalidInput(f"The plan's trials are {plan.trials}; there must be at least 1.", "Use --trials 20.")
    if plan.trials > 1 and (plan.folds or plan.repeats > 1):
        option = "--folds" if plan.folds else "--repeats"
        raise InvalidInput(
            f"{option} has no effect with --trials, which compares settings on one split.",
            f"Search first, then cross-validate with the settings that were found: leave {option} out.",
        )
    if plan.folds and plan.test != Plan().test:
        raise InvalidInput("--test has no effect with --folds, which test every sample once.", "Leave --test out.")
    if plan.head not in HEADS:
        raise InvalidInput(f"'{plan.head}' is not a valid head.", f"Choose from: {', '.join(HEADS)}.")
    if plan.augment not in AUGMENT:
        raise InvalidInput(f"'{plan.augment}' is not a valid augmentation.", f"Choose from: {', '.join(AUGMENT)}.")
    if plan.keep not in KEEP:
        raise InvalidInput(f"'{plan.keep}' is not a valid value of keep.", f"Choose {' or '.join(KEEP)}.")
    if plan.class_weights not in CLASS_WEIGHTS:
        raise InvalidInput(
            f"'{plan.class_weights}' is not a valid value of class_weights.",
            f"Choose from: {', '.join(CLASS_WEIGHTS)}.",
        )
    if plan.budget is not None and not 0 < plan.budget < float("inf"):
        raise InvalidInput(f"Invalid budget {plan.budget:g}: it must be positive.", "Try 10m.")
    for name in ("epochs", "batch_size", "patience", "accumulate", "devices"):
        if getattr(plan, name) < 1:
            raise InvalidInput(f"The plan's {name} is {getattr(plan, name)}; it must be at least 1.")
    if not 0 < plan.layer_decay <= 1:
        raise InvalidInput(f"The plan's layer_decay is {plan.layer_decay}; it must be above 0 and at most 1.")
    for name in ("rank", "virtual_tokens"):
        number = getattr(plan, name)
        if number is not None and number < 1:
            raise InvalidInput(f"The plan's {name} is {number}; it must be at least 1.")
    if plan.merge and not plan.output:
        raise InvalidInput("--merge has no effect without an output folder.", "Name a folder with -o, or omit --merge.")
    rate = plan.learning_rate
    if rate is not None and not 0 < rate < float("inf"):
        raise InvalidInput(f"The plan's learning_rate is {rate}; it must be above 0.", "Try 1e-4.")
    if not 0 <= plan.weight_decay < float("inf"):
        raise InvalidInput(f"The plan's weight_decay is {plan.weight_decay}; it must be 0 or more.")


def _check_types(plan: Plan) -> None:
    """Reject values that are not numbers."""
    whole = ("epochs", "batch_size", "patience", "accumulate", "devices", "trials", "folds", "fold", "repeats", "seed")
    kinds: dict[str, tuple[type, str]] = dict.fromkeys((*whole, "rank", "virtual_tokens"), (Integral, "a whole number"))
    kinds |= dict.fromkeys(("learning_rate", "layer_decay", "weight_decay", "validation", "test"), (Real, "a number"))
    kinds["budget"] = (Real, "a number of seconds")
    for name, (kind, described) in kinds.items():
        value = getattr(plan, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, kind)):
            raise InvalidInput(f"The plan's {name} is {value!r}; it must be {described}.")


def key_of(plan: Plan, card: ModelCard, dataset: Dataset, unrelated: Collection[str] = ("device",)) -> str:
    """A digest of a plan, a model, a data set's content, settings and the versions of the software, 32 hex digits.

    Args:
        unrelated: parts of the plan that do not count.
    """
    named = {name: value for name, value in plan.to_dict().items() if name not in unrelated}
    listed = hashlib.sha256(Path(plan.drop).expanduser().read_bytes()).hexdigest() if plan.drop else ""
    known = [card.id, revision_of(card), dataset.fingerprint, named, versions(), listed, all_configured()]
    return hashlib.sha256(json.dumps(known, sort_keys=True, default=str).encode()).hexdigest()[:32]


def adapted(model: Model, dataset: Dataset, plan: Plan, progress: Progress) -> Run:
    """Adapt a model once by a plan, by the first plugin that can.

    Raises:
        PluginError: none can.
    """
    from zoo.plugins import plugins

    run: Run | None = plugins().first(
        "zoo_finetune", backbone=model.backbone, dataset=dataset, plan=plan, progress=progress
    )
    if run is None:
        failed = [one.error for one in plugins().reports if "zoo_finetune" in one.error]
        because = f": {failed[0].removeprefix('its hook zoo_finetune raised ').rstrip('.')}" if failed else ""
        raise PluginError(
            f"No plugin could adapt '{model.card.id}' with the strategy '{plan.strategy}'{because}.",
            "See what failed: zoo plugins",
        )
    return run
