"""What policies have against candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo.answers import Exclusion
from zoo.contract.deciding import Decision, Verdict
from zoo.entities import ModelCard
from zoo.errors import PolicyRefusal
from zoo.sources.permitting import decisions, refused

POLICY = "the policy"
"""The name of policies among the limits on candidates."""

ACTION = "recommend"
MARK = "policy: "
"""What the reason of an exclusion by a policy begins with."""


def against(card: ModelCard, task: str | None = None, *, describe: bool = False) -> str:
    """Why a model must not be recommended for a task, with the rule and its place; empty if it may be.

    Args:
        describe: whether to ask the platform about facts that the card lacks.
    """
    decision = next(decisions([card], ACTION, describe=describe, task=task))
    return _reason(decision) if refused(decision) else ""


def _reason(decision: Decision) -> str:
    first = decision.deciding[0]
    what = "denied" if decision.verdict is Verdict.DENY else "needs approval"
    place = f", {first.place}" if first.place else ""
    return f"{MARK}{what}, {first.sentence} (rule '{first.rule}'{place})"


def none_left(reasons: Mapping[str, str]) -> PolicyRefusal:
    """The error if a policy is against every candidate.

    Args:
        reasons: why, by model.
    """
    id, reason = next(iter(reasons.items()))
    more = f"; and {len(reasons) - 1:,} more" if len(reasons) > 1 else ""
    return PolicyRefusal(
        f"The policy leaves no candidate; '{id}': {reason.removeprefix(MARK)}{more}.",
        f"Run: zoo policy explain {id} --action {ACTION}",
    )


def counted(excluded: Sequence[Exclusion]) -> str:
    """The number of models that were left out, and how many of these by the policy."""
    count, refused = len(excluded), sum(one.reason.startswith(MARK) for one in excluded)
    if refused == count:
        return f"{count:,}, by the policy"
    return f"{count:,}, of which {refused:,} by the policy" if refused else f"{count:,}"
