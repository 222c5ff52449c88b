"""``zoo doctor``: check this installation."""

from __future__ import annotations

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output


@zoo_command("doctor")
def command(output: Output) -> int:
    """Check this installation.

    Checks Python, the registry, plugins, extras, devices, disk space and the Hub's cache. The exit code is 1 if
    something is broken; a missing optional part is only a note.

    \b
    Examples:
      zoo doctor
      zoo doctor --json
    """
    from zoo.cli.system.health import checks

    report = list(checks())
    healthy = all(check.status != "broken" for check in report)
    if output.json:
        output.data({"healthy": healthy, "checks": [check.to_dict() for check in report]})
    else:
        rows = [[check.status, check.name, check.detail, check.hint] for check in report]
        output.table([Column("status"), Column("check"), Column("details", fold=True), Column("fix", fold=True)], rows)
    return 0 if healthy else 1
