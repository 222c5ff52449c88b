"""What a team demands of its standards: slots, owners, approvals and evidence; without a policy, one approval."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from zoo.errors import InvalidInput, suggest
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


@dataclass(frozen=True)
class StandardRules:
    """The rules of a policy on standards.

    Attributes:
        policy: digest of the policy, which approvals cover.
        slots: the first rule that matches a task applies.
    """

    policy: str = WITHOUT_POLICY
    slots: tuple[SlotRule, ...] = field(default=())

    def of(self, domain: str, task: str, slot: str) -> SlotRule:
        """The rule for a slot.

        Raises:
            InvalidInput: the task has no such slot.
        """
        rule = next(iter(self.all_of(domain, task)), SlotRule())
        if rule.slots and slot not in rule.slots:
            hint = suggest(slot, rule.slots) or f"Slots: {', '.join(rule.slots)}."
            raise InvalidInput(f"The policy has no slot '{slot}' for '{task}'.", hint)
        return rule

    def all_of(self, domain: str, task: str) -> tuple[SlotRule, ...]:
        """All rules that match a task; those of a file further down come first, and none softens another."""
        return tuple(rule for rule in self.slots if matches(rule.task, domain, task))


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
