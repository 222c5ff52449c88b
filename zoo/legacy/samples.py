"""Inputs to try a model with: ordinary ones of different size, and the extremes that real data hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_TEXTS = (
    "A short one.",
    "Transfer learning begins with a model that someone else has trained, on data that nobody here has ever seen.",
    "x",
    "Größe, naïveté, 東京 and 🙂",
    "The same words, the same words, the same words.",
)


def ordinary(kind: str) -> list[Any]:
    """Some inputs of a kind, of different size where that is possible; none for kinds that only a plugin knows."""
    return _ORDINARY[kind]() if kind in _ORDINARY else []


def extreme(kind: str) -> list[tuple[str, Any]]:
    """What real data hold and no one tries, each with its name."""
    return _EXTREME[kind]() if kind in _EXTREME else []


def _images() -> list[Any]:
    """Waves of colour; networks that were trained on photographs make little of noise."""
    import numpy as np
    from PIL import Image

    found = []
    for number, (height, width) in enumerate(((64, 64), (80, 48), (33, 97), (224, 224)), start=1):
        down, across = np.mgrid[0:height, 0:width] / 32
        waves = [np.sin(number * down + 2 * across), np.cos(down * across / number), np.sin(across - number * down)]
        found.append(Image.fromarray(np.stack([127 + 120 * wave for wave in waves], axis=2).astype(np.uint8)))
    return found


def _extreme_images() -> list[tuple[str, Any]]:
    from PIL import Image

    sizes = {"an image of one pixel": (1, 1), "a very wide image": (2000, 3), "a large image": (3000, 2000)}
    return [(name, Image.new("RGB", size, (200, 30, 60))) for name, size in sizes.items()]


def _recordings() -> list[Any]:
    import numpy as np

    from zoo.kinds.audio import Recording

    found = []
    for hertz, rate, seconds in ((440, 16000, 1.0), (220, 44100, 2.3), (880, 8000, 0.6), (330, 22050, 1.7)):
        time = np.arange(int(rate * seconds)) / rate
        wave = 0.4 * np.sin(2 * np.pi * hertz * time) * (1 + 0.5 * np.sin(2 * np.pi * 3 * time))
        found.append(Recording(wave.astype(np.float32), rate))
    return found


def _extreme_recordings() -> list[tuple[str, Any]]:
    import numpy as np

    from zoo.kinds.audio import Recording

    return [
        ("a recording of one sample", Recording(np.ones(1, dtype=np.float32), 16000)),
        ("silence", Recording(np.zeros(16000, dtype=np.float32), 16000)),
        ("two minutes of noise", Recording(np.random.default_rng(0).normal(0, 0.1, 960_000).astype(np.float32), 8000)),
    ]


def _image_questions() -> list[Any]:
    from zoo.data.visual_questions import ImageQuestion

    asked = ("What is this?", "Which colour is it?", "How many are there?")
    return [ImageQuestion(image, question) for image, question in zip(_images(), asked, strict=False)]


def _extreme_image_questions() -> list[tuple[str, Any]]:
    from zoo.data.visual_questions import ImageQuestion

    return [(name, ImageQuestion(image, "What is this?")) for name, image in _extreme_images()[:2]]


_ORDINARY: dict[str, Callable[[], list[Any]]] = {
    "image": _images,
    "text": lambda: list(_TEXTS),
    "audio": _recordings,
    "image-question": _image_questions,
}
_EXTREME: dict[str, Callable[[], list[tuple[str, Any]]]] = {
    "image": _extreme_images,
    "text": lambda: [("an empty text", ""), ("a text of 100,000 words", "word " * 100_000), ("a null character", "\0")],
    "audio": _extreme_recordings,
    "image-question": _extreme_image_questions,
}
