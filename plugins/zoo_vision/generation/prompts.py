"""Prompts, the inputs of image generators, and data sets of images as the targets of prompts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

from zoo.entities import Combined, Dataset
from zoo.errors import DataError, InvalidInput
from zoo_vision.generation.images import GeneratedImage

UNCONDITIONAL = "unconditional-image-generation"
MOST = 1000
"""Maximum images per request."""


@dataclass(frozen=True)
class Prompt:
    """A request for one image.

    Attributes:
        text: the description, or the name of a class; empty for models that take no prompt.
        seed: seed of the noise; the same seed generates the same image.
        steps: denoising steps; None for the model's default.
        guidance: how closely the image follows the prompt, the w of classifier-free guidance; None for the default.
    """

    text: str = ""
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None

    def __str__(self) -> str:
        return self.text


def as_prompts(dataset: Dataset, task: str) -> Dataset:
    """The images of a data set as targets of prompts: captions, names of classes, or no text.

    Raises:
        DataError: the data are not images, or lack a text that the task needs.
    """
    if dataset.input_kind != "image":
        raise DataError(
            f"'{dataset.name}' has {dataset.input_kind} inputs, but {task} is trained on images.",
            "Use a folder of images, or a table with a column of images and one of texts.",
        )
    if task == UNCONDITIONAL:
        texts = [""] * len(dataset)
    elif dataset.target_kind == "text" and dataset.targets is not None:
        texts = [str(text) for text in dataset.targets]
    elif dataset.target_kind == "class" and dataset.targets is not None:
        texts = [dataset.classes[int(index)] for index in dataset.targets]
    else:
        raise DataError(
            f"The images of '{dataset.name}' have neither a text nor a class, which {task} needs.",
            f"Sort them into class folders, add a table of captions, or use --task {UNCONDITIONAL}.",
        )
    return replace(
        dataset,
        input_kind="prompt",
        inputs=Combined(Prompt, texts, range(len(texts))),
        targets=Combined(GeneratedImage, dataset.inputs, texts),
        classes=() if task == UNCONDITIONAL else dataset.classes,
        fingerprint=hashlib.sha256(f"{task}:{dataset.fingerprint}".encode()).hexdigest(),
        target_kind="generated-image",
    )


@runtime_checkable
class HasNoGuidance(Protocol):
    """A generator that takes no guidance scale."""

    guided: Literal[False]


def requested(
    texts: Sequence[str],
    *,
    prompted: bool,
    count: int = 1,
    seed: int = 0,
    steps: int | None = None,
    guidance: float | None = None,
) -> list[Prompt]:
    """The requested images, ``count`` of each prompt, with seeds from ``seed`` on.

    Args:
        texts: prompts, or numbers of images if ``prompted`` is false.

    Raises:
        InvalidInput: a number of images is not a number, zero, or too large.
    """
    numbers = [(text, count) for text in texts]
    if not prompted:
        for text in texts:
            if not text.strip().isdecimal():
                raise InvalidInput(
                    f"This model takes no prompt, and '{text[:40]}' is not a number of images.",
                    "Give a number of images, such as 4.",
                )
        numbers = [("", sum(int(text) for text in texts))]
    total = sum(number for _, number in numbers)
    if not 1 <= total <= MOST:
        raise InvalidInput(f"{total:,} images are requested; zoo generates 1 to {MOST:,} at once.")
    return [Prompt(text, seed + at, steps, guidance) for text, number in numbers for at in range(number)]
