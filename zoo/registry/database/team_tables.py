"""The tables of a team: who acts, proposals, approvals, standards, and the audit; ``docs/registry.md`` describes them.

Times are texts in UTC that sort by time, such as ``2026-11-29T10:15:00.000000Z``; NULL where nothing happened yet.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlmodel import Field, SQLModel

ROLES = ("viewer", "member", "approver", "admin")
"""Roles of an actor; each may do what those before it may."""


def _reference(name: str, target: str, null: bool = False) -> Column[int]:
    return Column(name, Integer, ForeignKey(target), nullable=null)


def _roles() -> str:
    return f"role IN ({', '.join(map(repr, ROLES))})"


class ActorRow(SQLModel, table=True):
    """Someone who acts, by e-mail address or name, with a role in a scope of tasks."""

    __tablename__ = "actors"
    __table_args__ = (CheckConstraint(_roles(), name="role_known"),)

    key: int | None = Field(default=None, primary_key=True)
    name: str
    email: str = Field(unique=True)
    role: str
    scope: str
    created: str
    disabled: str | None = None


class TokenRow(SQLModel, table=True):
    """A token of an actor; the secret itself is not stored."""

    __tablename__ = "tokens"
    __table_args__ = (CheckConstraint(_roles(), name="token_role_known"),)

    key: int | None = Field(default=None, primary_key=True)
    actor_key: int = Field(sa_column=_reference("actor_key", "actors.key"))
    prefix: str
    hash: str = Field(unique=True)
    role: str
    scope: str
    created: str
    expires: str | None = None
    last_used: str | None = None
    revoked: str | None = None


class ProposalRow(SQLModel, table=True):
    """A model proposed as the standard of a task and slot; ``digest`` binds everything that is approved."""

    __tablename__ = "proposals"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'approved', 'rejected', 'withdrawn', 'stale')", name="state_known"),
        Index("ix_proposals_slot", "task", "slot", "state"),
    )

    key: int | None = Field(default=None, primary_key=True)
    task: str
    slot: str
    model: str
    revision: str | None = None
    manifest: str
    policy: str
    evidence: str
    author: str
    reason: str | None = None
    state: str
    created: str
    digest: str


class ApprovalRow(SQLModel, table=True):
    """The verdict of one actor on a proposal, bound to the digest that was seen."""

    __tablename__ = "approvals"
    __table_args__ = (
        CheckConstraint("verdict IN ('approve', 'reject')", name="verdict_known"),
        UniqueConstraint("proposal_key", "actor", name="one_verdict_each"),
    )

    key: int | None = Field(default=None, primary_key=True)
    proposal_key: int = Field(sa_column=_reference("proposal_key", "proposals.key"))
    actor: str
    verdict: str
    reason: str | None = None
    digest: str
    created: str


class StandardRow(SQLModel, table=True):
    """The standard of a task and slot over a period; a change ends the row and begins another one."""

    __tablename__ = "standards"
    __table_args__ = (
        CheckConstraint("state IN ('current', 'deprecated')", name="standard_state_known"),
        Index(
            "ix_standards_current",
            "task",
            "slot",
            unique=True,
            sqlite_where=text("to_time IS NULL"),
            postgresql_where=text("to_time IS NULL"),
        ),
        Index("ix_standards_period", "task", "slot", "from_time"),
    )

    key: int | None = Field(default=None, primary_key=True)
    task: str
    slot: str
    model: str
    revision: str | None = None
    manifest: str
    state: str
    from_time: str
    to_time: str | None = None
    replacement: str | None = None
    until: str | None = None
    proposal_key: int = Field(sa_column=_reference("proposal_key", "proposals.key"))


class AuditRow(SQLModel, table=True):
    """One event; ``hash`` covers the row and the hash of the row before it (``zoo.team.audit``)."""

    __tablename__ = "audit"

    seq: int = Field(sa_column=Column("seq", BigInteger, primary_key=True, nullable=False, autoincrement=False))
    time: str
    clock: str | None = None
    actor: str
    via: str
    action: str
    object: str
    before: str | None = None
    after: str | None = None
    reason: str | None = None
    prev: str = Field(unique=True)
    hash: str
