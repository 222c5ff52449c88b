"""``zoo stats``: show statistics of the registry."""

from __future__ import annotations

from zoo.cli.figures import human_bytes
from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output

MOST = 12


@zoo_command("stats")
def command(output: Output) -> None:
    """Show statistics of the registry.

    \b
    Examples:
      zoo stats
      zoo stats --json
    """
    from zoo.registry import open_registry

    statistics = open_registry().statistics()
    if output.json:
        output.data(statistics)
        return
    facts = [
        ["models", f"{statistics['models']:,}"],
        ["  with a score", f"{statistics['models_with_score']:,}"],
        ["benchmark scores", f"{statistics['scores']:,}"],
        ["benchmarks", f"{statistics['benchmarks']:,}"],
        ["measurements", f"{statistics['measurements']:,}"],
        ["runs", f"{statistics['runs']:,}"],
        ["size", human_bytes(statistics["bytes"])],
    ]
    output.text(f"Registry: {statistics['path']}")
    output.table([Column("item"), Column("count", number=True)], facts, head=False)
    for name in ("domains", "tasks", "sources", "licenses", "libraries"):
        counts = statistics[name]
        rows = [[key, f"{count:,}"] for key, count in list(counts.items())[:MOST]]
        if len(counts) > MOST:
            rest = list(counts.values())[MOST:]
            rows.append([f"{len(rest)} others", f"{sum(rest):,}"])
        output.text()
        output.table([Column("licences" if name == "licenses" else name), Column("models", number=True)], rows)
