"""``zoo user``: the users of a registry."""

from __future__ import annotations

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output
from zoo.cli.team.token_warning import warn_of_token


@click.group("user")
def command() -> None:
    """Add, remove and list the users of the registry."""


@zoo_command("add")
@click.argument("email")
@click.option(
    "--role",
    default="member",
    show_default=True,
    help="Role: viewer, member, approver or admin, each with the rights before.",
)
@click.option(
    "--scope", default="*", show_default=True, help="Comma-separated tasks, or domains with their tasks: vision/*."
)
@click.option("--name", default="", help="Name to show.")
@click.option("--reason", help="Why, for the audit.")
def add(output: Output, email: str, *, role: str, scope: str, name: str, reason: str | None) -> None:
    """Add a user, or change the role and scope of one.

    Without users, everyone who can write to the registry may do everything. The first user must be an admin.

    \b
    Examples:
      zoo user add ana@acme.example --role admin
      zoo user add bo@acme.example --role approver --scope 'vision/*,text-classification'
    """
    from zoo.registry import open_registry
    from zoo.team.identity.users import add_user

    user = add_user(open_registry().path, email, role=role, scope=scope, name=name, reason=reason)
    if output.json:
        output.data(user.to_dict())
    else:
        output.text(f"{user.email} is a user with the role '{user.role}' and the scope '{user.scope}'.")
        output.text(f"Next: zoo token create --user {user.email}")


@zoo_command("remove")
@click.argument("email")
@click.option("--reason", help="Why, for the audit.")
def remove(output: Output, email: str, reason: str | None) -> None:
    """Remove a user and revoke all tokens of this user; earlier approvals stay valid.

    \b
    Examples:
      zoo user remove bo@acme.example --reason 'left the team'
    """
    from zoo.registry import open_registry
    from zoo.team.identity.users import remove_user

    user = remove_user(open_registry().path, email, reason=reason)
    if output.json:
        output.data(user.to_dict())
    else:
        output.text(f"{user.email} was removed, and the tokens of this user were revoked.")


@zoo_command("list")
def list_users(output: Output) -> None:
    """List the users.

    \b
    Examples:
      zoo user list
    """
    from zoo.registry import open_registry
    from zoo.team.identity.users import users

    path = open_registry().path
    warn_of_token(output, path)
    found = users(path)
    if output.json:
        output.data({"users": [user.to_dict() for user in found]})
        return
    if not found:
        output.text("There are no users: everyone who can write to the registry may do everything.")
        return
    columns = [Column("user"), Column("role"), Column("scope", fold=True), Column("name", optional=2), Column("state")]
    rows = [[u.email, u.role, u.scope, u.name, "removed" if u.disabled else "active"] for u in found]
    output.table(columns, rows)


for subcommand in (add, remove, list_users):
    command.add_command(subcommand)
