"""Finds suspicious labels, outliers and easy classes from the features of a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data import units
from zoo.data.dropping import digests, item_name
from zoo.errors import DataError
from zoo.quality.confident import confident_errors, contradicting, margins
from zoo.quality.findings import DUPLICATE, LABEL, Confusion, EasyClass, Outlier, Suspect
from zoo.quality.neighbours import distances, far_out
from zoo.quality.probabilities import out_of_fold

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.entities import Dataset

LISTED = 10
"""Maximum number of confused pairs."""

OTHERS = 5
"""Maximum number of copies with another label that are named."""

EASY = 0.99
"""Minimum mean probability of a class that is recognised without any error, to count as easy."""

EASY_SAMPLES = 20
"""Minimum number of its samples."""

EASY_OTHERS = 0.95
"""No class counts as easy if at least this share of the samples of the other classes is recognised too."""


@dataclass(frozen=True)
class _Checked:
    """The samples that were cross-validated.

    Attributes:
        positions: m positions in the data set.
        labels: class indices of the data set, in the order of the columns of ``probabilities``.
        targets: m columns: that of each sample's label.
        probabilities: m x k, out of fold.
    """

    positions: np.ndarray
    labels: np.ndarray
    targets: np.ndarray
    probabilities: np.ndarray


def inspect(
    dataset: Dataset, targets: np.ndarray, features: np.ndarray, *, folds: int, seed: int, progress: Progress
) -> dict[str, Any]:
    """The fields of ``LabelErrors`` that follow from the features.

    Args:
        targets: n class indices.
        features: n x d.

    Raises:
        DataError: the features are not finite, or too few classes have samples for two folds.
    """
    if not np.isfinite(features).all():
        raise DataError(f"The features of '{dataset.name}' are not finite for every sample.", "Choose another model.")
    apart, alike = (_numbers(units(dataset, grouped=grouped), len(targets)) for grouped in (True, False))
    kept = _in_several_units(targets, apart)
    labels, own = np.unique(targets[kept], return_inverse=True)
    if len(labels) < 2:
        raise DataError(
            f"'{dataset.name}' has too few distinct samples per class to fit a model without some of them.",
            "Add samples.",
        )
    _, together = np.unique(apart[kept], return_inverse=True)
    count = min(folds, int(together.max()) + 1)
    found = out_of_fold(features[kept], own, together, folds=count, seed=seed, progress=progress)
    checked = _Checked(kept, labels, own, found.values)
    suspects = _suspects(dataset, targets, alike, checked)
    left = len(targets) - len(kept)
    pairs = Counter((one.label, one.suggested) for one in suspects)
    return {
        "suspects": suspects,
        "outliers": _outliers(dataset, targets, distances(features, alike)),
        "confusions": tuple(Confusion(*pair, number) for pair, number in pairs.most_common(LISTED)),
        "easy_classes": tuple(_easy(dataset, checked)),
        "accuracy": float((found.values.argmax(axis=1) == own).mean()),
        "folds": count,
        "penalty": found.penalty,
        "skipped": {"the class has only one distinct sample or group": left} if left else {},
    }


def _numbers(found: np.ndarray | None, count: int) -> np.ndarray:
    return np.arange(count) if found is None else found


def _in_several_units(targets: np.ndarray, units_of: np.ndarray) -> np.ndarray:
    """Positions of the samples whose class has samples in two units or more, so that one fold can lack one of them."""
    pairs = np.unique(np.stack([targets, units_of], axis=1), axis=0)
    several = np.bincount(pairs[:, 0], minlength=int(targets.max()) + 1) > 1
    return np.flatnonzero(several[targets])


def _suspects(dataset: Dataset, targets: np.ndarray, alike: np.ndarray, checked: _Checked) -> tuple[Suspect, ...]:
    """Contradicting copies first, then labels that the model contradicts; each the most certain first."""
    row_of = np.full(len(targets), -1)
    row_of[checked.positions] = np.arange(len(checked.positions))
    margin = margins(checked.targets, checked.probabilities)
    contents = digests(dataset)

    def suspect(position: int, choices: Sequence[int], reason: str, others: Sequence[int] = ()) -> Suspect:
        """Suggest the most probable of some classes."""
        row = int(row_of[position])
        known = {} if row < 0 else dict(zip(checked.labels.tolist(), checked.probabilities[row].tolist(), strict=True))
        own = int(targets[position])
        best = max(choices, key=lambda label: known.get(label, 0.0))
        return Suspect(
            position,
            item_name(dataset, position),
            dataset.classes[own],
            dataset.classes[best],
            known.get(own),
            known.get(best),
            reason,
            tuple(item_name(dataset, other) for other in others[:OTHERS]),
            contents[position],
        )

    def rank(position: int) -> float:
        row = int(row_of[position])
        return 0.0 if row < 0 else float(margin[row])

    twice = {one.position: one for one in contradicting(targets, alike)}
    found = []
    for position in sorted(twice, key=rank):
        one = twice[position]
        choices = [int(targets[other]) for other in one.others] if one.majority is None else [one.majority]
        found.append(suspect(position, choices, DUPLICATE, one.others))
    wrong = checked.positions[confident_errors(checked.targets, checked.probabilities)].tolist()
    for position in sorted((at for at in wrong if at not in twice), key=rank):
        others = [int(label) for label in checked.labels if label != targets[position]]
        found.append(suspect(position, others, LABEL))
    return tuple(found)


def _outliers(dataset: Dataset, targets: np.ndarray, values: np.ndarray | None) -> tuple[Outlier, ...]:
    if values is None:
        return ()
    return tuple(
        Outlier(at, item_name(dataset, at), dataset.classes[int(targets[at])], round(float(values[at]), 3))
        for at in far_out(values).tolist()
    )


def _easy(dataset: Dataset, checked: _Checked) -> list[EasyClass]:
    """Classes that are recognised without any error, and with certainty, while others are not."""
    right = checked.probabilities.argmax(axis=1) == checked.targets
    found = []
    for column, label in enumerate(checked.labels.tolist()):
        own = checked.targets == column
        certain = float(checked.probabilities[own, column].mean())
        if own.sum() >= EASY_SAMPLES and right[own].all() and certain >= EASY and right[~own].mean() < EASY_OTHERS:
            found.append(EasyClass(dataset.classes[label], int(own.sum()), round(certain, 4)))
    return found
