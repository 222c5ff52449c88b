"""``zoo token``: the tokens of users."""

from __future__ import annotations

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output
from zoo.cli.team.token_warning import warn_of_token


@click.group("token")
def command() -> None:
    """Create, list and revoke tokens, which identify users."""


@zoo_command("create")
@click.option("--user", metavar="EMAIL", help="User of the token; that of another takes an admin [default: you].")
@click.option("--role", help="Role of the token, at most that of the user [default: that of the user].")
@click.option(
    "--scope", help="Scope of the token, such as vision/*; the user's own applies as well [default: no limit]."
)
@click.option("--expires", default="90d", show_default=True, help="Days such as 90d, a date, or never.")
def create(output: Output, user: str | None, role: str | None, scope: str | None, expires: str) -> None:
    """Create a token, and show it once.

    Set ZOO_TOKEN to the token. As soon as a user has a token, git's address is not enough to act as this user.

    \b
    Examples:
      zoo token create
      zoo token create --user ci@acme.example --role member --scope 'vision/*' --expires 30d
    """
    from zoo.registry import open_registry
    from zoo.team.identity.tokens import create_token

    secret, token = create_token(open_registry().path, user=user, role=role, scope=scope, expires=expires)
    if output.json:
        output.data({"token": secret, **token.to_dict()})
        return
    output.text(secret)
    until = f"until {token.expires[:10]}" if token.expires else "without an end"
    output.note(f"Valid {until} for {token.user} as '{token.role}' in '{token.scope}'. It is not shown again.")
    output.note("Next: export ZOO_TOKEN=...")


@zoo_command("list")
def list_tokens(output: Output) -> None:
    """List the tokens by their first characters.

    \b
    Examples:
      zoo token list
    """
    from zoo.registry import open_registry
    from zoo.team.identity.tokens import tokens

    path = open_registry().path
    warn_of_token(output, path)
    found = tokens(path)
    if output.json:
        output.data({"tokens": [token.to_dict() for token in found]})
        return
    if not found:
        output.text("There are no tokens. Create one: zoo token create")
        return
    columns = [
        Column("token"),
        Column("user"),
        Column("role"),
        Column("scope", fold=True),
        Column("expires", optional=1),
        Column("last used", optional=2),
        Column("state"),
    ]
    rows = [
        [t.prefix, t.user, t.role, t.scope, (t.expires or "never")[:10], (t.last_used or "-")[:10], t.state]
        for t in found
    ]
    output.table(columns, rows)


@zoo_command("revoke")
@click.argument("prefix")
@click.option("--reason", help="Why, for the audit.")
def revoke(output: Output, prefix: str, reason: str | None) -> None:
    """Revoke a token, given by its first characters.

    \b
    Examples:
      zoo token revoke zoo_Ab12Cd34
    """
    from zoo.registry import open_registry
    from zoo.team.identity.tokens import revoke_token

    token = revoke_token(open_registry().path, prefix, reason=reason)
    if output.json:
        output.data(token.to_dict())
    else:
        output.text(f"{token.prefix} of {token.user} was revoked.")


for subcommand in (create, list_tokens, revoke):
    command.add_command(subcommand)
