"""What a loaded model and a progress display must be able to do; plugins and front ends supply them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from zoo.entities import ModelCard

PROBABILITIES = "probabilities"
"""The layer that holds the probabilities of a classifier's own classes; never among ``layers``."""


class Backbone(Protocol):
    """A loaded model that turns a batch of inputs into features; a plugin supplies only what differs.

    Attributes:
        card: its model card.
        input_kind: what ``preprocess`` takes: ``image`` for PIL images, ``text`` for strings...
        layers: layer names from input to output, pooling included (``layer6.mean``); the last is the default.
        embedding_dimension: length of the default layer's feature vector.

    Where inputs have a length, ``length(item)`` of a preprocessed one lets those of similar length share a batch; and
    ``preprocess_all(items)`` may do for many what ``preprocess`` does for one, where that is quicker.

    ``prepares_apart = True`` says that ``preprocess``, ``preprocess_all`` and ``collate`` use neither the device nor
    anything else that a copy of the process, made by ``fork``, would lack.

    A backbone that can be trained also has ``module``, a ``torch.nn.Module``, and ``head(task, classes)``, which
    returns the ``torch.nn.Module`` that maps a collated batch to logits, batch x classes, its backbone included.

    One that came with a classifier may have ``source_classes``, how many classes that tells apart; ``features`` then
    also gives the layer ``probabilities``, batch x source classes, for estimators such as LEEP.
    """

    card: ModelCard
    input_kind: str
    layers: tuple[str, ...]
    embedding_dimension: int

    def preprocess(self, item: Any) -> Any:
        """One decoded input made ready for ``collate``."""
        ...

    def collate(self, items: Sequence[Any]) -> Any:
        """Preprocessed items as one batch."""
        ...

    def features(self, batch: Any, layers: Sequence[str]) -> Mapping[str, Any]:
        """Layer name to a float tensor or array, batch x d, for a collated batch; no gradients."""
        ...


class Described(Protocol):
    """What is known of a model without running it; a backbone is also one."""

    @property
    def card(self) -> ModelCard:
        """Its model card."""
        ...

    @property
    def input_kind(self) -> str:
        """What it takes: ``image``, ``text``..."""
        ...

    @property
    def layers(self) -> tuple[str, ...]:
        """Layer names from input to output; the last is the default."""
        ...

    @property
    def embedding_dimension(self) -> int:
        """Length of the default layer's feature vector."""
        ...


class LoadedModel(Protocol):
    """A model whose files are here, as ``zoo.load`` gives it."""

    @property
    def card(self) -> ModelCard:
        """Its model card."""
        ...

    @property
    def backbone(self) -> Backbone:
        """What turns batches of inputs into features."""
        ...

    @property
    def device(self) -> str:
        """Where it runs: ``cpu``, ``cuda``, ``mps``."""
        ...

    def predict(self, inputs: Sequence[Any], task: str | None = None, labels: Sequence[str] = ()) -> list[Any]:
        """Answers of the model, one for each input."""
        ...


class Progress(Protocol):
    """Where long work reports to; the command line draws bars, the Python API is silent by default."""

    def step(self, description: str, total: int | None = None) -> Any:
        """A context manager whose value has ``advance(amount=1)``."""
        ...


class _SilentStep:
    def advance(self, amount: int = 1) -> None:
        """Do nothing."""


class SilentProgress:
    """Progress that shows nothing."""

    @contextmanager
    def step(self, description: str, total: int | None = None) -> Iterator[_SilentStep]:
        """A step that shows nothing."""
        yield _SilentStep()
