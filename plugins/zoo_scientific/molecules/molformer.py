"""MoLFormer: a language model of molecules with linear attention.

Ross et al., "Large-scale chemical language representations capture molecular structure and properties" (Nature Machine
Intelligence 4, 2022). The published repository has its own code, which is never run: this is a new
implementation of the encoder, with the published names of its tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from zoo.errors import needs_extra
from zoo.untrusted import parse_json

with needs_extra("scientific", "run models of molecules and proteins"):
    import tokenizers
    import torch
    from torch import nn
    from transformers import PreTrainedConfig, PreTrainedModel
    from transformers.activations import ACT2FN
    from transformers.modeling_outputs import BaseModelOutput
    from transformers.models.bert.modeling_bert import BertIntermediate, BertOutput, BertSelfOutput

MODEL_TYPE = "molformer"
_MARKS = {"cls_token": "<bos>", "sep_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
_ROTARY_BASE = 10_000


class MolformerConfig(PreTrainedConfig):
    """The settings of a published ``config.json``; the defaults are those of MoLFormer-XL.

    ``deterministic_eval`` is ignored: the stored random features are always used.
    """

    model_type = MODEL_TYPE

    vocab_size: int = 2362
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 768
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    embedding_dropout_prob: float = 0.2
    max_position_embeddings: int = 202
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    linear_attention_eps: float = 1e-6
    num_random_features: int = 32
    feature_map_kernel: str = "relu"
    pad_token_id: int | None = 2


class RandomFeatures(nn.Module):
    """Generalised random features of queries and keys: a kernel of a fixed random projection.

    Choromanski et al., "Rethinking attention with Performers" (2021), section 2.2.
    """

    weight: torch.Tensor

    def __init__(self, size: int, features: int, kernel: str) -> None:
        super().__init__()
        self.kernel = ACT2FN[kernel]
        self.register_buffer("weight", torch.randn(size, features))

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Maps vectors of one head (... x size) to non-negative features (... x features)."""
        return self.kernel(vectors @ self.weight)


class LinearAttention(nn.Module):
    """Attention that sums keys and values once for all queries.

    Katharopoulos et al., "Transformers are RNNs" (2020), equation 5, over queries and keys rotated by their position
    (Su et al., "RoFormer", 2021).
    """

    def __init__(self, config: MolformerConfig) -> None:
        super().__init__()
        self.heads, self.eps = config.num_attention_heads, config.linear_attention_eps
        size, rest = divmod(config.hidden_size, self.heads)
        if rest or size % 2:
            raise ValueError(f"{config.hidden_size} dimensions cannot be shared among {self.heads} heads of even size")
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.feature_map = RandomFeatures(size, config.num_random_features, config.feature_map_kernel)

    def forward(
        self, states: torch.Tensor, mask: torch.Tensor, turn: tuple[torch.Tensor, torch.Tensor]
    ) -> torch.Tensor:
        """Batch x n x d to the same shape.

        Args:
            states: batch x n x d.
            mask: batch x n, 0 for padding, which is not attended to.
            turn: cosine and sine of each position's angles, n x size of a head.
        """
        # Sums over a whole molecule need more precision than half precision has.
        queries = self.feature_map(_turned(self._by_head(self.query(states)), *turn)).float()
        keys = self.feature_map(_turned(self._by_head(self.key(states)), *turn)).float() * mask[:, None, :, None]
        values = self._by_head(self.value(states)).float()
        sums = keys.transpose(-1, -2) @ values
        norm = (queries @ keys.sum(dim=-2).unsqueeze(-1)).clamp(min=self.eps)
        return ((queries @ sums) / norm).transpose(1, 2).flatten(2).to(states.dtype)

    def _by_head(self, states: torch.Tensor) -> torch.Tensor:
        return states.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class _Attention(nn.Module):
    def __init__(self, config: MolformerConfig) -> None:
        super().__init__()
        self.self, self.output = LinearAttention(config), BertSelfOutput(config)

    def forward(self, states: torch.Tensor, mask: torch.Tensor, turn: Any) -> torch.Tensor:
        return self.output(self.self(states, mask, turn), states)


class _Layer(nn.Module):
    def __init__(self, config: MolformerConfig) -> None:
        super().__init__()
        self.attention, self.intermediate = _Attention(config), BertIntermediate(config)
        self.output = BertOutput(config)

    def forward(self, states: torch.Tensor, mask: torch.Tensor, turn: Any) -> torch.Tensor:
        attended = self.attention(states, mask, turn)
        return self.output(self.intermediate(attended), attended)


