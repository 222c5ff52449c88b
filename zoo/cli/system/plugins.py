"""``zoo plugins``: list plugins, run the conformance suite, and create a new plugin."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from zoo.cli.figures import human_seconds
from zoo.cli.options import command as zoo_command
from zoo.cli.options import shared
from zoo.cli.output import Column, Output

SUITE, SCAFFOLD = "zoo.testing", "zoo.testing.scaffolding"
"""Imported by name, because no module may import ``zoo.testing`` and only these two commands need it."""


@click.group("plugins", invoke_without_command=True)
@shared
@click.pass_context
def command(context: click.Context) -> None:
    """List plugins and their status, check one, or create a new one.

    \b
    Examples:
      zoo plugins
      zoo plugins check language
      zoo plugins new time-series
    """
    if context.invoked_subcommand is None:
        context.invoke(list_plugins)


@zoo_command("list")
def list_plugins(output: Output) -> None:
    """List plugins and their status.

    \b
    Examples:
      zoo plugins list
      zoo plugins list --json
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


@zoo_command("check")
@click.argument("name")
@click.option(
    "--model", "names", multiple=True, help="A model to test; may be repeated [default: the smallest local one]."
)
@click.option("--all", "every", is_flag=True, help="Test all local models of the plugin.")
def check(output: Output, name: str, names: tuple[str, ...], every: bool) -> int | None:
    """Run the conformance suite on a plugin.

    Tests ids, tasks and imports of the plugin; protocol, determinism, batches, precision, devices, extreme and invalid
    inputs, damaged files and training of its models, and their predictions on their own tasks. The exit code is 1 if a
    check fails. If no model of the plugin is on this machine, name one with --model.

    \b
    Examples:
      zoo plugins check language
      zoo plugins check poetry --model poems:sonnet-base --json
      zoo plugins check multimodal --model file:./clip
    """
    suite: Any = importlib.import_module(SUITE)
    outcomes = []
    with output.progress().step(f"Checking {name}") as step:
        for outcome in suite.run(name, names, every):
            outcomes.append(outcome)
            step.advance()
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if output.json:
        output.data({"plugin": name, "passed": not failed, "checks": [outcome.to_dict() for outcome in outcomes]})
    else:
        columns = [Column("check"), Column("model"), Column("result"), Column("time", number=True)]
        rows = [[o.check, o.model or "-", o.status, human_seconds(o.seconds)] for o in outcomes]
        output.table(columns, rows)
        alike: dict[tuple[str, str, str], list[str]] = {}
        for outcome in outcomes:
            if outcome.detail:
                alike.setdefault((outcome.model or name, outcome.status, outcome.detail), []).append(outcome.check)
        for (checked, status, detail), found in alike.items():
            output.text(f"{checked}: {', '.join(found)} {status}: {detail}")
        if not any(outcome.model for outcome in outcomes):
            output.note(
                f"No model of this plugin is on this machine; name one: zoo plugins check {name} --model file:FOLDER"
            )
    return 1 if failed else None


@zoo_command("new")
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default="current folder",
    help="Parent folder of the new plugin.",
)
def new(output: Output, name: str, folder: Path) -> None:
    """Create a plugin: a distribution with working hooks, a small model and tests.

    \b
    Examples:
      zoo plugins new poetry
      zoo plugins new time-series --folder ~/code
    """
    scaffold: Any = importlib.import_module(SCAFFOLD)
    files = scaffold.write(name, folder)
    root = folder.expanduser() / f"zoo-{name}"
    if output.json:
        output.data({"plugin": name, "folder": str(root), "files": [str(path) for path in files]})
        return
    for path in files:
        output.text(str(path))
    output.note(f"Next: cd {root}; pip install -e '.[test]'; pytest; ruff check; zoo plugins check {name}")


command.add_command(list_plugins)
command.add_command(check)
command.add_command(new)
