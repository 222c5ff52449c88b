"""The language domain of zoo: its tasks, its models, and how they load."""

from __future__ import annotations

from zoo.hookspecs import hookimpl
from zoo.tasks import Domain, tasks_of


@hookimpl
def zoo_domains() -> list[Domain]:
    """The language domain."""
    return [Domain("language", "TO BE FILLED", tasks_of("language"))]
