"""What a team demands of its standards: slots, owners, approvals and evidence; without a policy, one approval."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from zoo.errors import InvalidInput, PolicyError, suggest
from zoo.tasks import Task, find_task
from zoo.team.identity.scopes import matches

WITHOUT_POLICY = "0" * 64
"""What stands for the digest of the policy if there is none."""

KINDS = ("run", "measurement")
"""Kinds of evidence."""


@dataclass(frozen=True)
class SlotRule:
    """What is demanded of the standards of some tasks.

    Attributes:
        task: a task, or a pattern such as ``vision/*``.
        slots: names of the slots; empty allows any.
        owners: who may approve; empty for everyone with the role of an approver.
        approvals: number of approvals needed, of different people, none of them the author.
        evidence: kinds of evidence that a proposal needs, see ``KINDS``.
        max_age: days after which a standard is due for review; None for never.
        only: whether ``tune`` and ``serve`` refuse other models for these tasks.
        place: file and line.
    """

    task: str = "*"
    slots: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    approvals: int = 1
    evidence: tuple[str, ...] = ()
    max_age: int | None = None
    only: bool = False
    place: str = ""

    def counted(self, approvers: Iterable[str]) -> list[str]:
        """Those whose approvals count, each once."""
        return [name for name in dict.fromkeys(approvers) if not self.owners or name in self.owners]


@dataclass(frozen=True)
class StandardRules:
    """The rules of a policy on standards.

    Attributes:
        policy: digest of the policy, which approvals cover.
        slots: all rules that match a task apply together, see ``merged``.
    """

    policy: str = WITHOUT_POLICY
    slots: tuple[SlotRule, ...] = field(default=())

    def of(self, domain: str, task: str, slot: str) -> SlotRule:
        """What all rules together demand of a slot; raises as ``merged``.

        Raises:
            InvalidInput: the task has no such slot.
        """
        rule = self.merged(domain, task)
        if rule.slots and slot not in rule.slots:
            hint = suggest(slot, rule.slots) or f"Slots: {', '.join(rule.slots)}."
            raise InvalidInput(f"The policy has no slot '{slot}' for '{task}'.", hint)
        return rule

    def merged(self, domain: str | None, task: str) -> SlotRule:
        """What all rules that match a task demand together, so that none softens another.

        That is the most approvals, all evidence, the shortest age, and the slots and owners that every rule allows.

        Raises:
            PolicyError: two rules have no slot or no owner in common.
        """
        return functools.reduce(_together, self.all_of(domain, task), SlotRule())

    def all_of(self, domain: str | None, task: str) -> tuple[SlotRule, ...]:
        """All rules that match a task; of a task whose domain is unknown, those whose pattern has no domain."""
        return tuple(
            rule
            for rule in self.slots
            if (domain is not None or "/" not in rule.task) and matches(rule.task, domain or "", task)
        )


def _together(one: SlotRule, other: SlotRule) -> SlotRule:
    """The demands of two rules as one."""
    ages = [rule.max_age for rule in (one, other) if rule.max_age is not None]
    return dataclasses.replace(
        one,
        slots=_common("slot", one.slots, other.slots, (one, other)),
        owners=_common("owner", one.owners, other.owners, (one, other)),
        approvals=max(one.approvals, other.approvals),
        evidence=tuple(dict.fromkeys((*one.evidence, *other.evidence))),
        max_age=min(ages, default=None),
        only=one.only or other.only,
        place=", ".join(filter(None, (one.place, other.place))),
    )


def _common(
    what: str, first: tuple[str, ...], second: tuple[str, ...], rules: tuple[SlotRule, SlotRule]
) -> tuple[str, ...]:
    """The names that both rules allow; a rule without names allows every one."""
    if not first or not second:
        return first or second
    found = tuple(name for name in first if name in second)
    if not found:
        more = " A rule without slots has the slot 'default' alone." if what == "slot" else ""
        places = " and ".join(rule.place or f"'{rule.task}'" for rule in rules)
        raise PolicyError(
            f"The rules [[standards]] at {places} have no {what} in common, so nothing can become a standard.",
            f"Give both rules the same {what}s.{more}",
        )
    return found


def task_called(name: str) -> Task:
    """A task by its name.

    Raises:
        UnknownTask: there is no such task; with the nearest names.
    """
    from zoo.plugins import plugins

    return find_task(name, plugins().tasks)


def domain_of(task: str) -> str:
    """The domain of a task; raises as ``task_called``."""
    return task_called(task).domain


def rules_in_force() -> StandardRules:
    """The rules of the policies in force; without a policy, one approval for every task and slot.

    Raises:
        PolicyError: a policy cannot be read.
    """
    from zoo.team.policy import in_force

    documents = [document for policy in in_force() for document in policy.documents]
    if not documents:
        return StandardRules()
    slots = tuple(
        SlotRule(
            rule.task,
            rule.slots,
            tuple(member.lower() for member in document.members(rule.owners)),
            rule.approvals,
            rule.evidence,
            rule.max_age,
            rule.only_standards,
            f"{document.place}:{rule.line}",
        )
        for document in documents
        for rule in document.standards
    )
    digests = "".join(document.digest for document in documents)
    return StandardRules(hashlib.sha256(digests.encode()).hexdigest(), slots)
