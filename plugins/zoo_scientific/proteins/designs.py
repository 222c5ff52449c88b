"""Sequences that models design for structures: the kind of target, and of answer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.kind import Kind
from zoo_scientific.proteins.design_metrics import METRICS, Design
from zoo_scientific.proteins.drawing import draw_design
from zoo_scientific.proteins.residues import AMINO_ACIDS
from zoo_scientific.proteins.showing import design_html
from zoo_scientific.sequence_files import save_fasta

if TYPE_CHECKING:
    from PIL.Image import Image


class Designs(Kind):
    """Sequences for structures; targets are the native sequences as text, answers ``Design``."""

    name = "residues"
    noun, nouns, per_sample = "sequence", "sequences", "residues"
    metrics = METRICS
    select_by_loss = True
    shows_input = True

    def baseline(self, inputs: Sequence[Any], targets: Sequence[Any], task: str) -> Sequence[Design]:
        """The most frequent residue everywhere; perplexity under the residue frequencies, with add-one smoothing.

        Args:
            inputs: n structures, whose text is their own sequence.
        """
        counts = Counter(letter for sequence in targets for letter in sequence)
        total = sum(counts[letter] + 1 for letter in AMINO_ACIDS)
        most_frequent = max(AMINO_ACIDS, key=lambda letter: counts[letter])
        designs = []
        for index in range(len(inputs)):
            native = str(inputs[index])
            surprise = [-math.log((counts[letter] + 1) / total) for letter in native]
            designs.append(Design(most_frequent * len(native), math.exp(sum(surprise) / len(surprise))))
        return designs

    def summary(self, answer: Any) -> Sequence[tuple[str, str]]:
        """The sequence with the fraction of native residues, and the confidence."""
        return [(f"{answer.sequence} ({answer.recovery:.0%} native)", f"{answer.confidence:.3f}")]

    def to_json(self, answer: Any) -> Mapping[str, Any]:
        """Both sequences, and the metrics."""
        return {
            "sequence": answer.sequence,
            "native": answer.native,
            "recovery": answer.recovery,
            "confidence": answer.confidence,
            "native_perplexity": answer.native_perplexity,
        }

    def html(self, item: Any, answer: Any) -> str:
        """A map of distances, both sequences aligned, the metrics, and the sequence as a file."""
        return design_html(item, answer)

    def draw(self, item: Any, answer: Any) -> Image:
        """Distances of the residues, and which of them are native ones."""
        return draw_design(item, answer)

    def save(self, answer: Any, folder: Path, name: str) -> Sequence[Path]:
        """A FASTA file."""
        return [save_fasta(answer.sequence, folder, name)]

    def ordinary(self) -> Sequence[Any]:
        """For the helices of 20 and 60 residues of ``ProteinStructures``."""
        return [Design("ALKA" * (count // 4), 3.0, "ALKE" * (count // 4), 0.75, 0.5) for count in (20, 60)]

    def ordinary_targets(self, inputs: Sequence[Any]) -> Sequence[str]:
        """The sequences of the structures."""
        return [str(item) for item in inputs]

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """A sequence without a native one, and one without a native residue."""
        return [("no native sequence", Design("A")), ("no native residue", Design("AAAA", 1e6, "LKEL"))]
