"""Compares a lock with the policies of its folder, the registry, and the files on this machine; uses no network."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from zoo.config import policies_of, policy_files
from zoo.contract.deciding import Use, Verdict
from zoo.errors import InvalidInput, PolicyError, PolicyRefusal, UnknownModel, UnknownTask, ZooError
from zoo.plugins.deciding import active, decide, explained
from zoo.registry.database.location import Location
from zoo.sources.files.model_files import format_of
from zoo.team.findings import ERROR, WARNING, Finding
from zoo.team.lock.cards import card_of, missing_weights
from zoo.team.lock.entities import Agreed, Lock, LockedModel
from zoo.team.lock.permitting import known_of, refused
from zoo.team.lock.reading import find_lock, read_lock
from zoo.team.standards.entities import Place, Proposal

_AGAIN = "Run: zoo lock"


def check_lock(folder: Path) -> list[Finding]:
    """What is wrong with the lock of a project; empty if nothing is, or if it has none.

    The policies are those of the lock's own folder and above, wherever the check runs; ``ZOO_POLICY`` replaces them.

    Raises:
        LockError: the lock cannot be read.
    """
    path = find_lock(folder)
    if path is None:
        return []
    compared = _Comparison(read_lock(path))
    shown = os.path.relpath(path, folder)
    with policies_of(path.parent):
        return [dataclasses.replace(one, file=shown) for one in compared.findings()]


class _Comparison:
    """Everything that one lock is compared with."""

    def __init__(self, lock: Lock) -> None:
        from zoo.team.policy.reading import Lines

        self.lock = lock
        places = Lines(lock.path.read_text(encoding="utf-8-sig")).headers("models", len(lock.models))
        self._lines = dict(zip(lock.models, places, strict=True))

    def findings(self) -> Iterator[Finding]:
        """What differs."""
        try:
            _check_policies()
        except PolicyError as error:
            yield self._of(None, "policy-invalid", ERROR, error.message, error.hint)
        else:
            yield from self._against_policy()
        yield from self._against_registry()
        yield from self._against_disk()

    def _of(self, model: LockedModel | None, code: str, level: str, message: str, hint: str = "") -> Finding:
        """A finding at the line at which the model begins."""
        if model is None:
            return Finding(code, level, message, hint, line=1, column=1)
        return Finding(code, level, message, hint, line=self._lines[model], column=1, model=model.id)

    def _against_policy(self) -> Iterator[Finding]:
        from zoo.registry.opening import has_registry
        from zoo.team.standards.reviewing import review_of
        from zoo.team.standards.rules import rules_in_force
        from zoo.team.standards.source import check_approvals

        lock = self.lock
        policy = rules_in_force().policy if active() else None
        if policy != lock.policy and (lock.policy or policy_files()):
            was = f"'{lock.policy_name}' ({lock.policy[:12]}...)" if lock.policy else "no policy"
            message = f"The lock was written under {was}, not under the policy in force."
            yield self._of(None, "lock-outdated", ERROR, message, _AGAIN)
        for model in lock.models:
            if path := missing_weights(model):
                message = f"The lock lacks the file {path} of '{model.id}'."
                yield self._of(model, "file-changed", ERROR, message, f"Run: zoo lock {model.pinned}")
            card = card_of(model)
            # Without a registry, only the card is known; one is not created to check a lock.
            known = known_of(card, model.id) if has_registry() else None
            use = known.use if known else Use(revision=model.revision, files=model.files)
            decision = decide(known.card if known else card, "lock", use)
            if refused(decision, model.agreed):
                code = "model-denied" if decision.verdict is Verdict.DENY else "model-not-approved"
                hint = next((one.hint for one in decision.deciding if one.hint), f"Run: zoo policy explain {model.id}")
                yield self._of(model, code, ERROR, explained(card, "lock", decision), hint)
            elif decision.verdict is Verdict.WARN:
                yield self._of(model, "model-warned", WARNING, explained(card, "lock", decision))
            if model.standard:
                place = Place.parse(model.standard)
                review = review_of(place, model.id, model.agreed.on) if model.agreed else None
                if review is not None and review.overdue:
                    again = f"Run: zoo standard propose {model.id}"
                    yield self._of(model, "review-due", WARNING, review.sentence, again)
                try:
                    check_approvals(place, model.agreed.by if model.agreed else ())
                except UnknownTask:
                    message = f"No plugin has the task '{place.task}', so the approvals of '{place}' are not checked."
                    yield self._of(model, "platform-unknown", WARNING, message, "See: zoo plugins")
                except (PolicyRefusal, InvalidInput, UnknownModel) as error:
                    yield self._of(model, "standard-not-approved", ERROR, error.message, error.hint)

    def _against_registry(self) -> Iterator[Finding]:
        """Differences from a registry with an audit; one that never had any is not that of a team."""
        from zoo.registry.opening import has_registry, open_registry
        from zoo.team import audit

        if not has_registry():
            return
        location, written = open_registry().path, self.lock.audit
        if audit.head(location) is None:
            if written is not None:
                message = "The registry has no audit, and the lock was written with one."
                yield self._of(None, "audit-changed", WARNING, message, "Use the registry of the team: ZOO_REGISTRY")
            return
        if written is not None:
            verified = audit.verify(location, written)
            if verified.bad is not None:
                message = f"The audit of the registry does not continue that of the lock: {verified.problem}."
                yield self._of(None, "audit-changed", ERROR, message, f"Run: zoo audit verify --from {written}")
                return
        for model in self.lock.models:
            if model.standard is not None:
                yield from self._against_standard(location, model, Place.parse(model.standard))

    def _against_standard(self, location: Location, model: LockedModel, place: Place) -> Iterator[Finding]:
        from zoo.team.standards.reading import proposals, standard

        upgrade = f"Run: zoo lock --upgrade std:{place}"
        try:
            found = standard(location, place)
        except UnknownModel as error:
            yield self._of(model, "standard-unknown", ERROR, error.message, error.hint)
            return
        if found.state != "current":
            until = (found.until or "")[:10]
            retired = found.state == "retired"
            ended = "was retired on" if retired else "is deprecated until"
            message = f"The standard for '{place}' {ended} {until}; use {found.replacement}."
            renewed = f"Run: zoo lock {found.replacement} --remove std:{place}, or agree on another standard."
            yield self._of(model, f"standard-{found.state}", ERROR if retired else WARNING, message, renewed)
        if (found.model, found.revision) != (model.id, model.revision):
            now = f"{found.model}@{found.revision}" if found.revision else found.model
            yield self._of(model, "standard-changed", WARNING, f"The standard for '{place}' is {now} now.", upgrade)
        known = {one.key: one for one in proposals(location, task=place.task)} if model.agreed else {}
        proposed = known.get(model.agreed.proposal) if model.agreed else None
        if proposed is None or model.agreed is None:
            message = f"The registry has no proposal that made '{model.id}' the standard for '{place}'."
        else:
            message = _unlike(proposed, model.agreed, model, place)
        if message:
            yield self._of(model, "approval-unknown", ERROR, message, upgrade)

    def _against_disk(self) -> Iterator[Finding]:
        """Files on this machine that differ from the lock; a model that is not here is passed over."""
        from zoo.contract.backbone import SilentProgress
        from zoo.sources import sources
        from zoo.sources.files.hashing import KnownHashes, differences

        with KnownHashes() as known:
            for model in self.lock.models:
                origin = sources().get(model.pinned.source)
                if origin is None:
                    message = f"No plugin provides models of the platform '{model.pinned.source}'."
                    yield self._of(model, "platform-unknown", WARNING, message, "See: zoo plugins")
                    continue
                try:
                    here = origin.locate(card_of(model))
                except ZooError:
                    continue
                wrong = differences(here.root, model.files, known, SilentProgress(), "") if here else []
                for problem in wrong:
                    message = f"{problem.item} of '{model.id}' on this machine {problem.reason}."
                    yield self._of(model, "file-changed", ERROR, message, f"Run: zoo pull --locked {model.id}")


def _check_policies() -> None:
    """Read the policies in force, without downloading those that they extend.

    Raises:
        PolicyError: one of them cannot be used.
    """
    from zoo.team.policy import load

    for path in policy_files():
        load(path, fetch=False)


def _unlike(proposed: Proposal, agreed: Agreed, model: LockedModel, place: Place) -> str:
    """How a proposal of the registry differs from what the lock says was agreed, in a sentence; empty if it agrees."""
    if (proposed.model, proposed.revision, proposed.place) != (model.id, model.revision, place):
        return f"Proposal {proposed.key} did not make '{model.id}' the standard for '{place}'."
    if proposed.state != "approved":
        return f"Proposal {proposed.key} is {proposed.state}, not approved."
    if missing := {*agreed.by} - {*proposed.approvers}:
        return f"Proposal {proposed.key} was not approved by {', '.join(sorted(missing))}."
    if proposed.policy != agreed.policy:
        return f"Proposal {proposed.key} was approved under a different policy."
    hashes = {file.path: file.sha256 for file in proposed.files}
    for file in model.files:
        if file.path not in hashes:
            if hashes and format_of(file.path):
                return f"Proposal {proposed.key} does not have the file {file.path}."
        elif hashes[file.path] not in {None, file.sha256}:
            return f"Proposal {proposed.key} has another SHA-256 of {file.path}."
    locked = {file.path for file in model.files}
    if lacking := sorted(path for path in hashes if format_of(path) and path not in locked):
        return f"The lock lacks the file {lacking[0]}, with which proposal {proposed.key} was approved."
    return ""
