"""Triggers that keep the audit append-only: rows are never changed or deleted, and each continues the chain.

SQLite and PostgreSQL drop triggers with their table, and a batch migration replaces the table; so Alembic's environment
installs them again after each migration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from zoo.registry.database.connection import Reader

START = "0" * 64
"""What stands for the hash before the first row."""

NAMES = ("audit_no_update", "audit_no_delete", "audit_continues")

_LAST = f"coalesce((SELECT hash FROM audit ORDER BY seq DESC LIMIT 1), '{START}')"
_NEXT = "(SELECT coalesce(max(seq), 0) + 1 FROM audit)"
_REFUSED = "The audit is append-only."
_FORKED = "A row of the audit must continue its chain."

# A row that replaces another one (INSERT OR REPLACE) fires no trigger on DELETE, but the one on INSERT comes first.
_SQLITE = (
    f"CREATE TRIGGER IF NOT EXISTS audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END",
    f"CREATE TRIGGER IF NOT EXISTS audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END",
    f"CREATE TRIGGER IF NOT EXISTS audit_continues BEFORE INSERT ON audit WHEN NEW.seq IS NOT {_NEXT} "
    f"OR NEW.prev IS NOT {_LAST} BEGIN SELECT RAISE(ABORT, '{_FORKED}'); END",
)

_POSTGRES = (
    f"""CREATE OR REPLACE FUNCTION zoo_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$""",
    f"""CREATE OR REPLACE FUNCTION zoo_audit_continue() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.seq IS DISTINCT FROM {_NEXT} OR NEW.prev IS DISTINCT FROM {_LAST} THEN
            RAISE EXCEPTION '{_FORKED}';
        END IF;
        RETURN NEW;
    END $$""",
    "DROP TRIGGER IF EXISTS audit_no_update ON audit",
    "DROP TRIGGER IF EXISTS audit_no_delete ON audit",
    "DROP TRIGGER IF EXISTS audit_continues ON audit",
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION zoo_audit_refuse()",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE OR TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION zoo_audit_refuse()",
    "CREATE TRIGGER audit_continues BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION zoo_audit_continue()",
)


def install(connection: Connection) -> None:
    """Create the triggers that are missing, if there is an audit."""
    from sqlalchemy import inspect

    if inspect(connection).has_table("audit"):
        for statement in _POSTGRES if connection.dialect.name == "postgresql" else _SQLITE:
            connection.exec_driver_sql(statement)


def missing(connection: Reader) -> list[str]:
    """Names of the triggers that the audit lacks, or that are switched off."""
    from zoo.registry.database.schema import is_sqlite

    if is_sqlite(connection):
        sql = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
    else:
        sql = "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit'::regclass AND tgenabled <> 'D'"
    found = {row[0] for row in connection.execute(sql).fetchall()}
    return [name for name in NAMES if name not in found]
