"""Conditions of rules, compiled: what each says of a model's facts, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from zoo.contract.deciding import Reason, Verdict
from zoo.team.policy.facts import Facts
from zoo.team.policy.ids import Matches, author, is_plain, patterns
from zoo.team.policy.licences import LicencePatterns, Three
from zoo.team.policy.rules import EFFECTS, Condition, Rule
from zoo.team.policy.vocabulary import DATE, FACTS, FLAG, LICENCE, NUMBER, SIGNATURE, comparison
from zoo.team.policy.wording import Wording

PERMITTING = frozenset({"allow", "require"})
"""The effects for which a match is good."""

_OF_FEW_VALUES = frozenset({"source", "domain", "architecture", "weights", "scan"})
_MOST_SHARED = 10_000


class Check:
    """One condition.

    Attributes:
        matches: whether the facts match; None if a fact is unknown.
        verdicts: the verdict by what ``matches`` returns.

    Args:
        unknown: the policy's verdict where a fact is unknown, or not among what is allowed.
    """

    def __init__(self, condition: Condition, unknown: Verdict) -> None:
        permitting = condition.effect in PERMITTING
        stated = EFFECTS[condition.effect]
        self.condition = condition
        self.matches = _matcher(condition, permitting)
        self.verdicts: dict[Three, Verdict] = (
            {True: Verdict.ALLOW, False: unknown if condition.effect == "allow" else stated, None: unknown}
            if permitting
            else {True: stated, False: Verdict.ALLOW, None: min(unknown, stated)}  # a warning stays one
        )
        self._wording = Wording(condition, permitting)
        self._key = _shared(condition.fact)
        self._reasons: dict[object, Reason] = {}

    def sentence(self, facts: Facts, matched: Three) -> str:
        """Why, as the second half of a sentence."""
        return self._wording.sentence(facts, matched)

    def reason(self, facts: Facts, matched: Three, rule: Rule, place: str) -> Reason:
        """The same as a reason; one that many models share is made once."""
        key = self._key(facts, matched)
        found = self._reasons.get(key)
        if found is None:
            said, verdict = self.sentence(facts, matched), self.verdicts[matched]
            found = Reason(rule.id, verdict, said, place, rule.message, self.condition.fact)
            if key is not None and len(self._reasons) < _MOST_SHARED:
                self._reasons[key] = found
        return found


def _shared(fact: str) -> Callable[[Facts, Three], object]:
    """A function that returns what a sentence depends on; None if on more than one value of the fact."""
    if fact in _OF_FEW_VALUES:
        return lambda facts, matched: (matched, getattr(facts, fact))
    if fact == "license":
        return lambda facts, matched: None if facts.use.bases else (matched, facts.card.license)
    kind = FACTS[fact].comparison
    if kind in {FLAG, SIGNATURE}:
        return lambda facts, matched: (matched,)
    if kind in {NUMBER, DATE}:
        return lambda facts, matched: (matched,) if matched is None else None
    return lambda facts, matched: None


Matcher = Callable[[Facts], Three]


def _matcher(condition: Condition, permitting: bool) -> Matcher:
    fact, kind = condition.fact, FACTS[condition.fact].comparison
    if kind == SIGNATURE:
        return lambda facts: None
    if kind == FLAG:
        return _flag(fact.replace("-", "_"), bool(condition.values[0]))
    texts = [str(value) for value in condition.values]
    if kind in {NUMBER, DATE}:
        return _compared(fact, texts[0], kind)
    if kind == LICENCE:
        return _licensed(LicencePatterns(texts, choice=permitting), permitting)
    matches = patterns(texts, repeated=fact not in {"id", "base"})
    if fact == "id":
        return _allowed_id(matches) if permitting else _denied_id(matches)
    if fact == "author":
        return _allowed_author(matches) if permitting else _denied_author(matches)
    if fact == "base":
        return _bases(matches, all if permitting else any)
    if fact == "tags":
        return _several("tags", matches, any)
    if fact == "weights":
        return _several("weights", matches, all if permitting else any)
    return _single(fact, matches)


def _flag(name: str, wanted: bool) -> Matcher:
    def matches(facts: Facts) -> Three:
        value = getattr(facts, name)
        return None if value is None else value is wanted

    return matches


def _compared(fact: str, text: str, kind: str) -> Matcher:
    wanted = comparison(text, kind)
    assert wanted is not None  # checked when the policy was read

    def matches(facts: Facts) -> Three:
        value = getattr(facts, fact)
        return None if value is None else wanted.holds(value)

    return matches


def _licensed(patterns: LicencePatterns, permitting: bool) -> Matcher:
    def matches(facts: Facts) -> Three:
        if not permitting and facts.use.bases and any(map(patterns, facts.base_licenses)):
            return True
        return patterns(facts.card.license or None)

    return matches


def _allowed_id(wanted: Matches) -> Matcher:
    def matches(facts: Facts) -> Three:
        return wanted(facts.id) if is_plain(facts.card.id) else None

    return matches


def _denied_id(wanted: Matches) -> Matcher:
    def matches(facts: Facts) -> Three:
        for id in facts.known_as:
            if wanted(id):
                return True
        for id in facts.bases:
            if wanted(id):
                return True
        return False if facts.plain else None

    return matches


def _allowed_author(wanted: Matches) -> Matcher:
    def matches(facts: Facts) -> Three:
        own = author(facts.id) if is_plain(facts.card.id) else None
        return None if own is None else wanted(own)

    return matches


def _denied_author(wanted: Matches) -> Matcher:
    def matches(facts: Facts) -> Three:
        known = False
        for id in facts.known_as:
            owner = author(id)
            if owner is not None:
                if wanted(owner):
                    return True
                known = True
        for id in facts.bases:
            owner = author(id)
            if owner is not None and wanted(owner):
                return True
        return False if known and facts.plain else None

    return matches


def _bases(wanted: Matches, quantifier: Callable[[Iterable[Any]], bool]) -> Matcher:
    return lambda facts: quantifier(map(wanted, facts.bases))


def _several(name: str, wanted: Matches, quantifier: Callable[[Iterable[Any]], bool]) -> Matcher:
    def matches(facts: Facts) -> Three:
        values = getattr(facts, name)
        return None if values is None else quantifier(map(wanted, values))

    return matches


def _single(name: str, wanted: Matches) -> Matcher:
    def matches(facts: Facts) -> Three:
        value = getattr(facts, name)
        return None if value is None else wanted(value)

    return matches
