"""Images out of noise: a small DDPM, trained here by ``zoo tune`` on handwritten digits."""

from __future__ import annotations

import base64
import io
import json
import shutil
import sys
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from conformance import outcomes_of_models
from PIL import Image
from safetensors.torch import load_file, save_file
from sklearn.datasets import load_digits
from sklearn.svm import SVC

import zoo
from zoo.adapt.saved.tuned import TunedBackbone
from zoo.cli import run
from zoo.errors import DataError, InvalidInput, UnsupportedModel
from zoo.features.model import Model
from zoo.features.predicting import question
from zoo_vision.generation.prompts import UNCONDITIONAL, Prompt, requested

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sources"))

from hub_server import HubServer

SIDE = 8


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def ddpm(folder: Path, **options: object) -> str:
    torch.manual_seed(0)
    unet = diffusers.UNet2DModel(
        sample_size=SIDE,
        in_channels=1,
        out_channels=1,
        block_out_channels=(16, 32),
        layers_per_block=1,
        norm_num_groups=8,
        down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
        add_attention=False,
        resnet_time_scale_shift="scale_shift",
        **options,
    )
    diffusers.DDPMPipeline(unet, diffusers.DDPMScheduler()).save_pretrained(folder)
    return f"file:{folder}"


@pytest.mark.slow
def test_digits_are_learnt_made_by_class_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, folder, page = ddpm(tmp_path / "ddpm"), str(tmp_path / "tuned"), tmp_path / "page.html"
    options = ["--strategy", "full", "--learning-rate", "5e-3", "--epochs", "20", "--patience", "20", "--test", "0.1"]
    untrained = zoo.evaluate(model, "sklearn:digits:50", task=UNCONDITIONAL)

    assert run(["tune", model, "sklearn:digits:800", "--task", "text-to-image", *options, "-o", folder, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert run(["predict", f"file:{folder}", "3", "8", "--count", "2", "--seed", "5", "-o", str(page), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["predictions"]

    # The mean of all digits is the baseline.
    assert found["metrics"]["cmmd"] < 0.6 * found["baseline"]["cmmd"]
    assert found["metrics"]["cmmd"] < 0.5 * untrained.metrics["cmmd"]
    assert found["metrics"]["fid"] < 0.6 * untrained.metrics["fid"]
    assert found["plan"]["picture_model"].startswith("pkg:efficientnet-lite0")
    assert {path.name for path in Path(folder).iterdir()} == {
        "README.md",
        "model.safetensors",
        "samples.digests",
        "zoo.json",
    }
    assert [(one["output"]["prompt"], one["output"]["seed"]) for one in shown] == [
        ("3", 5),
        ("3", 6),
        ("8", 5),
        ("8", 6),
    ]
    assert Image.open(io.BytesIO(base64.b64decode(shown[0]["output"]["image"]))).size == (SIDE, SIDE)
    assert "An image generated from &#x27;3&#x27;, seed 5, 50 steps." in page.read_text()

    # A classifier of real digits recognises the class that was asked for; 0.1 by chance.
    tuned, digits = zoo.load(f"file:{folder}"), load_digits()
    made = tuned.predict([Prompt(str(at % 10), at) for at in range(60)])
    pixels = np.stack([np.asarray(one.image.convert("L")).ravel() for one in made]) / 255 * 16
    recognised = SVC(gamma=0.001).fit(digits.data, digits.target).predict(pixels)
    assert (recognised == np.arange(60) % 10).mean() > 0.3
    with pytest.raises(InvalidInput, match="is not one of them"):
        tuned.predict(["eleven"])


def test_a_seed_gives_the_same_image_in_any_batch(tmp_path: Path) -> None:
    model = zoo.load(ddpm(tmp_path / "ddpm"))

    alone, [_, beside] = (
        model.predict([Prompt(seed=7, steps=5)]),
        model.predict([Prompt(seed=1, steps=5), Prompt(seed=7, steps=5)]),
    )

    assert np.abs(np.asarray(alone[0].image, int) - np.asarray(beside.image, int)).max() <= 1
    assert alone[0].steps == 5
    assert model.predict([Prompt(seed=8, steps=5)])[0].image.tobytes() != alone[0].image.tobytes()


def test_images_are_written_or_a_place_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = ddpm(tmp_path / "ddpm")

    assert run(["predict", model, "3", "--steps", "2", "-o", str(tmp_path / "made")]) == 0
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == [
        f"0{seed + 1}-seed-{seed}.png" for seed in range(3)
    ]
    assert run(["predict", model, "3"]) == 1
    assert "Add -o images/" in capsys.readouterr().err
    assert run(["predict", model, "a cat", "-o", str(tmp_path / "made")]) == 1
    assert "takes no prompt" in capsys.readouterr().err


def test_each_mismatch_has_a_message_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ddpm(tmp_path / "ddpm")

    assert run(["tune", model, "sklearn:digits:100", "--strategy", "full"]) == 1
    assert f"--task {UNCONDITIONAL}" in capsys.readouterr().err
    assert run(["evaluate", model, "sklearn:digits:20", "--task", "text-to-image"]) == 1
    assert f"supports {UNCONDITIONAL}, not 'text-to-image'" in capsys.readouterr().err
    monkeypatch.setenv("ZOO_PICTURE_MODEL", model)
    assert run(["evaluate", model, "sklearn:digits:20", "--task", UNCONDITIONAL]) == 1
    assert "takes prompt inputs" in capsys.readouterr().err


@pytest.mark.slow
def test_a_model_that_generates_images_conforms(tmp_path: Path) -> None:
    outcomes = outcomes_of_models("vision", ddpm(tmp_path / "ddpm"))

    assert [f"{one.check}: {one.detail}" for one in outcomes if one.status == "failed"] == []


def test_numbers_of_images_have_bounds() -> None:
    with pytest.raises(InvalidInput, match="1 to 1,000"):
        requested(["0"], prompted=False)
    with pytest.raises(InvalidInput, match="1 to 1,000"):
        requested(["a", "b"], prompted=True, count=501)


def test_a_model_comes_from_the_hub_without_its_copy_in_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ddpm(tmp_path / "ddpm")
    files = {
        path.relative_to(tmp_path / "ddpm").as_posix(): path.read_bytes()
        for path in (tmp_path / "ddpm").rglob("*")
        if path.is_file()
    }
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with HubServer() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.add(
            "zoo/digits",
            {**files, "all-in-one.safetensors": files["unet/diffusion_pytorch_model.safetensors"]},
            library_name="diffusers",
            pipeline_tag=UNCONDITIONAL,
        )
        model = zoo.load("hf:zoo/digits")
        assert not hub.asked("all-in-one")
    assert model.card.tasks == (UNCONDITIONAL,)
    assert model.predict([Prompt(steps=2)])[0].image.size == (SIDE, SIDE)


def _to_pickle(root: Path) -> None:
    path = root / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save({"conv_in.bias": torch.zeros(1)}, path.with_suffix(".bin"))
    path.unlink()


def _index(root: Path, **values: object) -> None:
    index = json.loads((root / "model_index.json").read_text())
    (root / "model_index.json").write_text(json.dumps({**index, **values}))


def _config(root: Path, **values: object) -> None:
    config = json.loads((root / "unet" / "config.json").read_text())
    (root / "unet" / "config.json").write_text(json.dumps({**config, **values}))


def _lose_a_tensor(root: Path) -> None:
    path = root / "unet" / "diffusion_pytorch_model.safetensors"
    save_file({name: tensor for name, tensor in load_file(path).items() if name != "conv_in.bias"}, path)


def test_a_pipeline_may_lie_in_one_folder(tmp_path: Path) -> None:
    model = ddpm(tmp_path / "ddpm")
    for path in [*(tmp_path / "ddpm" / "unet").iterdir(), *(tmp_path / "ddpm" / "scheduler").iterdir()]:
        path.rename(tmp_path / "ddpm" / path.name)
    for name in ("unet", "scheduler"):
        (tmp_path / "ddpm" / name).rmdir()

    assert zoo.load(model).predict([Prompt(steps=2)])[0].image.size == (SIDE, SIDE)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_to_pickle, "no safetensors for its part 'unet'"),
        (lambda root: _index(root, _class_name=["my_pipeline", "Mine"]), "which zoo does not support"),
        (lambda root: _config(root, attn_implementation="some/kernel"), "attention code from another repository"),
        (lambda root: shutil.rmtree(root / "scheduler"), "lacks its part 'scheduler'"),
        (_lose_a_tensor, "lacks 1 tensor of its architecture, such as conv_in.bias"),
    ],
)
def test_what_is_unsafe_or_incomplete_is_refused_in_one_sentence(spoil, told: str, tmp_path: Path) -> None:
    model = ddpm(tmp_path / "ddpm")
    spoil(tmp_path / "ddpm")

    with pytest.raises(UnsupportedModel, match=told):
        zoo.load(model)


def test_an_option_without_effect_is_refused_for_a_tuned_model_too(tmp_path: Path) -> None:
    loaded = zoo.load(ddpm(tmp_path / "ddpm"), device="cpu")
    tuned = TunedBackbone(loaded.card, loaded.backbone, {"classes": (), "task": UNCONDITIONAL}, lambda batch: batch)

    for backbone in (loaded.backbone, tuned):
        model = Model(loaded.card, backbone)
        with pytest.raises(InvalidInput, match="--guidance applies only to models that take text prompts"):
            question(model, UNCONDITIONAL, (), {"guidance": 3.0}).read(model, ["3"])


def test_inputs_are_read_together_so_that_each_image_has_a_seed_of_its_own(tmp_path: Path) -> None:
    images = zoo.predict(ddpm(tmp_path / "ddpm"), ["1", "2"], device="cpu", options={"steps": 2, "seed": 5})

    assert [image.seed for image in images] == [5, 6, 7]


def test_data_without_images_or_without_prompts_are_refused(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("text,label\na,x\nb,y\na,x\nb,y\n")
    (tmp_path / "plain").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "plain" / "1.png")

    with pytest.raises(DataError):
        zoo.read(str(tmp_path / "texts.csv"), task="text-to-image")
    with pytest.raises(DataError, match="have neither a text nor a class"):
        zoo.read(str(tmp_path / "plain"), task="text-to-image")
    assert zoo.read(str(tmp_path / "plain"), task=UNCONDITIONAL).targets[0].image.size == (8, 8)
