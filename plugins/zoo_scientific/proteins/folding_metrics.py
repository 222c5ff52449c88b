"""Predicted structures of proteins against known ones: lDDT and TM-score of the alpha carbons.

Both structures have the same residues in the same order, so residues are paired by position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.contract.metric import Metric
from zoo.errors import DataError
from zoo_scientific.proteins.structures import Structure, parse_pdb

if TYPE_CHECKING:
    import numpy as np

_SHORTEST = 4
_ROUNDS = 20


@dataclass(frozen=True)
class Fold:
    """A predicted structure.

    Attributes:
        pdb: the atoms as PDB text, in angstroms.
        plddt: confidence of each residue, 0 to 1.
        mean_plddt: the mean of ``plddt``.
    """

    pdb: str
    plddt: tuple[float, ...]
    mean_plddt: float

    def structure(self) -> Structure:
        """The chain; raises ``DataError`` if the text is not one."""
        found = parse_pdb(self.pdb)
        if isinstance(found, str):
            raise DataError(f"The predicted structure {found}.")
        return found


def lddt(targets: Sequence[Structure], predictions: Sequence[Structure]) -> float:
    """Mean local distance difference test of the alpha carbons, 0 to 1 (Mariani et al., Bioinformatics 29 (2013)).

    The fraction of the distances below 15 angstroms in the known structure that are preserved within 0.5, 1, 2 and 4
    angstroms, averaged over the four; by Biotite.
    """
    import numpy as np
    from biotite.structure import lddt as local

    pairs = _pairs(targets, predictions, "lddt")
    return float(np.mean([local(_atoms(known), _atoms(found)) for known, found in pairs]))


def tm_score(targets: Sequence[Structure], predictions: Sequence[Structure]) -> float:
    """Mean TM-score, 0 to 1, 0.17 by chance (Zhang and Skolnick, Proteins 57 (2004), equation 3)."""
    import numpy as np

    pairs = _pairs(targets, predictions, "tm_score")
    return float(np.mean([best_tm_score(known.alpha, found.alpha) for known, found in pairs]))


def best_tm_score(known: np.ndarray, found: np.ndarray) -> float:
    """The TM-score of n x 3 positions under the best superposition found.

    As the authors' program does: fragments of several lengths are superposed, then the residues that are near, until
    these no longer change.

    Args:
        known, found: paired by row, in angstroms.
    """
    import numpy as np

    n = len(known)
    scale = max(1.24 * np.cbrt(max(n, 16) - 15) - 1.8, 0.5)
    best = 0.0
    lengths = sorted({max(n // part, _SHORTEST) for part in (1, 2, 4, 8)}, reverse=True)
    for length in lengths:
        for start in range(0, n - length + 1, max(length // 2, 1)):
            chosen = np.arange(start, start + length)
            for _ in range(_ROUNDS):
                moved = _superposed(known[chosen], found[chosen], found)
                distance = np.linalg.norm(moved - known, axis=1)
                best = max(best, float((1.0 / (1.0 + (distance / scale) ** 2)).mean()))
                reach = scale
                near = np.flatnonzero(distance < reach)
                while len(near) < min(_SHORTEST, n):
                    reach += 0.5
                    near = np.flatnonzero(distance < reach)
                if np.array_equal(near, chosen):
                    break
                chosen = near
    return best


METRICS = (
    Metric(
        "lddt",
        lddt,
        True,
        "Fraction of preserved local distances of alpha carbons; 0 to 1.",
        bounds=(0, 1),
        recomputed=20,
    ),
    Metric(
        "tm_score",
        tm_score,
        True,
        "Similarity of the whole fold; 0 to 1, above 0.5 the same fold.",
        bounds=(0, 1),
        recomputed=20,
    ),
)


def _superposed(known: np.ndarray, found: np.ndarray, all_found: np.ndarray) -> np.ndarray:
    """``all_found``, moved as ``found`` onto ``known`` (Kabsch, Acta Crystallographica A 32 (1976))."""
    from biotite.structure import superimpose

    _, movement = superimpose(known, found)
    moved: np.ndarray = movement.apply(all_found)
    return moved


def _atoms(structure: Structure) -> Any:
    """The alpha carbons as Biotite's atoms."""
    import numpy as np
    from biotite.structure import AtomArray

    atoms = AtomArray(len(structure))
    atoms.coord = np.asarray(structure.alpha, dtype=np.float32)
    atoms.res_id = np.arange(1, len(structure) + 1)
    atoms.chain_id[:], atoms.res_name[:], atoms.atom_name[:], atoms.element[:] = "A", "GLY", "CA", "C"
    return atoms


def _pairs(targets: Sequence[Any], predictions: Sequence[Any], name: str) -> list[tuple[Structure, Structure]]:
    pairs = list(zip(targets, predictions, strict=True))
    if not pairs or not all(isinstance(item, Structure) for pair in pairs for item in pair):
        raise DataError(f"'{name}' needs structures of proteins.")
    for known, found in pairs:
        if len(known) != len(found):
            raise DataError(f"'{name}' compares a chain of {len(known)} residues with one of {len(found)}.")
    return pairs
