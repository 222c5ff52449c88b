"""BLIP: captions and answers of small models of the real architecture, trained here on drawings through the command."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from conformance import outcomes_of_models
from PIL import Image, ImageDraw

import zoo
from zoo.cli import run
from zoo.errors import DataError, UnsupportedModel
from zoo_multimodal.questions import ImageQuestion

COLOURS = {"red": (220, 30, 30), "green": (30, 180, 40), "blue": (40, 60, 220)}
SHAPES = ("circle", "square")
PLACES = {"left": 8, "right": 24}
KINDS = list(itertools.product(COLOURS, SHAPES, PLACES))
QUESTIONS = {"what colour is it ?": 0, "what shape is it ?": 1, "where is it ?": 2}
SIDE = 32


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def drawn(kind: tuple[str, str, str], generator: np.random.Generator) -> Image.Image:
    colour, shape, place = kind
    image = Image.new("RGB", (SIDE, SIDE), tuple(generator.integers(0, 60, 3).tolist()))
    x, y, r = PLACES[place] + generator.integers(-1, 2), 16 + generator.integers(-6, 7), 6
    draw = ImageDraw.Draw(image)
    (draw.ellipse if shape == "circle" else draw.rectangle)((x - r, y - r, x + r, y + r), COLOURS[colour])
    return image


def saved(folder: Path, kind: type[transformers.PreTrainedModel]) -> str:
    """A small BLIP with random weights, saved as such models are published."""
    torch.manual_seed(0)
    words = sorted({"there", "is", "a", "on", "the", *" ".join(QUESTIONS).split(), *itertools.chain(*KINDS)})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", *words]
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    transformers.BlipImageProcessor(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4}
    config = transformers.BlipConfig(
        text_config={
            **sizes,
            "encoder_hidden_size": 64,
            "num_hidden_layers": 1,
            "vocab_size": len(vocabulary),
            "max_position_embeddings": 24,
            "bos_token_id": 5,
            "pad_token_id": 0,
            "sep_token_id": 3,
            "eos_token_id": 3,
            "projection_dim": 64,
            "label_smoothing": 0.0,
            "initializer_range": 0.1,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
        },
        vision_config={**sizes, "num_hidden_layers": 2, "image_size": SIDE, "patch_size": 8, "initializer_range": 0.1},
        initializer_range=0.1,
    )
    kind(config).save_pretrained(folder)
    return f"file:{folder}"


def captions(folder: Path, repeats: int, seed: int) -> str:
    """Drawings with a sentence each."""
    generator = np.random.default_rng(seed)
    folder.mkdir()
    rows = ["image,caption"]
    for number, kind in enumerate(KINDS * repeats):
        drawn(kind, generator).save(folder / f"{number}.png")
        rows.append(f"{number}.png,there is a {kind[0]} {kind[1]} on the {kind[2]}")
    (folder / "captions.csv").write_text("\n".join(rows))
    return str(folder / "captions.csv")


def questions(folder: Path, repeats: int, seed: int) -> str:
    """Drawings with a question and its answer each."""
    generator = np.random.default_rng(seed)
    folder.mkdir()
    rows = ["image,question,answer"]
    for number, (kind, (question, part)) in enumerate(itertools.product(KINDS * repeats, QUESTIONS.items())):
        drawn(kind, generator).save(folder / f"{number}.png")
        rows.append(f"{number}.png,{question},{kind[part]}")
    (folder / "questions.csv").write_text("\n".join(rows))
    return str(folder / "questions.csv")


OPTIONS = ["--strategy", "full", "--learning-rate", "1e-3", "--patience", "40", "--batch-size", "16"]


@pytest.mark.slow
def test_captions_are_learnt_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From random weights: captions of unseen drawings are far better than the commonest caption."""
    model, folder = saved(tmp_path / "blip", transformers.BlipForConditionalGeneration), str(tmp_path / "tuned")
    data, new = captions(tmp_path / "data", 20, 0), captions(tmp_path / "new", 4, 1)

    command = ["tune", model, data, "--task", "image-to-text", "--epochs", "30", *OPTIONS, "-o", folder, "--json"]
    assert run(command) == 0
    capsys.readouterr()
    assert run(["evaluate", f"file:{folder}", new, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert found["task"] == "image-to-text"
    assert found["baseline"]["cider"] < 3
    assert found["metrics"]["cider"] > 7
    assert found["metrics"]["bleu"] > found["baseline"]["bleu"] + 25
    assert run(["predict", f"file:{folder}", str(tmp_path / "new" / "0.png"), "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)["predictions"]
    assert answer["output"].startswith("there is a ")


@pytest.mark.slow
def test_questions_about_images_are_learnt_and_answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From random weights: more than twice as many right answers as guessing knowing what is asked for would give."""
    model, folder = saved(tmp_path / "blip", transformers.BlipForQuestionAnswering), str(tmp_path / "tuned")
    data, new = questions(tmp_path / "data", 10, 0), questions(tmp_path / "new", 2, 1)

    task = ["--task", "visual-question-answering"]
    assert run(["tune", model, data, *task, "--epochs", "30", *OPTIONS, "-o", folder, "--json"]) == 0
    capsys.readouterr()
    assert run(["evaluate", f"file:{folder}", new, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert found["task"] == "visual-question-answering"
    assert found["baseline"]["vqa_accuracy"] < 0.2
    assert found["metrics"]["vqa_accuracy"] > 0.6  # 0.44 by guessing a colour, a shape or a place
    asked = f"{tmp_path / 'new' / '0.png'} what shape is it ?"
    assert run(["predict", f"file:{folder}", asked, "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)["predictions"]
    assert answer["output"]["answer"] in SHAPES


def test_the_loss_is_that_of_transformers(tmp_path: Path) -> None:
    name = saved(tmp_path / "blip", transformers.BlipForConditionalGeneration)
    learner = zoo.load(name).backbone.learner("image-to-text", ())
    image = drawn(KINDS[0], np.random.default_rng(0))
    batch = learner.collate([learner.example(image, "there is a red circle"), learner.example(image, "a square")])
    model = transformers.BlipForConditionalGeneration.from_pretrained(tmp_path / "blip").eval()
    with torch.no_grad():
        for row, loss in enumerate(learner.module(batch)[:, 0]):
            length = int(batch["counted"][row].sum())
            tokens = batch["written"][row : row + 1, :length]
            expected = model(pixel_values=batch["pixels"][row : row + 1], input_ids=tokens, labels=tokens).loss
            torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5)
    assert learner.independent_losses  # which the loss of transformers, computed one by one, confirms


def test_answers_do_not_depend_on_the_company(tmp_path: Path) -> None:
    name = saved(tmp_path / "blip", transformers.BlipForQuestionAnswering)
    backbone, generator = zoo.load(name).backbone, np.random.default_rng(0)
    asked = [ImageQuestion(drawn(kind, generator), q) for kind, q in zip(KINDS, [*QUESTIONS, "red ?"], strict=False)]
    task = "visual-question-answering"
    assert backbone.answer(task, asked) == [backbone.answer(task, [one])[0] for one in asked]
    assert backbone.answer("image-to-text", [asked[0].image]) is None
    with pytest.raises(DataError, match="takes questions about images"):
        backbone.answer(task, [asked[0].image])


def test_it_conforms(tmp_path: Path) -> None:
    name = saved(tmp_path / "blip", transformers.BlipForConditionalGeneration)
    outcomes = outcomes_of_models("multimodal", name)
    assert [f"{o.check}: {o.detail}" for o in outcomes if o.status == "failed"] == []
    assert "is-batch-invariant" in {o.check for o in outcomes if o.status == "passed"}


def test_weights_that_lack_the_decoder_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    name = saved(tmp_path / "blip", transformers.BlipForConditionalGeneration)
    weights = tmp_path / "blip" / "model.safetensors"
    kept = {key: value for key, value in load_file(weights).items() if "text_decoder.bert.encoder" not in key}
    save_file(kept, weights, {"format": "pt"})
    with pytest.raises(UnsupportedModel, match=r"lack .* tensors of its architecture"):
        zoo.load(name)
