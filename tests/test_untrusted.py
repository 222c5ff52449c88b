"""JSON and YAML of others: bounded, of JSON's own types, and parsed in one place."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from zoo.untrusted import DEEPEST, Malformed, parse_json, parse_yaml

ROOT = Path(__file__).parents[1]
SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


class WithoutAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


@given(VALUES)
def test_json_is_read_as_it_was_written(value: Any) -> None:
    assert parse_json(json.dumps(value), unique=True) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == value


@given(VALUES)
def test_yaml_is_read_as_it_was_written(value: Any) -> None:
    text = yaml.dump(value, Dumper=WithoutAliases, allow_unicode=False)
    assert parse_yaml(text) == value


@given(st.text(st.sampled_from("[]{}:,-? \n'\"&*!|>#%@`ab1.e~\t")))
def test_any_text_is_yaml_or_refused_as_malformed(text: str) -> None:
    try:
        found = parse_yaml(text)
    except Malformed:
        return
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize("start", ["[", '{"a":', "[1,", '[{"a":'])
@pytest.mark.parametrize("levels", [DEEPEST + 1, 20_000])
def test_deep_json_is_refused(start: str, levels: int) -> None:
    closed = "".join("}" if character == "{" else "]" for character in reversed(start) if character in "[{")
    with pytest.raises(Malformed, match="nested"):
        parse_json(start * levels + "1" + closed * levels)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("start", ["[", "{a: ", "- ", "? ", "[a, "])
def test_deep_yaml_is_refused(start: str, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not compiled:
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    with pytest.raises(Malformed, match=r"nest|key is not a text"):
        parse_yaml(start * 20_000)


def test_levels_up_to_the_limit_are_read() -> None:
    assert json.dumps(parse_json("[" * DEEPEST + "]" * DEEPEST)) == "[" * DEEPEST + "]" * DEEPEST
    assert parse_yaml("[" * DEEPEST + "]" * DEEPEST) == parse_json("[" * DEEPEST + "]" * DEEPEST)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused_unless_they_are_wanted(number: str) -> None:
    with pytest.raises(Malformed, match="not a finite number"):
        parse_json(f"[{number}]")
    assert isinstance(parse_json(f"[{number}]", finite=False)[0], float)


@pytest.mark.parametrize("finite", [True, False])
@pytest.mark.parametrize("digits", [309, 5000])
def test_whole_numbers_beyond_a_float_are_refused(digits: int, finite: bool) -> None:
    with pytest.raises(Malformed, match=f"{digits:,} digits"):
        parse_json("9" * digits, finite=finite)
    with pytest.raises(Malformed, match=f"{digits:,} digits"):
        parse_yaml("9" * digits)
    assert parse_json(f'"{"9" * digits}"') == "9" * digits


def test_a_key_that_appears_twice_is_refused_where_it_matters() -> None:
    assert parse_json('{"a": 1, "a": 2}') == {"a": 2}
    for read in (lambda: parse_json('{"a": 1, "a": 2}', unique=True), lambda: parse_yaml("a: 1\na: 2")):
        with pytest.raises(Malformed, match="the key 'a' appears twice"):
            read()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &a [x, x]\nb: [*a, *a]", "own parts"),
        ("a: !!python/object/apply:os.system [true]", "the tag"),
        ("a: !!binary aGk=", "the tag"),
        ("a: 1\n---\nb: 2", "more than one document"),
        ("[1]: 2", "key is not a text"),
        ("a: .inf", "not a finite number"),
        ("a: -.Inf", "not a finite number"),
        ("a: .nan", "not a finite number"),
        ("{a: [", "node content"),
    ],
)
def test_yaml_that_is_not_plain_data_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse_yaml(text)


def test_what_yaml_1_1_takes_for_dates_times_and_switches_stays_text() -> None:
    found = parse_yaml("[2024-01-31, no, 1:30, 007, 0x1f, 12e5, ~, true, -3, 1.5, '1', 1_000]")
    assert found == ["2024-01-31", "no", "1:30", "007", "0x1f", "12e5", None, True, -3, 1.5, "1", "1_000"]


def parsers(path: Path) -> Iterator[str]:
    """Calls in a module that parse JSON or YAML by themselves."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module in {"json", "yaml"}:
            yield f"line {node.lineno}: imports from {node.module}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner, name = ast.unparse(node.func.value), node.func.attr
            if (owner == "json" and name.startswith(("load", "JSONDecoder"))) or (
                owner == "yaml" and name in {"load", "load_all", "safe_load", "safe_load_all", "full_load", "parse"}
            ):
                yield f"line {node.lineno}: {owner}.{name}"
            if name == "json" and not node.args and not node.keywords:
                yield f"line {node.lineno}: {owner}.json()"


def test_json_and_yaml_are_parsed_in_one_place() -> None:
    template = ROOT / "zoo" / "testing" / "template"  # a plugin of its own, which reads its own file
    found = {
        str(path.relative_to(ROOT)): calls
        for folder in ("zoo", "plugins")
        for path in (ROOT / folder).rglob("*.py")
        if not path.is_relative_to(template) and (calls := list(parsers(path)))
    }
    assert set(found) == {"zoo/untrusted.py"}, found
