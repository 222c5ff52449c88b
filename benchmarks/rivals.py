"""Fine-tuning with transformers.Trainer and with the parts of timm's training script, for as long as zoo takes.

Each recipe trains all weights of one model on the same training samples, keeps the epoch that is best on the same
validation samples, as zoo does, and has as many epochs as fit into a given processor time; one epoch is timed first.
"""

from __future__ import annotations

import copy
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

BATCH = 32
"""Samples per batch of the timm recipe, as of zoo's."""

BASE_RATE, BASE_BATCH = 0.1, 256
"""timm's train.py: learning rate of SGD for a batch of 256 samples, scaled linearly."""

WARM_UP = 5
"""Epochs of timm's warm-up; at most a tenth of all."""


@dataclass(frozen=True)
class Row:
    """One model and one split of one data set.

    Attributes:
        loaded: the model as zoo loads it, untrained.
        parts: decoded inputs and class indices of the training, the validation and the test samples.
        side: pixels of the side of an image in the network.
    """

    loaded: Any
    parts: Sequence[tuple[Sequence[Any], Sequence[int]]]
    classes: int
    seed: int
    side: int

    @property
    def texts(self) -> bool:
        """Whether the inputs are texts."""
        return isinstance(self.parts[0][0][0], str)


def within(seconds: float, train: Callable[[int], tuple[float, float]]) -> dict[str, Any]:
    """The result of ``train`` with at least as many epochs as fit into that processor time.

    Args:
        train: function of the number of epochs that returns the test accuracy and the processor time of the epochs.
    """
    epochs = math.ceil(seconds / train(1)[1])
    accuracy, used = train(epochs)
    return {"accuracy": accuracy, "epochs": epochs, "seconds": round(used, 1)}


def trainer(row: Row, epochs: int) -> tuple[float, float]:
    """Test accuracy and seconds of ``transformers.Trainer``.

    Its defaults: AdamW, learning rate 5e-5 with linear decay, batches of 8, gradients clipped to norm 1, a new random
    head. Only the number of epochs is chosen, and the weights of the best epoch are loaded at the end.
    """
    from transformers import AutoTokenizer, Trainer, TrainingArguments
    from transformers.utils import logging

    logging.set_verbosity_error()
    torch.manual_seed(row.seed)
    model = _text_model(row) if row.texts else _image_model(row)
    tokenizer = AutoTokenizer.from_pretrained(row.loaded.backbone.folder) if row.texts else None
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            num_train_epochs=epochs,
            eval_strategy="epoch",
            save_strategy="epoch",
            save_total_limit=1,
            save_only_model=True,
            load_best_model_at_end=True,
            metric_for_best_model="accuracy",
            seed=row.seed,
            report_to=[],
            disable_tqdm=True,
            logging_strategy="no",
            use_cpu=True,
            dataloader_pin_memory=False,
        )
        parts = [_rows(row, part, tokenizer) for part in row.parts]
        training = Trainer(
            model,
            arguments,
            train_dataset=parts[0],
            eval_dataset=parts[1],
            processing_class=tokenizer,
            compute_metrics=lambda found: {"accuracy": float((found[0].argmax(1) == found[1]).mean())},
        )
        started = time.process_time()
        training.train()
        used = time.process_time() - started
        return float(training.evaluate(parts[2])["eval_accuracy"]), used


