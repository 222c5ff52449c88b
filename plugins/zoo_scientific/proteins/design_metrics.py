"""Metrics of sequences designed for a structure: recovery and perplexity of the native sequence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from zoo.contract.metric import Metric
from zoo.errors import DataError


@dataclass(frozen=True)
class Design:
    """A sequence for a structure.

    Attributes:
        sequence: one letter for each residue.
        native_perplexity: perplexity of the native sequence under the model, 1 and up; None if the model has none.
        native: the structure's own sequence.
        recovery: fraction of native residues, 0 to 1.
        confidence: mean probability of the residues, 0 to 1.
    """

    sequence: str
    native_perplexity: float | None = None
    native: str = ""
    recovery: float = 0.0
    confidence: float = 0.0


def sequence_recovery(targets: Sequence[str], predictions: Sequence[Design]) -> float:
    """Mean fraction of native residues, 0 to 1, with equal weight for each chain.

    Dauparas et al., Science 378 (2022), report it of ProteinMPNN.
    """
    shares = [
        sum(own == other for own, other in zip(known, found.sequence, strict=True)) / len(known)
        for known, found in _pairs(targets, predictions, "sequence_recovery")
    ]
    return sum(shares) / len(shares)


def native_perplexity(targets: Sequence[str], predictions: Sequence[Design]) -> float:
    """Perplexity of the native sequences given their structures: 1 is certain, 20 is as good as chance.

    The geometric mean over the chains of exp(mean negative log-likelihood of a residue).
    """
    found = [design.native_perplexity for _, design in _pairs(targets, predictions, "native_perplexity")]
    if any(value is None for value in found):
        raise DataError("'native_perplexity' needs a model that returns the likelihood of a sequence.")
    return math.exp(sum(math.log(float(value or 0)) for value in found) / len(found))


METRICS = (
    Metric("sequence_recovery", sequence_recovery, True, "Fraction of native residues; 0 to 1.", bounds=(0, 1)),
    Metric(
        "native_perplexity",
        native_perplexity,
        False,
        "Perplexity of the native sequence, 1 and up; 20 by chance.",
        bounds=(1, inf),
    ),
)


def _pairs(targets: Sequence[Any], predictions: Sequence[Any], name: str) -> list[tuple[str, Design]]:
    # A plain sequence is the native one, which is certain.
    designs = [Design(found, 1.0) if isinstance(found, str) else found for found in predictions]
    pairs = list(zip(targets, designs, strict=True))
    if not pairs or not all(isinstance(known, str) and isinstance(found, Design) for known, found in pairs):
        raise DataError(f"'{name}' needs sequences designed for structures.")
    for known, found in pairs:
        if len(known) != len(found.sequence):
            raise DataError(f"'{name}' compares a sequence of {len(known)} residues with one of {len(found.sequence)}.")
    return pairs
