"""Language models of molecules (SMILES) and of proteins (residues) from a folder of transformers.

ESM-2, ProtBERT, ChemBERTa, MoLFormer, and the ALBERT of RXNMapper: tokens in, the mean over the tokens out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, UnsupportedModel, needs_extra

with needs_extra("scientific", "run models of molecules and proteins"):
    import torch
    import transformers
    from torch import nn

from zoo.loading.dtypes import float_dtype
from zoo.loading.heads import with_head
from zoo.loading.published_config import published_config
from zoo.loading.quiet import quiet
from zoo.loading.transformers import LOCAL, clear_errors, load_model
from zoo_scientific.molecules.molformer import MODEL_TYPE as MOLFORMER
from zoo_scientific.molecules.molformer import MolformerModel, molformer_tokenizer

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

KINDS = ("molecule", "protein")
_ATOMS = re.compile(r"%\([0-9]{3}\)|\[[^\]]+\]|Br?|Cl?|>>?|%[0-9]{2}|[NOSPFIbcnops]|[().=#\-+\\/:~@?*$|]|[0-9]")
"""The tokens of a SMILES (Schwaller et al., "Molecular transformer", 2019, appendix)."""

_RARE_RESIDUES = str.maketrans("UZOB", "XXXX")
_MAX_TOKENS = 1024
_DROPOUT = 0.1
Batch = Mapping[str, torch.Tensor]
Tokenize = Callable[[str], list[int]]


class SequenceEncoder(nn.Module):
    """A transformer with mean pooling over the tokens, without padding."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> torch.Tensor:
        """The mean of the last layer, batch x d."""
        return _mean(self.model(**batch).last_hidden_state, batch["attention_mask"])


