"""Kinds that a task takes or gives have examples, or the check of kinds says which are missing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from zoo.testing import checks

MOODS = """
from zoo import Domain, Task, hookimpl
from zoo.contract.kind import Kind
from zoo.tasks import TaskMetric


class Moods(Kind):
    name = "mood"

    def ordinary(self):
        return {ordinary}

    def ordinary_answers(self):
        return {answers}


@hookimpl
def zoo_kinds():
    return [Moods()]


@hookimpl
def zoo_domains():
    task = Task("{name}", "moods", "Moods", ("{input}",), "{target}", (TaskMetric("accuracy"),), "none")
    return [Domain("moods", "Moods of texts.", (task,))]
"""

ENOUGH, TOO_FEW = "('calm', 'glad')", "('calm',)"


@pytest.fixture
def outcome(install: Callable[[str, str], None]) -> Callable[..., tuple[str, str]]:
    """Status and detail of the check, for a plugin with one kind."""

    def check(ordinary: str, answers: str, source: str = "mood", target: str = "class") -> tuple[str, str]:
        task = f"{source}-to-{target}"
        install("moods", MOODS.format(ordinary=ordinary, answers=answers, name=task, input=source, target=target))
        [check] = [one for one in checks("moods") if one.name == "a-new-kind-is-understood"]
        found = check.outcome()
        return found.status, found.detail

    return check


def test_two_values_are_enough(outcome: Callable[..., tuple[str, str]]) -> None:
    assert outcome(ENOUGH, ENOUGH) == ("passed", "")


@pytest.mark.parametrize(("source", "target"), [("mood", "class"), ("text", "mood")])
@pytest.mark.parametrize(
    ("ordinary", "answers", "named"), [(TOO_FEW, ENOUGH, "ordinary()"), (ENOUGH, "()", "ordinary_answers()")]
)
def test_a_kind_of_inputs_or_targets_needs_two(
    outcome: Callable[..., tuple[str, str]], ordinary: str, answers: str, named: str, source: str, target: str
) -> None:
    assert outcome(ordinary, answers, source, target) == (
        "failed",
        f"'mood' has fewer than two values in {named}, but a task uses it",
    )


def test_a_kind_of_no_task_needs_none(outcome: Callable[..., tuple[str, str]]) -> None:
    assert outcome("()", "()", "text", "class") == ("passed", "")


def test_values_whose_digest_depends_on_the_object_are_reported(outcome: Callable[..., tuple[str, str]]) -> None:
    status, detail = outcome("[object(), object()]", ENOUGH)

    assert status == "failed"
    assert "a digest differs the second time" in detail
