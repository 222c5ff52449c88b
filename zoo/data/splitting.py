"""Splits a data set: stratified by class, seeded, the same on every machine, copies of a sample together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from zoo.data.identity import units
from zoo.entities import Dataset
from zoo.errors import DataError, InvalidInput
from zoo.kinds.known import kind_of

if TYPE_CHECKING:
    import numpy as np

RANDOM = "random"
"""The split that suits every data set: random, stratified by class."""

_TOLERANCE = 1e-6


def split_as(dataset: Dataset, way: str, fractions: Sequence[float], seed: int = 0) -> tuple[Dataset, ...]:
    """``split`` for ``random``, or ``group_split`` by a grouping of the kind of the inputs.

    Raises:
        InvalidInput: there is no such way to split such data; see ``split`` too.
        DataError: see ``split`` and ``group_split``.
    """
    check_split(dataset, way)
    if way == RANDOM:
        return split(dataset, fractions, seed)
    return group_split(dataset, kind_of(dataset.input_kind).groupings[way](dataset.inputs), fractions, seed)


def check_split(dataset: Dataset, way: str) -> None:
    """Raise ``InvalidInput`` if the data cannot be split that way."""
    kind = kind_of(dataset.input_kind)
    ways = (RANDOM, *kind.groupings)
    if way not in ways:
        raise InvalidInput(
            f"'{dataset.name}' holds {kind.nouns}, which cannot be split by '{way}'.",
            f"Use --split {' or --split '.join(ways)}.",
        )


def group_split(
    dataset: Dataset, keys: Sequence[Hashable], fractions: Sequence[float], seed: int = 0
) -> tuple[Dataset, ...]:
    """Disjoint parts of about the sizes in ``fractions``; samples with equal keys are in the same part.

    The largest groups are assigned first, each to the part that lacks most samples, as in MoleculeNet's scaffold split
    (Wu et al., 2018); the seed orders groups of equal size.

    Args:
        keys: n keys, one for each sample.

    Raises:
        DataError: a part would be empty.
        InvalidInput: see ``split``.
    """
    check_fractions(fractions)
    groups: dict[Hashable, list[int]] = {}
    for position, key in enumerate(keys):
        groups.setdefault(key, []).append(position)
    order = sorted(
        zip(groups.values(), random_keys(len(groups), seed), strict=True), key=lambda pair: (-len(pair[0]), pair[1])
    )
    parts: list[list[int]] = [[] for _ in fractions]
    for group, _ in order:
        lacking = [fraction * len(dataset) - len(part) for fraction, part in zip(fractions, parts, strict=True)]
        parts[lacking.index(max(lacking))] += group
    if any(fraction > 0 and not part for fraction, part in zip(fractions, parts, strict=True)):
        raise DataError(
            f"The {len(groups):,} groups of '{dataset.name}' are too few to fill {len(parts)} parts.",
            f"Add samples of other groups, or split at random: --split {RANDOM}",
        )
    return tuple(dataset.subset(sorted(part)) for part in parts)


def split(dataset: Dataset, fractions: Sequence[float], seed: int = 0) -> tuple[Dataset, ...]:
    """Disjoint parts of the sizes in ``fractions``, which together are the whole; each keeps the data's order.

    Copies of a sample (``zoo.data.identity``) are in the same part. Classes are divided one by one: each part gets a
    class's share, rounded up or down so that the parts' totals come out right, to within the copies of one sample, and
    at least one sample of every class that has as many distinct ones as there are parts. Copies whose labels contradict
    each other are divided with the rarest of their classes; numbers and unlabelled samples as if they were one class.
    Sets of labels are divided by iterative stratification (``zoo.data.label_sets.stratification``).

    Raises:
        InvalidInput: a fraction is negative or not finite, or they do not add up to 1.
        DataError: a file of the data can no longer be read.
    """
    import numpy as np

    check_fractions(fractions)
    keys = random_keys(len(dataset), seed)
    numbers = units(dataset)
    unit_of = np.arange(len(dataset)) if numbers is None else numbers
    _, first, sizes = np.unique(unit_of, return_index=True, return_counts=True)
    part_of = np.empty(len(first), dtype=np.int64)
    owed = np.zeros(len(fractions))
    wanted = np.asarray(fractions, dtype=np.float64)
    wanted /= wanted.sum()
    sets = _sets(dataset)
    if sets is not None:
        from zoo.data.label_sets.stratification import iterative_parts

        counts = np.zeros((len(first), sets.shape[1]), dtype=np.int64)
        np.add.at(counts, np.unique(unit_of, return_inverse=True)[1].reshape(-1), sets)
        part_of = iterative_parts(counts, sizes, wanted, keys[first])
    for members in () if sets is not None else _of_each(_rarest(_labels(dataset), unit_of)):
        shuffled = members[np.argsort(keys[first[members]], kind="stable")]
        part_of[shuffled] = _assigned(sizes[shuffled], wanted, owed)
    return tuple(dataset.subset(np.flatnonzero(part_of[unit_of] == part).tolist()) for part in range(len(fractions)))


def check_fractions(fractions: Sequence[float]) -> None:
    """Check fractions.

    Raises:
        InvalidInput: a fraction is negative or not finite, or they do not add up to 1.
    """
    if not fractions or any(not 0 <= f <= 1 for f in fractions) or abs(sum(fractions) - 1) > _TOLERANCE:
        shown = ", ".join(f"{f:g}" for f in fractions)
        raise InvalidInput(
            f"A data set cannot be split into the fractions {shown or '(none)'}.",
            "Give fractions from 0 to 1 that add up to 1.",
        )


def sample(dataset: Dataset, count: int, seed: int = 0) -> Dataset:
    """A stratified sample of ``count`` samples, in the data's order; all of them if there are no more.

    A smaller sample is contained in a larger one with the same seed.
    """
    if count >= len(dataset):
        return dataset
    return dataset.subset(sorted(stratified_order(dataset, seed)[:count]))


def stratified_order(dataset: Dataset, seed: int = 0) -> list[int]:
    """All positions in an order of which every prefix is a stratified sample.

    The first of every class come first; after that each class is spread evenly, so that any prefix contains each
    class's share, to within one sample. Numbers that are 0 or 1 are two classes, other numbers and unlabelled samples
    one; of several labels of a sample, the rarest is its class.

    Raises:
        InvalidInput: the seed is negative.
    """
    import numpy as np

    keys = random_keys(len(dataset), seed)
    turn = np.empty(len(dataset))
    for positions in _of_each(_labels(dataset)):
        shuffled = positions[np.argsort(keys[positions], kind="stable")]
        turn[shuffled] = np.arange(len(shuffled)) / len(shuffled)
    order = np.lexsort((keys, turn))
    return [int(position) for position in order]


def random_keys(count: int, seed: int) -> np.ndarray:
    """A random number for each sample; sorting by them gives a permutation."""
    import numpy as np

    if seed < 0:
        raise InvalidInput(f"The seed is {seed}; it must be 0 or more.")
    # numpy guarantees only that the raw stream of a bit generator stays the same.
    return np.asarray(np.random.PCG64(seed).random_raw(count))


def _labels(dataset: Dataset) -> np.ndarray:
    """What samples are stratified by: the class, the rarest of several labels, or 0 for all."""
    import numpy as np

    if (sets := _sets(dataset)) is not None:
        counts = np.append(sets.sum(axis=0), len(sets) + 1)  # samples without a label come last
        with_none = np.column_stack([sets, np.ones(len(sets), dtype=np.int64)])
        return np.asarray(np.where(with_none > 0, counts, counts.max() + 1).argmin(axis=1))
    strata = None if dataset.targets is None else kind_of(dataset.target_kind).strata(dataset.targets)
    return np.zeros(len(dataset), dtype=np.int64) if strata is None else strata


def _sets(dataset: Dataset) -> np.ndarray | None:
    """n x K numbers 0 or 1 if targets are sets of labels; else None."""
    kind = kind_of(dataset.target_kind)
    return kind.array(dataset.targets) if kind.several and dataset.targets else None


def _of_each(labels: np.ndarray) -> list[np.ndarray]:
    """The positions of each label, in the order of the labels."""
    import numpy as np

    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def _rarest(labels: np.ndarray, unit_of: np.ndarray) -> np.ndarray:
    """The rarest label of each unit: contradicting copies must not move all of a rare class into one part."""
    import numpy as np

    _, kind, counts = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.lexsort((kind.reshape(-1), counts[kind.reshape(-1)], unit_of))
    _, first = np.unique(unit_of[order], return_index=True)
    return np.asarray(labels[order[first]])


def _assigned(sizes: np.ndarray, fractions: np.ndarray, owed: np.ndarray) -> np.ndarray:
    """The part of each unit of a stratum, in the given order; ``owed`` is what each part lacks so far.

    The units are placed on a line that is divided by the fractions; each goes to the part that contains its middle.
    Units larger than a part are assigned before, the largest first, each to the part that lacks most.
    """
    import numpy as np

    if (sizes == 1).all():
        return np.repeat(np.arange(len(fractions)), _shares(len(sizes), fractions, owed))
    exact = sizes.sum() * fractions
    room = np.where(fractions > 0, np.maximum(exact + owed, 0.0), 0.0)
    large = np.flatnonzero(sizes > max(1.0, float(room[fractions > 0].min())))
    part_of = np.empty(len(sizes), dtype=np.int64)
    for unit in large[np.argsort(-sizes[large], kind="stable")]:
        part_of[unit] = part = int(np.argmax(np.where(fractions > 0, room, -np.inf)))
        room[part] -= sizes[unit]
    rest = np.delete(np.arange(len(sizes)), large)
    middles = np.cumsum(sizes[rest]) - sizes[rest] / 2
    lengths = np.maximum(room, 0.0) + np.where(room == room.max(), _TOLERANCE, 0.0)
    cuts = np.cumsum(lengths) * (sizes[rest].sum() / lengths.sum())
    part_of[rest] = np.searchsorted(cuts, middles, side="right")
    _fill(part_of, sizes, fractions)
    owed += exact - np.bincount(part_of, sizes, minlength=len(fractions))
    return part_of


def _fill(part_of: np.ndarray, sizes: np.ndarray, fractions: np.ndarray) -> None:
    """Move the smallest unit of the largest part into each empty part, if there are enough units."""
    import numpy as np

    if len(sizes) < (fractions > 0).sum():
        return
    for part in np.flatnonzero(fractions > 0):
        if not (part_of == part).any():
            most = np.bincount(part_of, minlength=len(fractions)).argmax()
            units = np.flatnonzero(part_of == most)
            part_of[units[np.argmin(sizes[units])]] = part


def _shares(count: int, fractions: np.ndarray, owed: np.ndarray) -> list[int]:
    """How many of ``count`` samples each part gets; ``owed`` is what it lost by rounding so far."""
    import numpy as np

    exact = count * fractions
    shares = np.floor(exact + _TOLERANCE).astype(int)
    rest = exact - shares
    wanted = fractions > 0
    enough = count >= wanted.sum()
    starving = wanted & (shares == 0) & enough
    # First the parts that would get none of the class, then those that lost most by rounding so far.
    order = sorted(
        range(len(shares)), key=lambda part: (rest[part] <= _TOLERANCE, not starving[part], -(owed[part] + rest[part]))
    )
    for part in order[: count - int(shares.sum())]:
        shares[part] += 1
    if enough:
        for part in np.flatnonzero(wanted & (shares == 0)).tolist():
            shares[int(np.argmax(shares))] -= 1
            shares[part] += 1
    owed += exact - shares
    return [int(share) for share in shares]
