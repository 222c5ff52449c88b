"""SMILES and FASTA files, tables of either, and what is unusable in them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zoo
from zoo.contract.values import Typed
from zoo.errors import DataError
from zoo.kinds.known import kind_of
from zoo_scientific.proteins.residues import RESIDUES, clean, protein_problem
from zoo_scientific.sequence_files import fasta_entries

FASTA = """>one label=globin length=10
MKVLAAGIVG
LLAL
>two label=kinase
mkvl-aagi*
>three label=kinase
MKV1L
>four
MKVL
"""

FINGERPRINTS = {
    "enzymes.csv": "ffa6f3d2888ce866",
    "families": "a3f75ef23e8a315f",
    "named.smi": "db4c5f1d5c8750a5",
    "proteins.fasta": "81e408d284a10294",
}
"""By which kept features and records find such data again."""


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    path = tmp_path / "proteins.fasta"
    path.write_text(FASTA)
    return path


def test_a_fasta_file_with_labels_in_its_headers(fasta: Path) -> None:
    data = zoo.read(fasta)

    assert data.input_kind == "protein"
    assert list(data.inputs) == ["MKVLAAGIVGLLAL", "MKVLAAGI"]
    assert data.classes == ("globin", "kinase")
    assert {problem.item: problem.reason for problem in data.problems} == {
        "three": "has an unknown residue '1' at position 4",
        "four": "has no 'label'",
    }


def test_any_key_of_the_header_can_be_the_target(fasta: Path) -> None:
    assert list(zoo.read(fasta, target_column="length").targets) == [10.0]
    with pytest.raises(DataError, match=r"called 'lenght'; the labels are: label, length"):
        zoo.read(fasta, target_column="lenght")


def test_a_folder_of_fasta_files_has_a_class_for_each(tmp_path: Path) -> None:
    root = tmp_path / "families"
    root.mkdir()
    (root / "globins.fa").write_text(">a\nMKVL\n>b\nMKVI\n")
    with gzip.open(root / "kinases.fa.gz", "wt") as file:
        file.write(">c\nGGAL\n")

    data = zoo.read(root)

    assert (data.classes, list(data.targets), data.input_kind) == (("globins", "kinases"), [0, 0, 1], "protein")


def test_text_that_is_not_fasta_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.fasta"
    path.write_text("MKVL\n")
    with pytest.raises(DataError, match=r"Line 1 .* before any header"):
        zoo.read(path)
    path.write_text("\n")
    with pytest.raises(DataError, match="contains no entries"):
        zoo.read(path)
    path.write_text(">a\nM1\n")
    with pytest.raises(DataError, match=r"No item of .* can be used"):
        zoo.read(path)


@given(st.lists(st.tuples(st.text("abc", min_size=1), st.text(sorted(RESIDUES), min_size=1)), min_size=1, max_size=5))
def test_fasta_comes_back_however_its_lines_are_broken(tmp_path_factory, entries) -> None:
    path = tmp_path_factory.mktemp("fasta") / "x.fa"
    lines = [f">{name}\n" + "\n".join(text[at : at + 3] for at in range(0, len(text), 3)) for name, text in entries]
    path.write_text("\n".join(lines) + "\n")

    assert [(name, text) for name, text, _ in fasta_entries(path)] == entries


@given(st.text(sorted(RESIDUES), min_size=1))
def test_cleaning_twice_changes_nothing(sequence: str) -> None:
    assert protein_problem(clean(f" {sequence.lower()}\n*")) == ""
    assert clean(clean(sequence)) == clean(sequence)


def test_smiles_files_with_and_without_a_line_of_names(tmp_path: Path) -> None:
    plain, named = tmp_path / "plain.smi", tmp_path / "named.smi"
    plain.write_text("CCO ethanol\nc1ccccc1 benzene\nC1CC broken\n")
    named.write_text("smiles name boils\nCCO ethanol 78.4\nc1ccccc1 benzene 80.1\n")

    unlabelled, labelled = zoo.read(plain), zoo.read(named)

    assert (list(unlabelled.inputs), unlabelled.targets) == (["CCO", "c1ccccc1"], None)
    assert unlabelled.problems[0].to_dict() == {"item": "line 3", "reason": "is not a valid SMILES string: 'C1CC'"}
    assert list(labelled.targets) == [78.4, 80.1]
    assert zoo.read(plain, target_column="column 2").classes == ("benzene", "ethanol")


def test_tables_of_molecules_and_of_proteins(tmp_path: Path) -> None:
    drugs, enzymes = tmp_path / "drugs.csv", tmp_path / "enzymes.csv"
    drugs.write_text("name,smiles,activity\na,CCO,1.5\nb,CCN,2.5\nc,nonsense(,3.5\n")
    enzymes.write_text("sequence,fitness\nMKVLAAG,0.5\nMKVLAAC,0.7\nMKVL9AC,0.7\n")

    molecules = zoo.read(drugs, target_column="activity", task="molecular-property-prediction")
    proteins = zoo.read(enzymes, target_column="fitness")

    assert (molecules.input_kind, list(molecules.targets)) == ("molecule", [1.5, 2.5])
    assert (proteins.input_kind, list(proteins.targets)) == ("protein", [0.5, 0.7])
    assert molecules.problems[0].item == proteins.problems[0].item == "line 4"


def test_a_task_for_texts_reads_smiles_as_text(tmp_path: Path) -> None:
    path = tmp_path / "drugs.csv"
    path.write_text("smiles,label\nCCO,a\nCCN,b\n")
    assert zoo.read(path, task="text-classification").input_kind == "text"
    assert zoo.read(path).input_kind == "molecule"


def test_captions_are_targets_of_retrieval(tmp_path: Path) -> None:
    from PIL import Image

    for name in "ab":
        Image.new("RGB", (4, 4), "red" if name == "a" else "blue").save(tmp_path / f"{name}.png")
    (tmp_path / "captions.csv").write_text("image,caption\na.png,a red square\nb.png,a blue square\n")

    data = zoo.read(tmp_path / "captions.csv", task="image-text-retrieval")

    assert (data.input_kind, data.target_kind) == ("image", "text")
    assert list(data.targets) == ["a red square", "a blue square"]
    assert data.fingerprint != data.subset([1, 0]).fingerprint


def test_typed_inputs(fasta: Path, tmp_path: Path) -> None:
    def typed(kind: str, *texts: str) -> Typed:
        return kind_of(kind).read_typed(texts, {}, None)  # type: ignore[arg-type]

    assert list(typed("molecule", "CCO").items) == ["CCO"]
    assert list(typed("protein", "mkv*").items) == ["MKV"]
    with pytest.raises(DataError, match="not a valid SMILES string"):
        typed("molecule", "C1CC")
    with pytest.raises(DataError, match="unknown residue '1'"):
        typed("protein", "M1")
    found = typed("protein", str(fasta), "MKV")
    assert found.names == ("one", "two", "four", "MKV")
    assert [problem.item for problem in found.problems] == ["three"]
    (tmp_path / "some.smi").write_text("CCO ethanol\nC1CC broken\n")
    assert typed("molecule", str(tmp_path / "some.smi")).names == ("line 1",)
    with pytest.raises(DataError, match="not a file of molecules"):
        typed("molecule", str(fasta))


def test_a_folder_of_proteins_beside_texts_is_read_as_proteins(tmp_path: Path) -> None:
    for name in ("globins", "kinases"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "all.fasta").write_text(f">a\nMKV{'L' * len(name)}\n")
        (tmp_path / name / "about.txt").write_text("What this is.")
    data = zoo.read(tmp_path)
    assert (data.input_kind, data.classes) == ("protein", ("globins", "kinases"))
    assert [(group.suffix, group.count) for group in data.passed_over] == [(".txt", 2)]


def test_fingerprints_stay_as_they_were(fasta: Path, tmp_path: Path) -> None:
    (tmp_path / "named.smi").write_text("smiles name boils\nCCO ethanol 78.4\nc1ccccc1 benzene 80.1\n")
    (tmp_path / "enzymes.csv").write_text("sequence,fitness\nMKVLAAG,0.5\nMKVLAAC,0.7\n")
    root = tmp_path / "families"
    root.mkdir()
    (root / "globins.fa").write_text(">a\nMKVL\n>b\nMKVI\n")
    (root / "kinases.fa").write_text(">c\nGGAL\n")

    found = {path.name: zoo.read(path).fingerprint[:16] for path in (fasta, *sorted(tmp_path.iterdir()))}

    assert found == FINGERPRINTS


@pytest.mark.parametrize(("name", "least"), [("rdkit:polar-areas", 4800), ("rdkit:activities", 900)])
def test_molecules_that_come_with_rdkit(name: str, least: int) -> None:
    data = zoo.read(name)
    assert (data.input_kind, data.target_kind) == ("molecule", "number")
    assert len(data) > least
