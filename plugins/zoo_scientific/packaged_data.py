"""Molecules and crystals that Python packages ship, with measured or computed properties."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from zoo.contract.reader import ReadOptions, settle
from zoo.data.shipped import Shipped
from zoo.entities import Dataset, Problem
from zoo.errors import DataError, needs_extra
from zoo.kinds.fingerprint import fingerprint
from zoo.kinds.items import text_digest
from zoo.kinds.text import read_text
from zoo_scientific.materials.crystals import crystal_of
from zoo_scientific.molecules.smiles import smiles_problem

AREAS = "Data/NCI/first_5k.tpsa.csv"
ENERGIES = "utils/data_files/magpie_elementdata/GSenergy_pa.table"
ACTIVITIES = "Contrib/FreeWilson/data/CHEMBL2321810"


def polar_areas(name: str, options: ReadOptions) -> Dataset:
    """Topological polar surface areas of compounds of the NCI, in square angstroms (Ertl et al., 2000)."""
    rows = csv.reader(line for line in read_text(_rdkit(AREAS)).splitlines() if not line.startswith("#"))
    return _molecules(name, ((smiles, float(area)) for smiles, area in rows), options)


def activities(name: str, options: ReadOptions) -> Dataset:
    """Activities (negative log10 of molar concentration) of one series of inhibitors from ChEMBL."""
    base = _rdkit(ACTIVITIES)
    known = dict(csv.reader(read_text(base.with_name(f"{base.name}_act.csv")).splitlines()[1:]))
    lines = (line.split() for line in read_text(base.with_name(f"{base.name}.smi")).splitlines() if line.strip())
    return _molecules(name, ((smiles, float(known[key])) for smiles, key in lines if known.get(key)), options)


def bulk_moduli(name: str, options: ReadOptions) -> Dataset:
    """Logarithm to base 10 of the elements' bulk moduli in GPa (WIEN2k; Lejaeghere et al., 2014).

    The modulus spans three orders of magnitude, from 0.5 GPa for noble gases to 400 GPa for osmium.
    """
    with needs_extra("materials", "read crystals"):
        from ase.collections import dcdft
    values = {element: math.log10(dcdft.data[element]["wien2k_B"]) for element in dcdft.names}
    return _elements(name, values, "log10 of the bulk modulus in GPa")


def elemental_energies(name: str, options: ReadOptions) -> Dataset:
    """Energies of the elements in their ground states by VASP and PBE (OQMD, via Magpie; Ward et al., 2016)."""
    with needs_extra("materials", "read crystals"):
        from ase.collections import dcdft
        from ase.data import atomic_numbers
    found = find_spec("matminer")
    if found is None or found.origin is None:
        raise DataError("matminer is not installed.", "Run: pip install --no-deps matminer")
    lines = read_text(Path(found.origin).parent / ENERGIES).splitlines()
    values = {element: float(lines[atomic_numbers[element] - 1]) for element in dcdft.names}
    return _elements(name, values, "energy (eV an atom)")


def _elements(name: str, values: Mapping[str, float], what: str) -> Dataset:
    """Ground states of elements, each with a value."""
    from ase.collections import dcdft

    crystals = []
    for element in values:
        crystal = crystal_of(dcdft[element])
        assert not isinstance(crystal, str)
        crystals.append(crystal)
    targets = list(values.values())
    digests = (hashlib.sha256(crystal.tobytes()).digest() for crystal in crystals)
    return Dataset(
        name, "crystal", crystals, targets, (), fingerprint("crystal", digests, targets), "number", {"target": what}
    )


def has_rdkit() -> bool:
    """Whether RDKit is installed with its data files."""
    return find_spec("rdkit") is not None and _rdkit(AREAS).is_file()


def _rdkit(relative: str) -> Path:
    found = find_spec("rdkit")
    if found is None or found.origin is None:
        raise DataError("RDKit is not installed.", "Run: pip install 'foundation-zoo[scientific]'")
    return Path(found.origin).parent / relative


def _molecules(name: str, pairs: Iterator[tuple[str, float]], options: ReadOptions) -> Dataset:
    """Each molecule once, with its first value."""
    values: dict[str, float] = {}
    problems = []
    for number, (smiles, value) in enumerate(pairs, start=1):
        reason = smiles_problem(smiles)
        if reason:
            problems.append(Problem(f"row {number}", reason))
        else:
            values.setdefault(smiles, value)
    settle(name, len(values), problems, options)
    inputs, targets = list(values), list(values.values())
    digests = (text_digest(smiles) for smiles in inputs)
    return Dataset(
        name,
        "molecule",
        inputs,
        targets,
        (),
        fingerprint("molecule", digests, targets),
        "number",
        {"target": "value"},
        tuple(problems),
    )


SHIPPED = (
    Shipped(
        "rdkit:polar-areas",
        "molecule",
        "Polar surface areas of 5,000 compounds of the NCI, in square angstroms.",
        "pip install 'foundation-zoo[scientific]'",
        has_rdkit,
        polar_areas,
    ),
    Shipped(
        "rdkit:activities",
        "molecule",
        "Measured activities of one series of inhibitors (ChEMBL 2321810).",
        "pip install 'foundation-zoo[scientific]'",
        has_rdkit,
        activities,
    ),
    Shipped(
        "ase:bulk-moduli",
        "crystal",
        "Bulk moduli of 71 elements, as log10 of GPa; all-electron PBE calculations (DeltaCodesDFT).",
        "pip install 'foundation-zoo[materials]'",
        lambda: find_spec("ase") is not None,
        bulk_moduli,
    ),
    Shipped(
        "matminer:energies",
        "crystal",
        "Energies of 71 elements in eV per atom, from the Open Quantum Materials Database.",
        "pip install 'foundation-zoo[materials]' && pip install --no-deps matminer",
        lambda: find_spec("ase") is not None and find_spec("matminer") is not None,
        elemental_energies,
    ),
)
