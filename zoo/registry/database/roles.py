"""Roles of a PostgreSQL database for the roles of users, as SQL that its owner runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from zoo.registry.database.schema import TABLES, TEAM_TABLES
from zoo.registry.database.team_tables import ROLES

PREFIX = "zoo_"

_CONTENT = tuple(name for name in TABLES if name not in TEAM_TABLES)
_CHANGES = "SELECT, INSERT, UPDATE, DELETE"

GRANTS = {
    "viewer": (f"SELECT ON {', '.join((*TABLES, 'alembic_version'))}",),
    "member": (
        f"{_CHANGES} ON {', '.join(_CONTENT)}",
        "USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public",
        "INSERT ON proposals, audit",
        "UPDATE (state) ON proposals",
        "UPDATE (last_used) ON tokens",
    ),
    "approver": ("INSERT ON approvals, standards", "UPDATE (to_time) ON standards"),
    "admin": ("INSERT, UPDATE ON actors, tokens",),
}
"""What each role of the database may do, besides what the roles before it may. None may change or delete the audit."""


def statements() -> Iterator[str]:
    """SQL that creates the roles and grants what they may do; it can be run again, after an upgrade too."""
    names = [PREFIX + role for role in ROLES]
    quoted = ", ".join(f"'{name}'" for name in names)
    yield (
        f"DO $$ DECLARE name text; BEGIN FOREACH name IN ARRAY ARRAY[{quoted}] LOOP "
        "IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN "
        "EXECUTE format('CREATE ROLE %I NOLOGIN', name); END IF; END LOOP; END $$"
    )
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {', '.join(names)}"
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    yield f"GRANT USAGE ON SCHEMA public TO {names[0]}"
    for before, name in itertools.pairwise(names):
        yield f"GRANT {before} TO {name}"
    for role, grants in GRANTS.items():
        for grant in grants:
            yield f"GRANT {grant} TO {PREFIX}{role}"
    # A temporary table called audit must not stand in for the real one when a row is checked.
    for function in ("zoo_audit_continue", "zoo_audit_refuse"):
        yield f"ALTER FUNCTION {function}() SET search_path = public, pg_temp"
