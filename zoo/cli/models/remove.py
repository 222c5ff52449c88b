"""``zoo remove``: delete a model's files."""

from __future__ import annotations

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Output, human_bytes


@zoo_command("remove")
@click.argument("model")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def command(output: Output, model: str, yes: bool) -> None:
    """Delete a model's files from this machine.

    Without @REVISION, all revisions that are here. Files that belong to a Python package or that lie in a folder of
    your own are never deleted; the answer tells how to.

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
    output.text(f"Deleted {model}; {human_bytes(freed)} became free.")
