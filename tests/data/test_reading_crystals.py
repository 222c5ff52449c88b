"""Folders and files of crystals: splits are not classes, labels stay as written, fingerprints stay the same."""

from __future__ import annotations

from pathlib import Path

import pytest

import zoo

pytest.importorskip("ase")


def write(path: Path, edge: float, **properties: str) -> None:
    from ase.build import bulk
    from ase.io import write as ase_write

    atoms = bulk("Cu", a=edge)
    atoms.info.update(properties)
    path.parent.mkdir(parents=True, exist_ok=True)
    ase_write(path, atoms, append=path.suffix == ".extxyz")


def test_splits_of_structures_are_unlabelled(tmp_path: Path) -> None:
    for number, split in enumerate(("train", "test")):
        write(tmp_path / split / "a.cif", 3.6 + number / 10)
    (tmp_path / "train" / "notes.pdf").write_text("about")
    data = zoo.read(tmp_path)
    assert (data.input_kind, len(data), data.classes, data.targets) == ("crystal", 2, (), None)
    assert "'test' (1) and 'train' (1)" in data.notes[0]
    assert [group.suffix for group in data.passed_over] == [".pdf"]


def test_classes_below_splits_of_structures_are_read(tmp_path: Path) -> None:
    for number, folder in enumerate(("train/fcc", "train/hcp", "test/fcc")):
        write(tmp_path / folder / "a.cif", 3.6 + number / 10)
    assert zoo.read(tmp_path).classes == ("fcc", "hcp")


def test_labels_of_extended_xyz_stay_as_written(tmp_path: Path) -> None:
    for number, label in enumerate(["007", "042", "9007199254740993"] * 2):
        write(tmp_path / "x.extxyz", 3.6 + number / 10, label=label, other=f"{number}")
    assert zoo.read(tmp_path / "x.extxyz", target_column="label").classes == ("007", "042", "9007199254740993")
    assert list(
        zoo.read(tmp_path / "x.extxyz", target_column="other", task="materials-property-prediction").targets
    ) == [
        0.0,
        1.0,
        2.0,
        3.0,
        4.0,
        5.0,
    ]


SALT = """2
Lattice="4.0 0.0 0.0 0.0 4.0 0.0 0.0 0.0 4.0" Properties=species:S:1:pos:R:3:forces:R:3 energy=-6.5 gap=1.25 pbc="T T T"
Cs 0.0 0.0 0.0 0.0 0.25 0.0
Cl 2.0 2.0 2.0 0.0 -0.25 0.0
2
Lattice="4.5 0.0 0.0 0.0 4.5 0.0 0.0 0.0 4.5" Properties=species:S:1:pos:R:3:forces:R:3 energy=-6.0 gap=0.5 pbc="T T T"
Cs 0.0 0.0 0.0 0.0 0.0 0.0
Cl 2.25 2.25 2.25 0.0 0.0 0.5
"""


@pytest.mark.parametrize(
    ("options", "fingerprint"),
    [
        ({}, "284bfd04b8ee5a79209290962ed2caf0553c650184ff99ff71c79ca9279d29b4"),
        ({"target_column": "gap"}, "bc877f570470d56a403e65762976e809ec8e208d8c9e2cda19dd5dbc57e95f07"),
        ({"task": "interatomic-potential"}, "0afadfdd5f097bfc4248be52872c57eac3f9dbecf6a17ecaf3ee6d482d878519"),
    ],
)
def test_fingerprints_are_those_of_earlier_versions(options: dict[str, str], fingerprint: str, tmp_path: Path) -> None:
    (tmp_path / "salt.extxyz").write_text(SALT)
    assert zoo.read(tmp_path / "salt.extxyz", **options).fingerprint == fingerprint
