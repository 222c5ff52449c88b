"""The training, validation and test part of a data set: at random, by groups, or in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.data import split_as, units
from zoo.data.splitting import RANDOM
from zoo.entities import TEST, TRAIN, VALIDATION, Dataset, Plan, Subset
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
    return [tuple(_indices(part).tolist()) for part in divided]


def given(dataset: Dataset, plan: Plan) -> Parts:
    """The parts that the data came with; one that is missing is drawn at random from the training samples.

    Training samples of a unit (copies, near copies, groups) with a validation or test sample are left out, and so are
    validation samples of one with a test sample.
    """
    import numpy as np

    marks = np.asarray(dataset.parts)
    found = [np.flatnonzero(marks == name) for name in (TRAIN, VALIDATION, TEST)]
    unit_of = units(dataset)
    given_validation = len(found[1])
    if unit_of is not None:
        found[1] = found[1][~np.isin(unit_of[found[1]], unit_of[found[2]])]
        if given_validation and not len(found[1]):
            raise DataError(
                f"All {given_validation:,} validation samples of '{dataset.name}' are copies of test samples.",
                "Give other validation samples, or none: zoo then takes some of the training samples.",
            )
        found[0] = found[0][~np.isin(unit_of[found[0]], unit_of[np.concatenate(found[1:])])]
    wanted = [0.0 if len(part) else share for part, share in zip(found[1:], (plan.validation, plan.test), strict=True)]
    if not any(wanted) or not len(found[0]):
        return [tuple(part.tolist()) for part in found]
    drawn = split_as(dataset.subset(found[0].tolist()), plan.split, (1 - sum(wanted), *wanted), plan.seed)
    rest = [found[0][_indices(part)] for part in drawn]
    return [
        tuple(np.sort(np.concatenate(pair)).tolist()) for pair in zip((found[0][:0], *found[1:]), rest, strict=True)
    ]


def check_given(dataset: Dataset, plan: Plan) -> None:
    """Reject options of a plan that have no effect because the data came with their parts.

    Raises:
        InvalidInput: names the option.
    """
    usual = Plan()
    for part in (VALIDATION, TEST):
        if part in dataset.parts and getattr(plan, part) != getattr(usual, part):
            raise InvalidInput(
                f"--{part} has no effect: the data of '{dataset.name}' have a {part} part of their own.",
                f"Leave --{part} out.",
            )
    if {VALIDATION, TEST} <= set(dataset.parts) and plan.split != RANDOM:
        raise InvalidInput(
            f"--split has no effect: the data of '{dataset.name}' have validation and test parts of their own.",
            "Leave --split out.",
        )
    if dataset.parts and dataset.times:
        raise InvalidInput(
            f"'{dataset.name}' cannot be split by its own parts and by column '{dataset.columns['time']}' together.",
            "Leave out --time-column, or the data's own validation and test parts.",
        )


def in_folds(dataset: Dataset, plan: Plan) -> Parts:
    """Fold number ``plan.fold`` of ``plan.folds`` as the test part; validation samples are drawn from the others.

    Stratified and seeded, with units kept together, like ``at_random``; the folds of one seed do not overlap.

    Raises:
        InvalidInput: a class has fewer independent samples than there are folds.
    """
    import numpy as np

    check_folds(dataset, plan)
    folds = split_as(dataset, plan.split, [1 / plan.folds] * plan.folds, plan.seed)
    test = _indices(folds[plan.fold])
    rest = np.setdiff1d(np.arange(len(dataset)), test)
    inner = split_as(dataset.subset(rest.tolist()), plan.split, (1 - plan.validation, plan.validation), plan.seed)
    train, validation = (rest[_indices(one)] for one in inner)
    return [tuple(part.tolist()) for part in (train, validation, test)]


def check_folds(dataset: Dataset, plan: Plan) -> None:
    """Check that each class has as many independent samples as there are folds.

    Raises:
        InvalidInput: one has fewer; names it.
    """
    import numpy as np

    known = dataset.targets if dataset.classes else None
    strata = None if known is None else kind_of(dataset.target_kind).strata(known)
    of = units(dataset)
    of = np.arange(len(dataset)) if of is None else of
    sizes = {"": len(np.unique(of))}
    if strata is not None:
        sizes = {dataset.classes[label]: len(np.unique(of[strata == label])) for label in np.unique(strata).tolist()}
    smallest = min(sizes, key=sizes.__getitem__)
    if sizes[smallest] < plan.folds:
        owner = f"The class '{smallest}'" if smallest else f"'{dataset.name}'"
        raise InvalidInput(
            f"{owner} has {sizes[smallest]:,} independent samples, fewer than {plan.folds} folds.",
            f"Use at most --folds {max(2, sizes[smallest])}, or add samples.",
        )


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


def without_dropped(dataset: Dataset, parts: Parts, path: str) -> tuple[Parts, dict[str, int]]:
    """The parts without the samples that a list names, and how many of them each part had; the test part is unchanged.

    The test part keeps them: a test on samples that a model found easy would be too optimistic.

    Raises:
        DataError: see ``zoo.data.dropping.listed``; or no sample is left to train on or to validate on.
    """
    from zoo.data.dropping import listed

    dropped = set(listed(path, dataset))
    kept = [tuple(position for position in part if position not in dropped) for part in parts[:2]]
    for name, part in zip(_NAMES, kept, strict=False):
        if not part:
            raise DataError(
                f"The list '{path}' names all samples of the {name} part of '{dataset.name}'.", "Shorten the list."
            )
    counts = {name: sum(position in dropped for position in part) for name, part in zip(_NAMES, parts, strict=True)}
    return [*kept, parts[2]], counts


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
    """Check that groups, times and the data's own parts leave samples of each class to train on, and to test on.

    A test part that the data came with may lack a class.

    Raises:
        DataError: a class has none; names it.
    """
    known = dataset.targets if dataset.classes else None
    strata = None if known is None else kind_of(dataset.target_kind).strata(known)
    by = next((role for role in ("parts", "groups", "times") if getattr(dataset, role)), "")
    if strata is None or not by:
        return
    for name in ("training",) if by == "parts" else ("training", "test"):
        there = {int(strata[position]) for position in parts[_NAMES.index(name)]}
        missing = [dataset.classes[label] for label in range(len(dataset.classes)) if label not in there]
        if not missing:
            continue
        more = f" and of {len(missing) - 1:,} more" if len(missing) > 1 else ""
        if by == "parts":
            raise DataError(
                f"The training part of '{dataset.name}' has no sample of the class '{missing[0]}'{more} that is not a "
                "copy of a validation or test sample.",
                "Give validation and test data that are not in the training data.",
            )
        column = dataset.columns.get(by[:-1], "")
        raise DataError(
            f"The {by} of column '{column}' leave the {name} part without a sample of the class '{missing[0]}'{more}.",
            f"Name a column in which each class has several {by}, or leave out --{by[:-1]}-column.",
        )


def _indices(part: Dataset) -> np.ndarray:
    """The positions of a subset's samples in the data set that it was made of."""
    import numpy as np

    assert isinstance(part.inputs, Subset)
    return np.asarray(part.inputs.indices, dtype=np.int64)
