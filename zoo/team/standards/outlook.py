"""What today's policies and users mean for standards and proposals: due reviews, approvals that count."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from zoo.errors import ZooError
from zoo.registry.database import schema
from zoo.registry.database.connection import reading
from zoo.registry.database.location import Location
from zoo.team.standards.entities import Proposal, Standard
from zoo.team.standards.reviewing import Review, review_of
from zoo.team.standards.rules import SlotRule, StandardRules, domain_of, rules_in_force


@dataclass(frozen=True)
class Outlook:
    """The rules in force and the users who were removed.

    Attributes:
        problem: why the policy cannot be read; its rules are unknown then.
    """

    rules: StandardRules
    removed: frozenset[str] = frozenset()
    problem: str = ""

    @classmethod
    def of(cls, location: Location) -> Outlook:
        """That of a registry, under the policies in force."""
        with reading(location) as connection:
            schema.must_be_newest(connection, location)
            rows = connection.execute("SELECT email FROM actors WHERE disabled IS NOT NULL").fetchall()
        removed = frozenset(row[0] for row in rows)
        try:
            return cls(rules_in_force(), removed)
        except ZooError as error:
            return cls(StandardRules(), removed, error.message)

    def people(self, names: Iterable[str]) -> str:
        """Names of people, those who were removed marked."""
        return ", ".join(f"{name} (removed)" if name in self.removed else name for name in names)

    def approvals(self, proposal: Proposal) -> tuple[int, int]:
        """The number of approvals that count, and of those that the policy demands."""
        rule = SlotRule()
        with contextlib.suppress(ZooError):  # the plugin of the task may be gone
            rule = self.rules.merged(domain_of(proposal.task), proposal.task)
        counted = [one for one in rule.counted(proposal.approvers) if one not in self.removed]
        return len(counted), max(1, rule.approvals)

    def review(self, standard: Standard) -> Review | None:
        """When a standard is due for review; None without a rule."""
        return review_of(standard.place, standard.model, standard.approved, rules=self.rules)
