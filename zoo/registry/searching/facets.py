"""Counts the values of the models of a set."""

from __future__ import annotations

from zoo.registry.index.sets import VALUES, Sets

MOST = 12
"""Maximum number of values per kind, the most frequent ones."""


def facets(sets: Sets, members: int) -> dict[str, dict[str, int]]:
    """For each kind of value, the number of models of the set by value, the most frequent first.

    Values are counted from the most frequent in the whole registry on, until no other can be among the first.
    """
    everything = members == sets.all()
    found = {}
    for kind in VALUES:
        counts: dict[str, int] = {}
        least = 0
        for value, models in sorted(sets.values(kind).items(), key=lambda item: (-item[1], item[0])):
            if len(counts) >= MOST and models <= least:
                break
            count = models if everything else (members & sets.one(kind, value)).bit_count()
            if count:
                counts[value] = count
                least = sorted(counts.values(), reverse=True)[:MOST][-1]
        first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST]
        if first:
            found[kind] = dict(first)
    return found
