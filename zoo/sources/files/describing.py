"""Describes a model from its configuration: architecture, domain, tasks, input, and number of features.

The domains of plugins define what the names in a configuration mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from zoo.plugins import Plugins, plugins
from zoo.tasks import Architecture, Domain, Head, Task

LIBRARY = "transformers"
"""The library that writes such configurations."""

_OTHER = Domain("other", "Models of no known domain.")
_UNKNOWN = Architecture("")
_DIMENSIONS = ("num_features", "projection_dim", "hidden_size", "d_model", "dim", "n_embd", "hidden_dim")
"""Keys of the number of features, the preferred one first."""


@dataclass(frozen=True)
class Description:
    """The description of a model by its configuration.

    Attributes:
        architecture: its name; None if the configuration has none.
        input: its input as on a card: kind, shape, preprocessing; empty if the kind is not known.
        dimension: the number of features; None if the configuration does not have it.
    """

    domain: str
    tasks: tuple[str, ...]
    architecture: str | None
    input: dict[str, Any]
    dimension: int | None


@dataclass(frozen=True)
class _Names:
    """What the names in configurations and listings mean, from all domains."""

    architectures: Mapping[str, tuple[Domain, Architecture]]
    libraries: Mapping[str, Domain]
    other_tasks: Mapping[str, Domain]


@lru_cache(maxsize=1)
def _names(loaded: Plugins) -> _Names:
    domains = loaded.domains.values()
    return _Names(
        {one.model_type: (domain, one) for domain in domains for one in domain.architectures},
        {library: domain for domain in domains for library in domain.libraries},
        {task: domain for domain in domains for task in domain.other_tasks},
    )


def hub_tasks() -> frozenset[str]:
    """Tasks of the Hub that zoo does not serve."""
    return frozenset(_names(plugins()).other_tasks)


def describe(config: Mapping[str, Any], task: str | None = None, library: str | None = LIBRARY) -> Description:
    """The description of a model by its configuration.

    If an architecture takes several kinds of input, such as a RoBERTa that was not trained on text, the configuration
    names the kind under ``input_kind``.

    Args:
        task, library: as in a listing; the task takes precedence over the class names in the configuration.
    """
    names, kinds = _names(plugins()), plugins().kinds
    model_type = str(config.get("model_type") or "")
    classes = [str(name) for name in config.get("architectures") or ()]
    family, architecture = names.architectures.get(model_type, (None, _UNKNOWN))
    given = str(config.get("input_kind") or "")
    given = given if given in kinds else ""
    purpose = _purpose(given or architecture.input)
    usual = family or names.libraries.get(LIBRARY, _OTHER)
    owner = plugins().domains.get(purpose.domain, usual) if purpose else usual
    head = next(_heads(owner, classes), None)
    if head is None and purpose is None:
        head = next((one for domain in plugins().domains.values() for one in _heads(domain, classes)), None)
    served = task or (head.task if head else purpose.name if purpose else "")
    if (given and purpose) or (family and not architecture.shared):
        domain = owner
    else:
        domain = _domain(names, served, library) or family or _default(names, model_type)
    if not served and (model_type or classes):
        served = domain.default_task
    kind = given or architecture.input or _input(served, domain)
    where = (head.dimension if head else "") or architecture.dimension
    return Description(
        domain=domain.name,
        tasks=(served,) if served else (),
        architecture=architecture.name or model_type or next(iter(classes), None),
        input=kinds[kind].recipe(config) if kind in kinds else {},
        dimension=None if where is None else _number(config, where) if where else _dimension(config),
    )


def _purpose(kind: str) -> Task | None:
    """The first task that a linear head on a model of such inputs serves."""
    found = (task for task in plugins().tasks.values() if task.inputs == (kind,) and task.head == "linear")
    return next(found, None)


def _heads(domain: Domain, classes: list[str]) -> Iterator[Head]:
    """The heads of a domain that one of these class names has, the longest marker first."""
    found = [head for head in domain.heads if any(head.marker in name for name in classes)]
    return iter(sorted(found, key=lambda head: -len(head.marker)))


def _domain(names: _Names, task: str, library: str | None) -> Domain | None:
    """The domain of a task, or of a library."""
    loading = names.libraries.get(library or "")
    known = plugins().tasks.get(task)
    serving = plugins().domains.get(known.domain) if known else names.other_tasks.get(task)
    # Models without a head are listed under one domain's task for them, whatever their input.
    if serving and loading and task == serving.default_task:
        return loading
    return serving or loading


def _input(task: str, domain: Domain) -> str:
    """The kind of input that a task's models take."""
    known = plugins().tasks.get(task)
    if known is None or known.domain != domain.name:
        return domain.input
    return plugins().kinds[known.inputs[0]].asked_of or known.inputs[0]


def _default(names: _Names, model_type: str) -> Domain:
    return names.libraries.get(LIBRARY, _OTHER) if model_type else _OTHER


def _dimension(config: Mapping[str, Any]) -> int | None:
    """The number of features under one of the usual keys."""
    for key in _DIMENSIONS:
        if (found := _number(config, key)) is not None:
            return found
    sizes = config.get("hidden_sizes") or config.get("embed_dim")
    return _positive(sizes[-1]) if isinstance(sizes, list) and sizes else None


def _number(config: Mapping[str, Any], path: str) -> int | None:
    value: Any = config
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return _positive(value)


def _positive(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
