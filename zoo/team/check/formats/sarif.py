"""A report as SARIF 2.1.0, which code scanning of GitHub, GitLab and Azure reads.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from zoo.team.check.codes import CODES, Code
from zoo.team.check.report import Report
from zoo.team.findings import Finding
from zoo.version import __version__
from zoo.visible import json_text, visible

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"
GUIDE = "https://github.com/foundation-zoo/zoo/blob/main/docs/check.md"


def sarif(report: Report) -> str:
    """One run, with the rules of all codes."""
    used = {finding.code: Code(finding.level, finding.code) for finding in report.findings}
    rules = {**CODES, **{code: about for code, about in used.items() if code not in CODES}}
    driver = {
        "name": "zoo check",
        "version": __version__,
        "informationUri": GUIDE,
        "rules": [
            {
                "id": code,
                "shortDescription": {"text": rule.about},
                "helpUri": f"{GUIDE}#codes",
                "defaultConfiguration": {"level": rule.level},
            }
            for code, rule in rules.items()
        ],
    }
    places = {code: at for at, code in enumerate(rules)}
    seen: Counter[tuple[str, str, str]] = Counter()
    results = []
    for finding in report.findings:
        key = (finding.code, finding.file, finding.message)
        results.append(_result(finding, places[finding.code], seen[key]))
        seen[key] += 1
    run = {
        "tool": {"driver": driver},
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder in which zoo check ran."}}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(finding: Finding, rule: int, earlier: int) -> dict[str, Any]:
    """One result.

    Args:
        rule: its place among the rules.
        earlier: number of equal findings before it in the file.
    """
    message = f"{finding.message} {finding.hint}".strip()
    identity = "\0".join((finding.code, finding.file, finding.message, str(earlier)))
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.level,
        "message": {"text": visible(message)},
        "partialFingerprints": {"zooFinding/v1": hashlib.sha256(os.fsencode(identity)).hexdigest()},
    }
    if finding.file:
        physical: dict[str, Any] = {"artifactLocation": _artifact(finding.file)}
        if finding.line:
            column = {"startColumn": finding.column} if finding.column else {}
            physical["region"] = {"startLine": finding.line, **column}
        result["locations"] = [{"physicalLocation": physical}]
    return result


def _artifact(file: str) -> dict[str, str]:
    """A file as a relative URI; one outside of the working directory as an absolute one."""
    if os.path.isabs(file):
        return {"uri": Path(file).as_uri()}
    return {"uri": quote(os.fsencode(file)), "uriBaseId": ROOT}
