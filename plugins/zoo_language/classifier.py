"""The text classifier that a transformers model was published with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers

from zoo.loading.transformers import load_config, load_published_head

if TYPE_CHECKING:
    from zoo_language.transformers_backbone import TransformersBackbone

BATCH_SIZE = 32
SHOWN = 5
"""How many labels an answer lists."""

_GENERIC = "LABEL_"


def source_classes(folder: Path) -> int:
    """How many classes, one of them a text's, the checkpoint's own classifier tells apart; 0 without one.

    Of models with a decoder of their own, features are the encoder's, which their classifier does not read: 0 as well.
    """
    config = load_config(folder)
    exclusive = config.problem_type != "multi_label_classification" and not config.is_encoder_decoder
    return int(config.num_labels) if exclusive and _classifies(config) else 0


def load_classifier(backbone: TransformersBackbone, folder: Path) -> Any:
    """The whole model with its classifier, for inference; None where the checkpoint holds no trained one."""
    config = load_config(folder)
    if not _classifies(config):
        return None
    model = load_published_head(transformers.AutoModelForSequenceClassification, folder, config=config)
    if model is None:
        return None
    model = model.to(backbone.device).eval()
    if model.config.pad_token_id is None:
        model.config.pad_token_id = backbone.pad_token_id
    return model


def published_classifier(
    backbone: TransformersBackbone, folder: Path, inputs: Sequence[str]
) -> list[list[dict[str, Any]]] | None:
    """The likeliest labels for each text, best first; None where the checkpoint holds no trained classifier."""
    model = load_classifier(backbone, folder)
    if model is None:
        return None
    config = model.config
    labels = [str(config.id2label.get(index, f"{_GENERIC}{index}")) for index in range(config.num_labels)]
    several = config.problem_type == "multi_label_classification"
    answers: list[list[dict[str, Any]]] = []
    for start in range(0, len(inputs), BATCH_SIZE):
        batch = backbone.collate([backbone.preprocess(text) for text in inputs[start : start + BATCH_SIZE]])
        with torch.inference_mode():
            logits = model(**{name: tensor.to(backbone.device) for name, tensor in batch.items()}).logits.float()
        for row in (logits.sigmoid() if several else logits.softmax(dim=-1)).tolist():
            ranked = sorted(zip(labels, row, strict=True), key=lambda pair: -pair[1])[:SHOWN]
            answers.append([{"label": label, "score": score} for label, score in ranked])
    return answers


def _classifies(config: Any) -> bool:
    names = config.architectures or ()
    return any("ForSequenceClassification" in name for name in names) and config.num_labels > 1
