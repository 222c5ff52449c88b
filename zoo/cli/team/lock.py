"""``zoo lock``: the exact models of a project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.figures import human_bytes
from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output

if TYPE_CHECKING:
    from zoo.team.findings import Finding
    from zoo.team.lock.locking import Locking


@zoo_command("lock")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--task", "tasks", multiple=True, help="Lock all standards of this task; may be repeated.")
@click.option("--remove", multiple=True, metavar="MODEL", help="Take a model out of the lock; may be repeated.")
@click.option("--upgrade", is_flag=True, help="Lock those named, or all, at today's standard or revision.")
@click.option("--check", is_flag=True, help="Write nothing; compare the lock with policy, registry and files.")
def command(output: Output, models: tuple[str, ...], *, check: bool, **options: Any) -> int:
    """Lock the exact models of a project in zoo.lock, and check them.

    The lock has revisions, hashes of all files, decisions and approvals. MODEL is a model id, or a standard such as
    std:text-classification. Without one, the lock is written again with the models that it has; if there is none,
    all standards are locked. Models that are locked already keep their revision until --upgrade. With --check, the
    exit code is 1 if there is an error.

    \b
    Examples:
      zoo lock
      zoo lock hf:timm/resnet18.a1_in1k std:text-classification/small
      zoo lock --upgrade --task text-classification
      zoo lock --check
    """
    from zoo.errors import InvalidInput, LockError
    from zoo.team.lock.comparing import check_lock
    from zoo.team.lock.locking import lock
    from zoo.team.lock.reading import find_lock

    folder = Path.cwd()
    if not check:
        found = lock(folder, models, **options, progress=output.progress())
        _show(output, found, folder)
        return 0
    if models or any(options.values()):
        raise InvalidInput("--check takes no models and no other options.", "Run: zoo lock --check")
    if find_lock(folder) is None:
        raise LockError("There is no zoo.lock here or in a folder above.", "Write one: zoo lock")
    findings = check_lock(folder)
    _show_findings(output, findings)
    return 1 if any(one.level == "error" for one in findings) else 0


def _show(output: Output, found: Locking, folder: Path) -> None:
    lock = found.lock
    if output.json:
        output.data({**lock.to_dict(), "written": found.written, **_names(found)})
        return
    states = {
        **dict.fromkeys(found.added, "added"),
        **dict.fromkeys(found.changed, "changed"),
    }
    columns = [
        Column("model", fold=True),
        Column("revision", optional=1),
        Column("standard", fold=True),
        Column("size", number=True),
        Column("decision"),
        Column("state"),
    ]
    rows = [
        [
            model.id,
            (model.revision or "-")[:12],
            model.standard or "-",
            human_bytes(sum(file.bytes or 0 for file in model.files)),
            model.verdict,
            states.get(model, "as before"),
        ]
        for model in lock.models
    ]
    if rows:
        output.table(columns, rows)
        output.text()
    for model in found.removed:
        output.text(f"Removed: {f'std:{model.standard}' if model.standard else model.id}")
    shown = lock.path.name if lock.path.parent == folder else str(lock.path)
    held = output.counted({"models": len(lock.models)})
    output.text(f"Wrote {shown}: {held}. Commit it." if found.written else f"{shown} is up to date: {held}.")


def _names(found: Locking) -> dict[str, list[str]]:
    groups = {"added": found.added, "changed": found.changed, "removed": found.removed}
    return {name: [model.id for model in models] for name, models in groups.items()}


def _show_findings(output: Output, findings: Sequence[Finding]) -> None:
    if output.json:
        output.data({"findings": [one.to_dict() for one in findings]})
        return
    from zoo.team.check.formats.text import lines_of

    for line in (line for one in findings for line in lines_of(one)):
        output.text(line)
    if not findings:
        output.text("The lock agrees with the policy, the registry and the files on this machine.")
