"""Reads the policies in force, with those that they extend; each is compiled once until its file changes."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import TypeAlias

from zoo.config import policy_files, settings, working_directory
from zoo.contract.deciding import Decision, Reason, Use, Verdict
from zoo.entities import ModelCard
from zoo.errors import PolicyError, ZooError
from zoo.redaction import without_credentials
from zoo.team.policy.evaluating import CompiledPolicy
from zoo.team.policy.parsing import document
from zoo.team.policy.reading import MOST_BYTES
from zoo.team.policy.rules import PolicyDocument

FILE_RULE = "policy-file"
"""The rule that a decision names if a policy cannot be read."""

_Stamp: TypeAlias = tuple[int, int, int] | None

_compiled: dict[tuple[Path, str, bool], tuple[tuple[tuple[Path, _Stamp], ...], CompiledPolicy | PolicyError]] = {}


def decide(card: ModelCard, action: str, use: Use) -> Decision:
    """The verdict of all policies in force; one that cannot be read denies everything."""
    reasons: list[Reason] = []
    for path in policy_files():
        try:
            reasons += load(path).reasons(card, action, use)
        except PolicyError as error:
            why = error.message.rstrip(".")
            denied = Reason(FILE_RULE, Verdict.DENY, f"the policy cannot be used: {why}", shown(path), error.hint)
            reasons.append(denied)
    return Decision(tuple(sorted(reasons, key=lambda reason: -reason.verdict)))


def in_force() -> tuple[CompiledPolicy, ...]:
    """The policies in force, the nearest first; none if there is no file.

    Raises:
        PolicyError: one of them cannot be read.
    """
    return tuple(load(path) for path in policy_files())


def load(path: Path, *, fetch: bool = True) -> CompiledPolicy:
    """The policy in a file, with the one that it extends.

    Args:
        fetch: whether to download the one that it extends if it is not on this machine.

    Raises:
        PolicyError: one of them cannot be read, or is not the one that the digest names.
    """
    key = (path, shown(path), fetch)
    known = _compiled.get(key)
    if known is not None and all(_stamp(file) == stamp for file, stamp in known[0]):
        found = known[1]
    else:
        read: dict[Path, _Stamp] = {path: _stamp(path)}
        try:
            found = CompiledPolicy(_documents(path, read, fetch))
        except PolicyError as error:
            found = error
        _compiled[key] = (tuple(read.items()), found)
    if isinstance(found, PolicyError):
        again = PolicyError(found.message, found.hint)
        again.line = found.line
        raise again
    return found


def shown(path: Path) -> str:
    """A policy's file in messages: its name in the working directory, else its path."""
    return path.name if str(path.parent) == working_directory() else str(path)


def _documents(path: Path, read: dict[Path, _Stamp], fetch: bool) -> tuple[PolicyDocument, ...]:
    own = document(_content(path), shown(path))
    if not own.extends:
        return (own,)
    content = _pinned(own, path.parent, read, fetch)
    try:
        base = document(content, _name(own.extends))
    except PolicyError as error:
        error.line = None  # it is that of the other file
        raise
    if base.extends:
        raise PolicyError(
            f"{own.place} extends {base.place}, which extends another policy itself; one level is allowed.",
            "Extend that policy directly, or copy its rules.",
        )
    return (own, base)


def _pinned(own: PolicyDocument, folder: Path, read: dict[Path, _Stamp], fetch: bool) -> bytes:
    """The content of the policy that is extended: from its place, or from the copy of an earlier time."""
    kept = settings().home / "policies" / f"{own.extends_digest}.toml"
    if "://" not in own.extends:
        place = folder / Path(own.extends).expanduser()
        read[place] = _stamp(place)
        if read[place] is not None:
            return _checked(_content(place), own)
    if _stamp(kept) is not None and _digest(content := _content(kept)) == own.extends_digest:
        return content
    if not fetch and "://" in own.extends:
        raise PolicyError(
            f"{own.place} extends {without_credentials(own.extends)}, which is not on this machine.",
            "Run: zoo policy check, which downloads it.",
        )
    content = _checked(_fetched(own), own)
    _keep(kept, content)
    return content


def _fetched(own: PolicyDocument) -> bytes:
    if "://" not in own.extends:
        raise PolicyError(f"{own.place} extends {own.extends}, which does not exist.", "Correct the path.")
    name = without_credentials(own.extends)
    if settings().offline:
        raise PolicyError(
            f"{own.place} extends {name}, which is not on this machine, and zoo is offline.",
            "Go online once; zoo keeps a copy.",
        )
    from zoo.sources.files.http_files import read_text

    try:
        return read_text(own.extends, f"The policy {name}").encode()
    except ZooError as error:
        raise PolicyError(f"{own.place} extends {name}, which cannot be read: {error.message}", error.hint) from error


def _checked(content: bytes, own: PolicyDocument) -> bytes:
    found = _digest(content)
    if found != own.extends_digest:
        raise PolicyError(
            f"{own.place} extends {without_credentials(own.extends)} with the SHA-256 {own.extends_digest[:12]}..., "
            f"and its content has {found[:12]}....",
            f"Review the change, then write: #sha256={found}",
        )
    return content


def _keep(path: Path, content: bytes) -> None:
    from zoo.atomic import replacing

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as place:
            place.write_bytes(content)
    except (OSError, ZooError):
        return  # a home that cannot be written only means that it is fetched again


def _content(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise PolicyError(f"{shown(path)} is not a file.", "Name a policy file with ZOO_POLICY.")
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PolicyError(
            f"{shown(path)} cannot be read: {reason}.", "Restore the file, or correct ZOO_POLICY."
        ) from error


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _name(place: str) -> str:
    return without_credentials(place).rpartition("/")[2] or "the extended policy"
