"""The kinds of findings of ``zoo check``, those of the lock included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from zoo.errors import InvalidInput, suggest
from zoo.team.findings import ERROR, WARNING


@dataclass(frozen=True)
class Code:
    """One kind of finding.

    Attributes:
        level: ``error`` or ``warning``, unless the finding has another one.
        about: what it means, in one sentence.
    """

    level: str
    about: str


CODES: Mapping[str, Code] = {
    "unpinned-model": Code(ERROR, "A pretrained model is loaded without a revision."),
    "moving-revision": Code(ERROR, "The revision of a model is a branch, a tag or an alias, which may move."),
    "not-constant": Code(WARNING, "The model or its revision is not a constant, so it cannot be checked."),
    "model-not-locked": Code(WARNING, "A model is not in the lock, or not at this revision."),
    "model-denied": Code(ERROR, "The policy denies a model."),
    "model-not-approved": Code(WARNING, "The policy requires an approval for a model, which it does not have."),
    "model-warned": Code(WARNING, "The policy warns of a model."),
    "policy-invalid": Code(ERROR, "A policy cannot be used, so it denies everything."),
    "policy-outdated": Code(WARNING, "An exception of a policy has ended or soon will, or a licence does not exist."),
    "lock-outdated": Code(ERROR, "The lock was written under another policy."),
    "file-changed": Code(ERROR, "A model's file on this machine differs from the lock."),
    "standard-not-approved": Code(ERROR, "A locked standard lacks approvals that the policy demands."),
    "review-due": Code(WARNING, "A locked standard was approved longer ago than the policy allows without a review."),
    "standard-changed": Code(WARNING, "The registry has a newer standard than the lock."),
    "standard-deprecated": Code(WARNING, "A locked standard is deprecated."),
    "standard-retired": Code(ERROR, "A locked standard was retired."),
    "standard-unknown": Code(ERROR, "The registry does not have a locked standard."),
    "approval-unknown": Code(ERROR, "The registry does not have the approval of a locked standard."),
    "audit-changed": Code(ERROR, "The registry's audit does not continue that of the lock."),
    "platform-unknown": Code(
        WARNING, "No plugin provides the platform of a locked model, or the task of a locked standard."
    ),
    "file-not-checked": Code(WARNING, "A file cannot be read or parsed."),
    "ignore-without-reason": Code(WARNING, "A comment silences a finding and gives no reason."),
    "unused-ignore": Code(WARNING, "A comment silences no finding."),
}
"""By name. ``model-not-locked`` is an error if the policy allows only standards, ``model-not-approved`` in a lock."""


def check_patterns(patterns: Iterable[str]) -> tuple[str, ...]:
    """Patterns of codes as they were given.

    Raises:
        InvalidInput: one matches no code.
    """
    found = tuple(patterns)
    for pattern in found:
        if not any(fnmatchcase(code, pattern) for code in CODES):
            raise InvalidInput(
                f"'{pattern}' is not a code of a finding.", suggest(pattern, CODES) or f"Codes: {', '.join(CODES)}."
            )
    return found


def covered(code: str, patterns: Iterable[str]) -> bool:
    """Whether one of some patterns matches a code."""
    return any(fnmatchcase(code, pattern) for pattern in patterns)
