"""The repository keeps to its rules."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from repository import this_repository
from rules import RULES


@pytest.mark.parametrize("name", RULES)
def test_the_rule_holds(name: str) -> None:
    findings = list(RULES[name](this_repository()))
    assert not findings, f"{RULES[name].__doc__}\n" + "\n".join(findings)


def test_no_two_test_files_share_a_name() -> None:
    """Without packages of tests, pytest imports one file of a name only."""
    names = Counter(path.name for path in Path(__file__).parents[1].rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
