"""Reports as text, JSON, annotations of GitHub, SARIF and JUnit XML.

What comes from files is escaped in every format: file names and models may hold any character.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zoo.redaction import redactor
from zoo.team.check.formats.github import github
from zoo.team.check.formats.junit import junit
from zoo.team.check.formats.sarif import sarif
from zoo.team.check.formats.text import summary, text
from zoo.team.check.report import Report
from zoo.visible import json_text

__all__ = ["FORMATS", "rendered", "summary"]


def _json(report: Report) -> str:
    document = {
        "findings": [finding.to_dict() for finding in report.findings],
        "errors": report.errors,
        "warnings": report.warnings,
        "checked": len(report.checked),
    }
    return json_text(document, indent=2)


_ESCAPED: Mapping[str, str] = {"json": "\\u0023#[", "sarif": "\\u0023#[", "junit": "&#35;#["}
_FORMATS: Mapping[str, Callable[[Report], str]] = {
    "text": text,
    "json": _json,
    "github": github,
    "sarif": sarif,
    "junit": junit,
}
FORMATS = tuple(_FORMATS)


def rendered(report: Report, format: str) -> str:
    """A report in a format, without credentials."""
    found = redactor()(_FORMATS[format](report))
    # Runners of GitHub and Azure read '##[command]' anywhere in a line as a command.
    return found.replace("##[", _ESCAPED.get(format, "#\\x23["))
