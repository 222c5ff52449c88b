"""Answers as the cells of columns: the class or labels with all probabilities, a number, or the answer as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.classifying import GivesProbabilities
from zoo.errors import DataError, InvalidInput
from zoo.kinds.classes import SHOWN, Labels

if TYPE_CHECKING:
    from zoo.contract.kind import Kind
    from zoo.features.model import Model
    from zoo.features.predicting import Question

MOST = 50
"""Maximum number of classes or labels with a column each; of more classes, the most likely ones are written, and of
more labels the probabilities of those that are predicted."""

SEPARATOR = "|"
"""Between the labels of a set, as in tables of training data."""

PREDICTION, PROBABILITY, UNLIKE, PROBLEM = "prediction", "probability", "unlike_training_data", "problem"


class BlockPredictor:
    """Predicts blocks of inputs.

    Attributes:
        columns: what each input's cells are.
    """

    def __init__(self, model: Model, asked: Question) -> None:
        self._model, self._asked = model, asked
        backbone = model.backbone
        self._classifier = (
            backbone
            if isinstance(backbone, GivesProbabilities)
            and backbone.probability_classes
            and not asked.labels
            and asked.name in {None, backbone.task}
            else None
        )
        self.columns = self._columns()

    def _columns(self) -> tuple[str, ...]:
        if self._classifier is not None:
            each = [f"{PROBABILITY}_{name}" for name in self._classifier.probability_classes]
            if len(each) <= MOST:
                return (PREDICTION, *([] if self._asked.outputs.several else [PROBABILITY]), *each, UNLIKE)
            if self._asked.outputs.several:
                return (PREDICTION, PROBABILITY, UNLIKE)
        if self._classifier is None and self._asked.outputs.name != "class":
            return (PREDICTION,)
        count = min(SHOWN, len(self._asked.labels) or SHOWN)
        ranked = tuple(
            f"{head}{f'_{rank}' * (rank > 1)}" for rank in range(1, count + 1) for head in (PREDICTION, PROBABILITY)
        )
        return ranked if self._classifier is None else (*ranked, UNLIKE)

    def answer(self, items: Sequence[Any]) -> list[tuple[list[Any], str]]:
        """For each input the cells, or why it has none; an unusable input does not affect the others.

        Raises:
            ZooError: the model fails in another way.
        """
        if not len(items):
            return []
        try:
            return [(cells, "") for cells in self._cells(items)]
        except (DataError, InvalidInput) as error:
            if len(items) == 1:
                return [([], str(error))]
            return [found for at in range(len(items)) for found in self.answer([items[at]])]

    def _cells(self, items: Sequence[Any]) -> list[list[Any]]:
        if self._classifier is not None:
            found, unlike = self._classifier.examined(items)
            chosen = self._classifier.chosen(found).tolist()
            marks = [None] * len(found) if unlike is None else unlike.tolist()
            cells = self._of_labels if self._asked.outputs.several else self._of_classes
            return [[*cells(*one), mark] for *one, mark in zip(found, chosen, marks, strict=True)]
        answers = self._model.predict(items, self._asked.name, self._asked.labels)
        return [self._of_answer(answer, self._asked.outputs) for answer in answers]

    def _of_classes(self, row: Any, first: int) -> list[Any]:
        assert self._classifier is not None
        names = self._classifier.probability_classes
        order = sorted(range(len(names)), key=lambda at: (at != first, -row[at]))
        if len(names) <= MOST:
            return [names[order[0]], round(float(row[order[0]]), 6), *(round(float(one), 6) for one in row)]
        return [cell for at in order[: len(self.columns) // 2] for cell in (names[at], round(float(row[at]), 6))]

    def _of_labels(self, row: Any, predicted: Sequence[bool]) -> list[Any]:
        assert self._classifier is not None
        names = self._classifier.probability_classes
        figures = [round(float(one), 6) for one in row]
        labels = [name for name, given in zip(names, predicted, strict=True) if given]
        # A name with the separator would be read as two.
        joined = json.dumps(labels) if any(SEPARATOR in name for name in names) else SEPARATOR.join(labels)
        if len(names) <= MOST:
            return [joined, *figures]
        likely = [f"{figure:g}" for figure, given in zip(figures, predicted, strict=True) if given]
        return [joined, SEPARATOR.join(likely)]

    def _of_answer(self, answer: Any, kind: Kind) -> list[Any]:
        if isinstance(answer, Labels):
            found = [cell for one in answer.found for cell in (one.label, one.score)][: len(self.columns)]
            return found + [None] * (len(self.columns) - len(found))
        content = answer if isinstance(answer, (str, int, float)) else kind.to_json(answer)
        return [content, *([None] * (len(self.columns) - 1))]
