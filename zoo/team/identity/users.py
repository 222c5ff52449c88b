"""The users of a registry and their roles; every change is recorded in the audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.entities import Entity
from zoo.errors import InvalidInput, suggest
from zoo.registry.database import schema
from zoo.registry.database.connection import reading
from zoo.registry.database.location import Location
from zoo.registry.database.team_tables import ROLES
from zoo.team import audit
from zoo.team.identity.acting import acting, allow, normalized
from zoo.team.identity.scopes import EVERYTHING, scope_of

if TYPE_CHECKING:
    from zoo.registry.database.statements import Statements


@dataclass(frozen=True)
class User(Entity):
    """A user.

    Attributes:
        scope: comma-separated patterns of domains and tasks.
        disabled: when the user was removed; None if the user is active.
    """

    email: str
    name: str
    role: str
    scope: str
    created: str
    disabled: str | None = None


def add_user(
    location: Location,
    email: str,
    *,
    role: str = "member",
    scope: str = EVERYTHING,
    name: str = "",
    reason: str | None = None,
) -> User:
    """Add a user, change the role and scope of one, or bring back one that was removed.

    Raises:
        InvalidInput: no such role or scope, or no admin would be left.
        NotAllowed: the actor is not an admin.
    """
    from zoo.registry.database.statements import Statements
    from zoo.registry.writing.transaction import writing

    email, role, scope = normalized(email), role_of(role), scope_of(scope)
    with writing(location) as session:
        actor, statements = acting(session), Statements(session.connection())
        allow(actor, "admin", "add users")
        before = _found(statements, email)
        if (role, scope) != ("admin", EVERYTHING):
            _check_admin_left(statements, email)
        after = {"name": name.strip() or (before["name"] if before else email), "role": role, "scope": scope}
        event = audit.append(
            session,
            actor.name,
            actor.via,
            "change user" if before else "add user",
            f"user:{email}",
            before=_facts(before) if before else None,
            after=after,
            reason=reason,
        )
        if before:
            sql = "UPDATE actors SET name = ?, role = ?, scope = ?, disabled = NULL WHERE key = ?"
            statements.run(sql, [(after["name"], role, scope, before["key"])])
        else:
            sql = "INSERT INTO actors (key, name, email, role, scope, created) VALUES (?, ?, ?, ?, ?, ?)"
            statements.run(sql, [(statements.next_key("actors"), after["name"], email, role, scope, event.time)])
        return _user(_found(statements, email))


def remove_user(location: Location, email: str, *, reason: str | None = None) -> User:
    """Disable a user and revoke all tokens of this user; what the user approved stays.

    Raises:
        InvalidInput: there is no such user, or no admin would be left.
        NotAllowed: the actor is not an admin.
    """
    from zoo.registry.database.statements import Statements
    from zoo.registry.writing.transaction import writing

    email = normalized(email)
    with writing(location) as session:
        actor, statements = acting(session), Statements(session.connection())
        allow(actor, "admin", "remove users")
        before = user_row(statements, email)
        if before["disabled"] is not None:
            raise InvalidInput(f"'{email}' was removed already.", "See: zoo user list")
        _check_admin_left(statements, email)
        event = audit.append(
            session, actor.name, actor.via, "remove user", f"user:{email}", before=_facts(before), reason=reason
        )
        statements.run("UPDATE actors SET disabled = ? WHERE key = ?", [(event.time, before["key"])])
        revoke = "UPDATE tokens SET revoked = ? WHERE actor_key = ? AND revoked IS NULL"
        statements.run(revoke, [(event.time, before["key"])])
        return _user(user_row(statements, email))


def users(location: Location) -> list[User]:
    """All users, by e-mail address, with those that were removed."""
    with reading(location) as connection:
        schema.must_be_newest(connection, location)
        rows = connection.execute("SELECT * FROM actors ORDER BY email").fetchall()
    return [_user(row) for row in rows]


def user_row(statements: Statements, email: str) -> dict[str, Any]:
    """The row of a user.

    Raises:
        InvalidInput: there is no such user; with the nearest ones.
    """
    found = _found(statements, email)
    if found is None:
        known = [row[0] for row in statements.ask("SELECT email FROM actors")]
        raise InvalidInput(f"There is no user '{email}'.", suggest(email, known) or "See: zoo user list")
    return found


def role_of(text: str) -> str:
    """A role by its name.

    Raises:
        InvalidInput: there is no such role.
    """
    if text not in ROLES:
        raise InvalidInput(f"There is no role '{text}'.", f"Roles: {', '.join(ROLES)}.")
    return text


def _found(statements: Statements, email: str) -> dict[str, Any] | None:
    return next(iter(statements.ask_named("SELECT * FROM actors WHERE email = ?", [email])), None)


def _check_admin_left(statements: Statements, without: str) -> None:
    """Check that there is an admin of everything besides one user."""
    sql = "SELECT 1 FROM actors WHERE role = 'admin' AND scope = ? AND disabled IS NULL AND email <> ? LIMIT 1"
    if not statements.ask(sql, [EVERYTHING, without]):
        raise InvalidInput(
            "The registry needs an admin with the scope '*', or no one could change its users.",
            "Add one first: zoo user add EMAIL --role admin",
        )


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("name", "role", "scope", "disabled")}


def _user(row: Any) -> User:
    return User(*(row[name] for name in ("email", "name", "role", "scope", "created", "disabled")))
