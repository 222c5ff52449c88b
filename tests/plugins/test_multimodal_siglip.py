"""SigLIP of transformers and of open_clip: small ones, trained here with its sigmoid loss, then used through zoo."""

from __future__ import annotations

import io
import itertools
import json
import math
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import open_clip
import pytest
import sentencepiece
import torch
import transformers
from captioned_shapes import CAPTIONS, COLOURS, SHAPES, SIDE, drawn, folders_of_shapes, table_of_captions
from conformance import outcomes_of_models
from open_clip.loss import SigLipLoss
from PIL import Image
from safetensors.torch import load_file, save_file

import zoo
from zoo.cli import run
from zoo_multimodal.image_text_backbone import TEMPLATES

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sources"))

from hub_server import HubServer

SENTENCES = [beginning + caption for beginning in ("", "a photo of ", "a picture of ") for caption in CAPTIONS]
KINDS = [f"{colour} {shape}" for colour, shape in itertools.product(COLOURS, SHAPES)]
LENGTH = 64
BIAS = -4.0
"""The paper starts at -10, for batches of thousands; of 24 texts 23 do not fit an image, a log odds of about -3."""

MODEL, TAG, REPOSITORY = "ViT-B-16-SigLIP", "webli", "timm/ViT-B-16-SigLIP"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "ZOO_OFFLINE", "ZOO_REGISTRY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def pieces() -> bytes:
    """A sentencepiece model with the special ids of SigLIP's: 1 ends and pads, 2 is unknown."""
    words = sorted({word for sentence in SENTENCES for word in sentence.split()})
    found = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*SENTENCES, "the quick brown fox jumps over the lazy dog", "<unk>"]),
        vocab_size=100,
        model_writer=found,
        user_defined_symbols=[f"▁{word}" for word in words],
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    return found.getvalue()


