"""Models of images and text: small CLIPs of the real architectures, trained here on captions, then used through zoo."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
import transformers
from captioned_shapes import CAPTIONS, COLOURS, PLACES, SHAPES, SIDE, drawn, folders_of_shapes, table_of_captions
from conformance import outcomes_of_models

import zoo
from zoo.cli import run
from zoo.errors import InvalidInput, ModelNotFound
from zoo.sources import remove, source

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sources"))

from hub_server import HubServer

MODEL, TAG, REPOSITORY = "ViT-B-32", "laion2b_s34b_b79k", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"


def contrast(images: torch.Tensor, texts: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """The loss of CLIP: each image with its own text among the batch's, and the other way round."""
    images, texts = (torch.nn.functional.normalize(vectors, dim=1) for vectors in (images, texts))
    logits = scale.exp() * images @ texts.T
    own = torch.arange(len(logits))
    both = torch.nn.functional.cross_entropy(logits, own) + torch.nn.functional.cross_entropy(logits.T, own)
    return both / 2


def train(model, embed_images, embed_texts, pixels: torch.Tensor, steps: int = 250) -> None:
    """Every step sees each caption once, with one of its images."""
    torch.manual_seed(0)
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    model.train()
    for _ in range(steps):
        drawn_now = pixels[torch.randint(pixels.shape[0], (len(CAPTIONS),)), torch.arange(len(CAPTIONS))]
        optimizer.zero_grad()
        contrast(embed_images(drawn_now), embed_texts(), model.logit_scale).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.eval()


@pytest.fixture(scope="module")
def open_clip_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files that a repository of open_clip has."""
    folder = tmp_path_factory.mktemp("openclip")
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    config = {
        "embed_dim": 64,
        "vision_cfg": {"image_size": SIDE, "layers": 2, "width": 64, "head_width": 16, "patch_size": 8},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 1},
    }
    preprocessing = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "shortest"}
    model = open_clip.CLIP(**config)
    model.token_embedding.requires_grad_(False)  # 49,408 words, of which a dozen occur; random vectors serve as well
    transform = open_clip.image_transform(SIDE, False, mean=(0.5,) * 3, std=(0.5,) * 3)
    pixels = torch.stack([torch.stack([transform(drawn(c, generator)) for c in CAPTIONS]) for _ in range(8)])
    tokens = open_clip.get_tokenizer("ViT-B-32", context_length=16)(CAPTIONS)
    train(model, model.encode_image, lambda: model.encode_text(tokens), pixels)
    from safetensors.torch import save_file

    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors")
    document = {"model_cfg": config, "preprocess_cfg": preprocessing}
    (folder / "open_clip_config.json").write_text(json.dumps(document))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def transformers_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP of transformers with a tokenizer of words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    words = ["[PAD]", "[UNK]", "[BOS]", "[EOS]", *sorted({w for c in CAPTIONS for w in c.split()}), "photo", "of"]
    inner = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single="[BOS] $A [EOS]", special_tokens=[("[BOS]", 2), ("[EOS]", 3)]
    )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", bos_token="[BOS]", eos_token="[EOS]", unk_token="[UNK]"
    )
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4, "projection_dim": 48}
    config = transformers.CLIPConfig(
        text_config={
            **sizes,
            "num_hidden_layers": 1,
            "vocab_size": len(words),
            "max_position_embeddings": 16,
            "pad_token_id": 0,
            "bos_token_id": 2,
            "eos_token_id": 3,
        },
        vision_config={**sizes, "num_hidden_layers": 2, "image_size": SIDE, "patch_size": 8},
        projection_dim=48,
    )
    model = transformers.CLIPModel(config)
    processor = transformers.CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    pixels = torch.stack(
        [
            processor(images=[drawn(caption, generator) for caption in CAPTIONS], return_tensors="pt")["pixel_values"]
            for _ in range(8)
        ]
    )
    tokens = tokenizer(CAPTIONS, padding=True, return_tensors="pt")
    tokens = {name: tokens[name] for name in ("input_ids", "attention_mask")}
    train(
        model,
        lambda values: model.get_image_features(pixel_values=values).pooler_output,
        lambda: model.get_text_features(**tokens).pooler_output,
        pixels,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "ZOO_OFFLINE", "ZOO_REGISTRY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tagged(open_clip_files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A Hub that holds the small model where open_clip's tag says that the large one is."""
    with HubServer() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.add(REPOSITORY, open_clip_files, library_name="open_clip", pipeline_tag="zero-shot-image-classification")
        yield f"openclip:{MODEL}/{TAG}"


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    """A table of new images, each with its caption; every caption once."""
    return table_of_captions(tmp_path / "images")


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    """New images in folders by what is on them."""
    return folders_of_shapes(tmp_path / "shapes")


