"""``zoo list``: list the models on this machine."""

from __future__ import annotations

from zoo.cli.figures import human_bytes, human_count
from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output


@zoo_command("list")
def command(output: Output) -> None:
    """List the models on this machine.

    \b
    Examples:
      zoo list
      zoo list --json
    """
    from zoo.sources import local_models

    models = local_models()
    if output.json:
        output.data(
            {
                "models": [
                    {
                        "id": model.id,
                        "revision": model.files.revision,
                        "domain": model.card.domain if model.card else None,
                        "tasks": list(model.card.tasks) if model.card else [],
                        "parameters": model.card.parameters if model.card else None,
                        "bytes": model.files.bytes,
                        "path": str(model.files.root),
                    }
                    for model in models
                ]
            }
        )
        return
    if not models:
        output.text("There are no models on this machine. Download one: zoo pull MODEL")
        return
    columns = [
        Column("model"),
        Column("task"),
        Column("parameters", number=True),
        Column("size", number=True),
        Column("revision", optional=2),
        Column("path", fold=True, optional=1),
    ]
    rows = [
        [
            model.id,
            model.card.tasks[0] if model.card and model.card.tasks else "-",
            human_count(model.card.parameters if model.card else None),
            human_bytes(model.files.bytes),
            (model.files.revision or "-")[:12],
            str(model.files.root),
        ]
        for model in models
    ]
    output.table(columns, rows)
