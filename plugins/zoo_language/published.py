"""Heads that a transformers model was published with: taggers, answerers and translators."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers

from zoo.errors import DataError, UnsupportedModel
from zoo.features.quiet import quiet
from zoo_language import answering, tagging

if TYPE_CHECKING:
    from zoo_language.transformers_backbone import TransformersBackbone

_LOCAL = {"local_files_only": True, "trust_remote_code": False}
_AT_ONCE = 16
_LONGEST = 256
"""Tokens of a translation, at most."""


def tagged(backbone: TransformersBackbone, folder: Path, inputs: Sequence[str]) -> list[Any] | None:
    """The entities of each text; None where the checkpoint holds no trained tagger."""
    model = _model(folder, "ForTokenClassification", transformers.AutoModelForTokenClassification, backbone.device)
    if model is None:
        return None
    classes = [str(model.config.id2label[index]) for index in range(model.config.num_labels)]
    return tagging.tag(backbone, inputs, lambda batch: model(**batch).logits, classes)


def answered(backbone: TransformersBackbone, folder: Path, inputs: Sequence[Any]) -> list[Any] | None:
    """The answer to each question; None where the checkpoint holds no trained answerer."""
    model = _model(folder, "ForQuestionAnswering", transformers.AutoModelForQuestionAnswering, backbone.device)
    if model is None:
        return None

    def logits(batch: Any) -> torch.Tensor:
        outputs = model(**batch)
        return torch.stack([outputs.start_logits, outputs.end_logits], dim=-1)

    return [answering.find(backbone, item, logits) for item in inputs]


def translated(backbone: TransformersBackbone, folder: Path, inputs: Sequence[str]) -> list[str] | None:
    """Each text as the model rewrites it; None where the checkpoint is no sequence-to-sequence model."""
    if not _is_translator(folder):
        return None
    return Translator(backbone, folder).predict(inputs)


class Translator:
    """Trains and uses a sequence-to-sequence model such as Marian, T5 or NLLB, all of it pretrained.

    Attributes:
        module: maps a batch with ``labels`` to the mean loss of its tokens, batch x 1.
    """

    classes = ()

    def __init__(self, backbone: TransformersBackbone, folder: Path) -> None:
        self.backbone = backbone
        model = _model(folder, "", transformers.AutoModelForSeq2SeqLM, backbone.device)
        if model is None:
            raise UnsupportedModel(f"The weights of '{backbone.card.id}' lack its decoder.", "Pull the model again.")
        self.pretrained = model
        self.module = _Losses(model)

    def example(self, item: Any, target: Any) -> tuple[dict[str, list[int]], list[int]]:
        """Tokens of the text and of its translation."""
        limit = self.backbone.max_tokens
        labels = self.backbone.tokenizer(text_target=str(target), truncation=True, max_length=limit)["input_ids"]
        return self.backbone.preprocess(item), list(labels)

    def collate(self, examples: Sequence[tuple[dict[str, list[int]], list[int]]]) -> dict[str, torch.Tensor]:
        """Padded on the right; the padding of the translations does not count."""
        batch = self.backbone.collate([tokens for tokens, _ in examples])
        batch.pop("token_type_ids", None)
        longest = max(len(labels) for _, labels in examples)
        rows = [[*labels, *[-100] * (longest - len(labels))] for _, labels in examples]
        return {**batch, "labels": torch.tensor(rows)}

    def predict(self, inputs: Sequence[Any]) -> list[str]:
        """The translation of each text."""
        self.module.eval()
        texts: list[str] = []
        for start in range(0, len(inputs), _AT_ONCE):
            part = inputs[start : start + _AT_ONCE]
            if not all(isinstance(text, str) for text in part):
                raise DataError(f"'{self.backbone.card.id}' takes texts.")
            batch = self.backbone.collate([self.backbone.preprocess(text) for text in part])
            batch.pop("token_type_ids", None)
            with torch.inference_mode(), quiet():
                tokens = self.module.model.generate(
                    **{name: tensor.to(self.backbone.device) for name, tensor in batch.items()},
                    max_new_tokens=min(_LONGEST, 2 * batch["input_ids"].shape[1] + 16),
                )  # fmt: skip
            texts += self.backbone.tokenizer.batch_decode(tokens, skip_special_tokens=True)
        return [text.strip() for text in texts]


class _Losses(torch.nn.Module):
    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        loss = self.model(**batch).loss
        return loss.expand(len(batch["input_ids"]), 1)


def learner(backbone: TransformersBackbone, folder: Path, task: str, classes: Sequence[str]) -> Any:
    """What is trained for a task on structured targets; None for tasks that there is no head for here."""
    if task == "token-classification":
        return tagging.Tagger(backbone, classes)
    if task == "question-answering":
        return answering.Answerer(backbone)
    if task == "translation" and _is_translator(folder):
        return Translator(backbone, folder)
    return None


def _is_translator(folder: Path) -> bool:
    config = transformers.AutoConfig.from_pretrained(folder, **_LOCAL)
    return bool(config.is_encoder_decoder)


def _model(folder: Path, ending: str, kind: Any, device: str) -> Any:
    """The checkpoint with its own head, or None where it was saved without, or lacks tensors of it."""
    config = transformers.AutoConfig.from_pretrained(folder, **_LOCAL)
    if ending and not any(ending in name for name in config.architectures or ()):
        return None
    with quiet():
        model, report = kind.from_pretrained(
            folder, config=config, weights_only=True, output_loading_info=True, **_LOCAL
        )
    if report["missing_keys"]:
        logging.getLogger(__name__).info("The checkpoint in %s lacks %s.", folder, sorted(report["missing_keys"])[0])
        return None
    return model.to(device).eval()
