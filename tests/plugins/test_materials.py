"""CHGNet's packaged weights on real crystals: energies, forces, features, and a property that they carry over to."""

from __future__ import annotations

import json
from pathlib import Path

import ase.build
import ase.io
import numpy as np
import pytest
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from conformance import outcomes_of_models

import zoo
from zoo.cli import run
from zoo.errors import DataError, UnsupportedModel
from zoo_scientific.cards import packaged
from zoo_scientific.materials.crystals import Crystal, Crystals, crystal_of
from zoo_scientific.materials.forces import POTENTIAL, PROPERTY, EnergyAndForces, Forces

CARDS = {card.id: card for card in packaged() if card.library == "chgnet"}
CHGNET = "pkg:chgnet/0.3.0"
SEVENNET = "pkg:sevennet/0"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def rattled(path: Path, count: int = 6, amplitude: float = 0.1) -> Path:
    """Copper, shaken, with the energies and forces of the effective-medium theory (Jacobsen et al., 1996)."""
    shaken = []
    for seed in range(count):
        atoms = ase.build.bulk("Cu", cubic=True)
        atoms.rattle(amplitude, seed=seed)
        atoms.calc = EMT()
        results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
        atoms.calc = SinglePointCalculator(atoms, **results)
        atoms.info["number"] = seed + 0.5
        shaken.append(atoms)
    ase.io.write(path, shaken, format="extxyz")
    return path


