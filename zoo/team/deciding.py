"""The team's verdict on a use of a model: its policies, what it has approved, and which tasks take standards only."""

from __future__ import annotations

import contextlib
import dataclasses

from zoo.contract.deciding import INHERITED, Decision, Reason, Use, Verdict
from zoo.entities import ModelCard
from zoo.errors import UnknownTask, ZooError
from zoo.team import policy
from zoo.team.policy.evaluating import Finding
from zoo.team.standards.covering import approved, covering
from zoo.team.standards.known import Agreed
from zoo.team.standards.rules import SlotRule, StandardRules, domain_of, rules_in_force

LIMITED = ("tune", "serve")
"""The actions that ``only-standards`` limits; a model can still be measured, to become a standard."""

ONLY_STANDARDS = "standards"
"""The rule that a decision names if a task takes standards only."""

Approval = tuple[Agreed, bool]


def decide(card: ModelCard, action: str, use: Use) -> Decision:
    """The verdict of the policies in force, in which an approval replaces ``needs-approval``.

    A standard that was approved under the policy in force may be used at the revision and with the files that were
    approved, and so may what zoo made from it. ``deny`` stays.
    """
    found = policy.decide(card, action, use)
    if found.verdict is Verdict.NEEDS_APPROVAL and (approval := _approval(card, use)):
        found = Decision(tuple(_with_approval(reason, approval) for reason in found.reasons))
    limit = _limit(card, action, use)
    return Decision.of((Decision((limit,)), found)) if limit else found


def findings(card: ModelCard, action: str, use: Use) -> list[Finding]:
    """What every condition of the policies in force says, with approvals, the most severe first.

    Raises:
        PolicyError: a policy cannot be read.
    """
    found = [one for each in policy.in_force() for one in each.findings(card, action, use)]
    most = max((one.verdict for one in found), default=Verdict.ALLOW)
    if most is Verdict.NEEDS_APPROVAL and (approval := _approval(card, use)):
        found = [_found_with_approval(one, approval) for one in found]
    if limit := _limit(card, action, use):
        found.append(Finding(limit.rule, "only-standards", (), limit.verdict, limit.sentence, limit.place))
    return sorted(found, key=lambda one: -one.verdict)


def _approval(card: ModelCard, use: Use) -> Approval | None:
    """The standard by which the team has approved this model, under the policy in force."""
    standards = [*covering(card, use)]
    if not standards:
        return None
    rules = rules_in_force()
    return next((one for one in standards if one[0].policy == rules.policy and approved(one[0], rules)), None)


def _covers(approval: Approval, verdict: Verdict, fact: str) -> bool:
    """Whether an approval replaces an objection; what zoo made from a model has some facts of its own."""
    return verdict is Verdict.NEEDS_APPROVAL and (approval[1] or fact in INHERITED)


def _with_approval(reason: Reason, approval: Approval) -> Reason:
    if not _covers(approval, reason.verdict, reason.fact):
        return reason
    return dataclasses.replace(reason, verdict=Verdict.ALLOW, sentence=f"{reason.sentence}; {_said(approval)}")


def _found_with_approval(found: Finding, approval: Approval) -> Finding:
    if not _covers(approval, found.verdict, found.condition.partition(".")[2]):
        return found
    return dataclasses.replace(found, verdict=Verdict.ALLOW, sentence=f"{found.sentence}; {_said(approval)}")


def _said(approval: Approval) -> str:
    standard = approval[0].standard
    what = "approved" if approval[1] else f"made from '{standard.model}', which was approved"
    by = ", ".join(standard.approvers)
    return f"{what} as the standard for '{standard.place}' by {by} (proposal {standard.proposal})"


def _limit(card: ModelCard, action: str, use: Use) -> Reason | None:
    """The objection of ``only-standards`` to a use for a task; None if there is none."""
    if action not in LIMITED:
        return None
    try:
        rules = rules_in_force()
    except ZooError:  # the policy denies everything then
        return None
    rule = _only(rules, use.task)
    if rule is None:
        return None
    if use.task is None:
        sentence = "the task is not known, and the policy has tasks that take standards only"
        return Reason(ONLY_STANDARDS, Verdict.DENY, sentence, rule.place, "Name the task.")
    if any(one.standard.task == use.task and approved(one, rules) for one, _ in covering(card, use)):
        return None
    return Reason(
        ONLY_STANDARDS,
        Verdict.DENY,
        f"it is not a standard for '{use.task}', and no other model is allowed for this task",
        rule.place,
        f"See: zoo standard list. To change it: zoo standard propose {card.id} --task {use.task}",
    )


def _only(rules: StandardRules, task: str | None) -> SlotRule | None:
    """A rule by which a task takes standards only; of an unknown task any such rule."""
    if task is None:
        return next((rule for rule in rules.slots if rule.only), None)
    domain = None
    with contextlib.suppress(UnknownTask):  # the patterns without a domain cover it all the same
        domain = domain_of(task)
    return next((rule for rule in rules.all_of(domain, task) if rule.only), None)
