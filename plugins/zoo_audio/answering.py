"""The backbone of models that answer and have no features: synthesisers and judges of whole recordings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from zoo.errors import DataError, UnsupportedModel

if TYPE_CHECKING:
    from zoo.entities import ModelCard


def as_text(card: ModelCard, item: Any) -> str:
    """What is to be said or described, as it is given.

    Raises:
        DataError: it is no text.
    """
    if not isinstance(item, str):
        raise DataError(f"'{card.id}' takes texts, not {type(item).__name__}.")
    return item


class AnsweringBackbone:
    """Gives answers and nothing else.

    Attributes:
        card: its model card.
        layers: none.
    """

    layers: tuple[str, ...] = ()
    embedding_dimension = 0

    def __init__(self, card: ModelCard, input_kind: str, device: str) -> None:
        self.card, self.input_kind, self.device = card, input_kind, device

    def preprocess(self, item: Any) -> NoReturn:
        """Refuse.

        Raises:
            UnsupportedModel: always.
        """
        raise UnsupportedModel(
            f"'{self.card.id}' gives answers and no features.", f"Ask it: zoo predict {self.card.id} INPUT"
        )

    collate = preprocess

    def features(self, batch: Any, layers: Sequence[str]) -> NoReturn:
        """Refuse, as ``preprocess`` does."""
        self.preprocess(batch)
