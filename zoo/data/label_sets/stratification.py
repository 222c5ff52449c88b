"""Iterative stratification: divides samples with several labels each, so that every part gets a share of each label.

Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011, Algorithm 1, extended to
units: samples that have to stay together, such as copies of one sample or the images of one patient.
"""

from __future__ import annotations

import numpy as np


def iterative_parts(labels: np.ndarray, sizes: np.ndarray, fractions: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """The part of each of u units.

    The rarest label among the units that are left is divided first, its largest units first. Each goes to the part that
    lacks most samples of the label; of several such parts, to the one that lacks most samples. A part without any unit
    of the label comes first where the units left are just enough for all such parts. Units without labels are divided
    last, to correct the sizes of the parts.

    Args:
        labels: u x K, number of samples with each label in each unit.
        sizes: u, number of samples in each unit.
        fractions: of the parts, adding up to 1.
        keys: u random numbers, which order units of equal size and decide among equal parts.

    Cost: O(u K) for the numbers of units, and O(u K p) at most for p parts.
    """
    used = np.flatnonzero(fractions > 0)
    room = np.outer(labels.sum(axis=0), fractions[used])  # K x p, samples of each label that each part lacks
    space = sizes.sum() * fractions[used]
    has = np.zeros(room.shape, dtype=bool)
    part_of = np.full(len(sizes), -1)
    left = (labels > 0).sum(axis=0)
    order = np.lexsort((keys, -sizes))
    carriers = [order[labels[order, label] > 0] for label in range(labels.shape[1])]
    draws = np.random.PCG64(int(keys[0]) if len(keys) else 0)

    def assign(unit: int, part: int) -> None:
        part_of[unit] = used[part]
        space[part] -= sizes[unit]
        own = np.flatnonzero(labels[unit])
        room[own, part] -= labels[unit, own]
        has[own, part] = True
        left[own] -= 1

    def best(lacking: np.ndarray) -> int:
        first = np.flatnonzero(lacking == lacking.max())
        first = first[space[first] == space[first].max()]
        return int(first[int(draws.random_raw()) % len(first)])

    while (left > 0).any():
        label = int(np.where(left > 0, left, np.iinfo(left.dtype).max).argmin())
        for unit in carriers[label][part_of[carriers[label]] < 0]:
            empty = ~has[label]
            starving = empty.any() and left[label] <= empty.sum()
            assign(int(unit), best(np.where(empty, room[label], -np.inf) if starving else room[label]))
    for unit in order[part_of[order] < 0]:
        assign(int(unit), best(space))
    return part_of
