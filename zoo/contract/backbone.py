"""Protocols of loaded models and progress displays: required methods, and optional capabilities of models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from zoo.entities import ModelCard

PROBABILITIES = "probabilities"
"""The layer with the probabilities of a classifier's own classes; never among ``layers``."""


@runtime_checkable
class Preprocesses(Protocol):
    """Turns decoded inputs into batches."""

    def preprocess(self, item: Any) -> Any:
        """One decoded input prepared for ``collate``."""
        ...

    def collate(self, items: Sequence[Any]) -> Any:
        """Preprocessed items as one batch."""
        ...


class Described(Protocol):
    """What is known of a model without running it; a backbone satisfies it too."""

    @property
    def card(self) -> ModelCard:
        """Its model card."""
        ...

    @property
    def input_kind(self) -> str:
        """What ``preprocess`` takes: ``image`` for PIL images, ``text`` for strings..."""
        ...

    @property
    def layers(self) -> tuple[str, ...]:
        """Layer names from input to output, pooling included (``layer6.mean``); the last is the default."""
        ...

    @property
    def embedding_dimension(self) -> int:
        """Length of the default layer's feature vector."""
        ...


class Backbone(Described, Preprocesses, Protocol):
    """A loaded model that turns a batch of inputs into features; a plugin supplies only what differs.

    Each optional capability of a backbone is a protocol: ``HasLength``, ``PreparesTogether``, ``PreparesApart``,
    ``Classifier``, ``Trainable``, ``HasLearningRate``, ``Learns``, ``Answers``, ``ZeroShot``, ``EmbedsTexts`` and
    ``HasExamples``. A backbone implements one by having its attributes.
    """

    def features(self, batch: Any, layers: Sequence[str]) -> Mapping[str, Any]:
        """Layer name to a float tensor or array, batch x d, for a collated batch; no gradients."""
        ...


@runtime_checkable
class HasLength(Protocol):
    """Its inputs have a length, so that inputs of similar length share a batch, which saves padding."""

    def length(self, item: Any) -> int:
        """Length of one preprocessed input, such as its number of tokens."""
        ...


@runtime_checkable
class PreparesTogether(Protocol):
    """It preprocesses many inputs together faster than one by one."""

    def preprocess_all(self, items: Sequence[Any]) -> list[Any]:
        """The results of ``preprocess`` for the decoded inputs."""
        ...


@runtime_checkable
class PreparesApart(Protocol):
    """It may preprocess and collate in a forked copy of the process, where ``prepares_apart`` is true."""

    @property
    def prepares_apart(self) -> bool:
        """Whether ``preprocess``, ``preprocess_all`` and ``collate`` use neither the device nor anything else that a
        forked copy of the process would lack.
        """
        ...


@runtime_checkable
class Classifier(Protocol):
    """It has a classifier, so ``features`` also returns the layer ``probabilities``, batch x source classes.

    Estimators such as LEEP use it.
    """

    @property
    def source_classes(self) -> int:
        """Number of classes of that classifier; 0 if the model has none."""
        ...


@runtime_checkable
class HasModule(Protocol):
    """Its pretrained weights are in a PyTorch module."""

    @property
    def module(self) -> nn.Module:
        """The pretrained part."""
        ...


@runtime_checkable
class HasHead(Protocol):
    """It attaches a new head to the pretrained model, or raises an error that explains why it cannot."""

    def head(self, task: Any, classes: int) -> nn.Module:
        """A module that maps a collated batch to logits, batch x classes, with the pretrained part inside.

        Raises:
            UnsupportedModel: the model cannot be trained; the message says why.
        """
        ...


@runtime_checkable
class Trainable(HasModule, HasHead, Protocol):
    """It can be fine-tuned: it has a PyTorch module and attaches a new head to it."""


@runtime_checkable
class HasLearningRate(Protocol):
    """It has a learning rate of its own for fine-tuning."""

    @property
    def learning_rate(self) -> float:
        """The usual learning rate of its pretrained weights."""
        ...


@runtime_checkable
class Learner(Protocol):
    """A model prepared for training on a task whose targets are neither one class nor one number."""

    @property
    def module(self) -> nn.Module:
        """Maps a collated batch of examples to their losses, batch x 1."""
        ...

    @property
    def pretrained(self) -> nn.Module:
        """The part of it that was pretrained."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of the outputs."""
        ...

    def example(self, item: Any, target: Any) -> Any:
        """One input with its target, prepared for ``collate``."""
        ...

    def collate(self, examples: Sequence[Any]) -> Any:
        """Examples as one batch."""
        ...

    def predict(self, inputs: Sequence[Any]) -> list[Any]:
        """Answers, one for each input, as ``zoo_predict`` returns them."""
        ...


@runtime_checkable
class ChecksLabels(Protocol):
    """A learner whose labels are fixed, such as the two languages of a translation model."""

    def check(self, model: str, labels: Sequence[str]) -> None:
        """Raise an error if ``labels`` are not those of the model ``model``."""
        ...


@runtime_checkable
class Learns(Protocol):
    """It can be trained on structured targets, such as boxes, entities or texts."""

    def learner(self, task: str, classes: Sequence[str]) -> Learner | None:
        """A learner for a task; None if the model cannot be trained for it.

        Args:
            classes: names of the classes: entity types, kinds of objects, or the characters of a text.
        """
        ...


@runtime_checkable
class Answers(Protocol):
    """It has outputs of its own, such as classes, boxes or texts."""

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> Sequence[Any] | None:
        """Outputs for a task, one for each decoded input; None if the model has none for the task.

        Args:
            labels: the classes that a zero-shot model chooses from.
        """
        ...


@runtime_checkable
class ZeroShot(Protocol):
    """It classifies inputs into classes that are chosen at inference time."""

    def zero_shot(self, inputs: Sequence[Any], labels: Sequence[str]) -> Sequence[Any]:
        """The most likely of the labels for each decoded input."""
        ...


@runtime_checkable
class EmbedsTexts(Protocol):
    """It embeds texts into the space of its features, as CLIP does."""

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Features of texts, n x d; d is that of the default layer."""
        ...


@runtime_checkable
class HasExamples(Protocol):
    """It provides its own inputs for the conformance suite."""

    def examples(self) -> Sequence[Any]:
        """A few ordinary decoded inputs."""
        ...


@runtime_checkable
class Adapted(Protocol):
    """It was adapted from another backbone."""

    @property
    def adapted_from(self) -> Backbone:
        """The pretrained backbone, which has the capabilities that only its plugin knows."""
        ...


class LoadedModel(Protocol):
    """A model whose files are on this machine, as ``zoo.load`` returns it."""

    @property
    def card(self) -> ModelCard:
        """Its model card."""
        ...

    @property
    def backbone(self) -> Backbone:
        """The backbone, which turns batches of inputs into features."""
        ...

    @property
    def device(self) -> str:
        """Where it runs: ``cpu``, ``cuda``, ``mps``."""
        ...

    def predict(self, inputs: Sequence[Any], task: str | None = None, labels: Sequence[str] = ()) -> list[Any]:
        """Answers of the model, one for each input."""
        ...


class Progress(Protocol):
    """Reports the progress of long work; the command line draws bars, the Python API is silent by default."""

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
