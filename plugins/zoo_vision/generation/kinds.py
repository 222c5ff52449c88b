"""The kinds of prompts and of generated images."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.kind import Kind
from zoo.contract.values import Typed
from zoo.errors import InvalidInput
from zoo.kinds.known import pretrained
from zoo_vision.generation import drawing
from zoo_vision.generation.images import GeneratedImage
from zoo_vision.generation.metrics import METRICS, metric_model
from zoo_vision.generation.prompts import UNCONDITIONAL, HasNoGuidance, Prompt, as_prompts, requested

if TYPE_CHECKING:
    from PIL.Image import Image

    from zoo.contract.backbone import LoadedModel
    from zoo.contract.showing import Shows
    from zoo.entities import Dataset
    from zoo.tasks import Task


class PromptKind(Kind):
    """Requests for images."""

    name = "prompt"
    asked_of = "text"

    def from_dataset(self, dataset: Dataset, task: Task) -> Dataset:
        """The images of a data set as targets of prompts."""
        return as_prompts(dataset, task.name)

    def read_typed(self, texts: Sequence[str], options: Mapping[str, Any], model: LoadedModel) -> Typed:
        """Prompts, classes, or numbers of images for a model that takes no prompt.

        Raises:
            InvalidInput: an option has no effect on the model, or a number of images is not valid.
        """
        given = {name: options[name] for name in ("count", "seed", "steps", "guidance") if name in options}
        task = options.get("task") or next(iter(model.card.tasks), "")
        if "count" in given and task == UNCONDITIONAL:
            raise InvalidInput(
                f"--count applies only to models that take prompts; the input of '{model.card.id}' is the number of "
                "images.",
                "Leave --count out, and give the number of images as the input, such as 4.",
            )
        if "guidance" in given and isinstance(getattr(pretrained(model.backbone), "generator", None), HasNoGuidance):
            raise InvalidInput(
                f"--guidance applies only to models that take text prompts; '{model.card.id}' does not.",
                "Leave --guidance out.",
            )
        prompts = requested(texts, prompted=task != UNCONDITIONAL, **given)
        return Typed(tuple(prompt.text or f"Seed {prompt.seed}" for prompt in prompts), prompts)

    def ordinary(self) -> Sequence[Prompt]:
        """Short prompts with few steps; the quality of the images does not matter."""
        return [Prompt(text, seed, steps=2) for seed, text in enumerate(("a red house", "the sea at night", "a dog"))]

    def extreme(self, task: str = "") -> Sequence[tuple[str, Prompt]]:
        """An empty prompt, and a far too long one."""
        texts = {"an empty prompt": "", "a prompt of 10,000 words": "word " * 10_000}
        return [(name, Prompt(text, steps=2)) for name, text in texts.items()]


class GeneratedImageKind(Kind):
    """Images that a model generates."""

    name = "generated-image"
    noun, nouns, per_sample = "image", "images", "an image"
    metrics = METRICS
    baseline_title = "mean image"
    typed_as = "prompt"
    select_by_loss = True
    shows_input = True
    needs_output = True
    most_evaluated = 2

    def identity(self, item: Any, target: GeneratedImage) -> Any:
        """The image and its prompt; the seed that belongs to a position does not matter."""
        # The former name of this class, kept because digests of recorded samples depend on it.
        return ["Picture", target.image, target.prompt]

    def baseline(self, inputs: Sequence[Any], targets: Sequence[GeneratedImage], task: str) -> list[GeneratedImage]:
        """The mean of the known images, in the size of the first."""
        import numpy as np
        from PIL import Image as Images

        first = targets[0].image
        total = np.zeros((first.size[1], first.size[0], 3))
        for index in range(len(targets)):
            total += np.asarray(targets[index].image.convert("RGB").resize(first.size))
        mean = Images.fromarray((total / len(targets)).round().astype(np.uint8))
        return [GeneratedImage(mean, str(inputs[index])) for index in range(len(inputs))]

    def evaluated_with(self, task: str = "") -> Mapping[str, str]:
        """The model whose features the metrics compare."""
        model = metric_model()
        return {"picture_model": f"{model.card.id}@{model.revision}" if model.revision else model.card.id}

    def summary(self, answer: GeneratedImage) -> Sequence[tuple[str, str]]:
        """Size and seed."""
        return [(f"{answer.image.width} x {answer.image.height} pixels, seed {answer.seed}", "")]

    def to_json(self, answer: GeneratedImage) -> dict[str, Any]:
        """The image as PNG in base64, and the settings to generate it again."""
        buffer = io.BytesIO()
        answer.image.save(buffer, "PNG")
        return {
            "image": base64.b64encode(buffer.getvalue()).decode("ascii"),
            "prompt": answer.prompt,
            "seed": answer.seed,
            "steps": answer.steps,
            **({} if answer.guidance is None else {"guidance": answer.guidance}),
            **({"flagged": True} if answer.flagged else {}),
        }

    def html(self, item: Any, answer: GeneratedImage) -> str:
        """The image, enlarged if it is small."""
        return drawing.figure(answer)

    def sections(self, names: Sequence[str], inputs: Sequence[Any], answers: Sequence[Any], asked: Shows) -> list[str]:
        """A section for each prompt with all its images."""
        return drawing.sections(answers)

    def draw(self, item: Any, answer: GeneratedImage) -> Image:
        """The image itself."""
        return answer.image

    def file_names(self, names: Sequence[str]) -> Sequence[str]:
        """The first words of each prompt after its number."""
        return [f"{number:02d}-{_words(name)}" for number, name in enumerate(names, start=1)]

    def ordinary(self) -> Sequence[GeneratedImage]:
        """Images of two prompts."""
        from PIL import Image as Images

        red, blue = Images.new("RGB", (32, 32), (200, 30, 30)), Images.new("RGB", (48, 32), (30, 30, 200))
        return (GeneratedImage(red, "a house", 0, 50, 7.5), GeneratedImage(blue, "the sea", 1, 50))

    def extreme(self, task: str = "") -> Sequence[tuple[str, GeneratedImage]]:
        """One pixel, without a prompt, and with markup for a prompt."""
        from PIL import Image as Images

        pixel = Images.new("RGB", (1, 1))
        return [("no prompt", GeneratedImage(pixel, "", 0, 1)), ("markup", GeneratedImage(pixel, "<b>&", 0, 1))]


def _words(name: str) -> str:
    return "-".join(re.findall(r"[^\W_]+", name.lower())[:5])[:40]
