"""Every hook is documented with its exact arguments and with a whole plugin, which is installed and used here."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.contract import hooks as hookspecs
from zoo.errors import PolicyRefusal
from zoo.plugins import plugins
from zoo.registry import opening
from zoo.sources import resolve
from zoo.sources.files.describing import describe

TEXT = (Path(__file__).parents[1] / "docs" / "plugins.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (zoo_\w+)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
HOOKS = {name: function for name, function in vars(hookspecs).items() if name.startswith("zoo_")}


def test_every_hook_has_a_section_and_no_other() -> None:
    assert set(SECTIONS) == set(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_section_begins_with_the_exact_signature(hook: str) -> None:
    signature = f"`{hook}({', '.join(inspect.signature(HOOKS[hook]).parameters)})`"
    assert SECTIONS[hook].strip().startswith(signature)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_section_has_one_example_that_implements_it(hook: str) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", SECTIONS[hook], re.DOTALL)
    assert re.search(rf"@hookimpl\ndef {hook}\(", example)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Installs the example of a hook as a distribution of its own."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)

    def install(hook: str) -> None:
        (example,) = re.findall(r"```python\n(.*?)```", SECTIONS[hook], re.DOTALL)
        packages = tmp_path / "packages"
        information = packages / "zoo_example-1.0.dist-info"
        information.mkdir(parents=True)
        (packages / "zoo_example.py").write_text(example, encoding="utf-8")
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-example\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text("[zoo]\nexample = zoo_example\n")
        monkeypatch.syspath_prepend(str(packages))
        plugins.cache_clear()
        opening._opened.clear()
        report = next(report for report in plugins().reports if report.name == "example")
        assert report.healthy, report.error
        assert hook.removeprefix("zoo_") in report.hooks

    yield install
    reports = {report.name: report for report in plugins().reports}
    plugins.cache_clear()
    opening._opened.clear()
    sys.modules.pop("zoo_example", None)
    assert reports["example"].healthy, reports["example"].error


@pytest.fixture
def lines(tmp_path: Path) -> str:
    path = tmp_path / "lines.csv"
    rows = [
        f"a {word} day number {n},{label}" for n in range(20) for word, label in (("sunny", "good"), ("rainy", "bad"))
    ]
    path.write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    return str(path)


def card(source: str) -> zoo.ModelCard:
    return zoo.ModelCard(f"{source}:one", "language", ("text-classification",))


def test_domains(installed) -> None:
    installed("zoo_domains")
    assert plugins().tasks["meter-classification"].domain == "poetry"
    card = describe({"model_type": "versenet", "architectures": ["VerseNetForMeterClassification"]})
    assert (card.domain, card.tasks, card.architecture) == ("poetry", ("meter-classification",), "VerseNet")
    assert card.input == {"kind": "text"}


def test_kinds(installed, tmp_path) -> None:
    installed("zoo_kinds")
    kind = plugins().kinds["syllables"]
    assert list(kind.baseline(["a", "b"], [2, 4], "any")) == [3, 3]
    assert kind.metrics[0].compute([1, 5], [2, 9]) == 0.5
    names = list(plugins().tasks)
    assert names.index("syllable-counting") > names.index("protein-classification")
    assert kind.table(["haiku"], [17]).rows == [["haiku", "17 syllables", ""]]

    table = tmp_path / "verses.csv"
    table.write_text("text,count\nan old silent pond,5\na frog jumps into the pond,seven\nsplash,1\n")
    verses = zoo.read(table, task="syllable-counting", target_column="count")
    assert (verses.target_kind, list(verses.inputs), list(verses.targets)) == (
        "syllables",
        ["an old silent pond", "splash"],
        [5, 1],
    )
    assert [problem.reason for problem in verses.problems] == [
        "has a label in column 'count' that is not a number of syllables"
    ]
    table.write_text("text,count\nan old silent pond,5\nsplash,2\n")
    assert zoo.read(table, task="syllable-counting", target_column="count").fingerprint != verses.fingerprint


def test_options(installed, lines) -> None:
    installed("zoo_options")
    assert len(zoo.read(lines, options={"verses": 4})) == 4
    assert len(zoo.read(lines)) == 40


def test_cards(installed) -> None:
    installed("zoo_cards")
    (hit,) = zoo.search("sonnet").models
    assert (hit.card.id, [score.value for score in hit.scores]) == ("poems:sonnet-base", [0.71])


def test_sources(installed) -> None:
    installed("zoo_sources")
    files = zoo.pull("shelf:novel")
    assert files.path("weights.txt").read_text() == "0.5 0.5"


def test_recognise(installed, tmp_path) -> None:
    installed("zoo_recognise")
    folder = tmp_path / "sonnet"
    folder.mkdir()
    (folder / "meter.json").write_text('{"foot": "iamb"}')
    (folder / "model.onnx").write_bytes(b"weights")
    found = resolve(f"file:{folder}")
    assert (found.architecture, found.library, found.bytes) == ("iamb", "meter", 23)
    assert found.loader == {"weights": "model.onnx", "format": "onnx"}
    assert len(found.revision or "") == 40


def test_download(installed, tmp_path) -> None:
    installed("zoo_download")
    files = plugins().first("zoo_download", card=card("ink"), store=tmp_path / "store", progress=silent())
    assert files.path("weights.txt").read_text() == "1.0"


def test_load(installed, lines) -> None:
    installed("zoo_load")
    features = zoo.load(card("bag")).extract(lines)
    assert features.values.shape == (40, 32)
    assert zoo.transfer.score("linear-probe", features.values, features.targets) == 1.0


def test_extract_features(installed, lines) -> None:
    installed("zoo_extract_features")
    values = zoo.load(card("ruler")).extract(lines).values
    assert values[:2].tolist() == [[len("a sunny day number 0")], [len("a rainy day number 0")]]


def test_finetune(installed, lines) -> None:
    installed("zoo_finetune")
    run = zoo.tune(zoo.load(card("remote")), lines)
    assert (run.id, run.metrics) == ("remote-1", {"accuracy": 0.5})


def test_predict(installed) -> None:
    installed("zoo_predict")
    answers = zoo.load(card("mood")).predict(["Hello!", "Hm."])
    assert [answer[0].label for answer in answers] == ["glad", "calm"]


def test_decide(installed) -> None:
    installed("zoo_decide")
    from zoo.plugins.deciding import decide, permit

    verse = replace(card("poems"), tags=("verse",))
    assert decide(card("poems"), "pull").reasons == decide(verse, "search").reasons == ()
    with pytest.raises(PolicyRefusal, match=r"denies the action 'pull' on 'poems:one': verse is for people"):
        permit(verse, "pull")


def test_readers(installed) -> None:
    installed("zoo_readers")
    assert zoo.read("haiku:basho").classes == ("spring", "winter")


def test_metrics(installed) -> None:
    installed("zoo_metrics")
    from zoo.kinds.metrics import metric

    assert metric("within_one").compute(np.array([0, 1, 2]), np.array([1, 1, 0])) == pytest.approx(2 / 3)


def test_estimators(installed) -> None:
    installed("zoo_estimators")
    assert "separation" in zoo.transfer.estimators()
    assert zoo.transfer.score("separation", np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([0, 0, 1, 1])) == 1.0


def test_strategies(installed, lines) -> None:
    installed("zoo_strategies")
    run = zoo.tune("pkg:wordllama/64", lines, strategy="most-frequent")
    assert run.metrics["accuracy"] == 0.5
    assert run.metrics == run.baseline


def test_commands(installed, capsys) -> None:
    installed("zoo_commands")
    from zoo.cli import run

    assert run(["rhyme", "love"]) == 0
    assert capsys.readouterr().out == "love rhymes with itself\n"
    assert run(["--help"]) == 0
    assert "Print a rhyme for WORD." in capsys.readouterr().out


def silent():
    from zoo.contract.backbone import SilentProgress

    return SilentProgress()
