"""Joins a data set with samples for validation and for the test that are stored elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zoo.entities import TEST, TRAIN, VALIDATION, Chained, Dataset
from zoo.errors import DataError
from zoo.kinds.known import kind_of

if TYPE_CHECKING:
    from zoo.contract.reader import ReadOptions


def joined(train: Dataset, validation: Dataset | None = None, test: Dataset | None = None) -> Dataset:
    """One data set of the given ones, which remembers the part of each sample.

    If the training data have parts themselves, such as a ``test`` folder, their samples of the given parts are left
    out.

    Raises:
        DataError: the data hold samples or targets of different kinds, or classes that the training data lack.
    """
    given = {VALIDATION: validation, TEST: test}
    others = {part: data for part, data in given.items() if data is not None}
    if not others:
        return train
    for part, data in others.items():
        _check(train, data, part)
    unused = [note for part in others if (note := _unused(train, part))]
    if train.parts:
        train = train.subset([at for at, part in enumerate(train.parts) if part not in others])
    every = [train, *others.values()]
    own = train.parts or [TRAIN] * len(train)
    groups: Sequence[str] = ()
    if any(data.groups for data in every):
        # A sample without a group is a group of its own, with a name that no column has.
        groups = [
            group
            for number, data in enumerate(every)
            for group in (data.groups or [f"\0{number}:{at}" for at in range(len(data))])
        ]
    placed = all(len(data.places) == len(data) for data in every)
    digest = hashlib.sha256(":".join([data.fingerprint for data in every] + list(others)).encode()).hexdigest()
    return replace(
        train,
        inputs=Chained(*(data.inputs for data in every)),
        targets=[target for data in every for target in _targets(data, train.classes)],
        fingerprint=digest,
        problems=tuple(problem for data in every for problem in data.problems),
        notes=tuple(dict.fromkeys([*unused, *(note for data in every for note in data.notes)])),
        groups=groups,
        times=(),
        places=[place for data in every for place in data.places] if placed else (),
        parts=[*own, *(part for part, data in others.items() for _ in range(len(data)))],
    )


def _unused(train: Dataset, part: str) -> str:
    """A note on samples of a part that is given separately; empty if the training data have none."""
    count = sum(one == part for one in train.parts)
    if not count:
        return ""
    return f"The {count:,} {part} samples of '{train.name}' are not used, because --{part}-data names others."


def alike(data: str | Dataset | None, train: Dataset, options: ReadOptions) -> Dataset | None:
    """Data read as the training data were: by the same options, and from the same columns.

    Raises:
        DataError: they cannot be read.
    """
    from zoo.data import read_with

    if not isinstance(data, str):
        return data
    same = replace(
        options,
        input_column=train.columns.get("input", options.input_column),
        target_column=train.columns.get("target", options.target_column),
    )
    return read_with(data, same)


def _check(train: Dataset, data: Dataset, part: str) -> None:
    """Check that a part can be evaluated with what is trained."""
    option = f"--{part}-data"
    for role, ours, theirs in (
        ("holds", train.input_kind, data.input_kind),
        ("has targets that are", train.target_kind, data.target_kind),
    ):
        if ours != theirs:
            raise DataError(
                f"'{data.name}' {role} {kind_of(theirs).nouns}, but those of the training data '{train.name}' are "
                f"{kind_of(ours).nouns}.",
                f"Give {option} data of the same form, with the same columns.",
            )
    if data.targets is None or train.targets is None:
        lacking = data if data.targets is None else train
        raise DataError(f"'{lacking.name}' has no labels.", "Name the column of the labels with --target-column.")
    unknown = [name for name in data.classes if name not in train.classes]
    if unknown:
        more = f" and {len(unknown) - 1:,} more" if len(unknown) > 1 else ""
        raise DataError(
            f"'{data.name}' has the class '{unknown[0]}'{more}, which the training data '{train.name}' lack.",
            f"Add samples of it to the training data, or leave them out of {option}.",
        )


def _targets(data: Dataset, classes: tuple[str, ...]) -> Sequence[Any]:
    """The targets as indices of ``classes``, if they are classes; sets of them in that order."""
    known = data.targets if data.targets is not None else ()
    if not classes or data.classes == classes or not kind_of(data.target_kind).estimable:
        return list(known)
    if kind_of(data.target_kind).several:
        at = {name: index for index, name in enumerate(data.classes)}
        return [tuple(target[at[name]] if name in at else 0 for name in classes) for target in known]
    place = [classes.index(name) for name in data.classes]
    return [place[int(target)] for target in known]
