"""Generated images as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from zoo.contract.values import short
from zoo.pages import parts

if TYPE_CHECKING:
    from zoo_vision.generation.images import GeneratedImage

SMALLEST = 192
"""Pixels of the longer side to which smaller images are enlarged."""


def sections(answers: Sequence[GeneratedImage]) -> list[str]:
    """A section for each prompt with its generated images."""
    found = []
    for prompt, images in groupby(answers, key=lambda answer: answer.prompt):
        figures = "".join(f"<li>{figure(answer)}</li>" for answer in images)
        heading = escape(short(prompt)) if prompt else "Without a prompt"
        found.append(f'<section><h2>{heading}</h2><ul class="made">{figures}</ul></section>')
    return found


def figure(answer: GeneratedImage) -> str:
    """The image, with the settings to generate it again."""
    settings = f"Seed {answer.seed}, {answer.steps} steps"
    settings += "" if answer.guidance is None else f", guidance {answer.guidance:g}"
    settings += ". Flagged by the model's safety checker" if answer.flagged else ""
    factor = max(1, round(SMALLEST / max(answer.image.size)))
    large = answer.image.resize((factor * answer.image.width, factor * answer.image.height), 0)
    words = f"An image: {settings}."
    if answer.prompt:
        words = f"An image generated from '{answer.prompt}', {settings[0].lower()}{settings[1:]}."
    return parts.figure(large, words, f"{settings}.", "made")
