"""An option of commands, and of their Python functions, that only one domain needs.

A plugin adds options with the hook ``zoo_options()``. Each appears in the help of the commands of its roles, under the
title of its group, and is rejected for data or models that it does not apply to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.entities import Dataset

READ, FEATURES, PREDICT, EVALUATE = "read", "features", "predict", "evaluate"

COMMANDS: Mapping[str, frozenset[str]] = {
    "profile": frozenset({READ}),
    "features": frozenset({READ, FEATURES}),
    "predict": frozenset({PREDICT}),
    "evaluate": frozenset({READ, EVALUATE}),
    "tune": frozenset({READ, EVALUATE}),
    "recommend": frozenset({READ, EVALUATE}),
}
"""The roles of each command that has options of plugins, and of its Python function."""


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: in Python; on the command line it is ``--name`` with hyphens.
        roles: what it has an effect on: ``read`` for reading data, ``features`` for extracting features, ``predict``
            for ``zoo predict``, ``evaluate`` for evaluating outputs: ``evaluate``, ``tune`` and ``recommend``.
        help: the help text, without what the title of the group says.
        metavar: name of the value in the help.
        convert: function from the text on the command line to the value; raises ``ValueError`` with a message.
        kinds: kinds of input or target that it applies to, any of them; empty for all.
        task: the only task that it applies to; empty for all. ``zoo predict`` uses it if no task is named.
        applies_to: what it applies to, in words, for error messages: ``time series``.
        default: the value if it is not given.
        apply: for options of how data are read: function of the data set that was read, the task's name and the value
            or None, that returns the data set with the option applied. Called whether it was given or not.
        labels: whether ``zoo predict`` passes the value to the model, in place of the classes of ``--labels``.
        setting: whether it is also a setting, with the environment variable ``ZOO_NAME``, that code reads by
            ``zoo.config.setting``; it then applies to one call, or with ``zoo.config.configure`` to the process.
        at_loading: whether that setting is read when a model is loaded.
        group: title of its group in the help: ``Forecasting``.
    """

    name: str
    roles: frozenset[str]
    help: str
    metavar: str = "VALUE"
    convert: Callable[[str], Any] = str
    kinds: frozenset[str] = frozenset()
    task: str = ""
    applies_to: str = ""
    default: Any = None
    apply: Callable[[Dataset, str | None, Any], Dataset] | None = None
    labels: bool = False
    setting: bool = False
    at_loading: bool = False
    group: str = "Options of plugins"

    @property
    def flag(self) -> str:
        """The flag on the command line."""
        return f"--{self.name.replace('_', '-')}"

    def fits(self, kinds: Set[str], task: str | None) -> bool:
        """Whether it applies to such kinds of input and target, and to a task if one is known."""
        return not (self.kinds and self.kinds.isdisjoint(kinds)) and (not self.task or task in {None, self.task})
