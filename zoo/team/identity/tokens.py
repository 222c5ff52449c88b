"""Tokens of users: created once, shown once, stored as a hash, limited in role, scope and time."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from zoo.entities import Entity
from zoo.errors import InvalidInput
from zoo.registry.database import schema
from zoo.registry.database.connection import reading
from zoo.registry.database.location import Location
from zoo.registry.database.team_tables import ROLES
from zoo.team import audit
from zoo.team.identity.acting import Actor, NotAllowed, acting, allow, allow_role, digest, normalized
from zoo.team.identity.scopes import EVERYTHING, scope_of
from zoo.team.identity.users import role_of, user_row
from zoo.team.times import after_now, now

PREFIX = "zoo_"
SHOWN = 12
"""Characters of a token that are stored and shown, to tell tokens apart."""

BYTES = 32
"""Random bytes of a token."""

DAYS = "90d"
NEVER = "never"


@dataclass(frozen=True)
class Token(Entity):
    """A token without its secret.

    Attributes:
        prefix: its first characters.
        scope: comma-separated patterns of domains and tasks; the user's own scope applies as well.
        state: ``active``, ``expired`` or ``revoked``.
    """

    prefix: str
    user: str
    role: str
    scope: str
    created: str
    expires: str | None
    last_used: str | None
    state: str


def create_token(
    location: Location,
    *,
    user: str | None = None,
    role: str | None = None,
    scope: str | None = None,
    expires: str = DAYS,
) -> tuple[str, Token]:
    """A new token and what is stored of it; its secret cannot be read again.

    Args:
        user: e-mail address; None for the actor's own.
        role: at most that of the user, which is the default.
        scope: at most that of the token that the actor uses, which is the default.
        expires: a number of days such as ``90d``, a date, or ``never``.

    Raises:
        InvalidInput: no such user, role or scope, or a time that is not in the future.
        NotAllowed: the actor is not an admin, and it is not the actor's own token.
    """
    from zoo.registry.database.statements import Statements
    from zoo.registry.writing.transaction import writing

    until = None if expires == NEVER else after_now(expires)
    asked = None if scope is None else scope_of(scope)
    with writing(location) as session:
        actor, statements = acting(session), Statements(session.connection())
        email = actor.name if user is None else normalized(user)
        owner = user_row(statements, email)
        if email == actor.name:
            allow_role(actor, "viewer", "create tokens")
            most = str(actor.role)
        else:
            allow(actor, "admin", "create tokens of others")
            most = owner["role"]
        role = most if role is None else role_of(role)
        if owner["disabled"] is not None:
            raise InvalidInput(f"'{email}' was removed.", f"Add the user again: zoo user add {email}")
        if ROLES.index(role) > ROLES.index(most):
            raise NotAllowed(f"A token of '{email}' cannot have the role '{role}'.", f"At most: {most}.")
        scope = _within(actor, asked)
        secret = PREFIX + secrets.token_urlsafe(BYTES)
        prefix = secret[:SHOWN]
        facts = {"user": email, "role": role, "scope": scope, "expires": until}
        event = audit.append(session, actor.name, actor.via, "create token", f"token:{prefix}", after=facts)
        statements.run(
            "INSERT INTO tokens (key, actor_key, prefix, hash, role, scope, created, expires) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(statements.next_key("tokens"), owner["key"], prefix, digest(secret), role, scope, event.time, until)],
        )
    return secret, Token(prefix, email, role, scope, event.time, until, None, "active")


def tokens(location: Location) -> list[Token]:
    """All tokens, the oldest first."""
    with reading(location) as connection:
        schema.must_be_newest(connection, location)
        rows = connection.execute(
            "SELECT t.*, a.email FROM tokens t JOIN actors a ON a.key = t.actor_key ORDER BY t.created, t.key"
        ).fetchall()
    return [_token(row) for row in rows]


def revoke_token(location: Location, prefix: str, *, reason: str | None = None) -> Token:
    """Revoke a token by its first characters, or by all of it.

    Raises:
        InvalidInput: no active token, or several, begin like that.
        NotAllowed: it is the token of another user, and the actor is not an admin.
    """
    from zoo.registry.database.statements import Statements
    from zoo.registry.writing.transaction import writing

    shown = prefix.strip()[:SHOWN]
    with writing(location) as session:
        actor, statements = acting(session), Statements(session.connection())
        rows = statements.ask_named(
            "SELECT t.*, a.email FROM tokens t JOIN actors a ON a.key = t.actor_key "
            "WHERE substr(t.prefix, 1, ?) = ? AND t.revoked IS NULL",
            [len(shown), shown],
        )
        if not shown or len(rows) != 1:
            many = "Several active tokens begin" if len(rows) > 1 else "No active token begins"
            raise InvalidInput(f"{many} with '{shown}'.", "See: zoo token list")
        row = rows[0]
        if row["email"] != actor.name:
            allow(actor, "admin", "revoke tokens of others")
        event = audit.append(session, actor.name, actor.via, "revoke token", f"token:{row['prefix']}", reason=reason)
        statements.run("UPDATE tokens SET revoked = ? WHERE key = ?", [(event.time, row["key"])])
    return _token({**row, "revoked": event.time})


def _within(actor: Actor, asked: str | None) -> str:
    """The scope of a new token, which must not cover more than the token that the actor uses."""
    own = actor.scope[-1] if actor.verified else EVERYTHING
    if asked is None or own == EVERYTHING or set(asked.split(",")) <= set(own.split(",")):
        return asked or own
    raise NotAllowed(f"Your token has the scope '{own}', so it cannot create one with '{asked}'.", "Ask an admin.")


def _token(row: Any) -> Token:
    expired = row["expires"] is not None and row["expires"] <= now()
    state = "revoked" if row["revoked"] is not None else "expired" if expired else "active"
    return Token(
        row["prefix"], row["email"], row["role"], row["scope"], row["created"], row["expires"], row["last_used"], state
    )
