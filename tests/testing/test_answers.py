"""What a model answers is examined too: planted faults are found, and small models of the real architectures pass."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conformance import outcomes_of_models

sys.path[:0] = [str(Path(__file__).parents[1] / "plugins"), str(Path(__file__).parents[1] / "sources")]

CHECKS = (
    "answers-its-tasks",
    "answers-the-same-again",
    "answers-in-any-company",
    "answers-nothing-to-nothing",
    "explains-wrong-questions",
    "answers-extremes",
    "answers-in-its-precision",
)

Install = Callable[[str, str], None]

HASTY = """
from dataclasses import dataclass

from zoo import ModelCard, hookimpl
from zoo.entities import LocalFiles
from zoo.errors import DataError

FAULTS = {FAULTS}


@dataclass(frozen=True)
class Made:
    length: int
    seed: int


class Counter:
    layers, embedding_dimension, calls = (), 0, 0

    def __init__(self, card, dtype):
        self.card, self.fault, self.dtype = card, card.id.split(":")[1], dtype
        self.input_kind = "prompt" if self.fault == "seedless" else "text"

    def count(self, item, company):
        if self.fault == "seedless":
            return Made(len(item.text), item.seed)
        if not isinstance(item, str):
            if self.fault == "credulous":
                return 1.0
            raise DataError(f"'{self.card.id}' counts words of texts." if self.fault != "vague" else "No.")
        Counter.calls += 1
        if self.fault == "fragile" and not item:
            return float("inf")
        if self.fault == "crashing" and not item:
            raise ZeroDivisionError
        if self.fault == "coarse" and self.dtype == "bfloat16":
            return {"label": "many"}
        if self.fault == "unfounded":
            return float("nan")
        wrong = {"moody": Counter.calls, "social": company}
        return float(len(item.split()) + wrong.get(self.fault, 0))


@hookimpl
def zoo_cards():
    for name in FAULTS:
        yield ModelCard(f"hasty:{name}", "language", ("word-counting",), library=name)


@hookimpl
def zoo_download(card, store, progress):
    return LocalFiles(store) if card.source == "hasty" else None


@hookimpl
def zoo_load(card, files, device, dtype):
    return Counter(card, dtype) if card.source == "hasty" else None


@hookimpl
def zoo_predict(backbone, inputs, task):
    if backbone.card.source != "hasty" or backbone.fault == "mute":
        return None
    found = [backbone.count(item, len(inputs)) for item in inputs]
    return found if inputs or backbone.fault != "eager" else [0.0]
"""

FAULTS = {
    "moody": ("answers-the-same-again", "word-counting: the answer a second time differs: number 1: "),
    "social": ("answers-in-any-company", "word-counting: the answer for each input alone differs: number 1: "),
    "seedless": ("answers-the-same-again", "word-counting: another seed gives the same answer"),
    "unfounded": ("answers-its-tasks", "word-counting: an answer is not finite"),
    "mute": ("answers-its-tasks", "it has no feature layers, and supports none of its tasks (word-counting)"),
    "eager": ("answers-nothing-to-nothing", "word-counting: an empty batch has 1 answers"),
    "credulous": ("explains-wrong-questions", "word-counting: an object() is accepted as an input"),
    "vague": (
        "explains-wrong-questions",
        "word-counting: the error message names neither the model nor the input: No.",
    ),
    "fragile": ("answers-extremes", "word-counting: an empty text is not finite"),
    "crashing": ("answers-extremes", "ZeroDivisionError: "),
    "coarse": ("answers-in-its-precision", "word-counting: bfloat16 changes the form"),
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def test_each_fault_of_an_answer_is_found(install: Install) -> None:
    install("hasty", HASTY.replace("{FAULTS}", repr(["sound", *FAULTS])))

    outcomes = outcomes_of_models("hasty")

    passed = {one.check for one in outcomes if one.model == "hasty:sound" and one.status == "passed"}
    assert set(CHECKS) <= passed
    for name, (check, detail) in FAULTS.items():
        failed = {one.check: one.detail for one in outcomes if one.model == f"hasty:{name}" and one.status == "failed"}
        assert failed[check].startswith(detail), failed
    skipped = [one for one in outcomes if one.model == "hasty:sound" and one.check == "survives-extremes"]
    assert skipped[0].detail == "it has no feature layers"


def examined(plugin: str, model: str, *, without: tuple[str, ...] = ()) -> None:
    """Everything that is checked passes, and of the answers all but what the model says it cannot."""
    outcomes = outcomes_of_models(plugin, model)
    assert [f"{one.check}: {one.detail}" for one in outcomes if one.status == "failed"] == []
    passed = {one.check for one in outcomes if one.status == "passed"}
    assert set(CHECKS) - passed == set(without)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        ("yolos", "YolosForObjectDetection"),
        pytest.param("detr", "DetrForObjectDetection", marks=pytest.mark.slow),
        ("segformer", "SegformerForSemanticSegmentation"),
    ],
)
def test_detectors_and_segmenters_conform(make: str, kind: str, tmp_path: Path) -> None:
    import test_vision_dense
    import torch
    import transformers

    folder = tmp_path / make
    getattr(test_vision_dense, make)(folder)
    config: Any = transformers.AutoConfig.from_pretrained(folder)
    config.num_labels = 3
    torch.manual_seed(0)
    getattr(transformers, kind)(config).save_pretrained(folder)
    examined("vision", f"file:{folder}")


def test_image_generators_conform(tmp_path: Path) -> None:
    import small_latent_diffusion
    import test_vision_generation

    examined("vision", test_vision_generation.ddpm(tmp_path / "ddpm"))
    small_latent_diffusion.clip(tmp_path / "clip", 2)
    autoencoder = small_latent_diffusion.autoencoder(2)
    examined("vision", small_latent_diffusion.save(tmp_path / "latent", tmp_path / "clip", autoencoder))


def test_asr_models_conform(tmp_path: Path) -> None:
    import test_audio_recognition
    import test_audio_whisper

    examined("audio", test_audio_recognition.saved(tmp_path / "ctc"))
    examined("audio", test_audio_whisper.saved(tmp_path / "whisper"), without=("answers-in-its-precision",))


@pytest.mark.slow
@pytest.mark.system_packages("espeak-ng")
def test_a_voice_that_runs_a_program_conforms() -> None:
    examined("audio", "pkg:piper-joe-medium")


def test_a_voice_conforms(tmp_path: Path) -> None:
    import test_audio_synthesis

    examined("audio", test_audio_synthesis.saved(tmp_path / "voice"), without=("answers-in-its-precision",))


def test_forecasters_conform(tmp_path: Path) -> None:
    import small_chronos
    import torch

    from zoo_scientific.weather.forecaster import GridConfig, GridViT, save

    examined("scientific", f"file:{small_chronos.bolt(tmp_path / 'bolt', 2)}")
    examined("scientific", f"file:{small_chronos.language(tmp_path / 'language', 2)}")
    torch.manual_seed(0)
    grid = GridViT(GridConfig(3, 1, 6, 8, patch=4))
    torch.nn.init.normal_(grid.project.weight, std=0.1)
    save(grid, tmp_path / "grid")
    examined("scientific", f"file:{tmp_path / 'grid'}", without=("answers-in-its-precision",))


def test_structures_are_examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import test_folding

    folder = test_folding.folder.__wrapped__(tmp_path, monkeypatch)
    passed = {one.check for one in outcomes_of_models("scientific", f"file:{folder}") if one.status == "passed"}
    assert {"answers-its-tasks", "answers-the-same-again", "answers-in-any-company", "answers-extremes"} <= passed