@pytest.mark.slow
def test_a_tag_of_open_clip_is_pulled_and_finds_captions(
    tagged: str, captions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["pull", tagged]) == 0
    capsys.readouterr()
    assert run(["evaluate", tagged, str(captions), "--task", "image-text-retrieval", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)

    assert found["samples"] == len(CAPTIONS)
    assert found["baseline"]["recall_at_1"] == pytest.approx(1 / len(CAPTIONS))
    assert found["metrics"]["recall_at_1"] > 0.6
    assert found["metrics"]["recall_at_5"] > 0.9


def test_a_tag_of_open_clip_classifies_by_the_names_of_the_classes(tagged: str, shapes: Path) -> None:
    found = zoo.evaluate(tagged, str(shapes))

    assert found.task == "zero-shot-image-classification"
    assert found.baseline["accuracy"] == pytest.approx(1 / 12)
    assert found.metrics["accuracy"] > 0.5


def test_a_tag_of_open_clip_is_described_verified_and_removed(tagged: str) -> None:
    with pytest.raises(ModelNotFound, match="is not on this machine"):
        zoo.verify(tagged)
    files = zoo.pull(tagged)
    platform = source("openclip")
    card = platform.describe(f"{MODEL}/{TAG}", files.revision)

    assert (card.id, card.domain, card.library) == (tagged, "multimodal", "open_clip")
    assert card.loader == {"model": MODEL, "pretrained": TAG}
    assert platform.locate(card) == files
    [checked] = zoo.verify(tagged)
    assert (checked.id, checked.healthy) == (tagged, True)
    assert remove(tagged) >= files.bytes
    assert platform.locate(card) is None


def test_a_clip_of_transformers_does_both(transformers_folder: Path, captions: Path, shapes: Path) -> None:
    name = f"file:{transformers_folder}"

    retrieved = zoo.evaluate(name, str(captions), task="image-text-retrieval")
    classified = zoo.evaluate(name, str(shapes), task="zero-shot-image-classification")

    assert retrieved.metrics["recall_at_1"] > 0.6
    assert classified.metrics["accuracy"] > 0.5


def test_labels_on_the_command_line(
    transformers_folder: Path, shapes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, image = f"file:{transformers_folder}", str(shapes / "red_circle" / "left.png")
    labels = "green triangle,red circle,blue square"

    assert run(["predict", name, image, "--labels", labels, "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)["predictions"]
    assert answer["output"][0]["label"] == "red circle"
    assert sum(label["score"] for label in answer["output"]) == pytest.approx(1)
    assert run(["predict", name, image, "--task", "zero-shot-image-classification"]) == 1
    assert "needs at least 2 labels to choose from" in capsys.readouterr().err


def test_features_train_a_probe(transformers_folder: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(9)
    for colour in COLOURS:
        (tmp_path / "train" / colour).mkdir(parents=True)
        for number, (shape, place) in enumerate(itertools.product(SHAPES, [*PLACES] * 3)):
            drawn(f"a {colour} {shape} on the {place}", generator).save(tmp_path / "train" / colour / f"{number}.png")

    tuned = zoo.tune(f"file:{transformers_folder}", str(tmp_path / "train"), save_run=False)

    assert tuned.metrics["accuracy"] > tuned.baseline["accuracy"] + 0.3


def test_five_images_of_each_class_are_enough(
    transformers_folder: Path, shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Few-shot: a probe on the features of three images per class, one more to stop by and one to test on."""
    generator = np.random.default_rng(10)
    for colour, shape in itertools.product(COLOURS, SHAPES):
        (tmp_path / "few" / f"{colour}_{shape}").mkdir(parents=True)
        for number, place in enumerate([*PLACES, *PLACES, "left"]):
            image = drawn(f"a {colour} {shape} on the {place}", generator)
            image.save(tmp_path / "few" / f"{colour}_{shape}" / f"{number}.png")
    folder = str(tmp_path / "tuned")
    assert run(["tune", f"file:{transformers_folder}", str(tmp_path / "few"), "-o", folder, "--json"]) == 0
    capsys.readouterr()
    assert run(["evaluate", f"file:{folder}", str(shapes), "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert evaluated["metrics"]["accuracy"] > evaluated["baseline"]["accuracy"] + 0.3


def test_they_conform(transformers_folder: Path) -> None:
    outcomes = outcomes_of_models("multimodal", f"file:{transformers_folder}")
    failed = [f"{o.check}: {o.detail}" for o in outcomes if o.status == "failed"]
    assert failed == []


def test_vectors_of_texts_are_the_models_own(transformers_folder: Path) -> None:
    backbone = zoo.load(f"file:{transformers_folder}").backbone
    model = transformers.CLIPModel.from_pretrained(transformers_folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(transformers_folder)
    tokens = tokenizer(CAPTIONS[:3], padding=True, return_tensors="pt")
    with torch.inference_mode():
        own = model.get_text_features(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
    expected = torch.nn.functional.normalize(own.pooler_output, dim=1)

    np.testing.assert_allclose(backbone.embed_texts(CAPTIONS[:3]), expected, atol=1e-5)
    assert backbone.embed_texts(["word " * 500]).shape == (1, 48)


def test_what_cannot_be(transformers_folder: Path) -> None:
    with pytest.raises(ModelNotFound, match="no pretrained tag 'ViT-B-32/laion2b_s34b_b79q'") as error:
        zoo.pull("openclip:ViT-B-32/laion2b_s34b_b79q")
    assert "laion2b_s34b_b79k" in error.value.hint
    backbone = zoo.load(f"file:{transformers_folder}").backbone
    with pytest.raises(InvalidInput, match="at least one output"):
        backbone.head("x", 0)
