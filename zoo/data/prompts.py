"""Pictures to be made: what is asked for, and data sets turned round so that their pictures are the targets."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from zoo.entities import Dataset, Subset
from zoo.errors import DataError, InvalidInput

if TYPE_CHECKING:
    from PIL.Image import Image

UNCONDITIONAL = "unconditional-image-generation"
MOST = 1000
"""Pictures that may be asked for at once."""


@dataclass(frozen=True)
class Prompt:
    """One picture that is asked for.

    Attributes:
        text: what it shows, or the name of a class; empty for models that take no prompt.
        seed: of the noise that it is made from; the same seed gives the same picture.
        steps: of denoising; None takes the model's usual number.
        guidance: how closely the prompt is kept to, the w of classifier-free guidance; None takes what is usual.
    """

    text: str = ""
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Picture:
    """A picture with the prompt that it belongs to."""

    image: Image
    prompt: str = ""


class Prompts(Sequence[Any]):
    """Texts as prompts, each with its position as seed."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: Any) -> Any:
        return Subset(self, range(len(self))[index]) if isinstance(index, slice) else Prompt(self.texts[index], index)


class Pictures(Sequence[Any]):
    """Images, decoded when indexed, each with the text of its prompt."""

    def __init__(self, images: Sequence[Any], texts: Sequence[str]) -> None:
        self.images, self.texts = images, texts

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Subset(self, range(len(self))[index])
        return Picture(self.images[index], self.texts[index])


def as_prompts(dataset: Dataset, task: str) -> Dataset:
    """The same pictures as targets of prompts: the captions, or the names of the classes, or none.

    Raises:
        DataError: the data are no pictures, or have no text where the task needs one.
    """
    if dataset.input_kind != "image":
        raise DataError(
            f"'{dataset.name}' holds {dataset.input_kind} inputs, and {task} learns from pictures.",
            "Bring a folder of pictures, or a table with a column of pictures and one of texts.",
        )
    if task == UNCONDITIONAL:
        texts = [""] * len(dataset)
    elif dataset.target_kind == "text" and dataset.targets is not None:
        texts = [str(text) for text in dataset.targets]
    elif dataset.target_kind == "class" and dataset.targets is not None:
        texts = [dataset.classes[int(index)] for index in dataset.targets]
    else:
        raise DataError(
            f"The pictures of '{dataset.name}' have no text and no class, and {task} needs one for each.",
            f"Sort them into class folders, bring a table of captions, or take --task {UNCONDITIONAL}.",
        )
    digest = hashlib.sha256(f"{task}:{dataset.fingerprint}".encode()).hexdigest()
    pictures: Any = Pictures(dataset.inputs, texts)
    classes = () if task == UNCONDITIONAL else dataset.classes
    return replace(
        dataset,
        input_kind="prompt",
        inputs=Prompts(texts),
        targets=pictures,
        classes=classes,
        fingerprint=digest,
        target_kind="generated-image",
    )


def asked(
    texts: Sequence[str],
    *,
    prompted: bool,
    count: int = 1,
    seed: int = 0,
    steps: int | None = None,
    guidance: float | None = None,
) -> list[Prompt]:
    """The pictures that are asked for, ``count`` of each prompt, with seeds from ``seed`` on.

    Args:
        texts: prompts; where ``prompted`` is false, numbers of pictures.

    Raises:
        InvalidInput: a number of pictures is none, or too large.
    """
    wanted = [(text, count) for text in texts]
    if not prompted:
        for text in texts:
            if not text.strip().isdecimal():
                raise InvalidInput(
                    f"This model takes no prompt, and '{text[:40]}' is no number of pictures.", "Ask for some: 4"
                )
        wanted = [("", sum(int(text) for text in texts))]
    total = sum(number for _, number in wanted)
    if not 1 <= total <= MOST:
        raise InvalidInput(f"{total:,} pictures are asked for; zoo makes 1 to {MOST:,} at once.")
    return [Prompt(text, seed + at, steps, guidance) for text, number in wanted for at in range(number)]
