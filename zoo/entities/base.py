"""The base of all plain dataclasses: conversion to and from JSON values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from zoo.errors import InvalidInput

_Entity = TypeVar("_Entity", bound="Entity")


class Entity:
    """Base of dataclasses that are converted to and from plain JSON values."""

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values; tuples become lists, paths become text."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_dict(cls: type[_Entity], values: Mapping[str, Any]) -> _Entity:
        """The entity from the result of ``to_dict``.

        Raises:
            InvalidInput: a field is unknown or missing.
        """
        names = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - names)
        if unknown:
            raise InvalidInput(f"A {cls.__name__} has no field '{unknown[0]}'.", f"Fields: {', '.join(sorted(names))}.")
        missing = [
            f.name
            for f in dataclasses.fields(cls)  # type: ignore[arg-type]
            if f.name not in values and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        ]
        if missing:
            raise InvalidInput(f"A {cls.__name__} is incomplete: it has no {' and no '.join(missing)}.")
        try:
            return cls(**{name: _frozen(value) for name, value in values.items()})
        except TypeError as error:
            raise InvalidInput(f"A {cls.__name__} is incomplete: {error}.") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Entity):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
