"""The text classifier that a transformers model was published with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers

from zoo.kinds.classes import Labels
from zoo.loading.transformers import load_config, load_published_head

if TYPE_CHECKING:
    from zoo_language.text_model import TextModel

BATCH_SIZE = 32
_GENERIC = "LABEL_"


def source_classes(folder: Path) -> int:
    """Number of exclusive classes of the checkpoint's own classifier; 0 without one.

    Also 0 for models with a decoder: their features are the encoder's, and their classifier uses the decoder's.
    """
    config = load_config(folder)
    exclusive = config.problem_type != "multi_label_classification" and not config.is_encoder_decoder
    return int(config.num_labels) if exclusive and _classifies(config) else 0


def load_classifier(backbone: TextModel, folder: Path) -> Any:
    """The whole model with its classifier, for inference; None if the checkpoint has no trained one."""
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


def classified(backbone: TextModel, folder: Path, inputs: Sequence[str]) -> list[Labels] | None:
    """The most likely labels for each text, best first; None if the checkpoint has no trained classifier."""
    model = load_classifier(backbone, folder)
    if model is None:
        return None
    config = model.config
    labels = [str(config.id2label.get(index, f"{_GENERIC}{index}")) for index in range(config.num_labels)]
    several = config.problem_type == "multi_label_classification"
    answers: list[Labels] = []
    for start in range(0, len(inputs), BATCH_SIZE):
        batch = backbone.collate([backbone.preprocess(text) for text in inputs[start : start + BATCH_SIZE]])
        with torch.inference_mode():
            logits = model(**{name: tensor.to(backbone.device) for name, tensor in batch.items()}).logits.float()
        scores = logits.sigmoid() if several else logits.softmax(dim=-1)
        answers += [Labels.best_of(labels, row) for row in scores.tolist()]
    return answers


def _classifies(config: Any) -> bool:
    names = config.architectures or ()
    return any("ForSequenceClassification" in name for name in names) and config.num_labels > 1
