"""Options of image generation: how images are generated, and the model that evaluates them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoo.contract.option import EVALUATE, PREDICT, Option
from zoo_vision.generation import metrics

MOST_STEPS = 1000
GROUP = "Image generation"


def _integer(least: int, most: int | None = None) -> Callable[[str], int]:
    def convert(text: str) -> int:
        value = int(text) if text.strip().isdecimal() else -1
        if value < least or (most is not None and value > most):
            bounds = f"from {least} to {most:,}" if most is not None else f"of at least {least}"
            raise ValueError(f"'{text}' is not an integer {bounds}.")
        return value

    return convert


def _guidance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ValueError(f"'{text}' is not a number of at least 0.")
    return value


def _option(name: str, help: str, convert: Callable[[str], Any], default: Any, metavar: str = "N") -> Option:
    return Option(
        name,
        frozenset({PREDICT}),
        f"{help} [default: {default}].",
        metavar=metavar,
        convert=convert,
        kinds=frozenset({"prompt"}),
        applies_to="image generation",
        group=GROUP,
    )


OPTIONS = (
    _option("count", "Images per prompt", _integer(1), 1),
    _option("seed", "Seed for the first image; each further image uses the next seed", _integer(0), 0),
    _option("steps", "Denoising steps", _integer(1, MOST_STEPS), 50),
    _option("guidance", "How closely images follow the prompt", _guidance, 7.5, "SCALE"),
    Option(
        metrics.SETTING,
        frozenset({EVALUATE}),
        f"Image model whose features the metrics compare [default: {metrics.DEFAULT}].",
        metavar="MODEL",
        kinds=frozenset({"generated-image"}),
        applies_to="image generation",
        default=metrics.DEFAULT,
        setting=True,
        group=GROUP,
    ),
)
