"""A report as JUnit XML, as GitLab, Jenkins and Azure read it: one test case per file, which fails if it has errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from zoo.team.check.report import Report
from zoo.team.findings import ERROR, Finding
from zoo.visible import visible

_NOT_XML = re.compile("[\ufffe\uffff]")


def junit(report: Report) -> str:
    """One suite."""
    cases = [*_cases(report)]
    failures = sum("<failure" in case for case in cases)
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="0" time="0"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {counts}>",
        f'<testsuite name="zoo check" {counts}>',
    ]
    return "\n".join([*lines, *cases, "</testsuite>", "</testsuites>"])


def _cases(report: Report) -> Iterator[str]:
    for file in report.checked:
        found = [finding for finding in report.findings if finding.file == file]
        start = f'<testcase classname="zoo.check" name={_attribute(file)} file={_attribute(file)} time="0"'
        errors = [finding for finding in found if finding.level == ERROR]
        warnings = [finding for finding in found if finding.level != ERROR]
        inside = []
        if errors:
            first = errors[0].message if len(errors) == 1 else f"{len(errors)} errors, first: {errors[0].message}"
            inside.append(
                f"<failure message={_attribute(first)} type={_attribute(errors[0].code)}>{_text(errors)}</failure>"
            )
        if warnings:
            inside.append(f"<system-out>{_text(warnings)}</system-out>")
        yield f"{start}>{''.join(inside)}</testcase>" if inside else f"{start}/>"


def _text(findings: list[Finding]) -> str:
    lines = (
        f"line {one.line}, column {one.column}: {one.code} {one.level}: {one.message} {one.hint}" for one in findings
    )
    return "\n".join(escape(_plain(line)) for line in lines)


def _attribute(text: str) -> str:
    return quoteattr(_plain(text))


def _plain(text: str) -> str:
    """A text of characters that XML 1.0 allows, in one line."""
    return _NOT_XML.sub("\ufffd", visible(text))
