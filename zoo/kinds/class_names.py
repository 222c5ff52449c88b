"""Matches the classes that a model speaks of with those of the data, by name: numbers say nothing of each other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.errors import DataError
from zoo.kinds.folding import folded

_GENERIC = re.compile(r"(label|class) \d+\Z")
_KINDS = ("mask", "boxes", "spans")


class ClassNames:
    """Turns answers of masks, boxes and entities into the classes of the data; those of other kinds stay as they are.

    Case, hyphens and underscores of names do not matter. What the data do not know becomes a class that is never right:
    ``IGNORED`` in masks, its own name for boxes and entities. A model without names (``LABEL_3``) is taken by its
    numbers.
    """

    def __init__(self, kind: str, classes: Sequence[str]) -> None:
        if kind == "spans":  # of tags such as B-PER
            classes = sorted({name for _, _, name in (tag.partition("-") for tag in classes) if name})
        self._kind, self._classes = kind, tuple(classes) if kind in _KINDS else ()
        self._known = {folded(name): index for index, name in enumerate(self._classes)}
        self._met: dict[str, bool] = {}

    def matched(self, answer: Any) -> Any:
        """One answer of ``zoo_predict`` in the classes of the data."""
        if not self._classes:
            return answer
        names = [str(name) for name in answer["classes"]] if self._kind == "mask" else [one["label"] for one in answer]
        generic = all(_GENERIC.match(folded(name)) for name in names)
        self._met.update((name, generic or folded(name) in self._known) for name in names)
        if generic and not set(names) <= set(self._classes):
            return answer
        return self._renumbered(answer) if self._kind == "mask" else [self._renamed(found) for found in answer]

    def check(self, model: str, data: str) -> None:
        """Raise ``DataError`` where the model spoke of classes, and none of them is one of the data's."""
        if self._met and not any(self._met.values()):
            raise DataError(
                f"'{model}' finds {', '.join(sorted(self._met)[:3])}, and nothing that it finds is a class of "
                f"'{data}', such as {', '.join(self._classes[:3])}.",
                "Name the classes as the model calls them, or train a head for them: zoo tune",
            )

    def _renamed(self, found: Mapping[str, Any]) -> dict[str, Any]:
        index = self._known.get(folded(str(found["label"])))
        return {**found, "label": found["label"] if index is None else self._classes[index]}

    def _renumbered(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """An answer names the classes of its mask in the order of their numbers."""
        import numpy as np

        from zoo.data.masks import IGNORED

        mask = np.asarray(answer["mask"])
        table = np.full(256, IGNORED, dtype=np.uint8)
        for index, name in zip(np.unique(mask), answer["classes"], strict=True):
            table[index] = self._known.get(folded(str(name)), IGNORED)
        return {**answer, "mask": table[mask]}
