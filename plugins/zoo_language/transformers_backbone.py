"""Transformers text models from a local folder: encoders, decoders, sentence-transformers with their own pooling."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.backbone import PROBABILITIES
from zoo.errors import DataError, InvalidInput, UnsupportedModel, needs_extra

with needs_extra("language", "load language models"):
    import numpy as np
    import torch
    import transformers
    from transformers.tokenization_utils_base import TruncationStrategy
    from transformers.utils.generic import PaddingStrategy

from zoo.loading.dtypes import float_dtype
from zoo.loading.heads import HeadedModel, with_head
from zoo.loading.published_config import published_config
from zoo.loading.transformers import load_config, load_model, load_tokenizer
from zoo_language import pooling
from zoo_language.encoder import TextEncoder, dense_modules
from zoo_language.sentence_pipeline import SentencePipeline, read_pipeline

if TYPE_CHECKING:
    from zoo.contract.backbone import Learner
    from zoo.entities import ModelCard

UNLIMITED = 1_000_000
"""Tokenizers without a limit report one above this."""

DEFAULT_MAX_TOKENS = 512
DROPOUT = 0.1
"""Probability of dropping a feature below a new head, in training."""


class TransformersBackbone:
    """A transformers model that turns texts into features.

    Attributes:
        layers: ``embeddings.mean``, ``layer1.cls|max|mean``...; decoders have ``max|mean|last``. The last layer name is
            the model's own pooling; with sentence-transformers it is ``sentence``, dense layers and scaling included.
        module: the encoder with its pooling, for training.
        max_tokens: longer texts are cut.
        kept: the published head used last, by name.
    """

    input_kind = "text"
    prepares_apart = True

    def __init__(self, card: ModelCard, folder: Path, device: str = "cpu", dtype: str = "float32") -> None:
        pipeline = read_pipeline(folder)
        self.card, self.folder, self.device = card, folder, device
        self.kept: dict[str, Any] = {}
        self._normalize = bool(pipeline and pipeline.normalize)
        self._lower_case = bool(pipeline and pipeline.lower_case)
        self._transformer = pipeline.transformer if pipeline else folder
        config = _config(self._transformer, card)
        model = _model(self._transformer, card, config, dtype)
        self._tokenizer = load_tokenizer(card, self._transformer, "language")
        self.pad_token_id = _pad_id(self._tokenizer)
        self.max_tokens = _max_tokens(pipeline, self._tokenizer, config)
        self._tokenize = self._tokenized_directly if self._can_tokenize_directly() else self._tokenized
        decoder = _is_decoder(config)
        count, width = _sizes(config)
        own = pipeline.pooling if pipeline else (("last",) if decoder else ("mean",))
        dense = dense_modules(pipeline) if pipeline else []
        self.module = TextEncoder(model, own, dense).to(device=device, dtype=float_dtype(dtype)).eval()
        self.embedding_dimension = pipeline.dense[-1].outputs if pipeline and pipeline.dense else width * len(own)
        poolings = ("max", "mean", "last") if decoder else ("cls", "max", "mean")
        per_layer = [f"layer{k}.{name}" for k in range(1, count + 1) for name in poolings]
        self.layers = ("embeddings.mean", *per_layer, *(["sentence"] if pipeline else []))

    def preprocess(self, item: Any) -> dict[str, list[int]]:
        """Token ids of one text, cut at the model's maximum; ``length`` returns their number."""
        return self.preprocess_all([item])[0]

    def preprocess_all(self, items: Sequence[Any]) -> list[dict[str, list[int]]]:
        """``preprocess`` of many texts; fast tokenizers process them in parallel."""
        for item in items:
            if not isinstance(item, str):
                raise DataError(f"'{self.card.id}' takes texts, not {type(item).__name__}.")
        texts = [item.lower() for item in items] if self._lower_case else list(items)
        rows = self._tokenize(texts)
        # A decoder's tokenizer returns no tokens for an empty text; one token replaces it.
        return [row if row["input_ids"] else {name: [self.pad_token_id] for name in row} for row in rows]

    def length(self, item: Mapping[str, Sequence[int]]) -> int:
        """Number of tokens of a preprocessed text, for batches of similar length."""
        return len(item["input_ids"])

    def collate(self, items: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, torch.Tensor]:
        """Token ids padded on the right to the longest of the batch, with the attention mask."""
        lengths = torch.tensor([len(item["input_ids"]) for item in items])
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        batch = {}
        for name in items[0]:
            tokens = itertools.chain.from_iterable(item[name] for item in items)
            padded = torch.full(mask.shape, self.pad_token_id if name == "input_ids" else 0)
            padded[mask] = torch.from_numpy(np.fromiter(tokens, dtype=np.int64, count=int(lengths.sum())))
            batch[name] = padded
        batch["attention_mask"] = mask.long()
        return batch

    def features(self, batch: Mapping[str, torch.Tensor], layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Layer name to float32 vectors, batch x d; ``probabilities`` are of the published classifier's classes."""
        batch = {name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()}
        mask = batch["attention_mask"]
        with torch.inference_mode():
            if set(layers) == {"sentence"}:
                return {"sentence": self._sentence(self.module(batch))}
            if PROBABILITIES not in layers:
                states = self.module.hidden_states(batch)
                return {layer: self._pooled(layer, states, mask) for layer in layers}
            if self._classifier is None:
                raise InvalidInput(f"'{self.card.id}' has no classifier of its own.")
            output = self._classifier(**batch, output_hidden_states=True)
            found = {PROBABILITIES: output.logits.float().softmax(dim=-1)}
            for layer in layers:
                if layer != PROBABILITIES:
                    found[layer] = self._pooled(layer, output.hidden_states, mask)
            return found

    def head(self, task: Any, classes: int) -> HeadedModel:
        """The encoder with dropout and a new linear layer of ``classes`` outputs, for training.

        Raises:
            InvalidInput: fewer than one output.
        """
        return with_head(self.module, self.embedding_dimension, classes, task=task, device=self.device, dropout=DROPOUT)

    @cached_property
    def source_classes(self) -> int:
        """Number of exclusive classes of the published classifier; 0 without one."""
        from zoo_language.classifier import source_classes

        # A model cut after some layers is not the one that its classifier was trained on.
        return 0 if self.card.loader.get("layers") else source_classes(self._transformer)

    @cached_property
    def _classifier(self) -> Any:
        """The whole model with its published classifier; it returns features and probabilities in one pass."""
        from zoo_language.classifier import load_classifier

        return load_classifier(self, self._transformer)

    @property
    def tokenizer(self) -> Any:
        """The tokenizer, with the truncation that it was loaded with."""
        return self._tokenizer

    def learner(self, task: str, classes: Sequence[str]) -> Learner | None:
        """A learner for entities, answers and translations; None for other tasks."""
        from zoo_language.published import learner

        return learner(self, self._transformer, task, classes)

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> Sequence[Any] | None:
        """Classes, entities, answers or translations of the published head; None without one.

        Args:
            labels: source and target language of a translation, if they are known.
        """
        from zoo_language import published

        return published.answer(self, self._transformer, task, inputs, labels)

    def _tokenized(self, texts: list[str]) -> list[dict[str, list[int]]]:
        encoded = self._tokenizer(texts, truncation=True, max_length=self.max_tokens, return_attention_mask=False)
        names = [name for name in ("input_ids", "token_type_ids") if name in encoded]
        return [dict(zip(names, row, strict=True)) for row in zip(*(encoded[name] for name in names), strict=True)]

    def _tokenized_directly(self, texts: list[str]) -> list[dict[str, list[int]]]:
        """As the tokenizer's own call, without the third of its time spent on offsets and masks."""
        # Other tasks share the tokenizer, and may have changed its padding or truncation.
        self._tokenizer.set_truncation_and_padding(
            padding_strategy=PaddingStrategy.DO_NOT_PAD,
            truncation_strategy=TruncationStrategy.LONGEST_FIRST,
            max_length=self.max_tokens,
            stride=0,
            pad_to_multiple_of=None,
            padding_side=None,
        )
        encodings = self._tokenizer.backend_tokenizer.encode_batch_fast(texts)
        if "token_type_ids" in self._tokenizer.model_input_names:
            return [{"input_ids": one.ids, "token_type_ids": one.type_ids} for one in encodings]
        return [{"input_ids": one.ids} for one in encodings]

    def _can_tokenize_directly(self) -> bool:
        """Whether both ways return the same for a text; Python tokenizers, and those with extra steps, do not.

        It also sets the truncation, which later calls only read, so that threads may share the tokenizer.
        """
        probe = ["First, 2 texts\nwith CAPITALS, <s> signs </s> and more", "", "word " * (self.max_tokens + 1)]
        expected = self._tokenized(probe)
        try:
            return self._tokenized_directly(probe) == expected
        except (AttributeError, TypeError):
            return False

    def _pooled(self, layer: str, states: Sequence[torch.Tensor], mask: torch.Tensor) -> torch.Tensor:
        if layer not in self.layers:
            raise UnsupportedModel(f"'{self.card.id}' has no layer '{layer}'.", f"Layers: {', '.join(self.layers)}.")
        if layer == "sentence":
            return self._sentence(self.module.pool(states[-1], mask))
        place, _, name = layer.partition(".")
        index = 0 if place == "embeddings" else int(place.removeprefix("layer"))
        return pooling.BY_NAME[name](states[index], mask).float()

    def _sentence(self, vectors: torch.Tensor) -> torch.Tensor:
        vectors = vectors.float()
        return torch.nn.functional.normalize(vectors, dim=-1) if self._normalize else vectors


def load(card: ModelCard, folder: Path, device: str, dtype: str) -> TransformersBackbone:
    """The backbone of a transformers folder; nothing is downloaded and no code of the model's is run.

    Raises:
        UnsupportedModel: the folder needs its own code, lacks weights, or has an architecture that transformers does
            not know.
    """
    return TransformersBackbone(card, Path(folder), device, dtype)


def _config(folder: Path, card: ModelCard) -> Any:
    raw = published_config(folder, card)
    try:
        config = load_config(folder)
    except (OSError, ValueError, KeyError) as error:
        own_code = "needs its repository's own code, which zoo never runs" if raw.get("auto_map") else ""
        reason = (
            own_code or f"has the type '{raw.get('model_type')}', which this version of transformers does not support"
        )
        raise UnsupportedModel(f"'{card.id}' {reason}.", "Choose a model of a built-in architecture.") from error
    wanted = card.loader.get("layers")
    if wanted:
        if not 0 < int(wanted) <= config.num_hidden_layers:
            raise UnsupportedModel(f"'{card.id}' has {config.num_hidden_layers} layers, not {wanted}.")
        config.num_hidden_layers = int(wanted)
    return config


def _model(folder: Path, card: ModelCard, config: Any, dtype: str) -> transformers.PreTrainedModel:
    model: transformers.PreTrainedModel = load_model(
        transformers.AutoModel, card, folder, unneeded=("pooler",), config=config, dtype=float_dtype(dtype)
    )
    if config.is_encoder_decoder:
        return model.get_encoder()
    if getattr(model, "pooler", None) is not None and "add_pooling_layer" in inspect.signature(type(model)).parameters:
        # Features pool the tokens themselves, and a head would leave it untrained.
        model.register_module("pooler", None)
    return model


def _pad_id(tokenizer: Any) -> int:
    for name in ("pad_token_id", "eos_token_id", "unk_token_id"):
        if getattr(tokenizer, name, None) is not None:
            return int(getattr(tokenizer, name))
    return 0


def _max_tokens(pipeline: SentencePipeline | None, tokenizer: Any, config: Any) -> int:
    limits = [tokenizer.model_max_length if tokenizer.model_max_length < UNLIMITED else None]
    limits.append(pipeline.max_tokens if pipeline else None)
    positions = getattr(config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        # RoBERTa's positions start after the padding index.
        offset = (config.pad_token_id or 0) + 1 if "roberta" in config.model_type or config.model_type == "mpnet" else 0
        limits.append(positions - offset)
    known = [limit for limit in limits if limit]
    return min(known) if known else DEFAULT_MAX_TOKENS


def _is_decoder(config: Any) -> bool:
    from transformers.models.auto import modeling_auto

    causal = config.model_type in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    masked = config.model_type in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    return bool(causal and not masked and not config.is_encoder_decoder)


def _sizes(config: Any) -> tuple[int, int]:
    text = config.get_text_config()
    return int(text.num_hidden_layers), int(text.hidden_size)
