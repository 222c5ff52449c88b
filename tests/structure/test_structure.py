"""The repository keeps to its rules."""

from __future__ import annotations

import pytest
from repository import this_repository
from rules import RULES


@pytest.mark.parametrize("name", RULES)
def test_the_rule_holds(name: str) -> None:
    findings = list(RULES[name](this_repository()))
    assert not findings, f"{RULES[name].__doc__}\n" + "\n".join(findings)
