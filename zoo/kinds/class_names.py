"""Matches the classes in a model's answers with those of the data, by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError
from zoo.kinds.folding import folded

if TYPE_CHECKING:
    from zoo.contract.kind import Kind

_GENERIC = re.compile(r"(label|class) \d+\Z")


class ClassNames:
    """Converts answers with class names to the classes of the data.

    Case, hyphens and underscores of names do not matter. A class that the data do not have is never right. The numbers
    of a model without names (``LABEL_3``) are used as class indices, for kinds that allow it.
    """

    def __init__(self, kind: Kind, classes: Sequence[str]) -> None:
        self._kind, self._classes = kind, tuple(kind.class_names(classes))
        self._known = {folded(name): name for name in self._classes}
        self._met: dict[str, bool] = {}

    def matched(self, answer: Any) -> Any:
        """One answer of ``zoo_predict`` in the classes of the data."""
        labels = self._kind.labels(answer) if self._classes else ()
        if not labels:
            return answer
        generic = self._kind.numbered and all(_GENERIC.match(folded(name)) for name in labels)
        self._met.update((name, generic or folded(name) in self._known) for name in labels)
        if generic and not set(labels) <= set(self._classes):
            return answer
        return self._kind.relabelled(answer, {name: self._known.get(folded(name)) for name in labels}, self._classes)

    def check(self, model: str, data: str) -> None:
        """Raise ``DataError`` if the model's answers have classes, and none of them is a class of the data."""
        if self._met and not any(self._met.values()):
            raise DataError(
                f"'{model}' answers with labels such as '{next(iter(self._met))}', and none of its answers is a class "
                f"of '{data}', such as '{self._classes[0]}'.",
                "Rename the classes to the model's names, or train a head for them: zoo tune",
            )
