"""Structures of proteins: chains with the position of each residue, read from PDB and mmCIF files by Biotite."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.kind import Kind
from zoo.contract.values import Typed
from zoo.errors import DataError, needs_extra
from zoo.kinds.inputs import read_each

if TYPE_CHECKING:
    import numpy as np

    from zoo.contract.backbone import LoadedModel

SUFFIXES = frozenset({".pdb", ".ent", ".cif", ".mmcif"})
FEWEST, MOST = 10, 4000
"""Minimum and maximum residues of a chain."""

INVERSE_FOLDING = "inverse-folding"
"""The task whose inputs are structures, and whose targets are their sequences."""

BACKBONE = ("N", "CA", "C", "O")
"""Atoms of a residue's backbone, in the order of ``Structure.backbone``."""

_WATER = ("HOH", "DOD", "WAT")
_LOOKED_AT = 65_536
"""Bytes of a CIF file in which to look for a macromolecule."""


@dataclass(frozen=True, eq=False)
class Structure:
    """A chain of residues.

    Attributes:
        sequence: n residues in the one-letter code; X for residues other than the twenty.
        alpha: n x 3 positions of the alpha carbons in angstroms, float64.
        backbone: n x 4 x 3 positions of the backbone's atoms, NaN if the file lacks one; None if they were not read.
        numbers: n numbers of the residues in the file, with gaps at unresolved residues.
        elements: chemical symbols of the m atoms other than protein and water: ligands, metals, nucleic acids.
        others: m x 3 positions of these atoms.
    """

    sequence: str
    alpha: np.ndarray
    backbone: np.ndarray | None = None
    numbers: np.ndarray | None = None
    elements: tuple[str, ...] = ()
    others: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.sequence)

    def __str__(self) -> str:
        return self.sequence

    def tobytes(self) -> bytes:
        """All of it as bytes, for a digest."""
        rest = b"".join(part.tobytes() for part in (self.backbone, self.numbers, self.others) if part is not None)
        return b"structure\n" + self.sequence.encode() + self.alpha.tobytes() + rest + " ".join(self.elements).encode()

    def complete(self) -> Structure:
        """The standard residues with a complete backbone."""
        import numpy as np

        if self.backbone is None:
            return self
        seen = np.isfinite(self.backbone).all(axis=(1, 2)) & (np.array(list(self.sequence)) != "X")
        letters = "".join(letter for letter, kept in zip(self.sequence, seen, strict=True) if kept)
        numbers = None if self.numbers is None else self.numbers[seen]
        return replace(self, sequence=letters, alpha=self.alpha[seen], backbone=self.backbone[seen], numbers=numbers)


class ProteinStructures(Kind):
    """Structures of proteins as inputs, for models that design sequences."""

    name = "protein-structure"
    needs_task = True
    libraries = ("biotite",)

    def read_typed(self, texts: Sequence[str], options: Mapping[str, Any], model: LoadedModel) -> Typed:
        """PDB and mmCIF files, reduced to the residues with a complete backbone."""
        return read_each(texts, _typed)

    def ordinary(self) -> Sequence[Any]:
        """Alpha helices of 20 to 100 residues."""
        return [helix(count) for count in (20, 60, 35, 100)]

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """The shortest allowed, and a long one."""
        return [("a helix of ten residues", helix(10)), ("one of 600", helix(600))]


def _typed(text: str) -> Structure:
    path = Path(text).expanduser()
    if not path.is_file():
        raise DataError(f"There is no file '{text}' with a structure.", "Give a PDB or mmCIF file.")
    chain = read_structure(path)
    if isinstance(chain, str):
        raise DataError(f"'{text}' {chain}.")
    whole = chain.complete()
    if len(whole) < FEWEST:
        raise DataError(f"'{text}' has a complete backbone for only {len(whole)} residues.")
    return whole


