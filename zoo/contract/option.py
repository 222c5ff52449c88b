"""An option of commands, and of their Python functions, that only one field needs.

A plugin gives its options by the hook ``zoo_options()``. They appear in the help of the commands that they belong to,
under the plugin's name, and are refused by name for data or models that they do not apply to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.entities import Dataset

READ, PREDICT, SETTING = "read", "predict", "setting"


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: in Python; on the command line it is ``--name`` with hyphens.
        roles: ``read`` for commands that read a data set, ``predict`` for inputs typed at ``zoo predict``, ``setting``
            for what also has an environment variable, ``ZOO_NAME``, and holds for the whole process.
        help: the help text, which begins with what it applies to: ``Time series: steps to forecast``.
        metavar: what the help calls the value.
        convert: from the text of the command line to the value; raises ``ValueError`` with a sentence.
        kinds: kinds of input or target that it applies to; any of them. Empty for settings.
        applies_to: these in words, for the refusal: ``time series``.
        default: the value where it is not given.
        apply: for ``read`` options: function of the data set that was read, of the task's name and of the value or
            None, that gives the data set with the option taken into account. Called whether it was given or not.
        task: of an option that belongs to one task: that task. ``zoo predict`` takes it where no task is named.
        labels: whether ``zoo predict`` asks the model with the value, in place of the classes of ``--labels``.
    """

    name: str
    roles: frozenset[str]
    help: str
    metavar: str = "VALUE"
    convert: Callable[[str], Any] = str
    kinds: frozenset[str] = frozenset()
    applies_to: str = ""
    default: Any = None
    apply: Callable[[Dataset, str | None, Any], Dataset] | None = None
    task: str = ""
    labels: bool = False

    @property
    def flag(self) -> str:
        """As it is typed."""
        return f"--{self.name.replace('_', '-')}"
