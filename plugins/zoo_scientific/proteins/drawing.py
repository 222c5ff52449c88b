"""Structures of proteins as images: distance maps, and a strip of colours along the chain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import storage_errors
from zoo_scientific.proteins.structures import Structure

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from zoo_scientific.proteins.design_metrics import Design
    from zoo_scientific.proteins.folding_metrics import Fold

FARTHEST = 20.0
"""Distance in angstroms from which two residues are shown as far apart."""

CONTACT = 8.0
"""Distance in angstroms within which alpha carbons are in contact, as usual for contact maps."""

APART = 6
"""Minimum separation of two residues in the chain for a contact that depends on the fold."""

LEVELS = ((0.9, (0, 83, 214)), (0.7, (101, 203, 243)), (0.5, (255, 219, 19)), (0.0, (255, 125, 69)))
"""Minimum pLDDT, 0 to 1, and its colour in AlphaFold's database."""

FOUND, OTHER = (0, 83, 214), (205, 210, 218)
"""Colours of residues that a design has in common with the native sequence, and of the rest."""

_SIDE = 640


def distances(structure: Structure) -> np.ndarray:
    """n x n distances of the alpha carbons in angstroms."""
    import numpy as np

    found: np.ndarray = np.linalg.norm(structure.alpha[:, None] - structure.alpha[None, :], axis=-1)
    return found


def contacts(structure: Structure) -> int:
    """Pairs of residues in contact that are at least ``APART`` positions apart in the chain."""
    import numpy as np

    near = distances(structure) < CONTACT
    return int(np.triu(near, APART).sum())


def draw_fold(answer: Fold) -> Image:
    """The distances of the alpha carbons, dark if they are near, above a strip of the confidence along the chain."""
    structure = answer.structure()
    colours = [next(colour for least, colour in LEVELS if value >= least) for value in answer.plddt[: len(structure)]]
    return _drawn(structure, colours)


def draw_design(structure: Structure, answer: Design) -> Image:
    """The distances of the structure, above a strip that is dark where the native residue was recovered."""
    pairs = zip(answer.native, answer.sequence, strict=True)
    return _drawn(structure.complete(), [FOUND if own == made else OTHER for own, made in pairs])


def _drawn(structure: Structure, colours: Sequence[tuple[int, int, int]]) -> Image:
    import numpy as np
    from PIL import Image

    n = len(structure)
    factor = max(1, round(_SIDE / n))
    near = 255 * np.clip(distances(structure) / FARTHEST, 0, 1)
    map_ = np.repeat(near.astype(np.uint8)[..., None], 3, axis=-1)
    strip = np.array([colours], dtype=np.uint8).repeat(max(1, round(24 / factor)), axis=0)
    gap = np.full((max(1, round(6 / factor)), n, 3), 255, dtype=np.uint8)
    whole = np.concatenate([map_, gap, strip])
    return Image.fromarray(whole).resize((whole.shape[1] * factor, whole.shape[0] * factor), 0)


def save_pdb(answer: Fold, folder: Path, name: str) -> Path:
    """Write the structure as ``FOLDER/NAME.pdb``; the folder is created if it is missing."""
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.pdb"
        path.write_text(answer.pdb, encoding="ascii")
    return path
