"""``zoo remove``: delete a model's files."""

from __future__ import annotations

import click

from zoo.cli.figures import human_bytes
from zoo.cli.options import command as zoo_command
from zoo.cli.output import Output


@zoo_command("remove")
@click.argument("model")
@click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
def command(output: Output, model: str, yes: bool) -> None:
    """Delete a model's files from this machine.

    Without @REVISION, all local revisions are deleted. Files of a Python package or in a folder of your own are never
    deleted; the error says how to delete them.

    \b
    Examples:
      zoo remove hf:timm/resnet18.a1_in1k
      zoo remove hf:timm/resnet18.a1_in1k@main --yes
    """
    from zoo.sources import remove

    if not yes and not click.confirm(f"Delete the files of {model} from this machine?", err=True):
        output.note("Nothing was deleted.")
        return
    freed = remove(model)
    if output.json:
        output.data({"model": model, "bytes": freed})
        return
    output.text(f"Deleted {model}; freed {human_bytes(freed)}.")
