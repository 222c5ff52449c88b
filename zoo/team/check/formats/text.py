"""A report for people."""

from __future__ import annotations

from itertools import groupby

from zoo.team.check.report import Report
from zoo.team.findings import Finding
from zoo.visible import visible


def text(report: Report) -> str:
    """One paragraph per file, and a summary in the last line."""
    parts = []
    for _, findings in groupby(report.findings, key=lambda finding: finding.file):
        parts.append("\n".join(line for finding in findings for line in lines_of(finding)))
    return "\n\n".join([*parts, summary(report)])


def summary(report: Report) -> str:
    """The numbers of errors, warnings and files."""
    files = f"{len(report.checked):,} {'file' if len(report.checked) == 1 else 'files'} checked"
    if not report.findings:
        return f"No problems, {files}."
    errors = f"{report.errors:,} {'error' if report.errors == 1 else 'errors'}"
    warnings = f"{report.warnings:,} {'warning' if report.warnings == 1 else 'warnings'}"
    return f"{errors} and {warnings}, {files}."


def lines_of(finding: Finding) -> list[str]:
    """A finding with its place and what to do."""
    place = ":".join([plain_path(finding.file), *map(str, filter(None, (finding.line, finding.column)))])
    lines = [f"{place} {finding.code} {finding.level}: {visible(finding.message)}"]
    return [*lines, f"    {visible(finding.hint)}"] if finding.hint else lines


def plain_path(path: str) -> str:
    """A path for the start of a line, where ``::`` would be a command for GitHub's runner."""
    shown = visible(path)
    return f"./{shown}" if shown.lstrip().startswith(("::", "#")) or shown != shown.strip() else shown
