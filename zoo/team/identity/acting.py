"""Finds out who acts, and checks what they may do.

A token identifies an actor. Git's e-mail address and the user's name can be set to anything, so they are marked as
unverified; for someone who has a token they are not enough.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.entities import Entity
from zoo.errors import ZooError
from zoo.registry.database.connection import reading
from zoo.registry.database.location import Location
from zoo.registry.database.team_tables import ROLES
from zoo.team.identity.scopes import EVERYTHING, covers
from zoo.team.times import now

if TYPE_CHECKING:
    from sqlmodel import Session

VARIABLE = "ZOO_TOKEN"
BY_TOKEN = "token"
BY_GIT = "git (unverified)"
BY_USER = "os (unverified)"

GIT_SECONDS = 5


class NotAllowed(ZooError):
    """The actor is not known, or may not do this."""


@dataclass(frozen=True)
class Actor(Entity):
    """Who acts.

    Attributes:
        name: e-mail address, or name of the user of the machine.
        via: how the actor is known: ``token``, ``git (unverified)`` or ``os (unverified)``.
        role: None if the registry has no users, so that everyone may do everything.
        scope: patterns of domains and tasks: those of the user, and those of the token.
        key: the user's key; None if the registry does not know the actor.
    """

    name: str
    via: str
    role: str | None = None
    scope: tuple[str, ...] = (EVERYTHING,)
    key: int | None = None

    @property
    def verified(self) -> bool:
        """Whether a token identifies the actor."""
        return self.via == BY_TOKEN


def normalized(name: str) -> str:
    """A name or e-mail address in one spelling, so that no one is two persons by upper case.

    Raises:
        NotAllowed: it is empty, too long, or holds control characters.
    """
    found = unicodedata.normalize("NFKC", name).strip().casefold()
    if not found or len(found) > 200 or not found.isprintable() or any(map(str.isspace, found)):
        raise NotAllowed(f"'{name[:60]}' is not a valid e-mail address or name.", "Write it as ana@acme.example.")
    return found


def acting(session: Session) -> Actor:
    """Who acts in this transaction; notes the use of a token.

    Raises:
        NotAllowed: the token is not valid, or nothing tells who acts.
    """
    from zoo.registry.database.statements import Statements

    statements = Statements(session.connection())
    if secret := os.environ.get(VARIABLE, "").strip():
        return _by_token(statements, secret)
    name, via = unverified()
    found = statements.ask_named("SELECT * FROM actors WHERE email = ?", [name])
    if found:
        row = found[0]
        if row["disabled"] is None and _has_tokens(statements, row["key"]):
            raise NotAllowed(
                f"'{name}' has a token, so git's address is not enough.",
                f"Set {VARIABLE} to the token. If it has expired, an admin creates another one or revokes it.",
            )
        return Actor(name, via, _role(row), (row["scope"],), row["key"])
    anyone = statements.ask("SELECT 1 FROM actors LIMIT 1")
    return Actor(name, via, "" if anyone else None)


def token_problem(location: Location) -> str:
    """What is wrong with the token of the environment, for commands that read; empty if nothing is."""
    secret = os.environ.get(VARIABLE, "").strip()
    if not secret:
        return ""
    with reading(location) as connection:
        rows = connection.execute(_TOKEN, [digest(secret)]).fetchall()
    return _wrong(rows[0] if rows else None)


def unverified() -> tuple[str, str]:
    """The e-mail address of git, or else the user of this machine, and which of them it is.

    Raises:
        NotAllowed: there is neither.
    """
    import getpass
    import subprocess

    try:
        done = subprocess.run(
            ["git", "config", "user.email"], capture_output=True, text=True, timeout=GIT_SECONDS, check=False
        )
        if done.returncode == 0 and done.stdout.strip():
            return normalized(done.stdout), BY_GIT
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        pass
    try:
        return normalized(getpass.getuser()), BY_USER
    except (OSError, KeyError, ImportError):
        raise NotAllowed(
            "Nothing tells who you are: neither git nor the system has a name.",
            "Set it: git config user.email ana@acme.example",
        ) from None


def allow(actor: Actor, role: str, doing: str, task: tuple[str, str] | None = None) -> None:
    """Check that an actor has a role in a scope.

    Args:
        doing: what the actor wants, to follow "may not".
        task: domain and name of the task that the actor's scope must cover; None if it must cover everything.

    Raises:
        NotAllowed: the actor is not a user, or has a lower role or another scope.
    """
    allow_role(actor, role, doing)
    if actor.role is not None and not all(covers(scope, task) for scope in actor.scope):
        what = "everything" if task is None else f"{task[0]}/{task[1]}"
        raise NotAllowed(
            f"'{actor.name}' may not {doing}: the scope '{' and '.join(actor.scope)}' does not cover {what}.",
            "Ask an admin.",
        )


def allow_role(actor: Actor, role: str, doing: str) -> None:
    """Check that an actor has a role in any scope; raises as ``allow``."""
    if actor.role is None:
        return
    if not actor.role:
        raise NotAllowed(
            f"'{actor.name}' is not a user of this registry and may not {doing}.",
            f"Ask an admin: zoo user add {actor.name}",
        )
    if ROLES.index(actor.role) < ROLES.index(role):
        raise NotAllowed(
            f"'{actor.name}' has the role '{actor.role}' and may not {doing}, which takes '{role}'.", "Ask an admin."
        )


def digest(secret: str) -> str:
    """What is stored of a token. A secret of 256 random bits needs no slow hash, as a password does."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _by_token(statements: Any, secret: str) -> Actor:
    found = statements.ask_named(_TOKEN, [digest(secret)])
    if problem := _wrong(found[0] if found else None):
        raise NotAllowed(problem, "Ask an admin for another: zoo token create")
    row = found[0]
    statements.run("UPDATE tokens SET last_used = ? WHERE key = ?", [(now(), row["token_key"])])
    role = min(row["role"], row["token_role"], key=ROLES.index)
    return Actor(row["email"], BY_TOKEN, role, (row["scope"], row["token_scope"]), row["key"])


_TOKEN = (
    "SELECT t.key AS token_key, t.role AS token_role, t.scope AS token_scope, t.expires, t.revoked, a.* "
    "FROM tokens t JOIN actors a ON a.key = t.actor_key WHERE t.hash = ?"
)


def _wrong(row: Any) -> str:
    """Why a token cannot be used, in a sentence."""
    if row is None:
        return f"The token in {VARIABLE} is not one of this registry."
    for wrong, why in (
        (row["revoked"] is not None, "was revoked"),
        (row["expires"] is not None and row["expires"] <= now(), "has expired"),
        (row["disabled"] is not None, "belongs to a user who was removed"),
    ):
        if wrong:
            return f"The token in {VARIABLE} {why}."
    return ""


def _has_tokens(statements: Any, actor: int) -> bool:
    """Whether a user has tokens that were not revoked; expired ones count, or a wrong clock would open the door."""
    return bool(statements.ask("SELECT 1 FROM tokens WHERE actor_key = ? AND revoked IS NULL LIMIT 1", [actor]))


def _role(row: Any) -> str:
    return "" if row["disabled"] is not None else str(row["role"])
