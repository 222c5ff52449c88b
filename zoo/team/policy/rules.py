"""A policy as data: its rules, exceptions, tests, standards and groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from zoo.contract.deciding import Verdict

EFFECTS: Mapping[str, Verdict] = {
    "deny": Verdict.DENY,
    "needs-approval": Verdict.NEEDS_APPROVAL,
    "warn": Verdict.WARN,
    "require": Verdict.DENY,
    "allow": Verdict.ALLOW,
}
"""The effects of a rule, each with its verdict: of ``require`` for a value that differs, of the others for a match."""


@dataclass(frozen=True)
class Condition:
    """One line of a rule: ``deny.license = ["non-commercial"]``.

    Attributes:
        effect: one of ``EFFECTS``.
        fact: name of the fact, see ``zoo.team.policy.vocabulary``.
        values: what the fact is compared with: patterns, one comparison such as ``>2B``, or true or false.
        line: where it is in the file, from 1.
        actions: the actions that it is limited to; empty for those of the rule.
    """

    effect: str
    fact: str
    values: tuple[str | bool, ...]
    line: int
    actions: tuple[str, ...] = ()


@dataclass(frozen=True)
class RuleException:
    """A model that a rule does not apply to, until the end of a day.

    Attributes:
        id: id of the model, without patterns.
    """

    id: str
    until: date
    reason: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        actions: the actions that it applies to; empty for all.
        message: what to do, for those whom it refuses.
        line: where it begins in the file, from 1.
    """

    id: str
    conditions: tuple[Condition, ...]
    line: int
    actions: tuple[str, ...] = ()
    exceptions: tuple[RuleException, ...] = ()
    message: str = ""


@dataclass(frozen=True)
class PolicyTest:
    """An expected verdict.

    Attributes:
        facts: facts of the model by name, for a test that needs no registry; empty takes the registry's card.
    """

    model: str
    action: str
    expect: Verdict
    line: int
    facts: Mapping[str, str | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class StandardRule:
    """What a team demands of the standard models of a task.

    Attributes:
        task: name of a task, or a pattern such as ``vision/*``.
        slots: names of the slots, each with one standard; empty allows any.
        owners: people, or groups such as ``@ml-text``, who approve.
        approvals: number of approvals needed.
        evidence: kinds of evidence that a proposal must have.
        max_age: days after which a standard is due for review; None for never.
        only_standards: whether other models are refused for this task.
    """

    task: str
    line: int
    slots: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    approvals: int = 1
    evidence: tuple[str, ...] = ()
    max_age: int | None = None
    only_standards: bool = False


@dataclass(frozen=True)
class PolicyDocument:
    """The content of one policy file.

    Attributes:
        name: the policy's own name.
        place: the file's name, for messages.
        digest: SHA-256 of the file, in hex.
        extends: path or address of the policy that it is based on; empty for none.
        extends_digest: SHA-256 that this one must have.
        unknown: verdict where a fact is unknown, or not among what a rule allows.
    """

    name: str
    place: str
    digest: str
    rules: tuple[Rule, ...] = ()
    unknown: Verdict = Verdict.NEEDS_APPROVAL
    extends: str = ""
    extends_digest: str = ""
    standards: tuple[StandardRule, ...] = ()
    tests: tuple[PolicyTest, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def members(self, owners: tuple[str, ...]) -> tuple[str, ...]:
        """The people whom ``owners`` name, those of groups included, each once."""
        found: dict[str, None] = {}
        for owner in owners:
            people = self.groups.get(owner.removeprefix("@"), ()) if owner.startswith("@") else (owner,)
            found.update(dict.fromkeys(people))
        return tuple(found)