class SequenceBackbone:
    """Turns SMILES or sequences of residues into features.

    Attributes:
        layers: ``layer1.cls``, ``layer1.mean``...; the last is the default.
        module: the encoder with its pooling, for training.
        max_tokens: longer inputs are truncated.
    """

    def __init__(self, card: ModelCard, model: Any, tokenize: Tokenize, *, padding: int, device: str) -> None:
        self.card, self.device = card, device
        self.input_kind = str(card.input.get("kind"))
        self._tokenize, self._padding = tokenize, padding
        self.module = SequenceEncoder(model).to(device).eval()
        self.embedding_dimension = int(model.config.hidden_size)
        count = int(model.config.num_hidden_layers)
        self.layers = tuple(f"layer{number}.{pooling}" for number in range(1, count + 1) for pooling in ("cls", "mean"))
        self.max_tokens = _max_tokens(model.config)

    def preprocess(self, item: Any) -> list[int]:
        """Token ids of one SMILES or sequence, cut at the model's maximum."""
        if not isinstance(item, str):
            raise DataError(f"'{self.card.id}' takes {self.input_kind}s as text, not {type(item).__name__}.")
        tokens = self._tokenize(item)
        if not tokens:
            raise DataError(f"'{self.card.id}' found no tokens in '{item[:40]}'.")
        # A truncated sequence keeps its end token.
        return tokens if len(tokens) <= self.max_tokens else [*tokens[: self.max_tokens - 1], tokens[-1]]

    def length(self, item: Sequence[int]) -> int:
        """Number of tokens, for batches of similar length."""
        return len(item)

    def collate(self, items: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
        """Token ids padded on the right to the longest of the batch, with the attention mask."""
        longest = max(len(item) for item in items)
        rows = [[*item, *[self._padding] * (longest - len(item))] for item in items]
        lengths = torch.tensor([len(item) for item in items])
        return {"input_ids": torch.tensor(rows), "attention_mask": (torch.arange(longest) < lengths[:, None]).long()}

    def features(self, batch: Batch, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Layer name to float32 vectors, batch x d."""
        batch = {name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()}
        with torch.inference_mode():
            outputs = self.module.model(**batch, output_hidden_states=True)
            states = (*outputs.hidden_states[:-1], outputs.last_hidden_state)
            found = {}
            for layer in layers:
                place, _, pooling = layer.partition(".")
                state = states[int(place.removeprefix("layer"))]
                found[layer] = (state[:, 0] if pooling == "cls" else _mean(state, batch["attention_mask"])).float()
        return found

    def head(self, task: Any, classes: int) -> nn.Module:
        """The encoder with a new linear layer of ``classes`` outputs (1 for numbers), all of it trainable.

        Raises:
            InvalidInput: fewer than one output.
        """
        return with_head(
            self.module, self.embedding_dimension, classes, task=task, device=self.device, dropout=_DROPOUT
        )


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> SequenceBackbone | None:
    """The backbone of a folder of transformers; None if the card is for neither molecules nor proteins.

    Raises:
        UnsupportedModel: the folder needs its own code, lacks weights or a tokenizer, or is not an encoder.
    """
    if card.input.get("kind") not in KINDS:
        return None
    raw = published_config(files.root, card)
    # The hub has code next to the weights of MoLFormer models; only the plugin's own code is run.
    molformer = raw.get("model_type") == MOLFORMER
    kind: Any = MolformerModel if molformer else transformers.AutoModel
    if raw.get("auto_map") and not molformer and raw.get("model_type") not in transformers.CONFIG_MAPPING:
        raise UnsupportedModel(
            f"'{card.id}' needs its repository's own code, which zoo never runs.",
            "Choose a model of a built-in architecture.",
        )
    model = load_model(kind, card, files.root, unneeded=("pooler", "contact_head"), dtype=float_dtype(dtype))
    with clear_errors(card, f"The tokenizer of '{card.id}' cannot be loaded"), quiet():
        if molformer:
            tokenize, padding = molformer_tokenizer(files.root, atoms, model.config.vocab_size)
        else:
            tokenize, padding = tokenizer(files.root, card)
    encoder = model.get_encoder() if model.config.is_encoder_decoder else model
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler, encoder.pooler_activation = None, None  # it is not used by the mean over the tokens
    return SequenceBackbone(card, encoder, tokenize, padding=padding, device=device)


def atoms(smiles: str) -> list[str]:
    """The tokens of a SMILES: atoms, bonds, branches and ring marks."""
    return _ATOMS.findall(smiles)


def tokenizer(folder: Path, card: ModelCard) -> tuple[Tokenize, int]:
    """Text to token ids, and the id of padding."""
    if card.loader.get("tokens") == "atoms":
        return _atom_tokenizer(folder)
    own = transformers.AutoTokenizer.from_pretrained(folder, **LOCAL)
    spaced = card.input.get("kind") == "protein" and not type(own).__name__.startswith("Esm")

    def tokenize(text: str) -> list[int]:
        # Tokenizers with a word per residue have none for the rare residues.
        words = " ".join(text.translate(_RARE_RESIDUES)) if spaced else text
        return list(own(words, return_attention_mask=False)["input_ids"])

    return tokenize, int(own.pad_token_id or 0)


def _atom_tokenizer(folder: Path) -> tuple[Tokenize, int]:
    words = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    known = {word: place for place, word in enumerate(words)}
    start, end, unknown = known["[CLS]"], known["[SEP]"], known["[UNK]"]
    return lambda smiles: [start, *(known.get(atom, unknown) for atom in atoms(smiles)), end], known["[PAD]"]


def _max_tokens(config: Any) -> int:
    positions = getattr(config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions <= 0:
        return _MAX_TOKENS
    # Positions of RoBERTa and ESM start after the padding index.
    offset = (config.pad_token_id or 0) + 1 if config.model_type in {"roberta", "esm"} else 0
    return min(positions - offset, _MAX_TOKENS)


def _mean(state: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    weights = mask.unsqueeze(-1).to(state.dtype)
    return (state * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
