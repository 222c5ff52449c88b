"""Crystals: atoms in a repeating cell, as a kind of input, and their files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.kind import Kind
from zoo.contract.values import Typed, Values
from zoo.errors import DataError, needs_extra
from zoo.kinds.inputs import read_each, resolve, typed_file
from zoo.kinds.targets import is_code

if TYPE_CHECKING:
    import numpy as np

    from zoo.contract.backbone import LoadedModel

_WHOLE_PROPERTY = re.compile(r'(?:^|\s)(\w+)=(?:"([+-]?\d+)"|([+-]?\d+))(?=\s|$)')

SUFFIXES = frozenset({".cif", ".vasp", ".poscar", ".xyz", ".extxyz", ".traj", ".xsf", ".res"})
"""Suffixes of files of atomic structures, in lower case; ASE reads them."""

MOST_ATOMS = 2000
"""Maximum atoms in a cell; graph networks store about a hundred neighbours of each."""

_CLOSEST = 0.3
"""Minimum distance of two atoms in angstroms; a smaller one is an error in the file."""


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
        """The elements with their numbers of atoms, in alphabetical order: ``Cl4Na4``."""
        from ase.symbols import Symbols

        return str(Symbols(self.numbers).get_chemical_formula("metal"))

    def tobytes(self) -> bytes:
        """All of it as bytes, for a digest."""
        return b"crystal\n" + self.numbers.tobytes() + self.positions.tobytes() + self.cell.tobytes()


class Crystals(Kind):
    """Crystals, in files that ASE reads."""

    name = "crystal"
    libraries = ("ase",)
    suffixes = SUFFIXES
    column_names = ("structure", "cif", "crystal", "structure_file", "path", "file", "file_name", "filename")
    cells = "paths of structures"

    def read_cells(self, cells: Sequence[Any], folder: Path) -> Values:
        """The last structure of each file."""
        items: list[Crystal] = []
        kept: list[int] = []
        problems: dict[int, str] = {}
        for at, cell in enumerate(cells):
            found = read_crystal(resolve(str(cell), folder))
            if isinstance(found, str):
                problems[at] = found
            else:
                items.append(found)
                kept.append(at)
        return Values(items, kept, [self.digest(item) for item in items], problems)

    def read_typed(self, texts: Sequence[str], options: Mapping[str, Any], model: LoadedModel) -> Typed:
        """Names of files; the last structure of each."""

        def read(text: str) -> Crystal:
            found = read_crystal(typed_file(text, "structure"))
            if isinstance(found, str):
                raise DataError(f"'{text}' cannot be used as a crystal: it {found}.")
            return found

        return read_each(texts, read)

    def input_html(self, item: Any) -> str:
        """The formula."""
        return f"<p>{escape(item.formula)}</p>"

    def ordinary(self) -> Sequence[Any]:
        """Rock salt, copper, silicon and sodium, by their textbook lattice constants in angstroms."""
        import numpy as np

        face = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
        bases = (
            (5.64, [11] * 4 + [17] * 4, np.concatenate([face, face + np.array([0.5, 0, 0])])),
            (3.61, [29] * 4, face),
            (5.43, [14] * 8, np.concatenate([face, face + 0.25])),
            (4.29, [11] * 2, np.array([[0, 0, 0], [0.5, 0.5, 0.5]])),
        )
        return [Crystal(np.array(numbers), edge * places, edge * np.eye(3)) for edge, numbers, places in bases]

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """A single atom far from its periodic images, an element without data, and a highly compressed cell."""
        import numpy as np

        def cell(number: int, edge: float) -> Crystal:
            return Crystal(np.array([number]), np.zeros((1, 3)), edge * np.eye(3))

        return [
            ("an atom alone in a large cell", cell(2, 40.0)),
            ("an element beyond uranium", cell(110, 3.0)),
            ("squeezed iron", cell(26, 1.2)),
        ]


def crystal_of(atoms: Any) -> Crystal | str:
    """``ase.Atoms`` as a crystal, or the reason why they are not one."""
    import numpy as np

    cell = np.asarray(atoms.cell.array, dtype=np.float64)
    positions = np.asarray(atoms.get_positions(), dtype=np.float64)
    numbers = np.asarray(atoms.get_atomic_numbers(), dtype=np.int64)
    if not len(numbers):
        return "contains no atoms"
    if len(numbers) > MOST_ATOMS:
        return f"has {len(numbers):,} atoms in its cell; the maximum is {MOST_ATOMS:,}"
    if not (np.isfinite(positions).all() and np.isfinite(cell).all()):
        return "has a position or a lattice vector that is not finite"
    if not atoms.pbc.all() or abs(np.linalg.det(cell)) < 1e-6:
        return "is not periodic: it has no cell that repeats in all three directions"
    if not ((numbers > 0) & (numbers < 119)).all():
        return "has an atom of an unknown element"
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
        return "does not exist"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            form = _format(path)
            parser: dict[str, Any] = {"properties_parser": _properties} if form == "extxyz" else {}
            found: Any = ase.io.read(path, index=":", format=form, **parser)
    except Exception as error:  # ASE's parsers raise many types of errors
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        return f"cannot be read as atoms: {reason}"
    return found or "contains no structures"


def read_crystal(path: Path) -> Crystal | str:
    """The crystal in a file, the last one if there are several, or why it cannot be used."""
    found = read_atoms(path)
    return found if isinstance(found, str) else crystal_of(found[-1])


def is_structure_file(path: Path) -> bool:
    """Whether a file has the name of a file of atomic structures."""
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
