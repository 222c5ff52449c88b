"""Labels that contradict their copies, or a cross-validated model (confident learning)."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from zoo.errors import needs_extra


class Contradiction(NamedTuple):
    """A sample in a unit of copies with several labels: the label of most copies, None if undecided, and the others."""

    position: int
    majority: int | None
    others: tuple[int, ...]


def contradicting(targets: np.ndarray, units: np.ndarray) -> list[Contradiction]:
    """Samples whose copies or near copies have another label; only the minority, if most copies agree."""
    order = np.argsort(units, kind="stable")
    found = []
    for members in np.split(order, np.flatnonzero(np.diff(units[order])) + 1):
        labels = targets[members]
        if len(members) < 2 or (labels == labels[0]).all():
            continue
        [(label, count), *_] = Counter(labels.tolist()).most_common(1)
        majority = label if count > len(members) / 2 else None
        for position, own in zip(members.tolist(), labels.tolist(), strict=True):
            if own != majority:
                others = tuple(int(other) for other in members[labels != own])
                found.append(Contradiction(position, majority, others))
    return found


def confident_errors(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Whether each label is probably wrong, n booleans, by confident learning.

    A sample with label i counts as class j if j is the most probable class among those whose probability reaches their
    threshold, the mean probability of class j over the samples labelled j. These counts estimate how many labels i are
    truly j; the chosen samples are those on which pruning by class and pruning by noise rate agree (Northcutt, Jiang
    and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", Journal of Artificial Intelligence
    Research 70 (2021), equations 1 to 3, and C+NR in section 3.2); computed by cleanlab.

    Args:
        targets: n class indices from 0 to k - 1, all of which occur.
        probabilities: n x k, out of fold.

    Raises:
        MissingExtra: cleanlab is not installed.
    """
    with needs_extra("labels", "find label errors"):
        from cleanlab.filter import find_label_issues
    return np.asarray(find_label_issues(targets, probabilities, filter_by="both", n_jobs=1, verbose=False), dtype=bool)


def margins(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Probability of the label minus that of the most probable other class, n, -1 to 1; low is suspicious.

    Ranks as ``normalized_margin`` in Kuan and Mueller, "Model-agnostic label quality scoring", 2022.
    """
    rows = np.arange(len(targets))
    others = probabilities.copy()
    others[rows, targets] = -1.0
    return np.asarray(probabilities[rows, targets] - others.max(axis=1))