def is_protein_file(path: Path) -> bool:
    """Whether a file has a macromolecule, by its name or, for CIF files, its first lines."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES or not path.is_file():
        return False
    if suffix != ".cif":
        return True
    try:
        with path.open("rb") as file:
            return b"_entry.id" in file.read(_LOOKED_AT)  # in every mmCIF file, and in no crystal's
    except OSError:
        return False


def read_structure(path: Path) -> Structure | str:
    """The longest chain of the first model in a file, or why there is none."""
    with needs_extra("structures", "read structures of proteins"):
        import biotite.structure.io as structure_io
    try:
        atoms: Any = structure_io.load_structure(path, model=1)
    except Exception as error:  # Biotite's parsers raise many types of errors
        reason = " ".join(str(error).split())[:200]
        return f"cannot be read as a structure: {reason or type(error).__name__}"
    return chain_of(atoms)


def parse_pdb(text: str) -> Structure | str:
    """The longest chain of PDB text, or why there is none."""
    with needs_extra("structures", "read structures of proteins"):
        from biotite.structure.io import pdb
    try:
        return chain_of(pdb.PDBFile.read(io.StringIO(text)).get_structure(model=1))
    except Exception as error:  # as above
        return f"is not PDB text: {' '.join(str(error).split())[:200]}"


def chain_of(atoms: Any) -> Structure | str:
    """The longest chain of Biotite's atoms, or why it cannot be used."""
    import numpy as np
    from biotite.sequence import ProteinSequence
    from biotite.structure import filter_amino_acids

    protein = filter_amino_acids(atoms)
    alpha = atoms[protein & (atoms.atom_name == "CA")]
    if not len(alpha):
        return "contains no residues of a protein"
    names, counts = np.unique(alpha.chain_id, return_counts=True)
    whole = atoms[protein & (atoms.chain_id == names[counts.argmax()])]
    chain = whole[whole.atom_name == "CA"]
    if not FEWEST <= len(chain) <= MOST:
        return f"has {len(chain):,} residues in its longest chain; {FEWEST} to {MOST:,} are allowed"
    letters = []
    for name in chain.res_name:
        try:
            letters.append(ProteinSequence.convert_letter_3to1(str(name)))
        except KeyError:
            letters.append("X")
    places = np.asarray(chain.coord, dtype=np.float64)
    if not np.isfinite(places).all():
        return "has a position that is not finite"
    beside = atoms[~protein & ~np.isin(atoms.res_name, _WATER) & ~np.isin(atoms.element, ("H", "D"))]
    return Structure(
        "".join(letters),
        places,
        _backbone(whole),
        np.asarray(chain.res_id),
        tuple(str(symbol).capitalize() for symbol in beside.element),
        np.asarray(beside.coord, dtype=np.float32),
    )


def _backbone(chain: Any) -> np.ndarray:
    """Positions of the backbone of a chain's residues with an alpha carbon, n x 4 x 3; NaN where missing."""
    import numpy as np
    from biotite.structure import get_residue_starts

    starts = get_residue_starts(chain)
    residue = np.searchsorted(starts, np.arange(len(chain)), side="right") - 1
    places = np.full((len(starts), len(BACKBONE), 3), np.nan, dtype=np.float32)
    for column, name in enumerate(BACKBONE):
        of_name = chain.atom_name == name
        places[residue[of_name], column] = chain.coord[of_name]
    return places[np.unique(residue[chain.atom_name == "CA"])]


def helix(count: int) -> Structure:
    """An ideal alpha helix of ``length`` residues, with four alternating types."""
    import numpy as np

    # Radius, angle against the alpha carbon, and height, of N, CA, C and O in an alpha helix.
    atoms = ((1.55, -28.0, -0.9), (2.3, 0.0, 0.0), (1.65, 26.0, 1.1), (1.95, 22.0, 2.3))
    turns = np.deg2rad(100.0) * np.arange(count)[:, None]
    radius, angle, height = (np.array(column)[None] for column in zip(*atoms, strict=True))
    angles = turns + np.deg2rad(angle)
    places = np.stack(
        [radius * np.cos(angles), radius * np.sin(angles), height + 1.5 * np.arange(count)[:, None]], axis=-1
    ).astype(np.float32)
    sequence = ("ALKE" * (count // 4 + 1))[:count]
    return Structure(sequence, places[:, 1].astype(np.float64), places, np.arange(1, count + 1))
