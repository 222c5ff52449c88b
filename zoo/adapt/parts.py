"""The training, validation and test part of a data set: at random, by groups, or in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.data import split_as, units
from zoo.data.splitting import RANDOM
from zoo.entities import Dataset, Plan
from zoo.errors import DataError, InvalidInput
from zoo.kinds.known import kind_of

if TYPE_CHECKING:
    import numpy as np

Parts = list[tuple[int, ...]]
"""Positions of the samples of the training, the validation and the test part."""

_NAMES = ("training", "validation", "test")


def at_random(dataset: Dataset, plan: Plan) -> Parts:
    """Stratified and seeded, with the data set's groups kept together; or by a grouping of the kind of the inputs."""
    fractions = (1 - plan.validation - plan.test, plan.validation, plan.test)
    divided = split_as(dataset, plan.split, fractions, plan.seed)
    # Parts are made of the data set itself, so that their indices are positions in it.
    return [tuple(int(position) for position in part.inputs.indices) for part in divided]  # type: ignore[attr-defined]


def in_time(times: np.ndarray, plan: Plan) -> Parts:
    """The earliest samples, those that follow, and the latest; samples of one time are in one part."""
    import numpy as np

    order = np.argsort(times, kind="stable")
    inner = [round(len(times) * (1 - plan.validation - plan.test)), round(len(times) * (1 - plan.test))]
    ordered = times[order]
    ends = [int(np.searchsorted(ordered, ordered[end - 1], side="right")) if end > 0 else 0 for end in inner]
    return [tuple(np.sort(part).tolist()) for part in np.split(order, ends)]


def without_repeats(dataset: Dataset, parts: Parts) -> Parts:
    """The parts without later samples of a unit (copies, near copies, groups) of which a part before has one."""
    found = units(dataset)
    if found is None:
        return parts
    seen: set[int] = set()
    kept = []
    for part in parts:
        kept.append(tuple(position for position in part if int(found[position]) not in seen))
        seen.update(int(found[position]) for position in part)
    return kept


def check_groups(dataset: Dataset, split: str) -> None:
    """Check that a data set is divided in one way only.

    Raises:
        InvalidInput: it has groups or times, and a way to split was named as well.
    """
    for role in ("group", "time"):
        if split != RANDOM and role in dataset.columns:
            raise InvalidInput(
                f"'{dataset.name}' cannot be split by '{split}' and by its column '{dataset.columns[role]}' together.",
                f"Leave out --split or --{role}-column.",
            )


def check_classes(dataset: Dataset, parts: Sequence[Sequence[int]]) -> None:
    """Check that groups and times leave samples of each class to train on and to test on.

    Raises:
        DataError: a class has none; names it.
    """
    known = dataset.targets if dataset.classes else None
    strata = None if known is None else kind_of(dataset.target_kind).strata(known)
    if strata is None or not (dataset.groups or dataset.times):
        return
    by = "groups" if dataset.groups else "times"
    column = dataset.columns.get(by[:-1], "")
    for name, part in zip(_NAMES, parts, strict=True):
        there = {int(strata[position]) for position in part}
        missing = [dataset.classes[label] for label in range(len(dataset.classes)) if label not in there]
        if missing and name != "validation":
            raise DataError(
                f"The {by} of column '{column}' leave the {name} part without a sample of the class '{missing[0]}'"
                f"{f' and of {len(missing) - 1:,} more' if len(missing) > 1 else ''}.",
                f"Name a column in which each class has several {by}, or leave out --{by[:-1]}-column.",
            )
