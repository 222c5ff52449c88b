"""Tables of a team: actors, tokens, proposals, approvals, standards, and the audit."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, Text, UniqueConstraint, text

from zoo.errors import RegistryError

revision = "0004"
down_revision = "0003"

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
LARGE = BigInteger().with_variant(Integer(), "sqlite")
ROLES = "role IN ('viewer', 'member', 'approver', 'admin')"


def upgrade() -> None:
    """Create the tables; Alembic's environment adds the triggers of the audit."""
    _people()
    _proposals()
    _standards()
    op.create_table(
        "audit",
        Column("seq", LARGE, primary_key=True, nullable=False, autoincrement=False),
        *_texts("time"),
        *_texts("clock", null=True),
        *_texts("actor", "via", "action", "object"),
        *_texts("before", "after", "reason", null=True),
        Column("prev", TEXT, nullable=False, unique=True),
        *_texts("hash"),
    )


def downgrade() -> None:
    """Drop the tables.

    Raises:
        RegistryError: the audit is not empty.
    """
    if op.get_bind().exec_driver_sql("SELECT count(*) FROM audit").scalar():
        raise RegistryError("The audit is not empty, and an older schema cannot keep it.", "Nothing was changed.")
    for table in ("audit", "standards", "approvals", "proposals", "tokens", "actors"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for function in ("zoo_audit_refuse", "zoo_audit_continue"):
            op.execute(f"DROP FUNCTION IF EXISTS {function}()")


def _texts(*names: str, null: bool = False) -> list[Column[str]]:
    return [Column(name, TEXT, nullable=null) for name in names]


def _key() -> Column[int]:
    return Column("key", Integer, primary_key=True, nullable=False)


def _people() -> None:
    op.create_table(
        "actors",
        _key(),
        *_texts("name"),
        Column("email", TEXT, nullable=False, unique=True),
        *_texts("role", "scope", "created"),
        *_texts("disabled", null=True),
        CheckConstraint(ROLES, name="role_known"),
    )
    op.create_table(
        "tokens",
        _key(),
        Column("actor_key", Integer, ForeignKey("actors.key"), nullable=False),
        *_texts("prefix"),
        Column("hash", TEXT, nullable=False, unique=True),
        *_texts("role", "scope", "created"),
        *_texts("expires", "last_used", "revoked", null=True),
        CheckConstraint(ROLES, name="token_role_known"),
    )


def _proposals() -> None:
    op.create_table(
        "proposals",
        _key(),
        *_texts("task", "slot", "model"),
        *_texts("revision", null=True),
        *_texts("manifest", "policy", "evidence", "author"),
        *_texts("reason", null=True),
        *_texts("state", "created", "digest"),
        CheckConstraint("state IN ('open', 'approved', 'rejected', 'withdrawn', 'stale')", name="state_known"),
    )
    op.create_index("ix_proposals_slot", "proposals", ["task", "slot", "state"])
    op.create_table(
        "approvals",
        _key(),
        Column("proposal_key", Integer, ForeignKey("proposals.key"), nullable=False),
        *_texts("actor", "verdict"),
        *_texts("reason", null=True),
        *_texts("digest", "created"),
        CheckConstraint("verdict IN ('approve', 'reject')", name="verdict_known"),
        UniqueConstraint("proposal_key", "actor", name="one_verdict_each"),
    )


def _standards() -> None:
    op.create_table(
        "standards",
        _key(),
        *_texts("task", "slot", "model"),
        *_texts("revision", null=True),
        *_texts("manifest", "state", "from_time"),
        *_texts("to_time", "replacement", "until", null=True),
        Column("proposal_key", Integer, ForeignKey("proposals.key"), nullable=False),
        CheckConstraint("state IN ('current', 'deprecated')", name="standard_state_known"),
    )
    lasting = text("to_time IS NULL")
    op.create_index(
        "ix_standards_current",
        "standards",
        ["task", "slot"],
        unique=True,
        sqlite_where=lasting,
        postgresql_where=lasting,
    )
    op.create_index("ix_standards_period", "standards", ["task", "slot", "from_time"])
