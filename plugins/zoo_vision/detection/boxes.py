"""Boxes around objects: targets and answers of object detection."""

from __future__ import annotations

from dataclasses import dataclass

Corners = tuple[float, float, float, float]


@dataclass(frozen=True)
class Box:
    """A box around an object.

    Attributes:
        label: class of the object.
        score: confidence of the model; 1 for a target.
        corners: left, top, right and bottom, in pixels of the image.
    """

    label: str
    score: float
    corners: Corners


@dataclass(frozen=True)
class Boxes:
    """The objects of an image.

    Attributes:
        found: a box for each; in answers, the most confident first.
    """

    found: tuple[Box, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The class of each."""
        return tuple(box.label for box in self.found)
