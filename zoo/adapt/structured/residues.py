"""Sequences that are designed for a structure, against the one that nature chose: recovery and perplexity."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zoo.contract.metric import Metric
from zoo.errors import DataError
from zoo.legacy.kinds import TargetKind

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"


@dataclass(frozen=True)
class Design:
    """A sequence for a structure.

    Attributes:
        sequence: one letter for each residue.
        perplexity: of the structure's own sequence under the model, 1 and up; None where the model gives none.
    """

    sequence: str
    perplexity: float | None = None


def sequence_recovery(targets: Sequence[str], predictions: Sequence[Design]) -> float:
    """Mean share of the residues that are the native ones, 0 to 1, each chain counted alike.

    Dauparas et al., Science 378 (2022), report it of ProteinMPNN.
    """
    shares = [
        sum(own == other for own, other in zip(known, found.sequence, strict=True)) / len(known)
        for known, found in _pairs(targets, predictions, "sequence_recovery")
    ]
    return sum(shares) / len(shares)


def native_perplexity(targets: Sequence[str], predictions: Sequence[Design]) -> float:
    """Perplexity of the native sequences given their structures: 1 is certain, 20 is knowing nothing.

    The geometric mean over the chains of exp(mean negative log-likelihood of a residue).
    """
    found = [design.perplexity for _, design in _pairs(targets, predictions, "native_perplexity")]
    if any(value is None for value in found):
        raise DataError("'native_perplexity' needs a model that tells how likely a sequence is.")
    return math.exp(sum(math.log(float(value or 0)) for value in found) / len(found))


METRICS = (
    Metric("sequence_recovery", sequence_recovery, True, "Share of residues that are the native ones; 0 to 1."),
    Metric("native_perplexity", native_perplexity, False, "Perplexity of the native sequence, 1 and up; 20 by chance."),
)


def _pairs(targets: Sequence[Any], predictions: Sequence[Any], name: str) -> list[tuple[str, Design]]:
    # A sequence as it stands is the native one, of which nothing is in doubt.
    designs = [Design(found, 1.0) if isinstance(found, str) else found for found in predictions]
    pairs = list(zip(targets, designs, strict=True))
    if not pairs or not all(isinstance(known, str) and hasattr(found, "sequence") for known, found in pairs):
        raise DataError(f"'{name}' judges sequences that are designed for structures.")
    for known, found in pairs:
        if len(known) != len(found.sequence):
            raise DataError(f"'{name}' compares a sequence of {len(known)} residues with one of {len(found.sequence)}.")
    return pairs


def _guess(inputs: Sequence[Any], known: Sequence[Any], task: str) -> list[Any]:
    """The commonest residue everywhere; the perplexity under the frequencies that are known, each counted once more."""
    counts = Counter(letter for sequence in known for letter in sequence)
    total = sum(counts[letter] + 1 for letter in RESIDUES)
    commonest = max(RESIDUES, key=lambda letter: counts[letter])
    designs = []
    for index in range(len(inputs)):
        native = str(inputs[index])
        surprise = [-math.log((counts[letter] + 1) / total) for letter in native]
        designs.append(Design(commonest * len(native), math.exp(sum(surprise) / len(surprise))))
    return designs


def _answer(item: Any, answer: Any) -> Design:
    perplexity = answer.get("native_perplexity")
    return Design(str(answer["sequence"]), None if perplexity is None else float(perplexity))


KIND = TargetKind("residues", _guess, _answer, by_loss=True)
