"""The vision domain of zoo: its tasks, its models, and how they load."""

from __future__ import annotations

from zoo.hookspecs import hookimpl
from zoo.tasks import Domain, tasks_of


@hookimpl
def zoo_domains() -> list[Domain]:
    """The vision domain."""
    return [Domain("vision", "TO BE FILLED", tasks_of("vision"))]
