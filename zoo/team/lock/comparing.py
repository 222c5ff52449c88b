"""Compares a lock with the policies in force, the registry, and the files on this machine; uses no network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from zoo.contract.deciding import Use, Verdict
from zoo.errors import InvalidInput, PolicyError, PolicyRefusal, UnknownModel, ZooError
from zoo.plugins.deciding import active, decide, explained
from zoo.team.findings import ERROR, WARNING, Finding
from zoo.team.lock.cards import card_of, has_registry
from zoo.team.lock.entities import Lock, LockedModel
from zoo.team.lock.permitting import known_of, refused
from zoo.team.lock.reading import find_lock, read_lock
from zoo.team.standards.entities import Place

_AGAIN = "Run: zoo lock"


def check_lock(folder: Path) -> list[Finding]:
    """What is wrong with the lock of a project; empty if nothing is, or if it has none.

    Raises:
        LockError: the lock cannot be read.
    """
    path = find_lock(folder)
    if path is None:
        return []
    lock = read_lock(path)
    shown = os.path.relpath(path, folder)
    found = [*_against_policy(lock), *_against_registry(lock), *_against_disk(lock)]
    lines = _lines(lock)
    return [
        Finding(code, level, message, hint, shown, lines.get(model, 1), 1, model.id if model else None)
        for code, level, message, hint, model in found
    ]


_Found = tuple[str, str, str, str, "LockedModel | None"]


def _against_policy(lock: Lock) -> Iterator[_Found]:
    from zoo.team.standards.reviewing import review_of
    from zoo.team.standards.rules import rules_in_force
    from zoo.team.standards.source import check_approvals

    try:
        policy = rules_in_force().policy if active() else None
    except PolicyError as error:
        yield "policy-invalid", ERROR, error.message, error.hint, None
        return
    if (policy or None) != lock.policy and (lock.policy or _has_policy()):
        was = f"'{lock.policy_name}' ({lock.policy[:12]}...)" if lock.policy else "no policy"
        yield "lock-outdated", ERROR, f"The lock was written under {was}, not under the policy in force.", _AGAIN, None
    for model in lock.models:
        card = card_of(model)
        # Without a registry, only the card is known; one is not created to check a lock.
        known = known_of(card, model.id) if has_registry() else None
        use = known.use if known else Use(revision=model.revision, files=model.files)
        decision = decide(known.card if known else card, "lock", use)
        if refused(decision, model.agreed):
            code = "model-denied" if decision.verdict is Verdict.DENY else "model-not-approved"
            hint = next((one.hint for one in decision.deciding if one.hint), f"Run: zoo policy explain {model.id}")
            yield code, ERROR, explained(card, "lock", decision), hint, model
        elif decision.verdict is Verdict.WARN:
            yield "model-warned", WARNING, explained(card, "lock", decision), "", model
        if model.standard:
            place = Place.parse(model.standard)
            review = review_of(place, model.id, model.agreed.on) if model.agreed else None
            if review is not None and review.overdue:
                yield "review-due", WARNING, review.sentence, f"Run: zoo standard propose {model.id}", model
            try:
                check_approvals(place, model.agreed.by if model.agreed else ())
            except (PolicyRefusal, InvalidInput, UnknownModel) as error:
                yield "standard-not-approved", ERROR, error.message, error.hint, model


def _has_policy() -> bool:
    from zoo.config import policy_files

    return bool(policy_files())


def _against_registry(lock: Lock) -> Iterator[_Found]:
    """Differences from a registry with an audit; a registry without one is not that of a team."""
    from zoo.registry import open_registry
    from zoo.team import audit

    if not has_registry():
        return
    location = open_registry().path
    head = audit.head(location)
    if head is None:
        return
    if lock.audit is not None:
        verified = audit.verify(location, lock.audit)
        if verified.bad is not None:
            yield (
                "audit-changed",
                ERROR,
                f"The audit of the registry does not continue that of the lock: {verified.problem}.",
                f"Run: zoo audit verify --from {lock.audit}",
                None,
            )
            return
    for model in lock.models:
        if model.standard is not None:
            yield from _against_standard(location, model)


def _against_standard(location: object, model: LockedModel) -> Iterator[_Found]:
    from zoo.team.standards.reading import proposals, standard

    place = Place.parse(model.standard or "")
    upgrade = f"Run: zoo lock --upgrade std:{place}"
    try:
        found = standard(location, place)  # type: ignore[arg-type]
    except UnknownModel as error:
        yield "standard-unknown", ERROR, error.message, error.hint, model
        return
    if found.state != "current":
        until = (found.until or "")[:10]
        retired = found.state == "retired"
        ended = "was retired on" if retired else "is deprecated until"
        message = f"The standard for '{place}' {ended} {until}; use {found.replacement}."
        yield f"standard-{found.state}", ERROR if retired else WARNING, message, "", model
    if (found.model, found.revision) != (model.id, model.revision):
        now = f"{found.model}@{found.revision}" if found.revision else found.model
        yield "standard-changed", WARNING, f"The standard for '{place}' is {now} now.", upgrade, model
    agreed = model.agreed
    proposed = [] if agreed is None else proposals(location, task=place.task)  # type: ignore[arg-type]
    match = next((one for one in proposed if agreed and one.key == agreed.proposal), None)
    if match is None or (match.model, match.revision) != (model.id, model.revision) or agreed is None:
        message = f"The registry has no proposal that made '{model.id}' the standard for '{place}'."
        yield "approval-unknown", ERROR, message, upgrade, model
    elif not {*agreed.by} <= {*match.approvers}:
        names = ", ".join(sorted({*agreed.by} - {*match.approvers}))
        yield "approval-unknown", ERROR, f"Proposal {match.key} was not approved by {names}.", upgrade, model


def _against_disk(lock: Lock) -> Iterator[_Found]:
    """Files on this machine that differ from the lock; a model that is not here is passed over."""
    from zoo.contract.backbone import SilentProgress
    from zoo.sources import sources
    from zoo.sources.files.hashing import KnownHashes, differences

    with KnownHashes() as known:
        for model in lock.models:
            origin = sources().get(model.pinned.source)
            if origin is None:
                message = f"No plugin provides models of the platform '{model.pinned.source}'."
                yield "platform-unknown", WARNING, message, "See: zoo plugins", model
                continue
            try:
                here = origin.locate(card_of(model))
            except ZooError:
                continue
            wrong = differences(here.root, model.files, known, SilentProgress(), "") if here else []
            for problem in wrong:
                message = f"{problem.item} of '{model.id}' on this machine {problem.reason}."
                yield "file-changed", ERROR, message, f"Run: zoo pull --locked {model.id}", model


def _lines(lock: Lock) -> dict[LockedModel | None, int]:
    """The line at which each model begins."""
    from zoo.team.policy.reading import Lines

    places = Lines(lock.path.read_text(encoding="utf-8-sig")).headers("models", len(lock.models))
    return dict(zip(lock.models, places, strict=True))