class _Embeddings(nn.Module):
    def __init__(self, config: MolformerConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)
        self.dropout = nn.Dropout(config.embedding_dropout_prob)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.dropout(self.word_embeddings(tokens))


class _Encoder(nn.Module):
    def __init__(self, config: MolformerConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))


class MolformerModel(PreTrainedModel):
    """The encoder: one vector per token. Its random features stay as stored, in training too."""

    config_class = MolformerConfig
    base_model_prefix = MODEL_TYPE

    def __init__(self, config: MolformerConfig) -> None:
        super().__init__(config)
        self.embeddings, self.encoder = _Embeddings(config), _Encoder(config)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """The vectors of the vocabulary."""
        return self.embeddings.word_embeddings

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, output_hidden_states: bool = False
    ) -> BaseModelOutput:
        """The last layer's vectors, normalised, batch x n x d; all layers' before that on request, embeddings first."""
        states = self.embeddings(input_ids)
        all_states = [states]
        mask, turn = attention_mask.float(), self._turn(input_ids.shape[1], states)
        for layer in self.encoder.layer:
            states = layer(states, mask, turn)
            all_states.append(states)
        return BaseModelOutput(
            last_hidden_state=self.LayerNorm(states), hidden_states=tuple(all_states) if output_hidden_states else None
        )

    def _turn(self, length: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        size = self.config.hidden_size // self.config.num_attention_heads
        rates = _ROTARY_BASE ** (-torch.arange(0, size, 2, device=like.device, dtype=torch.float32) / size)
        angles = torch.outer(torch.arange(length, device=like.device, dtype=torch.float32), rates).repeat(1, 2)
        return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def _turned(vectors: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    first, second = vectors.chunk(2, dim=-1)
    return vectors * cosine + torch.cat((-second, first), dim=-1) * sine


def molformer_tokenizer(
    folder: Path, pieces: Callable[[str], list[str]], vectors: int
) -> tuple[Callable[[str], list[int]], int]:
    """A tokenizer from SMILES to token ids with start and end tokens, and the id of padding.

    Tokens outside the vocabulary become the unknown token, or padding if the model has no vector for that, as in the
    original (github.com/IBM/molformer).

    Args:
        folder: contains ``tokenizer.json`` or ``vocab.json``; the repository's tokenizer class is not used.
        pieces: splits a SMILES into tokens, if only the vocabulary is published.
        vectors: number of token vectors of the model.

    Raises:
        OSError: neither file exists.
        ValueError: a file is damaged, or the vocabulary lacks a special token.
    """
    marks = _marks(folder)
    path = folder / "tokenizer.json"
    own = _published(path) if path.is_file() else None
    known = own.get_vocab() if own else _table(folder / "vocab.json")
    missing = [marks[role] for role in ("cls_token", "sep_token", "pad_token") if marks[role] not in known]
    if missing:
        raise ValueError(f"its vocabulary lacks the special token {missing[0]}")
    start, end, padding = (int(known[marks[role]]) for role in ("cls_token", "sep_token", "pad_token"))
    if own and getattr(own.model, "unk_token", None) not in known:
        own.model.unk_token = marks["pad_token"]
    unknown = known.get(marks["unk_token"], padding)

    def tokenize(smiles: str) -> list[int]:
        if own:
            ids = own.encode(smiles, add_special_tokens=False).ids
        else:
            ids = [known.get(piece, unknown) for piece in pieces(smiles)]
        return [start, *(token if token < vectors else padding for token in ids), end]

    return tokenize, padding


def _published(path: Path) -> tokenizers.Tokenizer:
    try:
        own = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers has no error type for a damaged file
        raise ValueError(f"{path.name} is damaged: {error}") from error
    own.no_padding()
    own.no_truncation()
    return own


def _marks(folder: Path) -> dict[str, str]:
    """The special tokens by their role, as the folder names them."""
    found = dict(_MARKS)
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        said = _table(folder / name) if (folder / name).is_file() else {}
        for role in _MARKS:
            mark = said.get(role)
            mark = mark.get("content") if isinstance(mark, dict) else mark
            found[role] = mark if isinstance(mark, str) else found[role]
    return found


def _table(path: Path) -> dict[str, Any]:
    said = parse_json(path.read_text(encoding="utf-8"), finite=False)
    if not isinstance(said, dict):
        raise ValueError(f"{path.name} contains a {type(said).__name__}, but an object is expected")
    return said