@pytest.mark.parametrize("name", CARDS)
def test_the_packaged_weights_load_whole(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    backbone = zoo.load(name).backbone
    assert sum(parameter.numel() for parameter in backbone.module.parameters()) == CARDS[name].parameters
    assert capsys.readouterr().out == ""  # it must not print between a command's lines of JSON


def test_energies_of_the_elements_are_those_of_another_database(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", CHGNET, "matminer:energies", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["task"] == "materials-property-prediction"
    assert found["samples"] == 71
    assert found["metrics"]["mean_absolute_error"] < 0.15 * found["baseline"]["mean_absolute_error"]


def test_forces_are_those_of_another_potential(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = rattled(tmp_path / "rattled.extxyz")
    assert run(["evaluate", CHGNET, str(path), "--task", "interatomic-potential", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["metrics"]) == ["force_mae", "energy_mae"]
    assert found["metrics"]["force_mae"] < 0.5 * found["baseline"]["force_mae"]


def test_forces_are_the_slope_of_the_energy() -> None:
    backbone = zoo.load(CHGNET).backbone
    atoms = ase.build.bulk("NaCl", "rocksalt", 5.64, cubic=True)
    atoms.rattle(0.05, seed=0)
    step, energies = 0.01, []
    for shift in (step, -step):
        moved = atoms.copy()
        moved.positions[0, 0] += shift
        energies.append(backbone.answer(PROPERTY, [_crystal(moved)])[0] * len(atoms))
    slope = -(energies[0] - energies[1]) / (2 * step)
    assert backbone.answer(POTENTIAL, [_crystal(atoms)])[0].forces[0][0] == pytest.approx(slope, abs=0.03)


def test_features_do_not_depend_on_how_the_cell_is_written() -> None:
    model = zoo.load(CHGNET)
    small, large = ase.build.bulk("Cu"), ase.build.bulk("Cu", cubic=True)
    batch = model.backbone.collate([model.backbone.preprocess(_crystal(atoms)) for atoms in (small, large)])
    for rows in model.backbone.features(batch, model.layers).values():
        np.testing.assert_allclose(rows[0], rows[1], rtol=1e-3, atol=1e-4)


def test_a_bulk_modulus_is_learnt_from_frozen_features() -> None:
    found = zoo.tune("pkg:chgnet/r2scan", "ase:bulk-moduli", save_run=False)
    assert found.metrics["mean_absolute_error"] < 0.8 * found.baseline["mean_absolute_error"]


@pytest.mark.slow
def test_all_weights_are_tuned_and_used_again(tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    zoo.tune(CHGNET, "ase:bulk-moduli", strategy="full", epochs=2, batch_size=8, save_run=False, output=str(folder))
    soft, hard = ase.build.bulk("Na"), ase.build.bulk("W")
    answers = zoo.load(f"file:{folder}").predict([_crystal(soft), _crystal(hard)])
    assert answers[0] < answers[1]


def test_crystals_come_from_files_folders_and_tables(tmp_path: Path) -> None:
    for name, symbol in (("copper", "Cu"), ("sodium", "Na")):
        (tmp_path / "cells" / name).mkdir(parents=True)
        ase.io.write(tmp_path / "cells" / name / "1.cif", ase.build.bulk(symbol, cubic=True))
        ase.io.write(tmp_path / "cells" / name / "2.vasp", ase.build.bulk(symbol), format="vasp")
    rows = ["structure,gap", *(f"cells/{name}/1.cif,{gap}" for name, gap in (("copper", 0.25), ("sodium", 0.5)))]
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\ncells/none.cif,1.5\n")

    folder = zoo.read(str(tmp_path / "cells"))
    table = zoo.read(str(tmp_path / "table.csv"), target_column="gap")
    energies = zoo.read(str(rattled(tmp_path / "shaken.xyz")))
    numbers = zoo.read(str(tmp_path / "shaken.xyz"), target_column="number")

    assert (folder.input_kind, folder.classes, list(folder.targets or ())) == (
        "crystal",
        ("copper", "sodium"),
        [0, 0, 1, 1],
    )
    assert (table.target_kind, list(table.targets or ())) == ("number", [0.25, 0.5])
    assert [problem.reason for problem in table.problems] == ["does not exist"]
    assert [crystal.formula for crystal in table.inputs] == ["Cu4", "Na2"]
    assert energies.target_kind == "number"
    assert list(numbers.targets or ()) == [number + 0.5 for number in range(6)]
    assert len({energies.fingerprint, numbers.fingerprint, folder.fingerprint}) == 3


def test_what_cannot_be_a_crystal_is_listed_and_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "cells"
    folder.mkdir()
    ase.io.write(folder / "good.cif", ase.build.bulk("Cu"))
    ase.io.write(folder / "molecule.xyz", ase.build.molecule("H2O"))
    twice = ase.build.bulk("Cu", cubic=True)
    twice.positions[1] = twice.positions[0]
    ase.io.write(folder / "twice.vasp", twice, format="vasp")
    (folder / "broken.cif").write_text("data_nothing\n_cell_length_a x\n")

    found = zoo.read(str(folder))

    assert len(found) == 1
    reasons = {problem.item: problem.reason for problem in found.problems}
    assert "no cell that repeats" in reasons["molecule.xyz"]
    assert "two atoms 0.00 angstroms apart" in reasons["twice.vasp"]
    assert set(reasons) == {"broken.cif", "molecule.xyz", "twice.vasp"}
    with pytest.raises(DataError, match="property called 'colour'"):
        zoo.read(str(folder), target_column="colour")


def test_a_single_structure_is_predicted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ase.io.write(tmp_path / "salt.cif", ase.build.bulk("NaCl", "rocksalt", 5.64))
    assert run(["predict", CHGNET, str(tmp_path / "salt.cif"), "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)["predictions"]
    assert answer["output"]["energy"] == pytest.approx(-3.67, abs=0.05)
    assert np.abs(answer["output"]["forces"]).max() < 1e-3
    assert run(["predict", CHGNET, str(tmp_path / "none.cif")]) == 1
    assert "no structure file" in capsys.readouterr().err


@pytest.mark.slow
def test_it_conforms() -> None:
    failed = [
        f"{o.check}: {o.detail}" for o in outcomes_of_models("scientific", CHGNET, SEVENNET) if o.status == "failed"
    ]
    assert failed == []


def test_another_precision_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="float32"):
        zoo.load(CHGNET, dtype="bfloat16")


def test_where_half_precision_gains_it_is_still_loaded_in_its_own(monkeypatch) -> None:
    monkeypatch.setattr("zoo.features.device.best_precision", lambda device, domain="": "bfloat16")
    assert zoo.load(CHGNET, device="cpu", dtype="auto").dtype == "float32"


def _crystal(atoms: ase.Atoms) -> Crystal:
    found = crystal_of(atoms)
    assert not isinstance(found, str), found
    return found


@pytest.mark.slow
def test_sevennet_gives_forces_of_another_potential(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = rattled(tmp_path / "rattled.extxyz")
    assert run(["evaluate", SEVENNET, str(path), "--task", "interatomic-potential", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["force_mae"] < 0.3 * found["baseline"]["force_mae"]


@pytest.mark.parametrize("others", [("Cu",), ("Cu", "K", "W")])
def test_a_crystal_without_angles_gives_the_same_in_any_batch(others: tuple[str, ...]) -> None:
    """Sodium's atoms lie too far apart for CHGNet's angles, those of copper do not."""
    model = zoo.load("pkg:chgnet/0.2.0")
    crystals = [_crystal(ase.build.bulk(symbol)) for symbol in ("Na", *others)]
    batch = model.backbone.collate([model.backbone.preprocess(crystal) for crystal in crystals])
    together = model.backbone.features(batch, model.layers)
    forces = model.predict(crystals, task="interatomic-potential")
    for place, crystal in enumerate(crystals):
        alone = model.backbone.features(model.backbone.collate([model.backbone.preprocess(crystal)]), model.layers)
        for layer, rows in together.items():
            np.testing.assert_allclose(rows[place].numpy(), alone[layer][0].numpy(), rtol=1e-4, atol=1e-5)
        [own] = model.predict([crystal], task="interatomic-potential")
        assert forces[place].energy == pytest.approx(own.energy, abs=1e-4)
        np.testing.assert_allclose(forces[place].forces, own.forces, atol=1e-4)


def test_sevennet_gives_the_same_features_and_energies_in_any_batch() -> None:
    backbone = zoo.load(SEVENNET).backbone
    copper, salt = (
        Crystal(atoms.numbers, atoms.positions, atoms.cell.array)
        for atoms in (ase.build.bulk("Cu", cubic=True), ase.build.bulk("NaCl", "rocksalt", a=5.64))
    )
    both = backbone.features(backbone.collate([backbone.preprocess(item) for item in (copper, salt)]), backbone.layers)
    alone = backbone.features(backbone.collate([backbone.preprocess(salt)]), backbone.layers)
    assert both["atoms.mean"].shape == (2, 128)
    assert np.allclose(both["atoms.mean"][1], alone["atoms.mean"][0], atol=1e-4)
    assert backbone.answer(PROPERTY, [copper, salt])[1] == pytest.approx(backbone.answer(PROPERTY, [salt])[0], abs=1e-4)
    far = Crystal(copper.numbers[:1], copper.positions[:1], np.eye(3) * 9)
    with pytest.raises(DataError, match="no neighbours within 5"):
        backbone.preprocess(far)


def test_an_answer_is_printed_as_before() -> None:
    answer, kind = EnergyAndForces(-3.5, np.ones((1, 3))), Forces()
    assert kind.summary(answer) == [("-3.5000 eV per atom", "")]
    assert kind.to_json(answer) == {"energy": -3.5, "forces": [[1.0, 1.0, 1.0]]}
    assert Crystals().input_html(_crystal(ase.build.bulk("Cu"))) == "<p>Cu</p>"


def test_answers_without_forces_are_not_compared_with_forces() -> None:
    with pytest.raises(UnsupportedModel, match="does not predict energies and forces"):
        Forces().comparable(None, -3.5)
