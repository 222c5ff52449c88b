"""The result of a check."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.entities import Entity
from zoo.team.findings import ERROR, Finding


@dataclass(frozen=True)
class Report(Entity):
    """What a check found.

    Attributes:
        findings: sorted by place.
        checked: the files that were checked, those of the findings included.
    """

    findings: tuple[Finding, ...]
    checked: tuple[str, ...]

    @property
    def errors(self) -> int:
        """Number of errors."""
        return sum(finding.level == ERROR for finding in self.findings)

    @property
    def warnings(self) -> int:
        """Number of warnings."""
        return len(self.findings) - self.errors
