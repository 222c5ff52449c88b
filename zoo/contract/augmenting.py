"""How inputs of a kind are augmented in training, and how targets of a kind follow them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

UNCHANGED, GEOMETRY = "unchanged", "geometry"
"""How a target follows its augmented input: it stays as it is, or it is moved with the input."""


class Augments:
    """The part of a kind that augments; by default, inputs are not augmented.

    Attributes:
        augmentations: of a kind of inputs: its strengths, ``light`` and ``strong``, each with what is done, in words.
        usual_augmentation: the strength that ``auto`` stands for; empty for none.
        moving_augmentations: the same where the geometry of a target moves along; empty if that is not moved.
        unaugmented_because: for a kind of inputs without augmentations, the reason, as a clause.
        follows: of a kind of targets: ``UNCHANGED`` if a target stays correct when its input is augmented, such as a
            class; ``GEOMETRY`` if ``geometry`` and ``from_geometry`` move it with the input; empty if neither, so that
            inputs with such targets are not augmented.
        augmented_by_default: of a kind of targets: whether ``auto`` augments inputs with such targets.
    """

    augmentations: ClassVar[Mapping[str, str]] = {}
    usual_augmentation: ClassVar[str] = ""
    moving_augmentations: ClassVar[Mapping[str, str]] = {}
    unaugmented_because: ClassVar[str] = ""
    follows: ClassVar[str] = ""
    augmented_by_default: ClassVar[bool] = False

    def augment(self, item: Any, geometry: Any, strength: str, generator: np.random.Generator) -> tuple[Any, Any]:
        """One decoded input, changed at random, and the geometry of its target, moved with it.

        Args:
            geometry: what the target's kind returns from ``geometry``; None if targets do not move.
            strength: one of ``augmentations``.
            generator: the only source of randomness, so that a resumed training sees the same inputs.
        """
        return item, geometry

    def geometry(self, item: Any, target: Any) -> Any:
        """The positions in a target, in the form that the kind of the input ``item`` moves.

        Images move the ``tv_tensors`` of torchvision (``BoundingBoxes``, ``Mask``, ``KeyPoints``) in any nesting of
        lists and dictionaries.
        """
        return None

    def from_geometry(self, item: Any, target: Any, geometry: Any) -> Any:
        """The target for the augmented input ``item``; None if it cannot follow, so that the original is used.

        Args:
            target: the original target.
            geometry: as it was moved.
        """
        return target


@runtime_checkable
class AugmentsPrepared(Protocol):
    """A backbone or learner that changes its preprocessed inputs or examples at random in training."""

    @property
    def augmentations(self) -> Mapping[str, str]:
        """Its strengths, each with what is done, in words: ``SpecAugment``; empty for none."""
        ...

    def augment(self, prepared: Any, strength: str, generator: np.random.Generator) -> Any:
        """The result of ``preprocess``, or of a learner's ``example``, changed by means of ``generator`` alone."""
        ...
