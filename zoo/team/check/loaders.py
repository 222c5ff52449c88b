"""The functions that load or download pretrained models, as in ``zoo/catalog/tables/loaders.csv``."""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources

from zoo.team.check.scopes import LOCAL_NAME

EVERY = "*"
ZOO = "zoo"


@dataclass(frozen=True)
class Loader:
    """One function, or a method of any object.

    Attributes:
        package: dotted name of the package that it is in; empty for any.
        receiver: what the name of the object must match; None for any.
        function: its name, or ``*`` for every function of the package.
        form: how its arguments name a model, see ``zoo.team.check.uses``.
        position: place of the argument with the model, from 0.
        keywords: names of this argument.
        prefix: what the model's id starts with.
        moving: names that stand for another model after an update of the package.
        fixed: names, or sources of ids, whose files are known by their hash or come with a package.
    """

    package: tuple[str, ...]
    receiver: re.Pattern[str] | None
    function: str
    form: str
    position: int
    keywords: tuple[str, ...]
    prefix: str
    moving: frozenset[str]
    fixed: frozenset[str]

    @property
    def words(self) -> tuple[str, ...]:
        """The identifiers that a file with a call of it contains, the rarest first."""
        named = () if self.function == EVERY else (self.function,)
        return tuple(dict.fromkeys((*self.package[:1], *named, *self.package[1:])))

    def matches(self, dotted: tuple[str, ...]) -> bool:
        """Whether a dotted name is this function."""
        if self.function not in {EVERY, dotted[-1]}:
            return False
        if self.package:
            exact = self.form != ZOO or len(dotted) == 2
            return exact and len(dotted) > len(self.package) and dotted[: len(self.package)] == self.package
        if dotted[0] == LOCAL_NAME and len(dotted) < 3:  # a function that the file defines itself
            return False
        return self.receiver is None or bool(self.receiver.fullmatch(dotted[-2]))


@functools.cache
def loaders() -> tuple[Loader, ...]:
    """All known functions; of several that match, the first one counts."""
    table = resources.files("zoo.catalog") / "tables" / "loaders.csv"
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    return tuple(
        Loader(
            tuple(filter(None, row["package"].split("."))),
            re.compile(row["receiver"]) if row["receiver"] else None,
            row["function"],
            row["form"],
            int(row["position"]),
            tuple(row["keywords"].split()),
            row["prefix"],
            frozenset(row["moving"].split()),
            frozenset(row["fixed"].split()),
        )
        for row in rows
    )


@functools.cache
def by_function() -> Mapping[str, tuple[Loader, ...]]:
    """The known functions by name."""
    found: dict[str, tuple[Loader, ...]] = {}
    for loader in loaders():
        found[loader.function] = (*found.get(loader.function, ()), loader)
    return found


def loader_of(names: Iterable[tuple[str, ...]]) -> Loader | None:
    """The function that one of some dotted names stands for; None if it is not a known one."""
    known = by_function()
    for dotted in names:
        for loader in (*known.get(dotted[-1], ()), *known[EVERY]):
            if loader.matches(dotted):
                return loader
    return None
