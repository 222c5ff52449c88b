"""A compiled policy: the reasons that its rules have against a use of a model.

Pure: the same card, action, use and date give the same reasons, whatever the order of the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeAlias

from zoo.contract.deciding import INCLUDED, INHERITED, Reason, Use, Verdict
from zoo.entities import ModelCard
from zoo.team.policy.conditions import Check, Matcher
from zoo.team.policy.facts import Facts
from zoo.team.policy.ids import canonical, is_plain
from zoo.team.policy.licences import Three
from zoo.team.policy.rules import Condition, PolicyDocument, Rule, RuleException

_ALLOW = Verdict.ALLOW


@dataclass(frozen=True)
class Finding:
    """What one condition of one rule says of a model, for ``zoo policy explain``.

    Attributes:
        condition: as in the file: ``deny.license``.
        values: what it compares with.
        until: the last day of the exception that sets it aside; None without one.
        known: whether the fact is known.
    """

    rule: str
    condition: str
    values: tuple[str | bool, ...]
    verdict: Verdict
    sentence: str
    place: str
    until: date | None = None
    known: bool = True


def _severity(reason: Reason) -> int:
    return -reason.verdict


class CompiledRule:
    """One rule, for one action.

    Attributes:
        compiled: its checks: what each asks, the verdict by the answer, the check itself, and its place.
    """

    def __init__(self, rule: Rule, checks: tuple[Check, ...], place: str) -> None:
        self.rule, self.checks = rule, checks
        self._exceptions = {canonical(one.id): one for one in rule.exceptions}
        self.compiled = tuple(
            (check.matches, check.verdicts, check, f"{place}:{check.condition.line}") for check in checks
        )

    def remaining(self, found: list[Reason], facts: Facts, today: date | None) -> list[Reason]:
        """What stays of the objections of the rule: less during an exception."""
        if not self._exceptions:
            return found
        if self.excepted(facts, today):
            return []
        if ended := self.ended(facts, today):
            found = [replace(one, sentence=f"{one.sentence}; {ended}") for one in found]
        return [one for one in found if one.fact not in INHERITED] if self.inherited(facts, today) else found

    def excepted(self, facts: Facts, today: date | None) -> date | None:
        """The last day of the exception for this model; None without one, or if it has expired."""
        exception = self._exceptions.get(facts.id)
        return self._until(exception, today) if facts.plain else None

    def ended(self, facts: Facts, today: date | None) -> str:
        """That the exception for this model has ended, to follow a reason; empty without one that has."""
        exception = self._exceptions.get(facts.id) if facts.plain else None
        return "" if exception is None or self._until(exception, today) else f"its exception ended on {exception.until}"

    def inherited(self, facts: Facts, today: date | None) -> date | None:
        """The last day of the exception for a model from which zoo itself made this one.

        It covers what the model has from that one, see ``INHERITED``.
        """
        if not facts.use.made_from:
            return None
        made_from = [canonical(f"{one.source}:{one.name}") for one in facts.use.made_from]
        found = (self._until(self._exceptions.get(id), today) for id in made_from if is_plain(id))
        return next(filter(None, found), None)

    @staticmethod
    def _until(exception: RuleException | None, today: date | None) -> date | None:
        return exception.until if exception and (today or date.today()) <= exception.until else None

    def findings(self, facts: Facts, today: date | None) -> Iterator[Finding]:
        """What each condition says, those without objection too."""
        own, inherited = self.excepted(facts, today), self.inherited(facts, today)
        ended = self.ended(facts, today)
        for _, _, check, place in self.compiled:
            condition, matched = check.condition, check.matches(facts)
            until = own or (inherited if condition.fact in INHERITED else None)
            verdict, said = check.verdicts[matched], check.sentence(facts, matched)
            yield Finding(
                self.rule.id,
                f"{condition.effect}.{condition.fact}",
                condition.values,
                Verdict.ALLOW if until else verdict,
                f"{said}; {ended}" if ended and verdict is not _ALLOW else said,
                place,
                until,
                matched is not None,
            )


_Compiled: TypeAlias = tuple[Matcher, dict[Three, Verdict], Check, str, CompiledRule]


class CompiledPolicy:
    """The rules of one file and of those that it extends.

    Args:
        documents: the file's own policy first.
    """

    def __init__(self, documents: tuple[PolicyDocument, ...]) -> None:
        self.documents = documents
        # The checks of a condition are shared by all actions, and an action is compiled when it is first decided on.
        self._checks: dict[int, Check] = {}
        self._by_action: dict[str, tuple[CompiledRule, ...]] = {}
        self._flat: dict[str, tuple[_Compiled, ...]] = {}

    def reasons(self, card: ModelCard, action: str, use: Use) -> tuple[Reason, ...]:
        """What the rules have against a use of a model, the most severe first; empty if nothing."""
        facts = Facts(card, use)
        found: list[Reason] = []
        against: list[Reason] = []
        last: CompiledRule | None = None
        for matches, verdicts, check, place, rule in self._checks_of(action):
            matched = matches(facts)
            if verdicts[matched] is not _ALLOW:
                if rule is not last:
                    found += last.remaining(against, facts, use.today) if last else ()
                    against, last = [], rule
                against.append(check.reason(facts, matched, rule.rule, place))
        if last:
            found += last.remaining(against, facts, use.today)
        if len(found) > 1:
            found.sort(key=_severity)
        return tuple(found)

    def findings(self, card: ModelCard, action: str, use: Use) -> list[Finding]:
        """What every condition of every rule says, the most severe first."""
        facts = Facts(card, use)
        found = [one for rule in self._rules(action) for one in rule.findings(facts, use.today)]
        return sorted(found, key=lambda finding: -finding.verdict)

    def _checks_of(self, action: str) -> tuple[_Compiled, ...]:
        found = self._flat.get(action)
        if found is None:
            checks = ((*one, rule) for rule in self._rules(action) for one in rule.compiled)
            found = self._flat[action] = tuple(checks)
        return found

    def _rules(self, action: str) -> tuple[CompiledRule, ...]:
        found = self._by_action.get(action)
        if found is None:
            found = self._by_action[action] = tuple(self._compiled(action))
        return found

    def _check(self, condition: Condition, unknown: Verdict) -> Check:
        found = self._checks.get(id(condition))
        if found is None:
            found = self._checks[id(condition)] = Check(condition, unknown)
        return found

    def _compiled(self, action: str) -> Iterator[CompiledRule]:
        actions = {action, *INCLUDED.get(action, ())}
        for document in self.documents:
            for rule in document.rules:
                if rule.actions and actions.isdisjoint(rule.actions):
                    continue
                checks = tuple(
                    self._check(condition, document.unknown)
                    for condition in rule.conditions
                    if not condition.actions or not actions.isdisjoint(condition.actions)
                )
                if checks:
                    yield CompiledRule(rule, checks, document.place)