def timm_recipe(row: Row, epochs: int) -> tuple[float, float]:
    """Test accuracy and seconds of the recipe of timm's train.py, with timm's own parts.

    Its defaults: SGD with Nesterov momentum 0.9 and weight decay 2e-5, learning rate 0.1 per 256 samples, cosine decay
    to 0 after a warm-up from 1e-5, label smoothing 0.1, random resized crops of 8 to 100 % of the area with random
    interpolation, mirroring, colour jitter 0.4. Batches have 32 samples, as zoo's.
    """
    from timm.loss import LabelSmoothingCrossEntropy
    from timm.optim import create_optimizer_v2
    from timm.scheduler import create_scheduler_v2

    torch.manual_seed(row.seed)
    network = timm_network(row)
    train, validation, test = (_loader(row, part, training=at == 0) for at, part in enumerate(row.parts))
    rate = BASE_RATE * BATCH / BASE_BATCH
    optimizer = create_optimizer_v2(network, opt="sgd", lr=rate, momentum=0.9, weight_decay=2e-5)
    schedule, _ = create_scheduler_v2(
        optimizer,
        "cosine",
        num_epochs=epochs,
        warmup_epochs=min(WARM_UP, epochs // 10),
        step_on_epochs=False,
        updates_per_epoch=len(train),
    )
    loss, updates = LabelSmoothingCrossEntropy(0.1), 0
    best, weights, started = -1.0, network.state_dict(), time.process_time()
    for _ in range(epochs):
        network.train()
        for images, labels in train:
            loss(network(images.contiguous(memory_format=torch.channels_last)), labels).backward()
            optimizer.step()
            optimizer.zero_grad()
            updates += 1
            schedule.step_update(updates)
        reached = _accuracy(network, validation)
        if reached > best:
            best, weights = reached, copy.deepcopy(network.state_dict())
    used = time.process_time() - started
    network.load_state_dict(weights)
    return _accuracy(network, test), used


def timm_network(row: Row) -> Any:
    """timm's MobileNetV2 with the weights of the package, channels last, under a new classifier.

    Raises:
        SystemExit: its features are not those of zoo's network.
    """
    import timm

    from zoo_vision.weights import by_order

    trunk = row.loaded.backbone.module
    network = timm.create_model("mobilenetv2_100", pretrained=False)
    network.load_state_dict(by_order(network, trunk.state_dict(), row.loaded.card.id))
    pixels = torch.rand(2, 3, row.side, row.side)
    with torch.inference_mode():
        own = network.eval().forward_head(network.forward_features(pixels), pre_logits=True)
        if not torch.allclose(own, trunk.eval()(pixels), atol=1e-4):
            raise SystemExit("The features of timm's network differ from zoo's.")
    network.reset_classifier(row.classes)
    return network.to(memory_format=torch.channels_last)


def _text_model(row: Row) -> Any:
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_pretrained(row.loaded.backbone.folder, num_labels=row.classes)


def _image_model(row: Row) -> Any:
    from transformers import TimmWrapperConfig, TimmWrapperForImageClassification

    config = TimmWrapperConfig(architecture="mobilenetv2_100", num_labels=row.classes)
    model = TimmWrapperForImageClassification(config)
    model.timm_model = timm_network(row)
    return model


def _rows(row: Row, part: tuple[Sequence[Any], Sequence[int]], tokenizer: Any) -> list[dict[str, Any]]:
    """Samples as the Trainer takes them: tokens, or the pixels that zoo's network takes."""
    inputs, labels = part
    if tokenizer is not None:
        encoded = tokenizer(list(inputs), truncation=True, max_length=row.loaded.backbone.max_tokens)
        return [
            {**{name: values[at] for name, values in encoded.items()}, "labels": label}
            for at, label in enumerate(labels)
        ]
    backbone, like = row.loaded.backbone, torch.zeros(1)
    items = backbone.preprocess_all(inputs)
    pixels = [backbone.recipe.pixels(backbone.collate([item]), like)[0] for item in items]
    return [{"pixel_values": one, "labels": label} for one, label in zip(pixels, labels, strict=True)]


class _Images(torch.utils.data.Dataset[Any]):
    """Images with labels, as timm's loader takes them; it sets ``transform``."""

    def __init__(self, part: tuple[Sequence[Any], Sequence[int]]) -> None:
        self._inputs, self._labels = part
        self.transform: Any = None

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, at: int) -> tuple[Any, int]:
        return self.transform(self._inputs[at].convert("RGB")), self._labels[at]


def _loader(row: Row, part: tuple[Sequence[Any], Sequence[int]], training: bool) -> Any:
    from timm.data import create_loader

    shown = {"interpolation": "random"} if training else {"interpolation": "bilinear", "crop_mode": "squash"}
    return create_loader(
        _Images(part),
        (3, row.side, row.side),
        BATCH,
        is_training=training,
        crop_pct=1.0,
        num_workers=0,
        persistent_workers=False,
        use_prefetcher=False,
        device=torch.device("cpu"),
        **shown,
    )


def _accuracy(network: Any, loader: Any) -> float:
    network.eval()
    right = total = 0
    with torch.inference_mode():
        for images, labels in loader:
            found = network(images.contiguous(memory_format=torch.channels_last)).argmax(1)
            right, total = right + int((found == labels).sum()), total + len(labels)
    return right / total
