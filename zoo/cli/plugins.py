"""``zoo plugins``: every plugin, its version, its hooks and its health."""

from __future__ import annotations

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output


@zoo_command("plugins")
def command(output: Output) -> None:
    """Show the plugins and their health.

    \b
    Examples:
      zoo plugins
      zoo plugins --json
    """
    from zoo.plugins import plugins

    reports = plugins().check()
    if output.json:
        output.data({"plugins": [{**report.to_dict(), "healthy": report.healthy} for report in reports]})
        return
    columns = [
        Column("plugin"),
        Column("distribution"),
        Column("version"),
        Column("health"),
        Column("hooks", fold=True),
    ]
    rows = [
        [r.name, r.distribution, r.version, "ok" if r.healthy else "broken", ", ".join(r.hooks) or "-"] for r in reports
    ]
    output.table(columns, rows)
    for report in reports:
        if not report.healthy:
            output.text(f"{report.name}: {report.error}")
