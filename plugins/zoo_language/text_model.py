"""What the heads of text models need from their backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch

    from zoo.entities import ModelCard
    from zoo_language.encoder import TextEncoder


class TextModel(Protocol):
    """A pretrained transformer with its tokenizer.

    Attributes:
        card: its model card.
        device: where it runs.
        module: the encoder with its pooling.
        max_tokens: longer texts are cut.
        pad_token_id: the padding token.
        kept: the published head used last, by name.
    """

    card: ModelCard
    device: str
    module: TextEncoder
    max_tokens: int
    pad_token_id: int
    kept: dict[str, Any]

    @property
    def tokenizer(self) -> Any:
        """The tokenizer."""
        ...

    def preprocess(self, item: Any) -> dict[str, list[int]]:
        """Token ids of one text."""
        ...

    def collate(self, items: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, torch.Tensor]:
        """Token ids padded on the right, with the attention mask."""
        ...
