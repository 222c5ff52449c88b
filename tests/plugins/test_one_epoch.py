"""One epoch of every kind of training, from the command line to an answer of the saved model.

What the same small models learn in many epochs is shown by the tests marked ``slow`` next to them. Two kinds that take
long are slow here too.
"""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from zoo.cli import run

Case = tuple[str, str, tuple[str, ...]]
"""A model, data, and the arguments of ``zoo predict`` after the model."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZOO_ASR_MODEL", "off")


def module_of(name: str) -> Any:
    """The module in which the small models of a kind are made."""
    return importlib.import_module(f"test_{name}")


def tones(folder: Path, columns: tuple[str, ...], texts: tuple[str, ...], seconds: float, rate: int = 16_000) -> str:
    """A table of short tones with noise, one pitch for each text; further columns name the recording again."""
    chance = np.random.default_rng(0)
    folder.mkdir()
    rows = [",".join(columns)]
    for number in range(12):
        time = np.arange(round(rate * seconds)) / rate
        wave = 0.3 * np.sin(2 * np.pi * 200 * (1 + number % len(texts)) * time) + chance.normal(0, 0.01, len(time))
        soundfile.write(folder / f"{number}.wav", wave.astype(np.float32), rate)
        rows.append(",".join([texts[number % len(texts)], *[f"{number}.wav"] * (len(columns) - 1)]))
    (folder / "table.csv").write_text("\n".join(rows))
    return str(folder / "table.csv")


def winds(path: Path, level: bool) -> str:
    """Two years of monthly fields that repeat themselves with noise, with a mask of land, and at a level of pressure."""
    import xarray

    chance, months, shape = np.random.default_rng(0), np.arange(24), (12, 24)
    year = np.sin(2 * np.pi * months / 12)[:, None, None] + chance.normal(0, 0.3, (24, *shape))
    surface, fields = ("time", "latitude", "longitude"), {"lsm": (("latitude", "longitude"), np.ones(shape, "float32"))}
    for name in ("u", "v"):
        fields[f"{name}10"] = (surface, year.astype(np.float32), {"units": "m/s"})  # type: ignore[assignment]
        if level:
            fields[name] = (("time", "level", *surface[1:]), year[:, None].astype(np.float32), {"units": "m/s"})  # type: ignore[assignment]
    axes: dict[str, Any] = {
        "time": ("time", months * 730.5, {"units": "hours since 1982-01-16"}),
        "latitude": np.linspace(70, -60, shape[0]),
        "longitude": np.arange(shape[1]) * 15.0,
    }
    if level:
        axes["level"] = [1000.0]
    xarray.Dataset(fields, coords=axes).to_netcdf(path, engine="scipy")
    return str(path)


def boxes(folder: Path) -> Case:
    dense = module_of("vision_dense")
    data = dense.boxed(folder / "data", 20, 0)
    return dense.yolos(folder / "yolos"), str(data), (str(folder / "data/images/0.png"), "-o", str(folder / "drawn"))


def masks(folder: Path) -> Case:
    dense = module_of("vision_dense")
    data = dense.masked(folder / "data", 20, 0)
    return dense.segformer(folder / "segformer"), str(data), (str(data / "images/0.png"), "-o", str(folder / "drawn"))


def images(folder: Path) -> Case:
    model = module_of("vision_generation").ddpm(folder / "ddpm")
    return model, "sklearn:digits:60", ("3", "--steps", "2", "-o", str(folder / "made"))


def captions(folder: Path) -> Case:
    import transformers

    blip = module_of("multimodal_blip")
    model = blip.saved(folder / "blip", transformers.BlipForConditionalGeneration)
    return model, blip.captions(folder / "data", 2, 0), (str(folder / "data" / "0.png"),)


def questions(folder: Path) -> Case:
    import transformers

    blip = module_of("multimodal_blip")
    model = blip.saved(folder / "blip", transformers.BlipForQuestionAnswering)
    return model, blip.questions(folder / "data", 1, 0), (f"{folder / 'data' / '0.png'} what shape is it ?",)


def characters(folder: Path) -> Case:
    recognition = module_of("audio_recognition")
    data = tones(folder / "data", ("transcription", "path"), ("one", "two"), 0.5)
    return recognition.saved(folder / "ctc"), data, (str(folder / "data" / "0.wav"),)


def transcripts(folder: Path) -> Case:
    recognition = module_of("audio_recognition")
    data = tones(folder / "data", ("transcription", "path"), ("one", "two"), 0.5)
    return recognition.saved_whisper(folder / "whisper"), data, (str(folder / "data" / "0.wav"),)


def speech(folder: Path) -> Case:
    data = tones(folder / "data", ("text", "path", "voice"), ("see", "car"), 0.3)
    model = module_of("audio_synthesis").saved(folder / "speecht5")
    return model, data, ("see", "-o", str(folder / "spoken"))


def music(folder: Path) -> Case:
    sounds = module_of("audio_music")
    model = sounds.saved(folder / "musicgen", sounds.codec())
    data = tones(folder / "data", ("text", "path"), ("low beeps", "high beeps"), 0.25, sounds.RATE)
    return model, data, ("low beeps", "-o", str(folder / "played"))


def structures(folder: Path) -> Case:
    folding = module_of("folding")
    with pytest.MonkeyPatch.context() as patch:
        model = folding.folder.__wrapped__(folder, patch)
    return f"file:{model}", str(folding.pieces(folder / "data", "A")), (folding.SEQUENCE,)


def fields(folder: Path) -> Case:
    from zoo_scientific.weather.fields import HISTORY
    from zoo_scientific.weather.forecaster import GridConfig, GridViT, save

    data = winds(folder / "winds.nc", level=False)
    save(GridViT(GridConfig(HISTORY, 2, 12, 24, patch=6)), folder / "vit")
    return f"file:{folder / 'vit'}", data, (data,)


def states(folder: Path) -> Case:
    data = winds(folder / "winds.nc", level=True)
    return f"file:{module_of('aurora').untrained(folder / 'aurora')}", data, (data,)


CASES: dict[str, tuple[Callable[[Path], Case], str]] = {
    "boxes": (boxes, "object-detection"),
    "masks": (masks, "image-segmentation"),
    "images": (images, "text-to-image"),
    "captions": (captions, "image-to-text"),
    "questions": (questions, "visual-question-answering"),
    "characters": (characters, "automatic-speech-recognition"),
    "transcripts": (transcripts, "automatic-speech-recognition"),
    "speech": (speech, "text-to-speech"),
    "music": (music, "text-to-audio"),
    "structures": (structures, "protein-structure-prediction"),
    "fields": (fields, "weather-forecasting"),
    "states": (states, "weather-forecasting"),
}


LONG = {"images", "speech"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in CASES]
)
def test_a_model_is_tuned_evaluated_and_asked(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, task = CASES[name]
    model, data, asked = make(tmp_path)
    tuned = str(tmp_path / "tuned")
    options = ["--task", task, "--strategy", "full", "--epochs", "1", "--learning-rate", "1e-3", "--batch-size", "4"]

    assert run(["tune", model, data, *options, "-o", tuned, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert run(["predict", f"file:{tuned}", *asked, "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)["predictions"]

    assert found["task"] == task
    assert set(found["metrics"]) & set(found["baseline"])
    assert all(math.isfinite(value) for value in found["metrics"].values())
    assert answers
    assert all(answer["output"] is not None for answer in answers)
