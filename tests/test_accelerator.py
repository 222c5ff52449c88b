"""What only an accelerator shows: the same features and scores as on the CPU, memory that runs out, mixed precision."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.entities import Dataset
from zoo.errors import PluginError
from zoo.features.device import best_device

DEVICE = best_device()
WORDS = ("good", "bad", "fine", "poor", "film", "book", "very", "not", "a", "the")

pytestmark = pytest.mark.skipif(not DEVICE.startswith("cuda"), reason="there is no CUDA device")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> str:
    import torch
    from transformers import ViTConfig, ViTImageProcessor, ViTModel

    folder = tmp_path_factory.mktemp("vit")
    torch.manual_seed(0)
    config = ViTConfig(hidden_size=192, num_hidden_layers=4, num_attention_heads=3, intermediate_size=768)
    ViTModel(config, add_pooling_layer=False).save_pretrained(folder)
    ViTImageProcessor().save_pretrained(folder)
    return f"file:{folder}"


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=64, hidden_size=128, num_hidden_layers=3, num_attention_heads=4, intermediate_size=512
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    path = folder / "vocab.txt"
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]) + "\n", encoding="utf-8")
    BertTokenizerFast(vocab=str(path), model_max_length=128).save_pretrained(folder)
    return f"file:{folder}"


def images(count: int) -> Dataset:
    """Discs in front of stripes: the class says which way the stripes run."""
    chance = np.random.default_rng(0)
    targets = [number % 2 for number in range(count)]
    made = []
    for target in targets:
        lines = (np.arange(64) // 8 % 2 * 90 + 60).astype(np.uint8)
        pixels = np.broadcast_to(lines if target else lines[:, None], (64, 64)).copy()
        top, left = chance.integers(0, 48, 2)
        pixels[top : top + 16, left : left + 16] = chance.integers(0, 255)
        made.append(Image.fromarray(np.stack([pixels] * 3, axis=2)))
    return Dataset("stripes", "image", made, targets, ("across", "along"), fingerprint="p" * 64)


def sentences(count: int) -> Dataset:
    chance = np.random.default_rng(1)
    targets = [number % 2 for number in range(count)]
    texts = [
        " ".join([*chance.choice(WORDS[4:], chance.integers(2, 40)), chance.choice(WORDS[target:4:2])])
        for target in targets
    ]
    return Dataset("sentences", "text", texts, targets, ("good", "bad"), fingerprint="t" * 64)


@pytest.fixture
def little_memory() -> Iterator[None]:
    """So little that the default batch fits and one of a thousand images does not."""
    import torch

    torch.cuda.empty_cache()
    share = 700_000_000 / torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(share)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


@pytest.mark.parametrize(("dtype", "near"), [("float32", 0.9999), ("bfloat16", 0.999), ("float16", 0.9999)])
@pytest.mark.parametrize("kind", ["vit", "bert"])
def test_features_are_those_of_the_cpu(request, kind, dtype, near) -> None:
    model, data = request.getfixturevalue(kind), images(20) if kind == "vit" else sentences(70)

    expected = zoo.load(model, device="cpu", dtype="float32").extract(data, cache=False).values
    found = zoo.load(model, device=DEVICE, dtype=dtype).extract(data, cache=False).values

    cosines = (found * expected).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosines.min() > near


def test_scores_move_by_less_than_their_error(vit) -> None:
    from zoo.transfer import score

    data = images(200)
    targets = np.array(data.targets)
    on_cpu = zoo.load(vit, device="cpu").extract(data, ["block2.mean"], cache=False).values
    here = zoo.load(vit, device=DEVICE).extract(data, ["block2.mean"], cache=False).values

    chance = np.random.default_rng(0)
    draws = [chance.integers(0, 200, 200) for _ in range(20)]
    error = np.std([score("logme", on_cpu[rows], targets[rows]) for rows in draws])
    assert abs(score("logme", here, targets) - score("logme", on_cpu, targets)) < error


def test_a_batch_that_does_not_fit_is_halved(vit, little_memory) -> None:
    data = images(1500)
    model = zoo.load(vit, device=DEVICE, dtype="float32")

    found = model.extract(data, batch_size=1500, cache=False).values

    np.testing.assert_allclose(found[::100], model.extract(data, cache=False).values[::100], rtol=2e-2, atol=2e-3)


def test_mixed_precision_learns_in_batches_that_fit(vit, little_memory) -> None:
    run = zoo.tune(vit, images(160), strategy="full", device=DEVICE, epochs=12, learning_rate=1e-3, batch_size=80)

    assert run.metrics["accuracy"] > 0.9


@pytest.mark.parametrize("strategy", ["linear-probe", "full", "lora"])
def test_texts_are_tuned(bert, strategy) -> None:
    run = zoo.tune(bert, sentences(240), strategy=strategy, device=DEVICE, epochs=15, learning_rate=2e-3)

    assert run.metrics["accuracy"] > (0.6 if strategy == "linear-probe" else 0.8)


def test_images_are_generated_and_learnt_as_on_the_cpu(tmp_path: Path) -> None:
    import torch
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    from zoo_vision.generation.prompts import Prompt

    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=8,
        in_channels=1,
        out_channels=1,
        block_out_channels=(16, 32),
        layers_per_block=1,
        norm_num_groups=8,
        down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
        add_attention=False,
    )
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(tmp_path / "ddpm")
    model, prompts = f"file:{tmp_path / 'ddpm'}", [Prompt(seed=seed, steps=10) for seed in range(4)]
    here, on_cpu = (zoo.load(model, device=device).predict(prompts) for device in (DEVICE, "cpu"))

    for found, expected in zip(here, on_cpu, strict=True):
        assert np.abs(np.asarray(found.image, int) - np.asarray(expected.image, int)).mean() < 2
    run = zoo.tune(
        model,
        "sklearn:digits:400",
        task="text-to-image",
        strategy="full",
        device=DEVICE,
        epochs=20,
        learning_rate=5e-3,
        patience=20,
        save_run=False,
    )
    assert run.metrics["cmmd"] < run.baseline["cmmd"]


def test_an_interrupted_training_ends_as_if_nothing_had_happened(bert, monkeypatch) -> None:
    from zoo.adapt.training.loop import _Course

    monkeypatch.setattr("zoo.adapt.training.checkpoint.EVERY", 0.0)
    whole = zoo.tune(bert, sentences(120), strategy="full", device=DEVICE, epochs=4, save_run=False)
    learn, calls = _Course.learn, []

    def dies_in_the_third(self, *arguments):
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("the power went")
        return learn(self, *arguments)

    monkeypatch.setattr(_Course, "learn", dies_in_the_third)
    with pytest.raises(PluginError):
        zoo.tune(bert, sentences(120), strategy="full", device=DEVICE, epochs=4, save_run=False)
    resumed = zoo.tune(bert, sentences(120), strategy="full", device=DEVICE, epochs=4, save_run=False)

    assert len(calls) == 5, "it started from the beginning"
    assert resumed.metrics == pytest.approx(whole.metrics, abs=0.05)


@pytest.mark.parametrize("use", ["run", "full"])
def test_memory_is_estimated(vit, use) -> None:
    """Within a factor of 2 from above: an estimate too low would run into the wall, one too high hides models."""
    import torch

    from zoo.selection.request.memory import CONTEXT, Workload, to_run, to_tune

    model = zoo.load(vit, device=DEVICE, dtype="float32")
    workload = Workload(device=DEVICE, batch_size=64)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    if use == "run":
        model.extract(images(128), batch_size=64, cache=False)
        estimated = to_run(model.card, workload)
    else:
        zoo.tune(vit, images(160), strategy="full", device=DEVICE, epochs=1, batch_size=64, save_run=False)
        estimated = to_tune(model.card, "full", workload)
    peak = torch.cuda.max_memory_reserved() + CONTEXT
    print(f"{use}: estimated {estimated / 1e6:.0f} MB, peak {peak / 1e6:.0f} MB")
    assert 0.8 * peak < estimated < 2 * peak


def test_candidates_are_ranked_on_it(vit) -> None:
    answer = zoo.recommend(images(120), task="image-classification", candidates=[vit], device=DEVICE, layers="all")

    assert answer.candidates[0].score is not None
