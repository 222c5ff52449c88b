"""Structures of proteins: chains with the place of each residue, read from PDB and mmCIF files by Biotite."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.reader import ReadOptions, settle
from zoo.data.listing import count_passed_over, walk
from zoo.entities import Dataset, Problem
from zoo.errors import DataError, needs_extra
from zoo.kinds.fingerprint import fingerprint
from zoo.kinds.items import text_digest

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = frozenset({".pdb", ".ent", ".cif", ".mmcif"})
FEWEST, MOST = 10, 4000
"""Residues that a chain has at least, and at most."""

INVERSE_FOLDING = "inverse-folding"
"""The task whose inputs are structures, and whose targets are their sequences."""

BACKBONE = ("N", "CA", "C", "O")
"""Atoms of a residue's backbone, in the order of ``Structure.backbone``."""

_WATER = ("HOH", "DOD", "WAT")
_LOOKED_AT = 65_536
"""Bytes of a CIF file in which a macromolecule shows."""


@dataclass(frozen=True, eq=False)
class Structure:
    """A chain of residues.

    Attributes:
        sequence: n residues in the one-letter code; X for what is none of the twenty.
        alpha: n x 3 places of the alpha carbons in angstroms, float64.
        backbone: n x 4 x 3 places of the backbone's atoms, NaN where the file lacks one; None where nobody read them.
        numbers: n numbers of the residues in the file, which leave gaps where residues were not seen.
        elements: chemical symbols of the m atoms beside the protein and its water: ligands, metals, nucleic acids.
        others: m x 3 places of these.
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
        """The residues of the twenty whose whole backbone was seen."""
        import numpy as np

        if self.backbone is None:
            return self
        seen = np.isfinite(self.backbone).all(axis=(1, 2)) & (np.array(list(self.sequence)) != "X")
        letters = "".join(letter for letter, kept in zip(self.sequence, seen, strict=True) if kept)
        numbers = None if self.numbers is None else self.numbers[seen]
        return replace(self, sequence=letters, alpha=self.alpha[seen], backbone=self.backbone[seen], numbers=numbers)


def is_protein_file(path: Path) -> bool:
    """Whether a file holds a macromolecule by its name, or, of a CIF file, by its first lines."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES or not path.is_file():
        return False
    if suffix != ".cif":
        return True
    try:
        with path.open("rb") as file:
            return b"_entry.id" in file.read(_LOOKED_AT)  # as every mmCIF file has, and no crystal's
    except OSError:
        return False


def read_structure(path: Path) -> Structure | str:
    """The longest chain of the first model in a file, or why there is none."""
    with needs_extra("structures", "read structures of proteins"):
        import biotite.structure.io as structure_io
    try:
        atoms: Any = structure_io.load_structure(path, model=1)
    except Exception as error:  # Biotite's readers raise whatever their parsers happen to
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
        return f"is no PDB text: {' '.join(str(error).split())[:200]}"


def chain_of(atoms: Any) -> Structure | str:
    """The longest chain of Biotite's atoms, or why it cannot be used."""
    import numpy as np
    from biotite.sequence import ProteinSequence
    from biotite.structure import filter_amino_acids

    protein = filter_amino_acids(atoms)
    alpha = atoms[protein & (atoms.atom_name == "CA")]
    if not len(alpha):
        return "holds no residues of a protein"
    names, counts = np.unique(alpha.chain_id, return_counts=True)
    whole = atoms[protein & (atoms.chain_id == names[counts.argmax()])]
    chain = whole[whole.atom_name == "CA"]
    if not FEWEST <= len(chain) <= MOST:
        return f"has {len(chain):,} residues in its longest chain, and {FEWEST} to {MOST:,} are taken"
    letters = []
    for name in chain.res_name:
        try:
            letters.append(ProteinSequence.convert_letter_3to1(str(name)))
        except KeyError:
            letters.append("X")
    places = np.asarray(chain.coord, dtype=np.float64)
    if not np.isfinite(places).all():
        return "has a place that is not finite"
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
    """Places of the backbone's atoms of a chain's residues that have an alpha carbon, n x 4 x 3; NaN where missing."""
    import numpy as np
    from biotite.structure import get_residue_starts

    starts = get_residue_starts(chain)
    residue = np.searchsorted(starts, np.arange(len(chain)), side="right") - 1
    places = np.full((len(starts), len(BACKBONE), 3), np.nan, dtype=np.float32)
    for column, name in enumerate(BACKBONE):
        of_name = chain.atom_name == name
        places[residue[of_name], column] = chain.coord[of_name]
    return places[np.unique(residue[chain.atom_name == "CA"])]


class StructureReader:
    """Files of proteins with known structure, and folders of them; the sequences are the inputs.

    For inverse folding it is the other way round.
    """

    name = "structures of proteins (PDB, mmCIF)"
    datasets: Sequence[str] = ()

    def accepts(self, reference: str) -> bool:
        """A file named as such files are, or a folder that holds one."""
        path = Path(reference).expanduser()
        if not reference.strip():
            return False
        if not path.is_dir():
            return is_protein_file(path)
        try:
            return any(is_protein_file(file) for file in path.iterdir())
        except OSError:
            return False

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The longest chain of each file: its sequence, with the structure as target; or the reverse, by the task.

        Raises:
            DataError: nothing in it can be used.
        """
        root = Path(reference).expanduser()
        chains: list[Structure] = []
        problems: list[Problem] = []
        files = [root] if root.is_file() else list(walk(root))
        kept = [path for path in files if path == root or is_protein_file(path)]
        passed_over = count_passed_over(sorted(set(files).difference(kept)), root, "structures")
        for path in kept:
            place = path.name if path == root else path.relative_to(root).as_posix()
            found = read_structure(path)
            if isinstance(found, str):
                problems.append(Problem(place, found))
            elif options.task == INVERSE_FOLDING:
                chain = found.complete()
                if len(chain) < FEWEST:
                    problems.append(Problem(place, f"has the whole backbone of {len(chain)} residues only"))
                else:
                    chains.append(chain)
            elif "X" in found.sequence:
                problems.append(Problem(place, "has residues that are none of the twenty"))
            else:
                chains.append(found)
        settle(reference, len(chains), problems, options)
        if not chains:
            raise DataError(f"There are no structures in '{reference}'.")
        digests = (text_digest(chain.sequence) for chain in chains)
        known = [chain.tobytes().hex() for chain in chains]
        if options.task == INVERSE_FOLDING:
            inputs: Any = chains
            sequences: Any = [chain.sequence for chain in chains]
            return Dataset(
                reference,
                "protein-structure",
                inputs,
                sequences,
                (),
                fingerprint("protein-structure", (sha256(chain.tobytes()).digest() for chain in chains), sequences, ()),
                "residues",
                {},
                tuple(problems),
                passed_over=passed_over,
            )
        targets: Any = chains
        return Dataset(
            reference,
            "protein",
            [chain.sequence for chain in chains],
            targets,
            (),
            fingerprint("protein", digests, known, ()),
            "structure",
            {},
            tuple(problems),
            passed_over=passed_over,
        )
