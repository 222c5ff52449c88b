"""Answers to the inputs of the command line; an unusable input does not affect the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.entities import Problem
from zoo.errors import DataError, InvalidInput

if TYPE_CHECKING:
    from zoo.features import Model

TOGETHER = 64
"""Inputs per call of the model."""


def answer_all(
    model: Model, texts: Sequence[str], items: Sequence[Any], task: str | None, labels: Sequence[str]
) -> tuple[list[int], list[Any], list[Problem]]:
    """Positions of the inputs that were answered, the answers, and the other inputs with the reason.

    Raises:
        DataError, InvalidInput: no input can be answered; the first error.
        ZooError: the model fails otherwise.
    """
    places: list[int] = []
    answers: list[Any] = []
    problems: list[Problem] = []
    first: DataError | InvalidInput | None = None
    for start in range(0, len(items), TOGETHER):
        chunk = range(start, min(start + TOGETHER, len(items)))
        try:
            answers += model.predict([items[at] for at in chunk], task, labels)
            places += chunk
        except (DataError, InvalidInput) as error:
            if len(items) == 1:
                raise
            for at in chunk:  # ask one by one to find the unusable input
                try:
                    answers += model.predict([items[at]], task, labels)
                    places.append(at)
                except (DataError, InvalidInput) as own:
                    problems.append(Problem(texts[at], str(own)))
            first = first or error
    if first is not None and not places:
        raise first
    return places, answers, problems
