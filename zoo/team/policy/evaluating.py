"""A compiled policy: the reasons that its rules have against a use of a model.

Pure: the same card, action, use and date give the same reasons, whatever the order of the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from zoo.contract.deciding import ACTIONS, INCLUDED, Reason, Use, Verdict
from zoo.entities import ModelCard
from zoo.team.policy.conditions import Check
from zoo.team.policy.facts import Facts
from zoo.team.policy.ids import canonical
from zoo.team.policy.rules import PolicyDocument, Rule

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


class CompiledRule:
    """One rule, for one action."""

    def __init__(self, rule: Rule, checks: tuple[Check, ...], place: str) -> None:
        self.rule, self.checks = rule, checks
        self._exceptions = {canonical(one.id): one for one in rule.exceptions}
        self._compiled = tuple(
            (check.matches, check.verdicts, check, f"{place}:{check.condition.line}") for check in checks
        )

    def reasons(self, facts: Facts, today: date | None) -> list[Reason]:
        """What the rule has against it; empty if nothing, or during an exception."""
        found = []
        for matches, verdicts, check, place in self._compiled:
            matched = matches(facts)
            verdict = verdicts[matched]
            if verdict is not _ALLOW:
                found.append(check.reason(facts, matched, self.rule, place))
        return [] if found and self._exceptions and self.excepted(facts, today) else found

    def excepted(self, facts: Facts, today: date | None) -> date | None:
        """The last day of the exception for this model; None without one, or if it has expired."""
        exception = self._exceptions.get(facts.id)
        if exception is None or not facts.plain:
            return None
        return exception.until if (today or date.today()) <= exception.until else None

    def findings(self, facts: Facts, today: date | None) -> Iterator[Finding]:
        """What each condition says, those without objection too."""
        until = self.excepted(facts, today)
        for _, _, check, place in self._compiled:
            condition, matched = check.condition, check.matches(facts)
            yield Finding(
                self.rule.id,
                f"{condition.effect}.{condition.fact}",
                condition.values,
                Verdict.ALLOW if until else check.verdicts[matched],
                check.sentence(facts, matched),
                place,
                until,
                matched is not None,
            )


class CompiledPolicy:
    """The rules of one file and of those that it extends.

    Args:
        documents: the file's own policy first.
    """

    def __init__(self, documents: tuple[PolicyDocument, ...]) -> None:
        self.documents = documents
        self._by_action = {action: tuple(self._compiled(action)) for action in ACTIONS}

    def reasons(self, card: ModelCard, action: str, use: Use) -> tuple[Reason, ...]:
        """What the rules have against a use of a model, the most severe first; empty if nothing."""
        facts = Facts(card, use)
        found: list[Reason] = []
        for rule in self._by_action[action]:
            if against := rule.reasons(facts, use.today):
                found += against
        if len(found) > 1:
            found.sort(key=lambda reason: -reason.verdict)
        return tuple(found)

    def findings(self, card: ModelCard, action: str, use: Use) -> list[Finding]:
        """What every condition of every rule says, the most severe first."""
        facts = Facts(card, use)
        found = [one for rule in self._by_action[action] for one in rule.findings(facts, use.today)]
        return sorted(found, key=lambda finding: -finding.verdict)

    def _compiled(self, action: str) -> Iterator[CompiledRule]:
        actions = {action, *INCLUDED.get(action, ())}
        for document in self.documents:
            for rule in document.rules:
                if rule.actions and actions.isdisjoint(rule.actions):
                    continue
                checks = tuple(
                    Check(condition, document.unknown)
                    for condition in rule.conditions
                    if not condition.actions or not actions.isdisjoint(condition.actions)
                )
                if checks:
                    yield CompiledRule(rule, checks, document.place)
