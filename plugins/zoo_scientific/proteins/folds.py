"""Structures that models predict from sequences: the kind of target, and of answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.kind import Kind
from zoo.kinds.inputs import numbered_names
from zoo_scientific.proteins.drawing import draw_fold, save_pdb
from zoo_scientific.proteins.folding_metrics import METRICS, Fold
from zoo_scientific.proteins.showing import fold_html
from zoo_scientific.proteins.structures import BACKBONE, Structure, helix

if TYPE_CHECKING:
    from PIL.Image import Image

STEP = 3.8
"""Angstroms from one alpha carbon to the next."""


class Folds(Kind):
    """Structures of proteins; targets are ``Structure``, answers ``Fold``."""

    name = "structure"
    libraries = ("biotite",)
    per_sample = "a known structure"
    metrics = METRICS
    select_by_loss = True
    shows_input = True

    def comparable(self, item: Any, answer: Any, classes: Sequence[str] = ()) -> Structure:
        """The predicted chain."""
        found: Structure = answer.structure()
        return found

    def baseline(self, inputs: Sequence[Any], targets: Sequence[Any], task: str) -> Sequence[Structure]:
        """A straight chain."""
        import numpy as np

        chains = [str(inputs[index]) for index in range(len(inputs))]
        return [Structure(chain, np.arange(len(chain))[:, None] * np.array([STEP, 0.0, 0.0])) for chain in chains]

    def summary(self, answer: Any) -> Sequence[tuple[str, str]]:
        """Number of residues and mean confidence."""
        return [(f"{len(answer.plddt)} residues", f"{answer.mean_plddt:.3f}")]

    def to_json(self, answer: Any) -> Mapping[str, Any]:
        """PDB text, confidence of each residue, and its mean."""
        return {"pdb": answer.pdb, "plddt": list(answer.plddt), "mean_plddt": answer.mean_plddt}

    def html(self, item: Any, answer: Any) -> str:
        """A map of distances, a table of metrics, and the PDB file."""
        return fold_html(item, answer)

    def draw(self, item: Any, answer: Any) -> Image:
        """Distances of the residues, and the confidence along the chain."""
        return draw_fold(answer)

    def save(self, answer: Any, folder: Path, name: str) -> Sequence[Path]:
        """A PDB file."""
        return [save_pdb(answer, folder, name)]

    def file_names(self, names: Sequence[str]) -> Sequence[str]:
        """Numbers and first words, since a sequence is too long."""
        return numbered_names(names)

    def ordinary(self) -> Sequence[Any]:
        """Helices of 20 and 40 residues."""
        return [Fold(_pdb(helix(2 * half)), (0.95,) * half + (0.55,) * half, 0.75) for half in (10, 20)]

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """A single residue with zero confidence."""
        return [("one residue", Fold(_pdb(helix(1)), (0.0,), 0.0))]


def _pdb(structure: Structure) -> str:
    """The backbone as PDB text."""
    names = {"A": "ALA", "L": "LEU", "K": "LYS", "E": "GLU"}
    lines: list[str] = []
    for number, (letter, places) in enumerate(zip(structure.sequence, structure.backbone, strict=True), start=1):  # type: ignore[arg-type]
        for atom, (x, y, z) in zip(BACKBONE, places.tolist(), strict=True):
            serial = len(lines) + 1
            lines.append(
                f"ATOM  {serial:>5}  {atom:<3} {names[letter]} A{number:>4}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00"
                f"           {atom[0]}  "
            )
    return "\n".join([*lines, "END", ""])
