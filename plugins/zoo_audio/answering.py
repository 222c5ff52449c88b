"""The backbone of models without features: speech synthesis, music generation, and speech quality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from zoo.errors import DataError, UnsupportedModel

if TYPE_CHECKING:
    from zoo.entities import ModelCard


def as_text(card: ModelCard, item: Any) -> str:
    """The text of an input.

    Raises:
        DataError: the input is not a text.
    """
    if not isinstance(item, str):
        raise DataError(f"'{card.id}' takes texts, not {type(item).__name__}.")
    return item


class AnsweringBackbone:
    """Answers a task, and has no features.

    Attributes:
        card: its model card.
        task: the task that it answers.
        layers: none.
    """

    task = ""
    layers: tuple[str, ...] = ()
    embedding_dimension = 0

    def __init__(self, card: ModelCard, input_kind: str, device: str) -> None:
        self.card, self.input_kind, self.device = card, input_kind, device

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> Sequence[Any] | None:
        """Outputs for the model's own task, one for each input; None for other tasks."""
        return self.outputs(inputs) if task == self.task else None

    def outputs(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """Outputs for the model's task, one for each input."""
        raise NotImplementedError(f"{type(self).__name__} has no outputs")

    def preprocess(self, item: Any) -> NoReturn:
        """Raise an error.

        Raises:
            UnsupportedModel: always.
        """
        raise UnsupportedModel(
            f"'{self.card.id}' produces outputs only; it has no feature layers.",
            f"Run: zoo predict {self.card.id} INPUT",
        )

    collate = preprocess

    def features(self, batch: Any, layers: Sequence[str]) -> NoReturn:
        """Raise an error, as ``preprocess`` does."""
        self.preprocess(batch)
