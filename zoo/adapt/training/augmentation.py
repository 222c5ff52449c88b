"""Augments training samples as the kinds of their inputs and targets allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.contract.augmenting import GEOMETRY, AugmentsPrepared
from zoo.errors import InvalidInput
from zoo.kinds.known import kind_of

if TYPE_CHECKING:
    from zoo.contract.kind import Kind
    from zoo.entities import Dataset, Plan

AUTO, NONE = "auto", "none"


@dataclass(frozen=True)
class Augmentation:
    """Random changes of samples of a strength.

    Attributes:
        inputs, targets: the kinds of the samples.
        prepared: what further changes preprocessed inputs, such as spectrograms, if anything does.
    """

    strength: str
    inputs: Kind
    targets: Kind
    prepared: AugmentsPrepared | None = None

    @property
    def described(self) -> str:
        """What is done, in words."""
        further = () if self.prepared is None else (self.prepared.augmentations.get(self.strength, ""),)
        return ", ".join(filter(None, (_offered(self.inputs, self.targets)[self.strength], *further)))

    def sample(self, item: Any, target: Any, seed: tuple[int, int]) -> tuple[Any, Any]:
        """A decoded input and its target, changed; the same for the same ``seed``, of an epoch and a position."""
        generator = np.random.default_rng((*seed, 0))
        if self.targets.follows != GEOMETRY:
            return self.inputs.augment(item, None, self.strength, generator)[0], target
        geometry = self.targets.geometry(item, target)
        changed, moved = self.inputs.augment(item, geometry, self.strength, generator)
        followed = self.targets.from_geometry(changed, target, moved)
        return (item, target) if followed is None else (changed, followed)

    def after(self, prepared: Any, seed: tuple[int, int]) -> Any:
        """A preprocessed input, or an example, changed further."""
        if self.prepared is None:
            return prepared
        return self.prepared.augment(prepared, self.strength, np.random.default_rng((*seed, 1)))


def augmentation_for(dataset: Dataset, plan: Plan, prepares: Any) -> Augmentation | None:
    """The augmentation of the training samples; None without.

    Args:
        prepares: the backbone, or the learner, that preprocesses the samples.

    Raises:
        InvalidInput: the plan names a strength that the kinds of the data do not have; says why.
    """
    inputs, targets = kind_of(dataset.input_kind), kind_of(dataset.target_kind)
    strength = usual_strength(dataset) if plan.augment == AUTO else plan.augment
    if strength == NONE:
        return None
    if reason := _obstacle(inputs, targets, strength):
        raise InvalidInput(f"--augment {strength} has no effect on '{dataset.name}': {reason}.", "Leave --augment out.")
    found = prepares if isinstance(prepares, AugmentsPrepared) and prepares.augmentations else None
    return Augmentation(strength, inputs, targets, found)


def usual_strength(dataset: Dataset) -> str:
    """The strength that ``auto`` stands for."""
    usual = kind_of(dataset.input_kind).usual_augmentation
    by_default = kind_of(dataset.target_kind).augmented_by_default
    return usual if by_default and usual in strengths(dataset) else NONE


def strengths(dataset: Dataset) -> tuple[str, ...]:
    """The strengths that samples of a data set can be augmented with, weakest first."""
    inputs, targets = kind_of(dataset.input_kind), kind_of(dataset.target_kind)
    return tuple(one for one in inputs.augmentations if not _obstacle(inputs, targets, one))


def _obstacle(inputs: Kind, targets: Kind, strength: str) -> str:
    """Why samples of these kinds cannot be augmented; empty if they can."""
    if not inputs.augmentations:
        because = f", because {inputs.unaugmented_because}" if inputs.unaugmented_because else ""
        return f"{inputs.nouns} are not augmented{because}"
    if not targets.follows or not _offered(inputs, targets):
        return f"{targets.nouns} would no longer fit the changed {inputs.nouns}"
    return "" if strength in _offered(inputs, targets) else f"{inputs.nouns} have no {strength} augmentation"


def _offered(inputs: Kind, targets: Kind) -> Mapping[str, str]:
    """The strengths that inputs have with such targets, described."""
    return inputs.moving_augmentations if targets.follows == GEOMETRY else inputs.augmentations
