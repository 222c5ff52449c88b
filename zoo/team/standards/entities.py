"""Standards, proposals and approvals as plain dataclasses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from zoo.entities import Entity, ModelFile
from zoo.errors import InvalidInput, RegistryError
from zoo.untrusted import parse_json

SOURCE = "std"
DEFAULT_SLOT = "default"

_SLOT = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}\Z")


@dataclass(frozen=True)
class Place(Entity):
    """What a standard is for: a task, and one of its slots such as ``small``."""

    task: str
    slot: str = DEFAULT_SLOT

    @classmethod
    def parse(cls, text: str) -> Place:
        """Parse ``TASK`` or ``TASK/SLOT``, with or without ``std:`` before it.

        Raises:
            InvalidInput: it is neither, or the slot is not a valid name.
        """
        task, slash, slot = text.strip().removeprefix(f"{SOURCE}:").partition("/")
        if "@" in text:
            raise InvalidInput(f"'{text}' has a revision, but a standard has its own.", "Write std:TASK/SLOT.")
        if not _SLOT.match(task) or (slash and not _SLOT.match(slot)):
            raise InvalidInput(
                f"'{text}' is not a task and slot.", "Write TASK or TASK/SLOT: text-classification/small."
            )
        return cls(task, slot or DEFAULT_SLOT)

    def __str__(self) -> str:
        return self.task if self.slot == DEFAULT_SLOT else f"{self.task}/{self.slot}"

    @property
    def object(self) -> str:
        """How the audit names it."""
        return f"standard:{self.task}/{self.slot}"


@dataclass(frozen=True)
class Approval(Entity):
    """One verdict on a proposal: ``approve`` or ``reject``."""

    actor: str
    verdict: str
    created: str
    digest: str
    reason: str | None = None


@dataclass(frozen=True)
class Proposal(Entity):
    """A model proposed as a standard.

    Attributes:
        files: its files with their hashes, as far as they are known.
        policy: digest of the policy under which it was proposed.
        evidence: runs and measurements, each with its ``id`` and a digest of its content, ``sha256``.
        state: ``open``, ``approved``, ``rejected``, ``withdrawn`` or ``stale``.
        digest: digest of everything that an approval covers.
    """

    key: int
    task: str
    slot: str
    model: str
    revision: str | None
    files: tuple[ModelFile, ...]
    policy: str
    evidence: tuple[Mapping[str, str], ...]
    author: str
    reason: str | None
    state: str
    created: str
    digest: str
    approvals: tuple[Approval, ...] = ()

    @property
    def place(self) -> Place:
        """What it is proposed for."""
        return Place(self.task, self.slot)

    @property
    def object(self) -> str:
        """How the audit names it."""
        return f"proposal:{self.key}"

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who approved it."""
        return tuple(one.actor for one in self.approvals if one.verdict == "approve")

    @classmethod
    def of(cls, row: Any, approvals: Iterable[Any] = ()) -> Proposal:
        """The proposal of a row of ``proposals``, with rows of ``approvals``."""
        names = ("key", "task", "slot", "model", "revision", "policy", "author", "reason", "state", "created", "digest")
        return cls(
            **{name: row[name] for name in names},
            files=files_of(row["manifest"], f"proposal {row['key']}"),
            evidence=evidence_in(row),
            approvals=tuple(
                Approval(*(one[name] for name in ("actor", "verdict", "created", "digest", "reason")))
                for one in approvals
            ),
        )


@dataclass(frozen=True)
class Standard(Entity):
    """The standard of a task and slot over a period.

    Attributes:
        state: ``current``, ``deprecated``, or ``retired`` at the end of a deprecation.
        from_time, to_time: when it began and ended; None while it lasts.
        replacement: id of the model to use instead, if it is deprecated.
        until: when the deprecation ends.
        proposal: number of the proposal that it comes from.
        author, approvers: who proposed and approved it.
        approved: time of the last approval; empty if that is not known.
    """

    task: str
    slot: str
    model: str
    revision: str | None
    files: tuple[ModelFile, ...]
    state: str
    from_time: str
    to_time: str | None
    replacement: str | None
    until: str | None
    proposal: int
    author: str = ""
    approvers: tuple[str, ...] = ()
    approved: str = ""

    @property
    def place(self) -> Place:
        """What it is for."""
        return Place(self.task, self.slot)

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values, with the model id that stands for it."""
        return {"id": f"{SOURCE}:{self.place}", **super().to_dict()}

    @classmethod
    def of(cls, row: Any, at: str, author: str = "", approvers: tuple[str, ...] = (), approved: str = "") -> Standard:
        """The standard of a row of ``standards`` as it is at a time."""
        names = ("task", "slot", "model", "revision", "from_time", "to_time", "replacement", "until")
        retired = row["state"] == "deprecated" and row["until"] is not None and row["until"] <= at
        return cls(
            **{name: row[name] for name in names},
            files=files_of(row["manifest"], f"the standard for '{Place(row['task'], row['slot'])}'"),
            state="retired" if retired else row["state"],
            proposal=row["proposal_key"],
            author=author,
            approvers=approvers,
            approved=approved,
        )


def files_of(manifest: str, owner: str) -> tuple[ModelFile, ...]:
    """The files of a manifest.

    Args:
        owner: whose files they are, for an error.

    Raises:
        RegistryError: it is not one; the row was changed by hand.
    """
    try:
        return tuple(ModelFile.from_dict(file) for file in parse_json(manifest))
    except (InvalidInput, ValueError, TypeError, KeyError, AttributeError) as error:
        raise unreadable("files", owner) from error


def evidence_in(row: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    """The evidence of a row of ``proposals``; raises as ``files_of``."""
    try:
        return tuple({"id": str(one["id"]), "sha256": str(one["sha256"])} for one in parse_json(row["evidence"]))
    except (ValueError, TypeError, KeyError) as error:
        raise unreadable("evidence", f"proposal {row['key']}") from error


def unreadable(what: str, owner: str) -> RegistryError:
    """The error for a column that zoo did not write like this."""
    return RegistryError(f"The {what} of {owner} cannot be read: the row was changed.", "Run: zoo audit verify")
