"""What a team demands of its standards: slots, owners, approvals and evidence; without a policy, one approval."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from zoo.errors import InvalidInput, suggest
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
    """

    task: str = "*"
    slots: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    approvals: int = 1
    evidence: tuple[str, ...] = ()


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
        rule = next((rule for rule in self.slots if matches(rule.task, domain, task)), SlotRule())
        if rule.slots and slot not in rule.slots:
            hint = suggest(slot, rule.slots) or f"Slots: {', '.join(rule.slots)}."
            raise InvalidInput(f"The policy has no slot '{slot}' for '{task}'.", hint)
        return rule


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
        )
        for document in documents
        for rule in document.standards
    )
    digests = "".join(document.digest for document in documents)
    return StandardRules(hashlib.sha256(digests.encode()).hexdigest(), slots)
