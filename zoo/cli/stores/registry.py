"""``zoo registry``: create, upgrade, check, copy and build registries, and roles of their databases."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.figures import human_bytes
from zoo.cli.options import command as zoo_command
from zoo.cli.output import Output


@click.group("registry")
def command() -> None:
    """Create, upgrade, check, copy and build registries."""


@zoo_command("init")
@click.argument("path", required=False)
@click.option(
    "--empty", is_flag=True, help="Leave out the shipped models; cards of installed plugins are added on first use."
)
def init(output: Output, path: str | None, empty: bool) -> None:
    """Create a registry.

    PATH is a file or a PostgreSQL URL [default: ZOO_REGISTRY]. A registry is also created automatically on first use.

    \b
    Examples:
      zoo registry init
      zoo registry init team.db
    """
    from zoo.errors import InvalidInput
    from zoo.registry.creating import create
    from zoo.registry.database.location import Server, located
    from zoo.registry.opening import open_registry, own_location

    location = located(path) if path else own_location()
    if isinstance(location, Server):
        from zoo.registry.migrating import upgrade as make_tables

        if empty:
            make_tables(location)
    else:
        if location.exists():
            raise InvalidInput(f"{location} already exists.", "Check it: zoo registry check")
        create(location, empty=empty)
    path = str(location)
    models = 0 if empty else open_registry(location).statistics()["models"]
    if output.json:
        output.data({"path": str(path), "models": models})
    else:
        output.text(f"Created {path} with {models:,} models. To use it, set ZOO_REGISTRY={path}")


@zoo_command("upgrade")
@click.option("--refresh", is_flag=True, help="Read the cards of all plugins again.")
def upgrade(output: Output, refresh: bool) -> None:
    """Upgrade the registry's schema and read the cards of new plugins.

    Both also happen automatically when a registry is opened. If something fails, the registry stays unchanged.

    \b
    Examples:
      zoo registry upgrade
      zoo registry upgrade --refresh
    """
    from zoo.registry.creating import create
    from zoo.registry.database import schema
    from zoo.registry.opening import bring_up_to_date, own_location

    path = own_location()
    if isinstance(path, Path) and not path.exists():
        create(path)
    written = bring_up_to_date(path, force=refresh)
    if output.json:
        output.data({"path": str(path), "schema": schema.HEAD, "written": written})
    else:
        done = f"Read {output.counted(written)}." if written else "Already up to date."
        output.text(f"{path} has schema {schema.HEAD}. {done}")


@zoo_command("check")
@click.argument("path", required=False)
def check(output: Output, path: str | None) -> int:
    """Check the registry for damage: file, references, cards, search index, and the team's tables against the audit.

    The exit code is 1 if there are problems.

    \b
    Examples:
      zoo registry check
      zoo registry check team.db --json
    """
    from zoo.registry.database.location import located
    from zoo.registry.opening import own_location
    from zoo.registry.writing.checking import check as find_problems
    from zoo.team.audit import problems as problems_of_audit
    from zoo.team.matching import mismatches

    location = located(path) if path else own_location()
    problems = find_problems(location) or problems_of_audit(location) or mismatches(location)
    if output.json:
        output.data({"path": str(location), "sound": not problems, "problems": problems})
    else:
        for problem in problems:
            output.text(problem)
        output.text(f"{location} is {'damaged' if problems else 'intact'}.")
    return 1 if problems else 0


@zoo_command("build-example")
@click.argument("path", type=click.Path(path_type=Path))
def build_example(output: Output, path: Path) -> None:
    """Build the registry that ships with zoo from the cards of its own plugins.

    The same cards produce the same file, byte for byte.

    \b
    Examples:
      zoo registry build-example registry.db.example
    """
    from zoo.exchange.example import build

    counts = build(path.absolute())
    size = path.stat().st_size
    if output.json:
        output.data({"path": str(path), "bytes": size, **counts})
    else:
        output.text(f"Wrote {output.counted(counts)} to {path} ({human_bytes(size)}).")


@zoo_command("copy")
@click.argument("source")
@click.argument("target")
def copy(output: Output, source: str, target: str) -> None:
    """Copy a registry into another one, replacing its content.

    SOURCE and TARGET are files or PostgreSQL URLs. If something fails, the target stays unchanged.

    \b
    Examples:
      zoo registry copy registry.db postgresql+psycopg://zoo@localhost/zoo
      zoo registry copy postgresql+psycopg://zoo@localhost/zoo copy.db
    """
    from zoo.registry.copying import copy as copy_registry
    from zoo.registry.database.location import located

    origin, goal = located(source), located(target)
    counts = copy_registry(origin, goal, output.progress())
    if output.json:
        output.data({"source": str(origin), "target": str(goal), "rows": counts})
    else:
        output.text(f"Copied {output.counted({k: counts[k] for k in ('models', 'scores', 'runs')})} to {goal}.")


@zoo_command("roles")
def roles(output: Output) -> None:
    """Print SQL that creates roles of a PostgreSQL database for the roles of users.

    The owner of the database runs it, and grants a role to each login. A connection of a member can then write neither
    approvals nor standards, users and tokens, and no connection but the owner's can change the audit.

    \b
    Examples:
      zoo registry roles | psql postgresql://owner@localhost/zoo
    """
    from zoo.registry.database.roles import PREFIX, statements
    from zoo.registry.database.team_tables import ROLES

    found = [*statements()]
    if output.json:
        output.data({"roles": [PREFIX + role for role in ROLES], "statements": found})
        return
    output.text("-- Run it as the owner of the database, again after each 'zoo registry upgrade'.")
    output.text(f"-- Then grant a role to each login: GRANT {PREFIX}member TO ana;")
    output.text("BEGIN;")
    for statement in found:
        output.text(f"{statement};")
    output.text("COMMIT;")


for subcommand in (init, upgrade, check, copy, roles, build_example):
    command.add_command(subcommand)
