"""ESMFold of transformers (Lin et al., Science 379, 2023): one sequence in, its structure with a confidence out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import InvalidInput, UnsupportedModel, needs_extra

with needs_extra("scientific", "fold proteins"):
    import torch
    import transformers
    from safetensors import SafetensorError

from zoo.features.published_config import published_config
from zoo.features.quiet import quiet
from zoo_scientific.sequence_backbone import SequenceBackbone, tokenizer

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

ARCHITECTURE = "EsmForProteinFolding"
_RESIDUES = frozenset("ACDEFGHIKLMNPQRSTVWY")
_ALPHA_CARBON = 1  # its place among the 37 atoms of a residue


class FoldingBackbone(SequenceBackbone):
    """A folding model, whose features are those of its language model."""

    def __init__(self, card: ModelCard, model: Any, tokenize: Any, *, padding: int, device: str) -> None:
        super().__init__(card, model.esm, tokenize, padding=padding, device=device)
        self._folder = model.to(device).eval()

    def fold(self, sequences: Sequence[str]) -> list[dict[str, Any]]:
        """Structures as ``pdb`` text (angstroms), with ``plddt`` of each residue and its ``mean_plddt``, 0 to 1.

        Raises:
            InvalidInput: a sequence is empty or has a residue that is none of the twenty.
        """
        return [self._one(sequence) for sequence in sequences]

    def _one(self, sequence: str) -> dict[str, Any]:
        unknown = sorted(set(sequence) - _RESIDUES)
        if unknown or not sequence:
            what = f"has residues that are none of the twenty: {', '.join(unknown)}" if unknown else "is empty"
            raise InvalidInput(f"The sequence '{sequence[:40]}' {what}; '{self.card.id}' cannot fold it.")
        with torch.inference_mode():
            output = self._folder.infer([sequence])
        confidence = output["plddt"][0, :, _ALPHA_CARBON].float().cpu()
        return {
            "pdb": self._folder.output_to_pdb(output)[0],
            "plddt": confidence.tolist(),
            "mean_plddt": float(confidence.mean()),
        }


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> FoldingBackbone:
    """The backbone of a folder with an ESMFold.

    Raises:
        UnsupportedModel: the folder needs its own code, or lacks weights or a tokenizer.
    """
    published_config(files.root, card)
    try:
        with quiet():
            tokenize, padding = tokenizer(files.root, card)
            model, report = transformers.EsmForProteinFolding.from_pretrained(
                files.root,
                dtype=getattr(torch, dtype, None),
                weights_only=True,
                output_loading_info=True,
                local_files_only=True,
            )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise UnsupportedModel(
            f"transformers cannot load '{card.id}': {reason}.", f"Run: zoo verify {card.id}"
        ) from error
    missing = sorted(name for name in report["missing_keys"] if "contact_head" not in name)
    if missing:
        raise UnsupportedModel(
            f"The weights of '{card.id}' lack {len(missing)} tensors of its architecture, such as {missing[0]}."
        )
    return FoldingBackbone(card, model, tokenize, padding=padding, device=device)
