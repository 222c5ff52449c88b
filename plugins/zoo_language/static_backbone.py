"""Static token embeddings: a table with one vector per token, averaged over the text (WordLlama, Model2Vec)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, UnsupportedModel, needs_extra

with needs_extra("language", "load language models"):
    import torch
    from safetensors import SafetensorError, safe_open
    from tokenizers import Tokenizer

from zoo.loading.heads import with_head

if TYPE_CHECKING:
    from zoo.entities import ModelCard

LAYER = "tokens.mean"


class TokenAverage(torch.nn.Module):
    """The mean of the tokens' vectors; zeros for a text without tokens."""

    def __init__(self, table: torch.Tensor) -> None:
        super().__init__()
        self.embedding = torch.nn.EmbeddingBag.from_pretrained(table, freeze=False, mode="mean")

    def forward(self, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Batch x d from the token ids of all texts in a row and the position where each text starts."""
        return self.embedding(batch["input_ids"], batch["offsets"])


class StaticBackbone:
    """A table of token embeddings that turns texts into features; the only layer is the mean."""

    input_kind = "text"
    layers = (LAYER,)
    learning_rate = 3e-3  # each step changes only the few rows of its tokens, and Adam's steps are as large as the rate

    def __init__(self, card: ModelCard, table: torch.Tensor, tokenizer: Tokenizer, device: str) -> None:
        self.card, self.device = card, device
        self._tokenizer = tokenizer
        self._vocabulary = len(table)
        self.module = TokenAverage(table).to(device).eval()
        self.embedding_dimension = table.shape[1]

    def preprocess(self, item: Any) -> list[int]:
        """Token ids of one text, without special tokens or truncation."""
        if not isinstance(item, str):
            raise DataError(f"'{self.card.id}' takes texts, not {type(item).__name__}.")
        return self._inside(self._tokenizer.encode(item, add_special_tokens=False).ids)

    def preprocess_all(self, items: Sequence[Any]) -> list[list[int]]:
        """``preprocess`` of many texts at once, which dominates the time of this model."""
        if not all(isinstance(item, str) for item in items):
            return [self.preprocess(item) for item in items]
        encoded = self._tokenizer.encode_batch_fast(list(items), add_special_tokens=False)
        return [self._inside(encoding.ids) for encoding in encoded]

    def _inside(self, ids: Sequence[int]) -> list[int]:
        return [min(token, self._vocabulary - 1) for token in ids]

    def length(self, item: Sequence[int]) -> int:
        """Number of tokens of a preprocessed text."""
        return len(item)

    def collate(self, items: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
        """All token ids in a row, and where each text starts; there is no padding."""
        lengths = torch.tensor([0, *map(len, items[:-1])])
        ids = torch.tensor([token for item in items for token in item], dtype=torch.long)
        return {"input_ids": ids, "offsets": lengths.cumsum(0)}

    def features(self, batch: Mapping[str, torch.Tensor], layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """The mean of the tokens' vectors, batch x d, float32."""
        unknown = [layer for layer in layers if layer != LAYER]
        if unknown:
            raise UnsupportedModel(f"'{self.card.id}' has no layer '{unknown[0]}'.", f"Its only layer is {LAYER}.")
        with torch.inference_mode():
            placed = {name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()}
            return {LAYER: self.module(placed).float()}

    def head(self, task: Any, classes: int) -> torch.nn.Module:
        """The table with a new linear layer of ``classes`` outputs, for training."""
        return with_head(
            self.module, self.embedding_dimension, classes, task=task, device=self.device, names=("0", "1")
        )


def load(card: ModelCard, folder: Path, device: str, dtype: str) -> StaticBackbone:
    """The backbone of a static embedding table; ``loader`` names weights, tensor, tokenizer and dimensions kept.

    The vectors are averaged in float32 for any ``dtype``: half precision would save almost nothing.

    Raises:
        UnsupportedModel: a file or tensor is missing or cannot be read.
    """
    folder = Path(folder)
    weights, tensor = folder / str(card.loader.get("weights")), str(card.loader.get("tensor", "embedding.weight"))
    try:
        with safe_open(weights, framework="pt") as file:
            table = file.get_tensor(tensor)
    except (OSError, SafetensorError) as error:
        raise UnsupportedModel(f"'{card.id}' cannot be loaded: {error}.", f"Run: zoo verify {card.id}") from error
    dimension = int(card.loader.get("dimension") or table.shape[1])
    path = folder / str(card.loader.get("tokenizer", "tokenizer.json"))
    return StaticBackbone(card, table[:, :dimension].float().contiguous(), read_tokenizer(path, card), device)


def read_tokenizer(path: Path, card: ModelCard) -> Tokenizer:
    """A tokenizer file, without its own padding and truncation.

    Raises:
        UnsupportedModel: it is missing or cannot be read.
    """
    if not path.is_file():
        raise UnsupportedModel(f"The tokenizer of '{card.id}' is missing: {path.name}.", f"Run: zoo verify {card.id}")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises a bare Exception
        raise UnsupportedModel(f"The tokenizer of '{card.id}' cannot be read: {error}.") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
