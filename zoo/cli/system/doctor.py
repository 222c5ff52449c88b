"""``zoo doctor``: is this installation healthy?"""

from __future__ import annotations

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output


@zoo_command("doctor")
def command(output: Output) -> int:
    """Check this installation.

    Python, the registry, plugins, extras, devices, disk space and the Hub's cache. The exit code is 1 when something is
    broken; what is merely not installed is a note.

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
        output.table([Column("state"), Column("what"), Column("found", fold=True), Column("do", fold=True)], rows)
    return 0 if healthy else 1
