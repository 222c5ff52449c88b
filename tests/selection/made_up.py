"""Made-up models of images and of sound, and scores of them."""

from __future__ import annotations

from zoo.entities import BenchmarkScore, ModelCard
from zoo.plugins import plugins

IMAGES, BOXES = plugins().tasks["image-classification"], plugins().tasks["object-detection"]
SOUNDS, SPEECH = plugins().tasks["audio-classification"], plugins().tasks["automatic-speech-recognition"]


def card(
    name: str, task: str = SOUNDS.name, *, kind: str = "audio", domain: str = "audio", **fields: object
) -> ModelCard:
    id = name if ":" in name else f"hf:me/{name}"
    return ModelCard(id, domain, (task,), input={"kind": kind}, **fields)  # type: ignore[arg-type]


def image_model(name: str, task: str = IMAGES.name, **fields: object) -> ModelCard:
    return card(name, task, kind="image", domain="vision", **fields)


def score(model: ModelCard, task: str, value: float, dataset: str = "Bench", **fields: object) -> BenchmarkScore:
    fields = {"metric": "accuracy", "source": "test", **fields}
    return BenchmarkScore(model.id, task, dataset, value=value, **fields)  # type: ignore[arg-type]
