"""Splits a data set into parts: stratified by class, seeded, the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.entities import Dataset
from zoo.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np

_TOLERANCE = 1e-6


def split(dataset: Dataset, fractions: Sequence[float], seed: int = 0) -> tuple[Dataset, ...]:
    """Disjoint parts that together are the whole, of the sizes that ``fractions`` name; each keeps the data's order.

    Classes are divided one by one: each part gets a class's share, rounded up or down so that the parts' totals come
    out right, and at least one sample of every class that has as many samples as there are parts. Numbers and
    unlabelled samples are divided as if they were one class.

    Raises:
        InvalidInput: a fraction is negative or not finite, or they do not add up to 1.
    """
    import numpy as np

    check_fractions(fractions)
    keys = random_keys(len(dataset), seed)
    parts: list[list[int]] = [[] for _ in fractions]
    owed = np.zeros(len(fractions))
    wanted = np.asarray(fractions, dtype=np.float64)
    wanted /= wanted.sum()
    for positions in _strata(dataset):
        shuffled = positions[np.argsort(keys[positions], kind="stable")]
        counts = _shares(len(shuffled), wanted, owed)
        start = 0
        for part, count in zip(parts, counts, strict=True):
            part.extend(shuffled[start : start + count].tolist())
            start += count
    return tuple(dataset.subset(sorted(part)) for part in parts)


def check_fractions(fractions: Sequence[float]) -> None:
    """Refuse fractions that are no parts of a whole.

    Raises:
        InvalidInput: a fraction is negative or not finite, or they do not add up to 1.
    """
    if not fractions or any(not 0 <= f <= 1 for f in fractions) or abs(sum(fractions) - 1) > _TOLERANCE:
        shown = ", ".join(f"{f:g}" for f in fractions)
        raise InvalidInput(
            f"A data set cannot be split into the fractions {shown or 'of nothing'}.",
            "Give fractions from 0 to 1 that add up to 1.",
        )


def sample(dataset: Dataset, count: int, seed: int = 0) -> Dataset:
    """A stratified part of ``count`` samples, in the data's order; all of it where there are no more.

    The samples of a smaller part are among those of a larger one with the same seed.
    """
    if count >= len(dataset):
        return dataset
    return dataset.subset(sorted(stratified_order(dataset, seed)[:count]))


def stratified_order(dataset: Dataset, seed: int = 0) -> list[int]:
    """All positions in an order of which every beginning is a stratified sample.

    The first of every class come first; from there on each class is dealt out evenly, so that any beginning holds of
    each class its share, to within one sample. Numbers that are 0 or 1 are two classes, other numbers
    and unlabelled samples one.

    Raises:
        InvalidInput: the seed is negative.
    """
    import numpy as np

    keys = random_keys(len(dataset), seed)
    turn = np.empty(len(dataset))
    for positions in _strata(dataset):
        shuffled = positions[np.argsort(keys[positions], kind="stable")]
        turn[shuffled] = np.arange(len(shuffled)) / len(shuffled)
    order = np.lexsort((keys, turn))
    return [int(position) for position in order]


def random_keys(count: int, seed: int) -> np.ndarray:
    """A random number for each sample; sorting by them gives a permutation."""
    import numpy as np

    if seed < 0:
        raise InvalidInput(f"The seed is {seed}; it must be 0 or more.")
    # numpy pledges to keep a bit generator's raw stream, and nothing above it.
    return np.asarray(np.random.PCG64(seed).random_raw(count))


def _strata(dataset: Dataset) -> list[np.ndarray]:
    import numpy as np

    if dataset.targets is None or dataset.target_kind not in {"class", "number"}:
        return [np.arange(len(dataset))]
    targets = np.asarray(dataset.targets)
    # Numbers that are 0 or 1 tell two kinds apart, the rarer of which no part may be without.
    if dataset.target_kind == "number" and not np.isin(targets, (0, 1)).all():
        return [np.arange(len(dataset))]
    return [np.flatnonzero(targets == label) for label in np.unique(targets)]


def _shares(count: int, fractions: np.ndarray, owed: np.ndarray) -> list[int]:
    """How many of ``count`` samples each part gets; ``owed`` carries what rounding withheld from it so far."""
    import numpy as np

    exact = count * fractions
    shares = np.floor(exact + _TOLERANCE).astype(int)
    rest = exact - shares
    wanted = fractions > 0
    enough = count >= wanted.sum()
    starving = wanted & (shares == 0) & enough
    # First the parts that would get nothing of the class, then those that rounding has cost most so far.
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
