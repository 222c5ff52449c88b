"""The kinds of all plugins, by name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from zoo.contract.backbone import Adapted
from zoo.contract.kind import Kind
from zoo.errors import ZooError
from zoo.plugins import plugins

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone, Described
    from zoo.tasks import Task

T = TypeVar("T")

UNLABELLED = "none"
"""The target kind of a data set without targets."""


def kinds() -> Mapping[str, Kind]:
    """Every kind by name."""
    return plugins().kinds


def kind_of(name: str) -> Kind:
    """The kind called ``name``; one with defaults only if no plugin provides it."""
    return kinds().get(name) or plain_kind(name)


@functools.lru_cache(maxsize=64)
def plain_kind(name: str) -> Kind:
    """A kind with defaults only."""
    return Kind(name)


def asked_kind(model: Described, task: Task | None) -> Kind:
    """The kind of input for a task: the model's own, or one that the task builds on it, such as questions."""
    if task is not None:
        first = kind_of(task.inputs[0])
        if len(task.inputs) == 1 and first.asked_of == model.input_kind:
            return first
        typed = kind_of(task.target).typed_as
        if typed and (typed == model.input_kind or kind_of(typed).asked_of == model.input_kind):
            return kind_of(typed)
    return kind_of(model.input_kind)


def pretrained(backbone: Backbone) -> Backbone:
    """The backbone that an adapted one was made of, which a plugin asks for capabilities of its own; else itself."""
    return backbone.adapted_from if isinstance(backbone, Adapted) else backbone


def estimated_as(target_kind: str) -> str:
    """How estimators name targets of a kind: ``class`` for indices of classes, ``classes`` for sets, or ``number``.

    The type of the kind's arrays decides; the kind's own name if it has none.
    """
    kind = kind_of(target_kind)
    if not kind.estimable:
        return target_kind
    if kind.several:
        return "classes"
    return "class" if kind.array(()).dtype.kind == "i" else "number"


def shown(kind: Kind, show: Callable[[], T], fallback: Callable[[], T]) -> T:
    """An answer as its kind shows it; if the kind raises, the fallback, with a warning that names its plugin."""
    try:
        return show()
    except ZooError:
        raise
    except Exception as error:
        plugins().report_kind(kind.name, error)
        return fallback()
