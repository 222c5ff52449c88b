"""``zoo cache``: the cached features."""

from __future__ import annotations

from datetime import datetime

import click

from zoo.cli.figures import human_bytes
from zoo.cli.options import command as zoo_command
from zoo.cli.options import shared
from zoo.cli.output import Column, Output


@click.group("cache", invoke_without_command=True)
@shared
@click.pass_context
def command(context: click.Context) -> None:
    """List or clear the cached features.

    Computed features are cached by model and item content, up to ZOO_CACHE_SIZE (10GB by default; off disables
    the cache). When the limit is reached, the least recently used are deleted.

    \b
    Examples:
      zoo cache
      zoo cache list --json
      zoo cache clear pkg:efficientnet-lite0
      zoo cache clear
    """
    if context.invoked_subcommand is None:
        context.invoke(list_cached)


@zoo_command("list")
def list_cached(output: Output) -> None:
    """List the cached features, the most recently used first.

    \b
    Examples:
      zoo cache list
      zoo cache list --json
    """
    from zoo.config import settings
    from zoo.features.cache.upkeep import contents, size

    here, kept, used = settings(), contents(), size()
    if output.json:
        output.data(
            {
                "folder": str(here.features),
                "bytes": used,
                "limit": here.cache_bytes,
                "models": [found.to_dict() for found in kept],
            }
        )
        return
    limit = f"of {human_bytes(here.cache_bytes)}" if here.cache_bytes else "and disabled"
    output.text(f"{here.features}: {human_bytes(used)} {limit}")
    if not kept:
        return
    columns = [
        Column("model"),
        Column("revision"),
        Column("precision"),
        Column("layers", fold=True),
        Column("rows", number=True),
        Column("size", number=True),
        Column("last used"),
    ]
    rows = [
        [
            found.model,
            (found.revision or "-")[:12],
            f"{found.dtype}, {found.device}",
            ", ".join(found.layers),
            f"{found.rows:,}",
            human_bytes(found.bytes),
            f"{datetime.fromtimestamp(found.used):%Y-%m-%d %H:%M}",
        ]
        for found in kept
    ]
    output.table(columns, rows)


@zoo_command("clear")
@click.argument("models", nargs=-1)
def clear_cached(output: Output, models: tuple[str, ...]) -> None:
    """Delete the cached features of MODELS, or all of them; they can be computed again.

    \b
    Examples:
      zoo cache clear
      zoo cache clear pkg:efficientnet-lite0
    """
    from zoo.features.cache.upkeep import clear

    freed = clear(models)
    if output.json:
        output.data({"freed": freed})
    else:
        output.text(f"Freed {human_bytes(freed)}.")


for subcommand in (list_cached, clear_cached):
    command.add_command(subcommand)
