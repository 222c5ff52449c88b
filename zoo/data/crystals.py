"""Crystals: atoms in a repeating cell, and the energies and forces that belong to them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import needs_extra
from zoo.kinds.targets import is_code

if TYPE_CHECKING:
    import numpy as np

_WHOLE_PROPERTY = re.compile(r'(?:^|\s)(\w+)=(?:"([+-]?\d+)"|([+-]?\d+))(?=\s|$)')

SUFFIXES = frozenset({".cif", ".vasp", ".poscar", ".xyz", ".extxyz", ".traj", ".xsf", ".res"})
"""Suffixes of files of atomic structures, in lower case; ASE reads them."""

MOST_ATOMS = 2000
"""Atoms that a cell may have; graph networks keep some hundred neighbours of each."""

_CLOSEST = 0.3
"""Angstroms that two atoms are apart at least; what is nearer is a mistake in a file."""


@dataclass(frozen=True, eq=False)
class Crystal:
    """Atoms in a cell that repeats in all three directions.

    Attributes:
        numbers: n atomic numbers, int64.
        positions: n x 3 Cartesian coordinates in angstroms, float64.
        cell: 3 x 3, a lattice vector in each row, in angstroms, float64.
    """

    numbers: np.ndarray
    positions: np.ndarray
    cell: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def formula(self) -> str:
        """The elements with their numbers of atoms, in the order of the alphabet: ``Cl4Na4``."""
        from ase.symbols import Symbols

        return str(Symbols(self.numbers).get_chemical_formula("metal"))

    def tobytes(self) -> bytes:
        """All of it as bytes, for a digest."""
        return b"crystal\n" + self.numbers.tobytes() + self.positions.tobytes() + self.cell.tobytes()


@dataclass(frozen=True, eq=False)
class EnergyAndForces:
    """What an interatomic potential predicts.

    Attributes:
        energy: eV an atom; NaN where it is not known.
        forces: n x 3 in eV/angstrom, float64.
    """

    energy: float
    forces: np.ndarray


def crystal_of(atoms: Any) -> Crystal | str:
    """``ase.Atoms`` as a crystal, or why they are none."""
    import numpy as np

    cell = np.asarray(atoms.cell.array, dtype=np.float64)
    positions = np.asarray(atoms.get_positions(), dtype=np.float64)
    numbers = np.asarray(atoms.get_atomic_numbers(), dtype=np.int64)
    if not len(numbers):
        return "holds no atoms"
    if len(numbers) > MOST_ATOMS:
        return f"has {len(numbers):,} atoms in a cell, and up to {MOST_ATOMS:,} are taken"
    if not (np.isfinite(positions).all() and np.isfinite(cell).all()):
        return "has a position or a lattice vector that is not finite"
    if not atoms.pbc.all() or abs(np.linalg.det(cell)) < 1e-6:
        return "is no crystal: it has no cell that repeats in all three directions"
    if not ((numbers > 0) & (numbers < 119)).all():
        return "has an atom of no known element"
    if len(numbers) > 1:
        apart = atoms.get_all_distances(mic=True)[np.triu_indices(len(numbers), 1)].min()
        if apart < _CLOSEST:
            return f"has two atoms {apart:.2f} angstroms apart"
    return Crystal(numbers, positions, cell)


def read_atoms(path: Path) -> list[Any] | str:
    """All structures of a file as ``ase.Atoms``, or why there are none."""
    with needs_extra("materials", "read crystals"):
        import ase.io
    import warnings

    if not path.is_file():
        return "is no file"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            form = _format(path)
            parser: dict[str, Any] = {"properties_parser": _properties} if form == "extxyz" else {}
            found: Any = ase.io.read(path, index=":", format=form, **parser)
    except Exception as error:  # ASE's readers raise whatever their parsers happen to
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        return f"cannot be read as atoms: {reason}"
    return found or "holds no structures"


def read_crystal(path: Path) -> Crystal | str:
    """The crystal in a file, the last one where there are several, or why it cannot be used."""
    found = read_atoms(path)
    return found if isinstance(found, str) else crystal_of(found[-1])


def is_structure_file(path: Path) -> bool:
    """Whether a file is named as files of atomic structures are."""
    return path.suffix.lower() in SUFFIXES or path.name.upper() in {"POSCAR", "CONTCAR"}


def _properties(line: str) -> dict[str, Any]:
    """The properties in the comment line of an extended XYZ file; ASE reads a code such as ``007`` as the number 7."""
    from ase.io.extxyz import key_val_str_to_dict

    found: dict[str, Any] = key_val_str_to_dict(line)
    for name, quoted, plain in _WHOLE_PROPERTY.findall(line):
        if is_code(quoted or plain):
            found[name] = quoted or plain
    return found


def _format(path: Path) -> str | None:
    suffix = path.suffix.lower()
    if suffix in {".vasp", ".poscar"} or path.name.upper() in {"POSCAR", "CONTCAR"}:
        return "vasp"
    return "extxyz" if suffix in {".xyz", ".extxyz"} else None