def train(model: torch.nn.Module, loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], prepare, tokens) -> None:
    """Every step sees each caption once, in one of three sentences, with one of its images."""
    generator, steps, every = np.random.default_rng(0), 250, torch.arange(len(CAPTIONS))
    pixels = torch.stack([torch.stack([prepare(drawn(c, generator)) for c in CAPTIONS]) for _ in range(8)])
    tokens = tokens.view(-1, len(CAPTIONS), tokens.shape[1])
    with torch.no_grad():
        model.logit_scale.fill_(math.log(10))
        model.logit_bias.fill_(BIAS)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    model.train()
    for _ in range(steps):
        image, sentence = (torch.randint(len(kinds), (len(CAPTIONS),)) for kinds in (pixels, tokens))
        optimizer.zero_grad()
        loss(pixels[image, every], tokens[sentence, every]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, pieces: bytes) -> Path:
    """A SigLIP of transformers with the files that the Hub has of one."""
    folder = tmp_path_factory.mktemp("siglip")
    (folder / "spiece.model").write_bytes(pieces)
    tokenizer = transformers.SiglipTokenizer(str(folder / "spiece.model"), model_input_names=["input_ids"])
    images = transformers.SiglipImageProcessor(size={"height": SIDE, "width": SIDE})
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4, "num_hidden_layers": 2}
    torch.manual_seed(0)
    model = transformers.SiglipModel(
        transformers.SiglipConfig(
            text_config={
                **sizes,
                "vocab_size": len(tokenizer),
                "max_position_embeddings": LENGTH,
                "bos_token_id": None,
                "eos_token_id": 1,
                "pad_token_id": 1,
            },
            vision_config={**sizes, "image_size": SIDE, "patch_size": 8},
        )
    )
    train(
        model,
        lambda pixels, ids: model(pixel_values=pixels, input_ids=ids, return_loss=True).loss,
        lambda image: images(images=image, return_tensors="pt")["pixel_values"][0],
        tokenizer(SENTENCES, padding="max_length", max_length=LENGTH, return_tensors="pt").input_ids,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    images.save_pretrained(folder)
    return folder


def reshaped(image: Image.Image, wide: bool) -> Image.Image:
    """Twice as wide as high, or the other way round: neither fills the patches that there are."""
    return image.resize((48, 24) if wide else (24, 48))


@pytest.fixture(scope="module")
def flexible(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SigLIP 2 of flexible resolution, trained on images of two shapes, with Gemma's tokenizer."""
    folder = tmp_path_factory.mktemp("siglip2")
    built = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *"abcdefghijklmnopqrstuvwxyz"]
    merges = []
    for word in sorted({f"▁{word}" for sentence in SENTENCES for word in sentence.split()}):
        for end in range(1, len(word)):
            merges.append((word[:end], word[end]))
            built.append(word[: end + 1])
    vocabulary = {sign: place for place, sign in enumerate(dict.fromkeys(built))}
    merges = list(dict.fromkeys(merges))
    transformers.GemmaTokenizer(vocab=vocabulary, merges=merges, padding_side="right").save_pretrained(folder)
    images = transformers.Siglip2ImageProcessor(patch_size=8, max_num_patches=19)
    images.save_pretrained(folder)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4, "num_hidden_layers": 2}
    torch.manual_seed(0)
    model = transformers.Siglip2Model(
        transformers.Siglip2Config(
            text_config={
                **sizes,
                "vocab_size": len(vocabulary),
                "max_position_embeddings": LENGTH,
                "bos_token_id": 2,
                "eos_token_id": 1,
                "pad_token_id": 0,
            },
            vision_config={**sizes, "num_patches": 16, "patch_size": 8},
        )
    )
    model.save_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    shapes = itertools.cycle([True, False])

    def prepare(image: Image.Image) -> torch.Tensor:
        found = images(images=reshaped(image, next(shapes)), return_tensors="pt")
        grid = found["spatial_shapes"].expand(19, 2)
        return torch.cat([found["pixel_values"][0], found["pixel_attention_mask"].T, grid], dim=1)

    train(
        model,
        lambda pixels, ids: (
            model(
                pixel_values=pixels[:, :, :-3],
                pixel_attention_mask=pixels[:, :, -3].int(),
                spatial_shapes=pixels[:, 0, -2:].long(),
                input_ids=ids,
                return_loss=True,
            ).loss
        ),
        prepare,
        tokenizer(SENTENCES, padding="max_length", max_length=LENGTH, return_tensors="pt").input_ids,
    )
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def open_clip_files(tmp_path_factory: pytest.TempPathFactory, pieces: bytes) -> dict[str, bytes]:
    """The files of a repository with a SigLIP of open_clip: a tower for images of timm, T5's tokenizer, a bias."""
    folder = tmp_path_factory.mktemp("openclip")
    read = sentencepiece.SentencePieceProcessor(model_proto=pieces)
    vocabulary = [(read.id_to_piece(place), read.get_score(place)) for place in range(read.get_piece_size())]
    transformers.T5Tokenizer(
        vocab=vocabulary, extra_ids=0, pad_token="</s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    config = {
        "embed_dim": 64,
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": {
            "image_size": 64,
            "timm_model_name": "test_vit",
            "timm_model_pretrained": False,
            "timm_pool": "map",
            "timm_proj": "none",
        },
        "text_cfg": {
            "context_length": 16,
            "vocab_size": len(vocabulary),
            "hf_tokenizer_name": REPOSITORY,
            "tokenizer_kwargs": {"clean": "canonicalize"},
            "width": 64,
            "heads": 4,
            "layers": 2,
            "no_causal_mask": True,
            "proj_bias": True,
            "pool_type": "last",
            "norm_kwargs": {"eps": 1e-6},
        },
    }
    preprocessing = {
        "size": [64, 64],
        "mode": "RGB",
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
        "interpolation": "bicubic",
        "resize_mode": "squash",
    }
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocessing}))
    torch.manual_seed(0)
    name, loss = f"local-dir:{folder}", SigLipLoss()
    model, _, transform = open_clip.create_model_and_transforms(name, require_pretrained=False)
    tokens = open_clip.get_tokenizer(name)(SENTENCES)
    train(model, lambda pixels, ids: loss(*model(pixels, ids)), transform, tokens)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    return table_of_captions(tmp_path / "images")


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    return folders_of_shapes(tmp_path / "shapes")


