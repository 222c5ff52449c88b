"""Reads crystals: CIF, POSCAR, extended XYZ and trajectories, one file or a folder of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.reader import ReadOptions, settle
from zoo.data.layout import find_layout, split_role
from zoo.data.listing import count_passed_over, folders_of, walk
from zoo.entities import Dataset, Problem
from zoo.errors import DataError, suggest
from zoo.kinds.fingerprint import fingerprint
from zoo.kinds.targets import Targets, interpret, is_missing
from zoo_scientific.materials.crystals import Crystal, crystal_of, is_structure_file, read_atoms
from zoo_scientific.materials.forces import POTENTIAL, EnergyAndForces

if TYPE_CHECKING:
    import numpy as np

ENERGY = "energy"
_PER_ATOM = f"{ENERGY} (eV per atom)"


class CrystalReader:
    """Files of atomic structures, and folders of them; sub-folders are classes."""

    name = "crystals (CIF, POSCAR, extended XYZ)"
    datasets: Sequence[str] = ()

    def accepts(self, reference: str) -> bool:
        """A file with such a name, or a folder with one: at its top, in class folders, or in splits."""
        path = Path(reference).expanduser()
        if not reference.strip() or not path.is_dir():
            return bool(reference.strip()) and path.is_file() and is_structure_file(path)
        try:
            patterns = ["*", "*/*"] + ["*/*/*"] * any(split_role(folder.name) for folder in path.iterdir())
            return any(is_structure_file(file) for pattern in patterns for file in path.glob(pattern))
        except OSError:
            return False

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The crystals, with the energy per atom in the file as target, or what ``target_column`` names.

        For ``interatomic-potential`` the targets are energies and forces; a property is a key of an extended XYZ
        file's comment line.

        Raises:
            DataError: the file is missing or has no crystals, or there is no such property.
        """
        root = Path(reference).expanduser()
        if not root.exists():
            raise DataError(f"There is no file '{root}'.")
        found = _Found()
        paths = [root] if root.is_file() else list(walk(root))
        kept = [path for path in paths if path == root or is_structure_file(path)]
        layout = find_layout(() if root.is_file() else (folders_of(path, root) for path in kept))
        for path in kept:
            found.add(path, root, None if path == root else layout.label(folders_of(path, root)))
        passed_over = count_passed_over(sorted(set(paths).difference(kept)), root, "structures")
        dataset = found.dataset(reference, options)
        return replace(dataset, notes=(*layout.notes, *dataset.notes), passed_over=passed_over)


@dataclass
class _Found:
    """Crystals with their properties in the files, as parallel lists."""

    crystals: list[Crystal] = field(default_factory=list)
    atoms: list[Any] = field(default_factory=list)
    labels: list[str | None] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, path: Path, root: Path, label: str | None) -> None:
        name = path.name if path == root else path.relative_to(root).as_posix()
        read = read_atoms(path)
        if isinstance(read, str):
            self.problems.append(Problem(name, read))
            return
        for number, atoms in enumerate(read, start=1):
            place = name if len(read) == 1 else f"{name}, structure {number}"
            crystal = crystal_of(atoms)
            if isinstance(crystal, str):
                self.problems.append(Problem(place, crystal))
                continue
            self.crystals.append(crystal)
            self.atoms.append(atoms)
            self.labels.append(label)
            self.places.append(place)

    def dataset(self, name: str, options: ReadOptions) -> Dataset:
        if options.task == POTENTIAL or (options.task is None and options.target_column == "forces"):
            return self._potential(name, options)
        key, values = self._values(name, options)
        kept = [index for index, value in enumerate(values) if not (key and is_missing(value))]
        self.problems += [
            Problem(self.places[index], f"has no '{key}'") for index in range(len(values)) if index not in set(kept)
        ]
        settle(name, len(kept), self.problems, options)
        targets = Targets("none", [])
        if key:
            places = [self.places[index] for index in kept]
            targets = interpret([values[index] for index in kept], places, key, "number" if key == _PER_ATOM else None)
        crystals = [self.crystals[index] for index in kept]
        known = targets.values if key else None
        return Dataset(
            name,
            "crystal",
            crystals,
            known,
            targets.classes,
            fingerprint("crystal", map(_digest, crystals), known, targets.classes),
            targets.kind,
            {"target": key} if key else {},
            tuple(self.problems),
            notes=targets.notes,
        )

    def _values(self, name: str, options: ReadOptions) -> tuple[str, list[Any]]:
        """The name of the target, empty if there is none, and its value for each crystal."""
        wanted = options.target_column
        known = list(dict.fromkeys(str(key) for atoms in self.atoms for key in atoms.info))
        if wanted is not None and wanted != ENERGY:
            if wanted not in known:
                listed = ", ".join(f"'{key}'" for key in [*known, ENERGY, "forces"])
                raise DataError(
                    f"No structure of '{name}' has a property called '{wanted}'; the properties are: {listed}.",
                    suggest(wanted, known),
                )
            return wanted, [atoms.info.get(wanted) for atoms in self.atoms]
        if self.labels and all(label is not None for label in self.labels) and wanted is None:
            return "folder", list(self.labels)
        energies = [_energy(atoms) for atoms in self.atoms]
        if wanted == ENERGY or any(energy is not None for energy in energies):
            return _PER_ATOM, energies
        return "", [None] * len(self.atoms)

    def _potential(self, name: str, options: ReadOptions) -> Dataset:
        pairs: list[tuple[Crystal, EnergyAndForces]] = []
        for crystal, atoms, place in zip(self.crystals, self.atoms, self.places, strict=True):
            forces = _forces(atoms)
            if forces is None:
                self.problems.append(Problem(place, "has no forces"))
            else:
                energy = _energy(atoms)
                pairs.append((crystal, EnergyAndForces(float("nan") if energy is None else energy, forces)))
        settle(name, len(pairs), self.problems, options)
        crystals, targets = [crystal for crystal, _ in pairs], [target for _, target in pairs]
        written = [f"{target.energy!r} {target.forces.tolist()}" for target in targets]
        return Dataset(
            name,
            "crystal",
            crystals,
            targets,
            (),
            fingerprint("crystal", map(_digest, crystals), written),
            "forces",
            {"target": "energy and forces"},
            tuple(self.problems),
        )


def _energy(atoms: Any) -> float | None:
    """The energy in the file, in eV per atom, or None."""
    energy = None if atoms.calc is None else atoms.calc.results.get("energy", atoms.calc.results.get("free_energy"))
    energy = atoms.info.get("energy") if energy is None else energy
    return None if is_missing(energy) else float(energy) / len(atoms)


def _forces(atoms: Any) -> np.ndarray | None:
    import numpy as np

    found = None if atoms.calc is None else atoms.calc.results.get("forces")
    found = atoms.arrays.get("forces") if found is None else found
    if found is None or np.shape(found) != (len(atoms), 3) or not np.isfinite(found).all():
        return None
    return np.asarray(found, dtype=np.float64)


def _digest(crystal: Crystal) -> bytes:
    import hashlib

    return hashlib.sha256(crystal.tobytes()).digest()
