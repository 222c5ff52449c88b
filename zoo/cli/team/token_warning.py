"""Warns of a token in the environment that is not valid, in commands that read and need none."""

from __future__ import annotations

from zoo.cli.output import Output
from zoo.registry.database.location import Location


def warn_of_token(output: Output, location: Location) -> None:
    """Print a warning if the next command that changes something would be refused for its token."""
    from zoo.team.identity.acting import token_problem

    if problem := token_problem(location):
        output.warn(f"{problem} Commands that change something are refused.")
