"""What a condition says of a model, in words: the second half of a sentence."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable

from zoo.team.policy.facts import Facts
from zoo.team.policy.ids import patterns
from zoo.team.policy.rules import Condition
from zoo.team.policy.vocabulary import DATE, FACTS, FLAG, LICENCE, NUMBER

MOST_LISTED = 3

_FLAGS = {
    ("pinned", True): "its revision is pinned",
    ("pinned", False): "its revision is not pinned to a commit",
    ("hashes", True): "all its weights have published hashes",
    ("hashes", False): "some of its weights have no published hash",
    ("remote-code", True): "it runs its own code",
    ("remote-code", False): "it runs no code of its own",
}
_UNKNOWN = {
    "pinned": "its revision is not known",
    "hashes": "the hashes of its weights are not known",
    "scan": "its weights are in a format that may hold code, and were not scanned",
    "remote-code": "it is not known whether it runs its own code",
    "tags": "its tags are not known",
}

Relevant = Callable[[str], bool]


class Wording:
    """The words for one condition.

    Args:
        permitting: whether a match is good, as of ``allow``.
    """

    def __init__(self, condition: Condition, permitting: bool) -> None:
        self._condition, self._permitting = condition, permitting
        self._kind = FACTS[condition.fact].comparison

    @functools.cached_property
    def _listed(self) -> str:
        return _listed(str(value) for value in self._condition.values)

    @functools.cached_property
    def _relevant(self) -> Relevant:
        """The values that a sentence names: those that match, or if a match is good, those that do not."""
        if self._kind in {LICENCE, NUMBER, DATE}:
            return lambda value: True
        matches = patterns(str(value) for value in self._condition.values)
        return (lambda value: not matches(value)) if self._permitting else matches

    def sentence(self, facts: Facts, matched: bool | None) -> str:
        """Why the condition says what it says.

        Args:
            matched: whether the facts match it; None if one is unknown.
        """
        condition = self._condition
        if matched is None:
            return _unknown(condition.fact, facts)
        if self._kind == FLAG:
            return _FLAGS[condition.fact, matched is condition.values[0]]
        shown = _shown(condition.fact, facts, self._relevant)
        if self._permitting and not matched:
            which = "which is not among" if condition.effect == "allow" else "and the policy requires"
            return f"{shown}, {which} {self._listed}"
        return shown if matched is self._permitting else f"{shown} ({condition.effect} {self._listed})"


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - MOST_LISTED} more" if len(found) > MOST_LISTED else ""
    return f"{', '.join(found[:MOST_LISTED])}{more}"


def _unknown(fact: str, facts: Facts) -> str:
    if fact in {"id", "author", "base"} and not facts.plain:
        return "its id has characters that look like others, so it cannot be compared"
    if fact == "license" and facts.license:
        return f"its licence '{facts.license}' is not an SPDX identifier, so someone has to read it"
    return _UNKNOWN.get(fact, f"its {FACTS[fact].about} is not known")


def _shown(fact: str, facts: Facts, relevant: Relevant) -> str:
    """The value of a fact: ``its licence is MIT``."""
    if fact == "license":
        inherited = [one for one in facts.base_licenses if one != facts.license]
        also = f", and that of a base model is {_listed(inherited)}" if inherited else ""
        return f"its licence is {facts.license or 'not known'}{also}"
    if fact in {"id", "base"}:
        return _named(facts, facts.known_as if fact == "id" else (), relevant)
    if fact == "author":
        return _by(facts, relevant)
    if fact == "parameters":
        return f"it has {facts.parameters:,} parameters"
    if fact in {"memory", "size"}:
        return f"it takes {getattr(facts, fact) / 1e9:,.3g} GB{' of memory' if fact == 'memory' else ''}"
    if fact == "tags":
        return f"its tags are {_chosen(facts.tags, relevant)}"
    if fact == "weights":
        return f"the format of its weights is {_chosen(facts.weights, relevant)}"
    return f"its {FACTS[fact].about} is {getattr(facts, fact)}"


def _chosen(values: frozenset[str] | None, relevant: Relevant) -> str:
    """The values that a condition is about, or else all."""
    return _listed(sorted(filter(relevant, values or ())) or sorted(values or ())) or "none"


def _named(facts: Facts, own: Iterable[str], relevant: Relevant) -> str:
    mine, derived = sorted({*filter(relevant, own)}), sorted({*filter(relevant, facts.bases)})
    if facts.id in mine:
        return f"its id is {facts.id}"
    if mine:
        return f"it is also known as {_listed(mine)}"
    if derived:
        return f"it is derived from {_listed(derived)}"
    return f"its id is {facts.id}" if own else f"its base models are {_listed(sorted({*facts.bases})) or 'none'}"


def _by(facts: Facts, relevant: Relevant) -> str:
    mine, derived = sorted({*filter(relevant, facts.authors)}), sorted({*filter(relevant, facts.base_authors)})
    if mine:
        return f"its author is {_listed(mine)}"
    return (
        f"it is derived from a model of {_listed(derived)}"
        if derived
        else f"its author is {_listed(sorted({*facts.authors}))}"
    )
