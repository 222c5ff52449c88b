"""A verdict on a use of a model, as ``zoo_decide`` gives it."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from zoo.entities import ModelCard, ModelFile, ModelId


class Verdict(enum.IntEnum):
    """What a policy says to a use of a model; of several, the most severe wins."""

    ALLOW = 0
    WARN = 1
    NEEDS_APPROVAL = 2
    DENY = 3

    def __str__(self) -> str:
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Reason:
    """What one rule says.

    Attributes:
        rule: id of the rule.
        verdict: what it says.
        sentence: why, for a person.
        place: where the rule is: ``zoo-policy.toml:12``.
        hint: what to do about it; empty for the usual hint.
        fact: the fact of the model that it is about, such as ``license``; empty if none.
    """

    rule: str
    verdict: Verdict
    sentence: str
    place: str = ""
    hint: str = ""
    fact: str = ""


@dataclass(frozen=True)
class Decision:
    """The verdict on a use of a model, with the reasons of all rules that apply.

    Without a reason the use is allowed.
    """

    reasons: tuple[Reason, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The most severe verdict of the reasons."""
        return max((reason.verdict for reason in self.reasons), default=Verdict.ALLOW)

    @property
    def deciding(self) -> tuple[Reason, ...]:
        """The reasons with that verdict."""
        return tuple(reason for reason in self.reasons if reason.verdict == self.verdict)

    @classmethod
    def of(cls, decisions: Iterable[Decision]) -> Decision:
        """All reasons of several decisions."""
        return cls(tuple(reason for decision in decisions for reason in decision.reasons))


ACTIONS = (
    "search",
    "recommend",
    "pull",
    "load",
    "features",
    "predict",
    "evaluate",
    "tune",
    "export",
    "serve",
    "lock",
    "propose",
    "approve",
)
"""The uses of a model on which a policy decides."""


INHERITED = frozenset({"id", "base", "author", "license", "architecture", "domain"})
"""The facts that a model has from the one that it was made from: what was decided on that one covers them."""


INCLUDED: Mapping[str, tuple[str, ...]] = {
    "search": ("pull",),
    "recommend": ("pull", "load"),
    "load": ("pull",),
    "features": ("pull", "load"),
    "predict": ("pull", "load"),
    "evaluate": ("pull", "load"),
    "tune": ("pull", "load"),
    "export": ("pull", "load"),
    "serve": ("pull", "load"),
    "lock": ("pull",),
    "propose": ("pull",),
    "approve": ("pull",),
}
"""The actions that are part of another one: a rule on ``pull`` also applies to files that are here already."""


@dataclass(frozen=True)
class Use:
    """The circumstances of a use of a model, as far as they are known.

    Attributes:
        task: name of the task.
        revision: the revision that is used, after branches and tags were resolved.
        files: files that are used, with hashes if they are known.
        memory: bytes of memory that the use takes.
        today: the date at which exceptions and deprecations are decided.
        names: other ids of the same model: what was asked for, where it is hosted, models with the same weights.
        bases: the models that it is derived from, as far as they are known; a bare card where only the id is.
        made_from: the models from which zoo itself made this one, the nearest first, each at its revision. They are
            recorded runs whose files have not changed since; what a folder states of itself is not enough.
    """

    task: str | None = None
    revision: str | None = None
    files: tuple[ModelFile, ...] = ()
    memory: int | None = None
    today: date | None = None
    names: tuple[str, ...] = ()
    bases: tuple[ModelCard, ...] = ()
    made_from: tuple[ModelId, ...] = ()
