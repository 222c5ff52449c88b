"""Writes docs/cli.md from the commands themselves; ``--check`` fails if the file is out of date."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from zoo.cli import COMMANDS, cli
from zoo.cli.options import PluginOption

TARGET = Path(__file__).parents[1] / "docs" / "cli.md"

HEAD = """# Command-line reference

<!-- Written by `make docs` from the commands; changes here are overwritten. -->

Every command takes `--json` (one JSON document on stdout) and `--traceback`. Errors go to stderr, with what to do next:
exit code 1; misuse of a command or option: 2; interrupted: 130. Misspelt arguments are answered with the most similar
ones.
"""


def main() -> int:
    """Write the reference, or check it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 if it is out of date")
    text = reference()
    if not parser.parse_args().check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text:
        return 0
    print("docs/cli.md is out of date; run: make docs", file=sys.stderr)
    return 1


def reference() -> str:
    """The whole page."""
    context = click.Context(cli, info_name="zoo")
    rows = "\n".join(f"| [`zoo {name}`](#zoo-{name}) | {about} |" for name, (_, about) in COMMANDS.items())
    parts = [HEAD, f"| command | what it does |\n| --- | --- |\n{rows}\n"]
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None, name
        parts += sections(command, context, f"zoo {name}", 2)
    return "\n".join(parts)


def sections(command: click.Command, parent: click.Context, path: str, level: int) -> Iterator[str]:
    """A command's section, then those of its sub-commands."""
    context = click.Context(command, info_name=path.rpartition(" ")[2], parent=parent)
    usage = f"{path} {' '.join(command.collect_usage_pieces(context))}".strip()
    yield f"{'#' * level} {path}\n\n```text\n{usage}\n```\n"
    about, examples = _help(command)
    yield f"{about}\n"
    if examples:
        yield f"```console\n{examples}\n```\n"
    rows = [row for row in map(_row, command.get_params(context)) if row]
    if rows:
        yield "| option | what it does |\n| --- | --- |\n" + "\n".join(rows) + "\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None, name
            yield from sections(below, context, f"{path} {name}", level + 1)


def _help(command: click.Command) -> tuple[str, str]:
    """The paragraphs of a help text, and its examples as lines with a prompt."""
    text, _, rest = inspect.cleandoc(command.help or "").partition("\b\nExamples:\n")
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]
    examples = [f"$ {line.strip()}" for line in rest.strip().splitlines() if line.strip()]
    return "\n\n".join(paragraphs), "\n".join(examples)


def _row(parameter: click.Parameter) -> str:
    """A row of the table of options; empty for arguments, ``--help`` and options of every command."""
    if not isinstance(parameter, click.Option) or {"--help", "--json", "--traceback"} & set(parameter.opts):
        return ""
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    value = "" if parameter.is_flag else f" {_metavar(parameter)}"
    group = f"{parameter.group}: " if isinstance(parameter, PluginOption) else ""
    about = group + (parameter.help or "").replace("|", "\\|")
    default = "" if parameter.show_default is not True else f" Default: `{parameter.default}`."
    repeated = " May be repeated." if parameter.multiple and "repeat" not in about else ""
    return f"| {names}{value} | {about}{default}{repeated} |"


def _metavar(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return " or ".join(f"`{choice}`" for choice in option.type.choices)
    return f"*{(option.metavar or option.type.name).lower()}*"


if __name__ == "__main__":
    sys.exit(main())
