"""openai-whisper's own checkpoints: a small one, trained here on synthesised digits, read, evaluated and refused."""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
import whisper

import zoo
from zoo.cli import run
from zoo.errors import UnsupportedModel, ZooError
from zoo.kinds.known import kind_of

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
VOICES = ("en", "en-us", "en+f3", "en-us+m4")
DIMENSIONS = whisper.model.ModelDimensions(
    n_mels=80,
    n_audio_ctx=50,
    n_audio_state=64,
    n_audio_head=4,
    n_audio_layer=2,
    n_vocab=51864,
    n_text_ctx=16,
    n_text_state=64,
    n_text_head=4,
    n_text_layer=1,
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def saved(folder: Path) -> str:
    """A small Whisper as openai-whisper saves its models; it hears one second."""
    torch.manual_seed(0)
    model = whisper.model.Whisper(DIMENSIONS)
    torch.nn.init.normal_(model.decoder.token_embedding.weight, std=0.05)
    torch.nn.init.normal_(model.decoder.positional_embedding, std=0.05)
    folder.mkdir(parents=True)
    torch.save({"dims": asdict(DIMENSIONS), "model_state_dict": model.state_dict()}, folder / "small.en.pt")
    return f"file:{folder}"


def spoken(folder: Path, count: int, seed: int) -> Path:
    """Digits by espeak-ng in four voices, at many speeds and pitches; a table of paths and what is said."""
    chance = random.Random(seed)
    folder.mkdir()
    rows = ["path,transcription"]
    for number in range(count):
        word, voice = DIGITS[number % 10], chance.choice(VOICES)
        options = ["-v", voice, "-s", str(chance.randint(130, 200)), "-p", str(chance.randint(20, 80))]
        subprocess.run(["espeak-ng", *options, "-w", str(folder / f"{number}.wav"), word], check=True)
        rows.append(f"{number}.wav,{word}")
    (folder / "digits.csv").write_text("\n".join(rows))
    return folder / "digits.csv"


@pytest.mark.slow
@pytest.mark.system_packages("espeak-ng")
def test_speech_is_learnt_and_recognised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From random weights to digits: what ``zoo tune`` trains beats the commonest word by far on unheard recordings."""
    model, folder = saved(tmp_path / "whisper"), str(tmp_path / "tuned")
    data, new = spoken(tmp_path / "data", 300, 0), spoken(tmp_path / "new", 60, 1)
    options = [
        "--strategy",
        "full",
        "--learning-rate",
        "2e-3",
        "--epochs",
        "16",
        "--patience",
        "8",
        "--batch-size",
        "16",
    ]

    assert (
        run(["tune", model, str(data), "--task", "automatic-speech-recognition", *options, "-o", folder, "--json"]) == 0
    )
    tuned = json.loads(capsys.readouterr().out)
    assert run(["evaluate", f"file:{folder}", str(new), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert tuned["baseline"]["word_error_rate"] > 0.8
    assert found["task"] == "automatic-speech-recognition"
    assert found["baseline"]["word_error_rate"] == 0.9
    assert found["metrics"]["word_error_rate"] < 0.4
    assert found["metrics"]["character_error_rate"] < 0.4
    assert run(["predict", f"file:{folder}", str(tmp_path / "new" / "3.wav"), "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)["predictions"]
    assert answer["output"] in DIGITS


def test_features_are_the_encoders_own(tmp_path: Path) -> None:
    loaded = zoo.load(saved(tmp_path / "whisper"))
    backbone = loaded.backbone
    recordings = kind_of("audio").ordinary()
    batch = backbone.collate([backbone.preprocess(item) for item in recordings])
    found = backbone.features(batch, backbone.layers)

    wave = torch.from_numpy(recordings[2].at(16000))
    mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(wave, 16000))
    with torch.inference_mode():
        expected = backbone.model.encoder(mel[None])[0, : -(-len(wave) // 320)].mean(dim=0)
    np.testing.assert_allclose(found["layer2.mean"][2], expected, rtol=1e-4, atol=1e-5)
    assert found["layer1.mean"].shape == (4, 64)
    assert loaded.card.library == "openai-whisper"
    assert len(loaded.card.files[0].sha256 or "") == 64


def test_files_that_are_not_a_checkpoint_are_refused(tmp_path: Path) -> None:
    name = saved(tmp_path / "whisper")
    path = tmp_path / "whisper" / "small.en.pt"
    state = torch.load(path, weights_only=True)
    lost = next(iter(state["model_state_dict"]))
    del state["model_state_dict"][lost]
    torch.save(state, path)
    with pytest.raises(UnsupportedModel, match=r"is not a checkpoint of openai-whisper.*Missing key"):
        zoo.load(name)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ZooError):
        zoo.load(name)
