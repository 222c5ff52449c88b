"""The schema that the guide shows is the schema, its SQL runs on the shipped registry, and its Python runs."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

import zoo
from zoo.registry.database import schema

TEXT = (Path(__file__).parents[2] / "docs" / "registry.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def shipped(tmp_path, monkeypatch) -> sqlite3.Connection:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    registry = zoo.open_registry()
    registry.add(
        [
            zoo.entities.Measurement("pkg:a", "t", "f", "photos", "linear-probe", 0.9),
            zoo.Run("r", "pkg:a", "t", "photos", "f", "full", {"accuracy": 0.9}, {"accuracy": 0.1}),
        ]
    )
    return sqlite3.connect(registry.path)


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_answers(shipped, query) -> None:
    assert shipped.execute(query).fetchall()


def test_the_gain_is_accuracy_over_the_baseline(shipped) -> None:
    (row,) = shipped.execute(QUERIES[-1]).fetchall()
    assert row[-1] == pytest.approx(0.8)


def test_every_table_and_column_is_documented(shipped) -> None:
    documented = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", TEXT, re.MULTILINE))
    assert set(documented) == set(schema.TABLES)
    for table, row in documented.items():
        columns = {column[1] for column in shipped.execute(f"PRAGMA table_info({table})")}
        assert columns <= set(re.findall(r"`(\w+)`", row)), table


def test_the_python_runs(shipped, capsys) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(block, {})
    assert int(capsys.readouterr().out.split()[0]) > 100
    assert zoo.show("team/our-model").license == "MIT"
