"""The repository keeps to its rules, but for the breaches that are known; those may only become fewer."""

from __future__ import annotations

import pytest
from debts import differences, recorded
from repository import this_repository
from rules import RULES


@pytest.mark.parametrize("name", RULES)
def test_the_rule_holds(name: str) -> None:
    messages = differences(RULES[name](this_repository()), recorded().get(name, {}))
    assert not messages, f"{RULES[name].__doc__}\n" + "\n".join(messages)


def test_the_record_knows_no_other_rules() -> None:
    assert set(recorded()) <= set(RULES)
