"""``zoo verify``: verify local files."""

from __future__ import annotations

import click

from zoo.cli.figures import human_bytes
from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output


@zoo_command("verify")
@click.argument("model", required=False)
def command(output: Output, model: str | None) -> int:
    """Verify local files against their published hashes.

    Every byte is read. Without MODEL, all models on this machine are verified. The exit code is 1 if there are
    problems.

    \b
    Examples:
      zoo verify
      zoo verify pkg:efficientnet-lite0
      zoo verify hf:timm/resnet18.a1_in1k --json
    """
    from zoo.sources import verify

    results = verify(model, output.progress())
    healthy = all(result.healthy for result in results)
    if output.json:
        output.data(
            {"healthy": healthy, "models": [{**result.to_dict(), "healthy": result.healthy} for result in results]}
        )
    elif not results:
        output.text("There are no models on this machine. Download one: zoo pull MODEL")
    else:
        columns = [
            Column("model"),
            Column("revision"),
            Column("files", number=True),
            Column("size", number=True),
            Column("result"),
        ]
        output.table(
            columns,
            [
                [r.id, (r.revision or "-")[:12], str(r.files), human_bytes(r.bytes), "ok" if r.healthy else "wrong"]
                for r in results
            ],
        )
        for result in results:
            for problem in result.problems:
                output.text(f"{result.id}: {problem.item} {problem.reason}")
    return 0 if healthy else 1
