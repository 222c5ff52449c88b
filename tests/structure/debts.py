"""Known breaches of the rules, which may only become fewer.

``python tests/structure/debts.py`` lowers the record to what is left. A file that moves takes its breaches along under its
new name, as long as there are no more of them than in the files that are gone; any other count that would rise is refused,
unless ``--allow-raise`` is given.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from repository import ROOT, this_repository
from rules import RULES, Finding

RECORD = Path(__file__).with_name("debts.json")
COMMAND = "python tests/structure/debts.py"
SHOWN = 5
"""Sentences that a message has for one entry."""

Debts = Mapping[str, Mapping[str, int]]


def recorded(path: Path = RECORD) -> dict[str, dict[str, int]]:
    """Rule -> entry -> count."""
    return json.loads(path.read_text(encoding="utf-8"))


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """Entry -> count."""
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.entry] = counts.get(finding.entry, 0) + finding.amount
    return dict(sorted(counts.items()))


def differences(findings: Iterable[Finding], known: Mapping[str, int]) -> list[str]:
    """A message for each entry that has more or fewer breaches than are recorded."""
    findings = list(findings)
    now = counted(findings)
    messages = []
    for entry in sorted({*now, *known}):
        count, before = now.get(entry, 0), known.get(entry, 0)
        if count > before:
            sentences = [finding.sentence for finding in findings if finding.entry == entry]
            more = [f"... and {len(sentences) - SHOWN} more in {entry}"] if len(sentences) > SHOWN else []
            known_of = [f"({entry}: {before} known, {count} now)"] if before else []
            messages.append("\n  ".join([*sentences[:SHOWN], *more, *known_of]))
        elif count < before:
            messages.append(f"{entry}: {before} are recorded, {count} are left; lower the record: {COMMAND}")
    return messages


def raised(now: Mapping[str, int], known: Mapping[str, int], root: Path = ROOT) -> list[str]:
    """The counts that rise, but for those that files which are gone leave to new names."""
    left = sum(count for entry, count in known.items() if not (root / entry.partition(" -> ")[0]).exists())
    new = sum(count for entry, count in now.items() if entry not in known)
    return [
        f"{entry} from {known.get(entry, 0)} to {count}"
        for entry, count in now.items()
        if count > known.get(entry, 0) and (entry in known or new > left)
    ]


def main(arguments: list[str], path: Path = RECORD) -> int:
    """Write the record; 1 where that would raise a count."""
    known = recorded(path) if path.exists() else {}
    now = {name: counted(rule(this_repository())) for name, rule in RULES.items()}
    rising = [f"{rule}: {line}" for rule, counts in now.items() for line in raised(counts, known.get(rule, {}))]
    if rising and "--allow-raise" not in arguments:
        print("These counts would rise; fix them, or pass --allow-raise:", *rising, sep="\n  ", file=sys.stderr)
        return 1
    left = {rule: counts for rule, counts in now.items() if counts}
    path.write_text(json.dumps(left, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    for rule, counts in now.items():
        print(f"{rule}: {sum(known.get(rule, {}).values())} -> {sum(counts.values())} in {len(counts)} entries")
    print(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path} is written.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
