"""Images of prompts: a small Stable Diffusion whose U-Net ``zoo tune`` trains, then adapts to other colours by LoRA."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import transformers
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

import zoo
from zoo.cli import run
from zoo.errors import UnsupportedModel

sys.path.insert(0, str(Path(__file__).resolve().parent))

import small_latent_diffusion as small

from zoo_vision.generation.prompts import Prompt

PLAN = ["--task", "text-to-image", "--patience", "50", "--batch-size", "32", "--test", "0.1"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZOO_IMAGE_MODEL", f"file:{tmp_path / 'clip'}")


@pytest.mark.slow
def test_prompts_are_learnt_and_new_colours_by_lora(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small.clip(tmp_path / "clip")
    model = small.save(tmp_path / "model", tmp_path / "clip", small.autoencoder())
    known, others = (
        small.table(tmp_path / name, colours, each, seed)
        for name, colours, each, seed in (("known", small.COLOURS, 40, 0), ("others", small.OTHERS, 24, 2))
    )
    new = small.table(tmp_path / "new", small.OTHERS, 4, 1)
    tuned, adapted, page = str(tmp_path / "tuned"), str(tmp_path / "adapted"), tmp_path / "page.html"

    full = [*PLAN, "--strategy", "full", "--learning-rate", "2e-3", "--epochs", "18"]
    assert run(["tune", model, known, *full, "-o", tuned, "--json"]) == 0
    learned = json.loads(capsys.readouterr().out)
    lora = [
        *PLAN,
        "--strategy",
        "lora",
        "--targets",
        "all-linear",
        "--rank",
        "8",
        "--learning-rate",
        "3e-3",
        "--epochs",
        "12",
    ]
    assert run(["tune", f"file:{tuned}", others, *lora, "-o", adapted, "--json"]) == 0
    adaptation = json.loads(capsys.readouterr().out)
    before, after = (zoo.evaluate(f"file:{folder}", new, task="text-to-image") for folder in (tuned, adapted))
    asked = ["a red disc on the left", "a blue square on the right"]
    assert run(["predict", f"file:{tuned}", *asked, "--count", "4", "-o", str(page), "--json"]) == 0
    capsys.readouterr()

    assert learned["metrics"]["cmmd"] < 0.4 * learned["baseline"]["cmmd"]
    assert learned["metrics"]["clip_score"] > learned["baseline"]["clip_score"] + 10
    assert adaptation["plan"]["trained_parameters"] < 0.3 * sum(
        parameter.numel() for parameter in zoo.load(model).backbone.generator.unet.parameters()
    )
    assert after.metrics["cmmd"] < 0.75 * before.metrics["cmmd"]
    assert after.metrics["clip_score"] > before.metrics["clip_score"] + 10
    assert after.versions["picture_model"].startswith("file:")
    assert "seed 3, 50 steps, guidance 7.5." in page.read_text()

    # Red is on the left where it is asked for, and blue on the right.
    made = zoo.load(f"file:{tuned}").predict([Prompt(text, seed) for text in asked for seed in range(8)])
    pixels = np.stack([np.asarray(one.image, float) for one in made])
    redness, sides = pixels[:, :, :, 0] - pixels[:, :, :, 2], pixels.sum(axis=(1, 3))
    is_red, is_left = redness.mean(axis=(1, 2)) > 0, sides[:, :8].sum(axis=1) > sides[:, 8:].sum(axis=1)
    assert (is_red == np.repeat([True, False], 8)).mean() > 0.75
    assert (is_left == np.repeat([True, False], 8)).mean() > 0.75


def test_what_the_safety_checker_of_a_model_flags_comes_black(tmp_path: Path) -> None:
    """The checker here flags everything; the pipeline has learned nothing."""
    small.clip(tmp_path / "clip", steps=1)
    checker = StableDiffusionSafetyChecker(transformers.CLIPConfig.from_pretrained(tmp_path / "clip"))
    checker.concept_embeds_weights.data.fill_(-2.0)
    model = zoo.load(small.save(tmp_path / "model", tmp_path / "clip", small.autoencoder(1), checker))

    [found] = model.predict([Prompt("a red disc on the left", steps=2)])

    assert found.flagged
    assert not np.asarray(found.image).any()


def test_a_part_that_is_a_pickle_is_not_read(tmp_path: Path) -> None:
    small.clip(tmp_path / "clip", steps=1)
    model = small.save(tmp_path / "model", tmp_path / "clip", small.autoencoder(1))
    part = tmp_path / "model" / "text_encoder"
    (part / "model.safetensors").rename(part / "pytorch_model.bin")

    with pytest.raises(UnsupportedModel, match="no safetensors for its part 'text_encoder'"):
        zoo.load(model)
