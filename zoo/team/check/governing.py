"""What the policies and the lock of a project say of a model in its code, by what is known of it offline.

Only files of the project count, so that the result is the same on every machine: the id and the revision from the code,
the licence and the files from the lock.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from zoo.contract.deciding import Use, Verdict
from zoo.entities import ModelCard
from zoo.errors import InvalidInput, PolicyError, ZooError
from zoo.team.check.uses import ModelUse, Pin
from zoo.team.findings import ERROR, WARNING, Finding
from zoo.team.lock.entities import Lock, LockedModel
from zoo.team.policy.ids import canonical
from zoo.team.policy.loading import load

if TYPE_CHECKING:
    from zoo.team.policy.evaluating import CompiledPolicy

Said: TypeAlias = "tuple[str, str, str, str]"
"""Code, level, message, hint."""

_ALIASES = {
    "sentiment-analysis": "text-classification",
    "ner": "token-classification",
    "vqa": "visual-question-answering",
}
_UNCARDED = frozenset({"std", "file"})


class Governance:
    """The policies and the lock that apply to some files.

    Args:
        paths: the policies.
        lock: the nearest lock; None if there is none, or if it is not to be checked.
    """

    def __init__(self, paths: tuple[Path, ...], lock: Lock | None) -> None:
        self.paths, self.lock = paths, lock

    @cached_property
    def policies(self) -> tuple[CompiledPolicy, ...]:
        """Those that can be used; the others are findings of their own."""
        return tuple(found for path in self.paths if (found := _loaded(path)) is not None)

    @cached_property
    def locked(self) -> dict[str, list[LockedModel]]:
        """The models of the lock by id, and by the short name that the Hub redirects to some of them."""
        found: dict[str, list[LockedModel]] = {}
        for model in self.lock.models if self.lock else ():
            id = canonical(model.id)
            found.setdefault(id, []).append(model)
            if id.startswith("hf:") and "/" in id:
                owner, _, name = id.removeprefix("hf:").partition("/")
                if owner in _short_named():
                    found.setdefault(f"hf:{name}", []).append(model)
        return found

    def of(self, use: ModelUse) -> list[LockedModel]:
        """The locked models with the id of a use."""
        return self.locked.get(canonical(use.id), []) if use.id else []

    def revision(self, use: ModelUse) -> str | None:
        """The revision of the lock for a use."""
        return next((model.revision for model in self.of(use) if model.revision), None)

    def said(self, use: ModelUse) -> Iterator[Said]:
        """What is wrong with a use."""
        if use.pin is Pin.PINNED and not use.name and (self.lock is not None or self.policies):
            message = f"The model of {use.function}() is not a constant in this file, so it cannot be checked."
            yield "not-constant", WARNING, message, "Name it in a constant."
        if use.id is None:
            return
        yield from self._against_lock(use)
        if use.id.partition(":")[0] not in _UNCARDED:
            yield from self._against_policies(use)

    def _against_lock(self, use: ModelUse) -> Iterator[Said]:
        only = self._only_standards(use.task)
        if use.id is None or use.id.startswith("file:") or (self.lock is None and not only):
            return
        if use.id.startswith("std:"):
            if self.lock is not None and self._standard(use.id) not in {model.standard for model in self.lock.models}:
                yield "model-not-locked", WARNING, f"'{use.id}' is not in the lock.", f"Run: zoo lock {use.id}"
            return
        level = ERROR if only else WARNING
        found = self.of(use)
        agreed = [model for model in found if model.standard]
        if not found:
            where = "is not in the lock" if self.lock else "is not a standard"
            demand = ", and the policy allows only standards here" if only else ""
            hint = "Use a standard: std:TASK" if only else f"Run: zoo lock {use.id}"
            yield "model-not-locked", level, f"'{use.name}' {where}{demand}.", hint
        elif only and not agreed:
            message = f"'{use.name}' is in the lock, but not as a standard, and the policy allows only standards here."
            yield "model-not-locked", level, message, "Use a standard: std:TASK"
        elif use.pin is Pin.PINNED and use.revision and use.revision not in {one.revision for one in agreed or found}:
            locked = (agreed or found)[0].revision
            message = f"'{use.name}' is loaded at {use.revision[:12]}, and the lock has {(locked or 'none')[:12]}."
            yield "model-not-locked", level, message, f"Use {locked}, or run: zoo lock --upgrade {use.id}"

    def _standard(self, id: str) -> str:
        from zoo.team.standards.entities import Place

        try:
            return str(Place.parse(id))
        except InvalidInput:
            return id

    def _only_standards(self, task: str | None) -> bool:
        """Whether a policy allows only standards for a task; of a task that is not known, for any task."""
        rules = [
            rule
            for policy in self.policies
            for document in policy.documents
            for rule in document.standards
            if rule.only_standards
        ]
        if task is None or not rules:
            return bool(rules)
        name = _ALIASES.get(task, task)
        return any(_covers(rule.task, name) for rule in rules)

    def _against_policies(self, use: ModelUse) -> Iterator[Said]:
        assert use.id is not None
        locked = next(iter(self.of(use)), None)
        try:
            card = ModelCard(
                use.id,
                "other",
                revision=use.revision,
                license=locked.license if locked else None,
                files=locked.files if locked else (),
            )
        except InvalidInput:
            return
        circumstances = Use(use.task, use.revision, card.files, today=date.today())
        for policy in self.policies:
            known = [one for one in policy.findings(card, use.action, circumstances) if one.known]
            if not known or known[0].verdict is Verdict.ALLOW:
                continue
            first = known[0]
            why = f"{first.sentence} (rule '{first.rule}', {first.place})"
            if first.verdict is Verdict.DENY:
                yield "model-denied", ERROR, f"The policy denies '{use.name}': {why}.", _explain(use)
            elif first.verdict is Verdict.NEEDS_APPROVAL and locked is None:
                yield (
                    "model-not-approved",
                    WARNING,
                    f"The policy requires approval for '{use.name}': {why}.",
                    _explain(use),
                )
            elif first.verdict is Verdict.WARN:
                yield "model-warned", WARNING, f"The policy warns of '{use.name}': {why}.", _explain(use)


def policy_findings(path: Path, shown: str) -> Iterator[Finding]:
    """What is wrong with a policy.

    Args:
        shown: its name in findings.
    """
    from zoo.team.policy.checking import remarks

    try:
        policy = load(path, fetch=False)
    except PolicyError as error:
        yield Finding("policy-invalid", ERROR, error.message, error.hint, shown, error.line or 1, 1)
        return
    own = policy.documents[0].place
    for remark in remarks(policy, date.today()):
        place, _, line = remark.place.rpartition(":")
        number = int(line) if place == own and line.isdigit() else 1
        sentence = f"{remark.sentence[:1].upper()}{remark.sentence[1:]}"
        yield Finding("policy-outdated", WARNING, sentence, "Edit the policy.", shown, number, 1)


@functools.cache
def _short_named() -> frozenset[str]:
    """Owners to which the Hub moved the models that had no owner; it redirects their short names."""
    table = resources.files("zoo.catalog") / "tables" / "short_names.csv"
    return frozenset(table.read_text(encoding="utf-8").split()[1:])


def _loaded(path: Path) -> CompiledPolicy | None:
    try:
        return load(path, fetch=False)
    except PolicyError:
        return None


def _covers(pattern: str, task: str) -> bool:
    from zoo.team.identity.scopes import matches
    from zoo.team.standards.rules import domain_of

    if "/" not in pattern:
        return matches(pattern, "", task)
    try:
        return matches(pattern, domain_of(task), task)
    except ZooError:  # a task that zoo does not know may be of any domain
        return True


def _explain(use: ModelUse) -> str:
    return f"Run: zoo policy explain {use.id} --action {use.action}"