def answer(command: list[str], capsys: pytest.CaptureFixture[str]) -> dict:
    """What a command prints as JSON."""
    capsys.readouterr()
    assert run([*command, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def own_text_features(folder: Path, texts: list[str]) -> torch.Tensor:
    """As the paper has them: texts to the model's full length, nothing masked; of length 1."""
    tokenizer = transformers.SiglipTokenizer.from_pretrained(folder)
    model = transformers.SiglipModel.from_pretrained(folder).eval()
    ids = tokenizer(texts, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt").input_ids
    with torch.inference_mode():
        return torch.nn.functional.normalize(model.get_text_features(input_ids=ids).pooler_output, dim=1)


@pytest.mark.slow
def test_it_classifies_by_names_and_finds_captions(
    folder: Path, captions: Path, shapes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"file:{folder}"
    classified = answer(["evaluate", name, str(shapes)], capsys)
    retrieved = answer(["evaluate", name, str(captions), "--task", "image-text-retrieval"], capsys)

    assert classified["task"] == "zero-shot-image-classification"
    assert classified["baseline"]["accuracy"] == pytest.approx(1 / 12)
    assert classified["metrics"]["accuracy"] > 0.5
    assert retrieved["baseline"]["recall_at_1"] == pytest.approx(1 / 24)
    assert retrieved["metrics"]["recall_at_1"] > 0.3


def test_scores_are_the_models_own_probabilities(
    folder: Path, shapes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of its own logits under a sigmoid, with the label's sentences averaged; not shared out among the labels."""
    paths = sorted(shapes.rglob("*.png"))
    command = ["predict", f"file:{folder}", *map(str, paths), "--labels", ",".join(KINDS)]
    found = answer(command, capsys)["predictions"]
    model = transformers.SiglipModel.from_pretrained(folder).eval()
    images = transformers.SiglipImageProcessor.from_pretrained(folder)
    pixels = images(images=[Image.open(path) for path in paths], return_tensors="pt")["pixel_values"]
    sentences = torch.stack([own_text_features(folder, [t.format(kind) for kind in KINDS]) for t in TEMPLATES])
    with torch.inference_mode():
        vectors = torch.nn.functional.normalize(model.get_image_features(pixel_values=pixels).pooler_output, dim=1)
        cosines = vectors @ torch.nn.functional.normalize(sentences.mean(dim=0), dim=1).T
        expected = (cosines * model.logit_scale.exp() + model.logit_bias).sigmoid()

    for row, one in zip(expected, found, strict=True):
        best = row.argsort(descending=True)[:5].tolist()
        assert [label["label"] for label in one["output"]] == [KINDS[place] for place in best]
        assert [label["score"] for label in one["output"]] == pytest.approx(row[best].tolist(), abs=1e-5)
    totals = [sum(label["score"] for label in one["output"]) for one in found]
    assert max(abs(total - 1) for total in totals) > 0.2
    # With one sentence for a label they are what the whole model gives, bias and scale included.
    towers = zoo.load(f"file:{folder}").backbone.module
    tokenizer = transformers.SiglipTokenizer.from_pretrained(folder)
    ids = tokenizer(CAPTIONS, padding="max_length", max_length=LENGTH, return_tensors="pt").input_ids
    with torch.inference_mode():
        whole = model(pixel_values=pixels, input_ids=ids).logits_per_image.sigmoid()
        one_by_one = towers.odds(vectors @ torch.nn.functional.normalize(towers.texts(CAPTIONS), dim=1).T)
    torch.testing.assert_close(one_by_one, whole, atol=1e-5, rtol=1e-4)


def test_small_scores_are_told_apart(folder: Path, shapes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An image that no label fits has no row of zeros."""
    copy = shapes.parent / "strict"
    shutil.copytree(folder, copy)
    weights = load_file(copy / "model.safetensors")
    save_file({**weights, "logit_bias": torch.tensor([-30.0])}, copy / "model.safetensors", {"format": "pt"})
    image = str(shapes / "red_circle" / "left.png")

    assert run(["predict", f"file:{copy}", image, "--labels", ",".join(KINDS)]) == 0

    assert "e-" in capsys.readouterr().out


def test_texts_are_padded_to_the_full_length_and_nothing_is_masked(folder: Path, tmp_path: Path) -> None:
    texts = ["a red circle", "A photo of a RED, circle!", "a blue square on the left " * 30]
    expected = own_text_features(folder, texts)

    backbone = zoo.load(f"file:{folder}").backbone
    np.testing.assert_allclose(backbone.embed_texts(texts), expected, atol=1e-5)
    # Alone too: in the company of a long text every other is padded to its length anyway.
    np.testing.assert_allclose(backbone.embed_texts(texts[:1]), expected[:1], atol=1e-5)
    # Some repositories have tokenizers that give a mask.
    masking = tmp_path / "masking"
    shutil.copytree(folder, masking)
    settings = json.loads((masking / "tokenizer_config.json").read_text())
    settings["model_input_names"] = ["input_ids", "attention_mask"]
    (masking / "tokenizer_config.json").write_text(json.dumps(settings))
    assert "attention_mask" in transformers.AutoTokenizer.from_pretrained(masking)(texts)
    np.testing.assert_allclose(zoo.load(f"file:{masking}").backbone.embed_texts(texts), expected, atol=1e-5)
    # It matters: padded to the longest of the batch they are other vectors.
    tokens = transformers.SiglipTokenizer.from_pretrained(folder)(texts[:1], return_tensors="pt")
    short = transformers.SiglipModel.from_pretrained(folder).eval().get_text_features(**tokens).pooler_output[0]
    assert torch.nn.functional.cosine_similarity(short.detach(), expected[0], dim=0) < 0.99


def test_the_tokenizer_of_siglip_2_gets_small_letters(folder: Path, tmp_path: Path) -> None:
    """Checkpoints of SigLIP 2 of a fixed resolution have this architecture, and Gemma's tokenizer, which keeps the case."""
    copy = tmp_path / "second"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("spiece.model", "tokenizer*"))
    signs = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *"abcdefghijklmnopqrstuvwxyzR"]
    vocabulary = {sign: place for place, sign in enumerate(signs)}
    transformers.GemmaTokenizer(vocab=vocabulary, merges=[], padding_side="right").save_pretrained(copy)
    backbone = zoo.load(f"file:{copy}").backbone

    large, small, other = backbone.embed_texts(["Red", "red", "bed"])

    np.testing.assert_array_equal(large, small)
    assert np.abs(other - small).max() > 1e-3


@pytest.mark.slow
def test_siglip_2_takes_images_of_any_shape(
    flexible: Path, captions: Path, shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the model itself has them, padding masked; five images of each colour are enough for a probe."""
    paths = [*sorted(shapes.rglob("*.png")), *sorted(captions.parent.glob("*.png"))]
    for number, path in enumerate(paths):
        reshaped(Image.open(path), number % 3 > 0).save(path)
    name = f"file:{flexible}"
    classified = answer(["evaluate", name, str(shapes)], capsys)
    retrieved = answer(["evaluate", name, str(captions), "--task", "image-text-retrieval"], capsys)
    assert classified["task"] == "zero-shot-image-classification"
    assert classified["metrics"]["accuracy"] > 0.4
    assert classified["baseline"]["accuracy"] == pytest.approx(1 / 12)
    assert retrieved["metrics"]["recall_at_1"] > 0.2
    assert retrieved["baseline"]["recall_at_1"] == pytest.approx(1 / 24)

    drawings = [Image.open(path) for path in paths[:4]]
    backbone = zoo.load(name).backbone
    found = backbone.features(backbone.collate([backbone.preprocess(one) for one in drawings]), backbone.layers)
    model = transformers.Siglip2Model.from_pretrained(flexible).eval()
    prepared = transformers.Siglip2ImageProcessor.from_pretrained(flexible)(images=drawings, return_tensors="pt")
    assert prepared["pixel_attention_mask"].min() == 0
    with torch.inference_mode():
        own = model.get_image_features(**prepared).pooler_output
    torch.testing.assert_close(
        found[backbone.layers[0]], torch.nn.functional.normalize(own, dim=1), atol=1e-5, rtol=1e-4
    )

    few = tmp_path / "few"
    generator = np.random.default_rng(10)
    for colour, number in itertools.product(COLOURS, range(5)):
        (few / colour).mkdir(parents=True, exist_ok=True)
        image = drawn(f"a {colour} {SHAPES[number % 3]} on the {['left', 'right'][number % 2]}", generator)
        reshaped(image, number > 1).save(few / colour / f"{number}.png")
    answer(["tune", name, str(few), "-o", str(tmp_path / "tuned")], capsys)
    evaluated = answer(["predict", f"file:{tmp_path / 'tuned'}", *map(str, paths[:24])], capsys)["predictions"]
    right = [one["output"][0]["label"] == Path(one["input"]).parent.name.split("_")[0] for one in evaluated]
    assert np.mean(right) > 0.6  # a quarter by chance


def test_features_tell_colours_apart(folder: Path, captions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are the model's own, and the nearest other image is of the same colour far oftener than by chance."""
    out = captions.parent / "features.safetensors"
    assert run(["features", f"file:{folder}", str(captions), "-o", str(out)]) == 0
    found = load_file(out)["features"]
    model = transformers.SiglipModel.from_pretrained(folder).eval()
    images = transformers.SiglipImageProcessor.from_pretrained(folder)
    drawings = [Image.open(captions.parent / f"{number}.png") for number in range(len(CAPTIONS))]
    with torch.inference_mode():
        own = model.get_image_features(**images(images=drawings, return_tensors="pt")).pooler_output

    torch.testing.assert_close(found, torch.nn.functional.normalize(own, dim=1), atol=1e-5, rtol=1e-4)
    nearest = (found @ found.T).fill_diagonal_(-1).argmax(dim=1).tolist()
    same = [CAPTIONS[one].split()[1] == CAPTIONS[other].split()[1] for one, other in enumerate(nearest)]
    assert np.mean(same) > 0.6  # 5 of 23 by chance


def test_it_conforms(folder: Path) -> None:
    outcomes = outcomes_of_models("multimodal", f"file:{folder}")
    assert [f"{o.check}: {o.detail}" for o in outcomes if o.status == "failed"] == []


@pytest.mark.slow
def test_a_tag_of_open_clip_does_the_same(
    open_clip_files: dict[str, bytes],
    captions: Path,
    shapes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = f"openclip:{MODEL}/{TAG}"
    with HubServer() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.add(REPOSITORY, open_clip_files, library_name="open_clip", pipeline_tag="zero-shot-image-classification")
        assert run(["pull", name]) == 0
        classified = answer(["evaluate", name, str(shapes)], capsys)
        retrieved = answer(["evaluate", name, str(captions), "--task", "image-text-retrieval"], capsys)
        backbone = zoo.load(name).backbone

    assert classified["metrics"]["accuracy"] > 0.4
    assert classified["baseline"]["accuracy"] == pytest.approx(1 / 12)
    assert retrieved["metrics"]["recall_at_1"] > 0.15
    assert retrieved["baseline"]["recall_at_1"] == pytest.approx(1 / 24)
    folder = tmp_path / "files"
    folder.mkdir()
    for path, content in open_clip_files.items():
        (folder / path).write_bytes(content)
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    drawings = [drawn(caption, np.random.default_rng(3)) for caption in CAPTIONS[:6]]
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(CAPTIONS)
    with torch.inference_mode():
        images, texts, scale, bias = model.eval()(torch.stack([transform(one) for one in drawings]), tokens)
        own = (scale * images @ texts.T + bias).sigmoid()
        batch = backbone.collate([backbone.preprocess(one) for one in drawings])
        found = torch.from_numpy(backbone.embed_texts(CAPTIONS))
        ours = backbone.module.odds(backbone.features(batch, backbone.layers)["projected"] @ found.T)
    torch.testing.assert_close(ours, own, atol=1e-5, rtol=1e-4)
    assert batch.dtype == torch.uint8
