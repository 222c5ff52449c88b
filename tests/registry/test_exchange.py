"""Export and import: exact, complete, and strict about invalid files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from zoo import exchange
from zoo.entities import BenchmarkScore, Measurement, ModelCard, ModelFile, Run
from zoo.errors import DataError, InvalidInput, StorageError
from zoo.registry import Registry, SearchQuery

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=20)
NAME = st.text(st.characters(categories=("L", "Nd"), include_characters="/.-_"), min_size=1, max_size=12)
COUNT = st.none() | st.integers(0, 2**63 - 1)
FIGURE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | FIGURE | TEXT,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
TEXTS = st.lists(TEXT, max_size=3, unique=True).map(tuple)
CARDS = st.builds(
    ModelCard,
    id=NAME.map(lambda name: f"hf:{name}"),
    domain=NAME,
    tasks=TEXTS,
    architecture=st.none() | TEXT,
    description=st.none() | TEXT,
    parameters=COUNT,
    bytes=COUNT,
    license=st.none() | TEXT,
    languages=TEXTS,
    pretraining=TEXTS,
    input=st.dictionaries(TEXT, PLAIN, max_size=3),
    downloads=COUNT,
    gated=st.booleans(),
    tags=TEXTS,
    files=st.lists(st.builds(ModelFile, TEXT, COUNT, st.none() | TEXT), max_size=2).map(tuple),
    loader=st.dictionaries(TEXT, PLAIN, max_size=2),
)


@st.composite
def contents(draw: st.DrawFn) -> list[object]:
    cards = draw(st.lists(CARDS, min_size=1, max_size=4, unique_by=lambda card: card.id))
    models = st.sampled_from([card.id for card in cards])
    scores = draw(
        st.lists(
            st.builds(
                BenchmarkScore,
                models,
                TEXT,
                TEXT,
                TEXT,
                FIGURE,
                TEXT,
                st.booleans(),
                st.sampled_from(["reported", "measured"]),
                TEXT,
                st.none() | TEXT,
            ),
            max_size=4,
        )
    )
    measurements = draw(
        st.lists(
            st.builds(
                Measurement,
                models,
                TEXT,
                TEXT,
                TEXT,
                TEXT,
                FIGURE,
                st.none() | FIGURE,
                st.none() | FIGURE,
                TEXT,
                st.integers(0, 10**9),
                FIGURE,
                st.none() | TEXT.filter(bool),
                st.integers(0, 9),
                TEXT,
                st.dictionaries(TEXT, TEXT, max_size=2),
                TEXT,
            ),
            max_size=3,
        )
    )
    runs = draw(
        st.lists(
            st.builds(
                Run,
                TEXT.filter(bool),
                models,
                TEXT,
                TEXT,
                TEXT,
                TEXT,
                st.dictionaries(TEXT, FIGURE, max_size=2),
                st.dictionaries(TEXT, FIGURE, max_size=2),
                st.dictionaries(TEXT, PLAIN, max_size=2),
                revision=st.none() | TEXT,
                created=TEXT,
            ),
            max_size=3,
            unique_by=lambda run: run.id,
        )
    )
    return [*cards, *scores, *measurements, *runs]


def empty(path: Path, template: Path) -> Registry:
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    shutil.copyfile(template, path)
    return Registry(path)


@given(contents(), st.sampled_from(["json", "jsonl"]))
@settings(
    deadline=None,
    max_examples=25,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_round_trip_is_exact(tmp_path, registry, items, form) -> None:
    first, second = (empty(tmp_path / f"{name}.db", registry.path) for name in ("first", "second"))
    first.add(items)
    exported, again = tmp_path / f"first.{form}", tmp_path / f"second.{form}"
    counts = exchange.export(first, str(exported))

    assert exchange.import_file(second, str(exported)) == counts
    exchange.export(second, str(again))
    assert again.read_bytes() == exported.read_bytes()
    assert list(second.everything()) == list(first.everything())
    by_id = {card.id: card.to_dict() for card in items if isinstance(card, ModelCard)}
    assert {card.id: card.to_dict() for card in second.cards()} == by_id


CARD = ModelCard("hf:some/model", "vision", ("image-classification",))
OTHER = ModelCard("hf:other/model", "language", ("text-classification",))
SCORE = BenchmarkScore(CARD.id, "image-classification", "ImageNet-1k", "accuracy", 0.5)


def test_filters_choose_models_and_what_belongs_to_them(registry: Registry, tmp_path: Path) -> None:
    registry.add([CARD, OTHER, SCORE, BenchmarkScore(OTHER.id, "t", "d", "m", 1.0)])
    exchange.export(registry, str(tmp_path / "some.json"), query=SearchQuery(domain="vision"))

    document = json.loads((tmp_path / "some.json").read_text())
    assert [card["id"] for card in document["models"]] == [CARD.id]
    assert [score["model"] for score in document["scores"]] == [CARD.id]


def test_own_leaves_out_what_plugins_brought(registry: Registry, tmp_path: Path) -> None:
    registry.add([OTHER], plugin="other")
    registry.add([CARD])

    assert exchange.export(registry, str(tmp_path / "own.jsonl"), own=True)["models"] == 1


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.json", "{", "not valid JSON"),
        ("a.json", "[]", "none of the lists"),
        ("a.json", '{"models": {}}', "not a list"),
        ("a.json", '{"models": [], "colours": []}', "colours"),
        ("a.json", '{"version": 2, "models": []}', "version 2"),
        ("a.json", '{"models": [{"id": "hf:a/b"}]}', "model 1: A ModelCard is incomplete"),
        ("a.json", '{"models": [{"id": "hf:a/b", "domain": "vision", "colour": 1}]}', "no field 'colour'"),
        ("a.json", '{"models": [{"id": "no-source", "domain": "vision"}]}', "not a model id"),
        ("a.json", '{"models": [{"id": "hf:a/b", "domain": "vision", "tasks": "one"}]}', "'tasks' is 'one'"),
        ("a.json", '{"models": [{"id": "hf:a/b", "domain": "vision", "parameters": 1e400}]}', "1e400"),
        (
            "a.json",
            '{"models": [{"id": "hf:a/b", "domain": "vision", "parameters": 99999999999999999999}]}',
            "parameters",
        ),
        ("a.json", '{"models": [{"id": "hf:a/b", "domain": "vision", "description": "\\ud800"}]}', "description"),
        (
            "a.json",
            '{"scores": [{"model": "hf:a/b", "task": "t", "dataset": "d", "metric": "m", "value": NaN}]}',
            "NaN",
        ),
        (
            "a.json",
            '{"scores": [{"model": "hf:a/b", "task": "t", "dataset": "d", "metric": "m", "value": "1"}]}',
            "'value'",
        ),
        ("a.jsonl", '{"kind": "model", "id": "hf:a/b", "domain": "vision"}\n{"kind": "x"}\n', "line 2"),
        ("a.jsonl", '{"kind": "model", "id": "hf:a/b", "domain": "vision"}\nnonsense\n', "line 2: not valid JSON"),
        ("a.jsonl", '{"id": "hf:a/b"}', '"kind" must be one of'),
        ("a.jsonl", '{"kind": []}', '"kind" must be one of'),
        ("a.jsonl", '{"kind": {}}', '"kind" must be one of'),
        ("a.jsonl", "[" * 20_000, "line 1: not valid JSON: it is nested more than"),
        ("a.json", "[" * 20_000, "not valid JSON: it is nested more than"),
        ("a.jsonl", "9" * 5000, "line 1: not valid JSON: it holds a whole number of 5,000 digits"),
        ("a.jsonl", f'{{"kind": "model", "id": "hf:a/b", "domain": "x", "input": {{"a": {"9" * 400}}}}}', "400 digits"),
        (
            "a.jsonl",
            f'{{"kind": "score", "model": "hf:a/b", "task": "t", "dataset": "d", "metric": "m", "value": 2{"0" * 308}}}',
            "309 digits",
        ),
        ("a.jsonl", "\xff\xfe", "line 1"),
    ],
)
def test_one_bad_item_and_nothing_is_added(
    registry: Registry, tmp_path: Path, name: str, content: str, text: str
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")

    with pytest.raises(DataError, match=text):
        exchange.import_file(registry, str(path))
    assert registry.statistics()["models"] == 0


def test_missing_and_binary_files_are_refused(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(DataError, match="not UTF-8"):
        exchange.import_file(registry, str(tmp_path / "a.json"))
    with pytest.raises(DataError, match="no such file"):
        exchange.import_file(registry, str(tmp_path / "b.json"))
    with pytest.raises(InvalidInput, match="does not determine a format"):
        exchange.import_file(registry, str(tmp_path / "b.xml"))


def test_an_export_that_fails_leaves_the_older_file(registry: Registry, tmp_path: Path, monkeypatch) -> None:
    registry.add([CARD])
    target = tmp_path / "out.json"
    target.write_text("older")

    def broken(*arguments: object, **options: object):
        yield CARD
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "everything", broken)
    with pytest.raises(KeyboardInterrupt):
        exchange.export(registry, str(target))
    assert target.read_text() == "older"
    assert sorted(path.name for path in tmp_path.glob("*out*")) == ["out.json"]
    with pytest.raises(StorageError):
        exchange.export(registry, str(tmp_path / "none" / "out.json"))
