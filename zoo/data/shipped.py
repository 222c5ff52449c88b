"""Data sets that installed packages ship, under short names; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zoo.contract.reader import PackagedDataset, ReadOptions
from zoo.entities import Dataset
from zoo.errors import MissingDependency, MissingExtra


@dataclass(frozen=True)
class Shipped:
    """One packaged data set.

    Attributes:
        name: what to type.
        input_kind: the kind of its samples.
        description: what it is, in a sentence.
        install: the command that installs it.
        read: reads it, from its name and the options.
    """

    name: str
    input_kind: str
    description: str
    install: str
    here: Callable[[], bool]
    read: Callable[[str, ReadOptions], Dataset]


class ShippedReader:
    """Reads packaged data sets by their names."""

    name = "packaged data set"

    def __init__(self, shipped: Sequence[Shipped]) -> None:
        self._shipped = {one.name: one for one in shipped}

    @property
    def datasets(self) -> list[str]:
        """The names that can be typed."""
        return list(self._shipped)

    def accepts(self, reference: str) -> bool:
        """Whether it is one of ``datasets``."""
        return reference in self._shipped

    def describe(self, name: str) -> PackagedDataset:
        """What it is, whether it is installed, and the command that installs it."""
        one = self._shipped[name]
        return PackagedDataset(name, one.input_kind, one.description, one.here(), one.install)

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The whole data set.

        Raises:
            MissingExtra: the Python package that ships it is not installed; with the command.
            MissingDependency: the package of the system that ships it is not installed; with the command.
        """
        one = self._shipped[reference]
        if not one.here():
            missing = MissingExtra if one.install.startswith("pip ") else MissingDependency
            raise missing(f"The package that ships '{reference}' is not installed.", f"Run: {one.install}")
        return one.read(reference, options)
