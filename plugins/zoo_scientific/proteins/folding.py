"""ESMFold of transformers (Lin et al., Science 379, 2023): one sequence in, its structure with a confidence out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, InvalidInput, needs_extra

with needs_extra("scientific", "fold proteins"):
    import torch
    import transformers

from zoo.features.device import free_memory
from zoo.loading.dtypes import float_dtype, require_float32
from zoo.loading.published_config import published_config
from zoo.loading.quiet import quiet
from zoo.loading.transformers import IGNORE, clear_errors, load_model
from zoo_scientific.proteins.folding_metrics import Fold
from zoo_scientific.proteins.residues import AMINO_ACIDS, FOLDING
from zoo_scientific.sequence_backbone import SequenceBackbone, tokenizer

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard
    from zoo_scientific.proteins.folding_learner import FoldingLearner

ARCHITECTURE = "EsmForProteinFolding"
_ALPHA_CARBON = 1  # its position among the 37 atoms of a residue


CHUNK = 64
"""Chunk size of the triangle updates if all residues at once do not fit."""

WHOLE, CHUNKED = 21, 15
"""Upper bounds of the float32 pair representations in memory: measured 16 to 21 for 256 to 512
residues at once, 13 to 15 for 256 to 800 in chunks, in one block of ESMFold's width."""


class FoldingBackbone(SequenceBackbone):
    """A folding model with the features of its language model.

    Attributes:
        folder: the ``EsmForProteinFolding`` itself.
    """

    learning_rate = 1e-4

    def __init__(self, card: ModelCard, model: Any, tokenize: Any, *, padding: int, device: str) -> None:
        super().__init__(card, model.esm, tokenize, padding=padding, device=device)
        self.folder = model.to(device).eval()

    def answer(self, task: str, inputs: Sequence[str], labels: Sequence[str] = ()) -> list[Fold] | None:
        """The structure of each sequence; None for tasks other than folding.

        Raises:
            InvalidInput: a sequence is empty, has a residue that is not one of the twenty, or is too long for the
                memory.
        """
        return self.fold(inputs) if task == FOLDING else None

    def fold(self, sequences: Sequence[str]) -> list[Fold]:
        """As ``answer`` for folding."""
        return [self._one(sequence) for sequence in sequences]

    def _one(self, sequence: str) -> Fold:
        if not isinstance(sequence, str):
            raise DataError(f"'{self.card.id}' takes proteins as text, not {type(sequence).__name__}.")
        unknown = sorted(set(sequence) - set(AMINO_ACIDS))
        if unknown or not sequence:
            what = f"has residues other than the twenty: {', '.join(unknown)}" if unknown else "is empty"
            raise InvalidInput(f"The sequence '{sequence[:40]}' {what}; '{self.card.id}' cannot fold it.")
        self._make_room(sequence)
        # Not in inference mode: the tables that it makes on its first call are used again in training.
        with torch.no_grad():
            output = self.folder.eval().infer([sequence])
        confidence = output["plddt"][0, :, _ALPHA_CARBON].float().cpu()
        return Fold(self.folder.output_to_pdb(output)[0], tuple(confidence.tolist()), float(confidence.mean()))

    def learner(self, task: str, classes: Sequence[str]) -> FoldingLearner | None:
        """A learner for folding; None for other tasks."""
        from zoo_scientific.proteins.folding_learner import FoldingLearner

        return FoldingLearner(self) if task == FOLDING else None

    def needed(self, residues: int, pairs: int = WHOLE) -> int:
        """Bytes that folding takes besides the weights, for a number of residues and ``WHOLE`` or ``CHUNKED`` pairs."""
        config = self.folder.config
        language = 2 * 4 * residues * (config.num_hidden_layers + 1) * config.hidden_size
        return language + pairs * 4 * residues**2 * config.esmfold_config.trunk.pairwise_state_dim

    def _make_room(self, sequence: str) -> None:
        """Fold in chunks if all at once does not fit; raise an error if chunks do not fit either.

        Raises:
            InvalidInput: it does not fit; with the required and the free memory.
        """
        free, count = free_memory(self.device), len(sequence)
        roomy = free is None or self.needed(count) <= free
        self.folder.trunk.set_chunk_size(None if roomy else CHUNK)
        if free is not None and not roomy and self.needed(count, CHUNKED) > free:
            raise InvalidInput(
                f"Folding the {count:,} residues of '{sequence[:20]}...' takes about "
                f"{self.needed(count, CHUNKED) / 1e9:,.1f} GB, but {self.device} has {free / 1e9:,.1f} GB free.",
                "Fold a part of it, or use another --device.",
            )


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> FoldingBackbone:
    """The backbone of a folder with an ESMFold.

    Raises:
        UnsupportedModel: the folder needs its own code, or lacks weights or a tokenizer.
        UnsupportedPrecision: a precision other than float32 is requested.
    """
    require_float32(card, dtype, "folds")
    published_config(files.root, card)
    with clear_errors(card), quiet():
        tokenize, padding = tokenizer(files.root, card)
    kind = transformers.EsmForProteinFolding
    model = load_model(kind, card, files.root, unneeded=("contact_head",), unexpected=IGNORE, dtype=float_dtype(dtype))
    return FoldingBackbone(card, model, tokenize, padding=padding, device=device)
