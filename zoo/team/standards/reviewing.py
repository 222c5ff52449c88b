"""When standards are due for review: ``max-age`` of a policy, counted from the last approval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from zoo.entities import Entity
from zoo.errors import ZooError
from zoo.team.standards.entities import Place, Standard
from zoo.team.standards.rules import StandardRules, domain_of, rules_in_force


@dataclass(frozen=True)
class Review(Entity):
    """When the standard of a task and slot is due for review.

    Attributes:
        approved, due: ISO dates.
        max_age: the days that the policy allows.
        policy: file and line of the rule.
        overdue: whether the day has passed.
    """

    task: str
    slot: str
    model: str
    approved: str
    due: str
    max_age: int
    policy: str
    overdue: bool

    @property
    def sentence(self) -> str:
        """What is due, for a warning."""
        return (
            f"The standard for '{Place(self.task, self.slot)}', '{self.model}', was approved on {self.approved}, and "
            f"the policy demands a review after {self.max_age} days ({self.policy})."
        )


def review_of(
    place: Place, model: str, approved: str, *, rules: StandardRules | None = None, today: date | None = None
) -> Review | None:
    """When a standard is due for review, by the strictest of the policies in force; None if none demands it.

    Args:
        approved: ISO date or time of its last approval, of a standard or of a locked model.
        rules: None for those in force.

    Raises:
        PolicyError: a policy cannot be read.
    """
    rules = rules or rules_in_force()
    try:
        domain = domain_of(place.task) if rules.slots else None
        age = rules.merged(domain, place.task).max_age
        begun = date.fromisoformat(approved[:10])
    except (ZooError, ValueError):  # the plugin of the task is gone, or it is not known when it was approved
        return None
    if age is None:
        return None
    policy = min(rule.place for rule in rules.all_of(domain, place.task) if rule.max_age == age)
    due = begun + timedelta(days=age)
    overdue = due < (today or date.today())
    return Review(place.task, place.slot, model, begun.isoformat(), due.isoformat(), age, policy, overdue)


def reviews_due(
    found: Iterable[Standard], *, rules: StandardRules | None = None, today: date | None = None
) -> list[Review]:
    """The reviews of standards whose day has passed; raises as ``review_of``."""
    rules = rules or rules_in_force()
    reviews = (review_of(one.place, one.model, one.approved, rules=rules, today=today) for one in found)
    return [review for review in reviews if review is not None and review.overdue]
