"""One of several processes that propose and approve at once: ``proposing_worker.py NUMBER FIRST COUNT``.

The registry and the token come from the environment. Each line of its output is something that it has done.
"""

from __future__ import annotations

import sys

from zoo.errors import InvalidInput
from zoo.registry import open_registry, opening
from zoo.sources import resolve
from zoo.team.identity.acting import NotAllowed
from zoo.team.standards.entities import Place
from zoo.team.standards.proposing import approve, propose
from zoo.team.standards.reading import proposals

SLOTS = ("default", "small", "large")
TASK = "text-classification"


def main(number: int, first: int, count: int) -> None:
    """Propose models, and approve the oldest open proposals of others."""
    opening.bring_up_to_date = lambda *args, **options: {}  # the cards of plugins take seconds
    path = open_registry().path
    resolve(f"hf:team/{number}-{first}")  # imports what a proposal needs
    print("ready", flush=True)
    for n in range(first, first + count):
        key = propose(path, f"hf:team/{number}-{n}", Place(TASK, SLOTS[n % len(SLOTS)])).key
        print(f"proposed {key}", flush=True)
        for one in proposals(path, state="open")[:3]:
            try:
                approve(path, one.key)
            except NotAllowed:  # its own
                continue
            except InvalidInput:  # another process was first
                continue
            print(f"approved {one.key}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
