"""Samples whose label is probably wrong, samples unlike all others, and classes that are suspiciously easy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zoo.data.dropping import write_list
from zoo.entities import Entity

DUPLICATE, LABEL = "duplicate", "label"
"""Why a label is suspicious: a copy of the sample has another label, or the cross-validated model contradicts it."""


@dataclass(frozen=True)
class Suspect(Entity):
    """A sample whose label is probably wrong.

    Attributes:
        position: of the sample in the data set, from 0.
        item: its file, or its row and first words.
        label: the label in the data.
        suggested: the label that is more likely.
        self_confidence: probability of the label in the data, by a model that was fitted without the sample, 0 to 1;
            None if its class has too few samples to fit one.
        suggested_confidence: the same for the suggested label.
        reason: ``duplicate`` or ``label``.
        others: for duplicates, some of the equal or nearly equal samples with other labels.
        digest: of the content of the sample, by which ``zoo tune --drop`` finds it; empty if it has none.
    """

    position: int
    item: str
    label: str
    suggested: str
    self_confidence: float | None
    suggested_confidence: float | None
    reason: str
    others: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class Outlier(Entity):
    """A sample that is far from all others.

    Attributes:
        position, item, label: as in ``Suspect``.
        distance: mean distance to its nearest neighbours, as a multiple of the median over all samples.
    """

    position: int
    item: str
    label: str
    distance: float


@dataclass(frozen=True)
class EasyClass(Entity):
    """A class that is recognised without any error.

    Attributes:
        samples: number of its samples.
        self_confidence: mean probability of the class for its samples, from models fitted without them.
    """

    name: str
    samples: int
    self_confidence: float


@dataclass(frozen=True)
class Confusion(Entity):
    """A pair of classes of which one is often labelled as the other: label in the data, suggestion, and how many."""

    label: str
    suggested: str
    samples: int


@dataclass(frozen=True)
class LabelErrors(Entity):
    """What ``zoo.label_errors`` finds.

    Attributes:
        model, layer: where the features come from.
        data: fingerprint of the data set.
        suspects: the samples whose label is probably wrong, the most suspicious first.
        outliers: the samples that are far from all others, the farthest first.
        confusions: the most frequent pairs of label and suggestion.
        easy_classes: classes that may be told apart by something that is not their subject, such as a watermark.
        accuracy: share of samples whose label the cross-validated model predicts.
        penalty: regularisation of the logistic regression, per sample, on standardised features.
        skipped: samples that were not checked, by the reason.
    """

    dataset: str
    data: str
    model: str
    layer: str
    samples: int
    suspects: tuple[Suspect, ...]
    outliers: tuple[Outlier, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    easy_classes: tuple[EasyClass, ...] = ()
    accuracy: float = 0.0
    folds: int = 0
    penalty: float = 0.0
    seed: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    revision: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def write(self, path: str | Path) -> Path:
        """Write the suspects as a CSV file for ``zoo tune --drop``, to be checked first; returns its path.

        Raises:
            InvalidInput: the suffix is not ``.csv``.
            StorageError: it cannot be written.
        """
        return write_list(path, (suspect.to_dict() for suspect in self.suspects))
