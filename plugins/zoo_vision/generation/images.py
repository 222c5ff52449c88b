"""Images with their prompts: targets and answers of image generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class GeneratedImage:
    """An image with its prompt, and the settings to generate it again; a target is a real image with only its prompt.

    Attributes:
        image: in RGB.
        prompt: its text; empty without one.
        seed: seed of its noise.
        steps: denoising steps.
        guidance: how closely it follows the prompt; None for models without guidance.
        flagged: whether the model's safety checker replaced it with a black image.
    """

    image: Image
    prompt: str = ""
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None
    flagged: bool = False

    def tobytes(self) -> bytes:
        """Pixels, and what generates them again, as bytes, for a digest."""
        rest = (self.image.mode, self.image.size, self.prompt, self.seed, self.steps, self.guidance, self.flagged)
        return f"{rest}\n".encode() + self.image.tobytes()
