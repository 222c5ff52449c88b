"""What a backbone with a fixed set of classes can do besides answering with the most likely ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np


@runtime_checkable
class GivesProbabilities(Protocol):
    """A backbone that gives the probability of every class.

    Attributes:
        task: the task that the classes belong to.
        probability_classes: names of the classes, or of the labels of sets of labels; empty if the model predicts
            neither.
    """

    task: str
    probability_classes: Sequence[str]

    def examined(self, inputs: Sequence[Any]) -> tuple[np.ndarray, np.ndarray | None]:
        """Probabilities for decoded inputs, n x k, and whether each is unlike the training data, n; None if unknown."""
        ...

    def chosen(self, probabilities: np.ndarray) -> np.ndarray:
        """Indices of the predicted classes, n, for such probabilities; of sets, whether a label is predicted, n x k."""
        ...


@runtime_checkable
class HasThreshold(Protocol):
    """A backbone that decides between two classes by the probability of the rarer one.

    Attributes:
        rare_class: name of that class; None if it does not decide between two.
    """

    @property
    def rare_class(self) -> str | None:
        """The rarer class."""
        ...

    def decided_at(self, threshold: float) -> HasThreshold:
        """The same model, which predicts the rarer class from this probability on."""
        ...
