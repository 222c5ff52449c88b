"""A report as annotations of GitHub Actions.

Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions; the escapes are those of
``@actions/core``.
"""

from __future__ import annotations

from zoo.team.check.formats.text import summary
from zoo.team.check.report import Report
from zoo.team.findings import Finding
from zoo.visible import visible


def github(report: Report) -> str:
    """One command per finding, and a summary in the last line."""
    return "\n".join([*map(_command, report.findings), summary(report)])


def _command(finding: Finding) -> str:
    places = {"file": finding.file, "line": finding.line, "col": finding.column, "title": f"zoo: {finding.code}"}
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in places.items() if value)
    message = f"{finding.message}\n{finding.hint}" if finding.hint else finding.message
    return f"::{finding.level} {properties}::{_data(message)}"


def _data(text: str) -> str:
    """The escapes of a message; other control characters are shown as escapes."""
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return visible(escaped)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
