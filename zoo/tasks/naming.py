"""How the models of a domain are named and laid out where they are published."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """An architecture of transformers.

    Attributes:
        model_type: its ``model_type`` in a ``config.json``.
        name: the name that its authors gave it; ``model_type`` if it is empty.
        input: kind of its inputs, where neither its task nor its domain tells it. The first task with such inputs and a
            linear head is then the task of its models, unless their head has another.
        dimension: where the configuration has the number of features, such as ``vision_config.hidden_size``; None if
            it does not have it. Empty for the usual keys.
        shared: whether models of other domains are built on it too, so that a model's task decides on its domain.
    """

    model_type: str
    name: str = ""
    input: str = ""
    dimension: str | None = ""
    shared: bool = False


@dataclass(frozen=True)
class Head:
    """What models with a certain head are for.

    Attributes:
        marker: part of the name of their class, such as ``ForTokenClassification``; the longest that matches counts.
        task: the task of the head.
        dimension: as for an architecture, never None.
    """

    marker: str
    task: str
    dimension: str = ""


@dataclass(frozen=True)
class FolderFormat:
    """A format of models that are whole folders with weights in several of their files.

    Attributes:
        name: what cards call the format.
        marks: files that each such folder has.
        weights: name of the files that hold weights.
        without: patterns of names of files that the model does not need.
    """

    name: str
    marks: frozenset[str]
    weights: str
    without: tuple[str, ...] = ()
