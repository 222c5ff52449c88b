"""How the published models of a domain are named and laid out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """An architecture of transformers.

    Attributes:
        model_type: its ``model_type`` in a ``config.json``.
        name: the name that its authors gave it; ``model_type`` if it is empty.
        input: kind of its inputs, if neither its task nor its domain determines it. The first task with such inputs and
            a linear head is then the task of its models, unless their head has another.
        dimension: key of the number of features in the configuration, such as ``vision_config.hidden_size``; None if
            there is none, empty for the usual keys.
        shared: whether models of other domains are built on it too, so that a model's task determines its domain.
    """

    model_type: str
    name: str = ""
    input: str = ""
    dimension: str | None = ""
    shared: bool = False


@dataclass(frozen=True)
class Head:
    """The task of models with a certain head.

    Attributes:
        marker: part of the name of their class, such as ``ForTokenClassification``; the longest match is used.
        task: the task of the head.
        dimension: as for an architecture, never None.
    """

    marker: str
    task: str
    dimension: str = ""


@dataclass(frozen=True)
class FolderFormat:
    """A model format that is a folder with weights in several files.

    Attributes:
        name: name of the format on model cards.
        marks: files that each such folder has.
        weights: name of the files that hold weights.
        without: patterns of file names that the model does not need.
    """

    name: str
    marks: frozenset[str]
    weights: str
    without: tuple[str, ...] = ()
