"""Makes locks: which models, at which revision, with which files, under which decision."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.atomic import locked
from zoo.config import policies_of, settings
from zoo.contract.backbone import Progress, SilentProgress
from zoo.contract.deciding import Decision
from zoo.errors import InvalidInput, LockError, UnknownModel, ZooError, storage_errors, suggest
from zoo.team.lock.cards import card_of
from zoo.team.lock.entities import LOCK_FILE, Lock, LockedModel
from zoo.team.lock.merging import read_merged
from zoo.team.lock.permitting import known_of, permit
from zoo.team.lock.pinning import (
    check_files,
    check_repository,
    named_card,
    published_files,
    requirements,
    standard_card,
)
from zoo.team.lock.reading import find_lock
from zoo.team.lock.writing import ordered, text_of, write
from zoo.team.standards.entities import SOURCE, Place


@dataclass(frozen=True)
class Locking:
    """The result of locking.

    Attributes:
        lock: what the file holds now.
        added, changed, removed: models that were not in it before, that are in it in another way, and that were in it.
        written: whether the file was written; it is left alone if its models and policy are the same.
    """

    lock: Lock
    added: tuple[LockedModel, ...] = ()
    changed: tuple[LockedModel, ...] = ()
    removed: tuple[LockedModel, ...] = ()
    written: bool = False


def lock(
    folder: Path,
    models: Iterable[str] = (),
    tasks: Iterable[str] = (),
    *,
    remove: Iterable[str] = (),
    upgrade: bool = False,
    progress: Progress | None = None,
) -> Locking:
    """Write the lock of a project: the models that it has, those named, and the standards of tasks.

    Models that are locked already keep their revision and files; the policy decides on them again. A project without a
    lock gets all standards of the registry if none is named.

    Args:
        folder: a folder of the project. The lock is the nearest one in it or above; a new one is written in the folder
            of the nearest policy.
        models: model ids, and standards such as ``std:text-classification/small``.
        tasks: names of tasks whose standards are all locked.
        remove: ids and standards to take out.
        upgrade: lock those named, or all, at today's standard or revision.

    Raises:
        LockError: the lock cannot be read or merged, does not have what is to be removed, is being written by another
            process, or is of an audit that the registry's does not continue.
        PolicyRefusal: the policy denies a model, or demands an approval that it does not have.
        InvalidInput: nothing pins a model, one is named twice, or there is nothing to lock.
        ZooError: a model or standard does not exist, or its platform cannot be reached. Nothing was written.
    """
    path = find_lock(folder) or _new_path(folder)
    with _alone(path), policies_of(path.parent):
        return _locking(path, models, tasks, remove=remove, upgrade=upgrade, progress=progress or SilentProgress())


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes of this user from writing the same lock, which would lose what one of them adds."""
    place = settings().home / "locks" / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]}.lock"
    with storage_errors(place):
        place.parent.mkdir(parents=True, exist_ok=True)
    with locked(place, LockError(f"Another process is writing {path}.", "Wait until it ends, then run it again.")):
        yield


def _locking(
    path: Path,
    models: Iterable[str],
    tasks: Iterable[str],
    *,
    remove: Iterable[str],
    upgrade: bool,
    progress: Progress,
) -> Locking:
    before = read_merged(path) if os.path.lexists(path) else None
    old = {_name(model): model for model in before.models} if before else {}
    named = _named(models, old) | {f"{SOURCE}:{place}": f"{SOURCE}:{place}" for place in _of(tasks)}
    wanted = {name: name for name in old} | named
    if before is None and not wanted:
        wanted = {f"{SOURCE}:{place}": f"{SOURCE}:{place}" for place in _places()}
    audit = _audit(before)
    for name in _removed(remove, old):
        del wanted[name]
    if before is None and not wanted:
        raise InvalidInput(
            "There is nothing to lock: no model was named, and the registry has no standards.",
            "Name one: zoo lock hf:timm/resnet18.a1_in1k",
        )
    found = []
    for name, reference in wanted.items():
        renew = "@" in reference or (upgrade and (not named or name in named))
        known = old.get(name)
        found.append(_renewed(reference, known, progress) if renew or known is None else _kept(known))
    policy, title = _policy()
    after = Lock(path, ordered(found), policy, title, before.audit if before else None)
    # A new row of the audit alone would change a file that every branch has.
    if before is None or (before.models, before.policy) != (after.models, policy):
        after = dataclasses.replace(after, audit=audit)
    # git may check the file out with other ends of lines.
    written = before is None or path.read_bytes().replace(b"\r\n", b"\n") != text_of(after).encode()
    if written:
        write(after)
    new = {_name(model): model for model in after.models}
    return Locking(
        after,
        tuple(model for name, model in new.items() if name not in old),
        tuple(model for name, model in new.items() if name in old and old[name] != model),
        tuple(model for name, model in old.items() if name not in new),
        written,
    )


def _new_path(folder: Path) -> Path:
    from zoo.config import POLICY_FILE

    folder = folder.absolute()
    beside = next((place for place in (folder, *folder.parents) if (place / POLICY_FILE).is_file()), folder)
    return beside / LOCK_FILE


def _name(model: LockedModel) -> str:
    return f"{SOURCE}:{model.standard}" if model.standard else model.id


def _key(reference: str, known: Iterable[str]) -> str:
    """What identifies an entry: a standard, or a model id, for which a name such as ``wordllama/64`` may stand."""
    if reference.startswith(f"{SOURCE}:"):
        return f"{SOURCE}:{Place.parse(reference)}"
    name = reference.partition("@")[0]
    return name if name in known else named_card(reference)[0].id


def _named(models: Iterable[str], old: Collection[str]) -> dict[str, str]:
    """References by what identifies their entries.

    Raises:
        InvalidInput: two of them are of one model.
    """
    found: dict[str, str] = {}
    for reference in models:
        key = _key(reference, old)
        if found.setdefault(key, reference) != reference:
            raise InvalidInput(
                f"'{found[key]}' and '{reference}' are both '{key}', and a lock has each model once.",
                "Name one of them.",
            )
    return found


def _removed(remove: Iterable[str], known: Iterable[str]) -> set[str]:
    names, found = {*known}, set()
    for reference in remove:
        key = reference
        with contextlib.suppress(ZooError):  # the model may not exist any more
            key = _key(reference, names)
        if key not in names:
            raise LockError(
                f"The lock does not have '{reference}'.",
                suggest(reference, names) or f"It has: {', '.join(sorted(names)) or 'nothing'}.",
            )
        found.add(key)
    return found


def _of(tasks: Iterable[str]) -> list[Place]:
    """The places of all standards of tasks."""
    wanted = dict.fromkeys(tasks)
    places = _places() if wanted else []
    for task in wanted:
        if not any(place.task == task for place in places):
            hint = suggest(task, {place.task for place in places}) or "See: zoo standard list"
            raise UnknownModel(f"There is no standard for '{task}'.", hint)
    return [place for place in places if place.task in wanted]


def _places() -> list[Place]:
    from zoo.registry import open_registry
    from zoo.team.standards.reading import standards

    return [one.place for one in standards(open_registry().path) if one.state == "current"]


def _kept(old: LockedModel) -> LockedModel:
    """A model that stays as it is locked, with today's decision."""
    known = known_of(card_of(old), old.id)
    decision = permit(known, "lock", old.agreed, old.standard)
    return dataclasses.replace(
        old,
        license=known.card.license or old.license,
        verdict=str(decision.verdict),
        rules=_rules(decision),
        requires=requirements(known.card) or old.requires,
    )


def _renewed(reference: str, old: LockedModel | None, progress: Progress) -> LockedModel:
    """A model at its standard or revision of today.

    Args:
        old: its entry in the lock so far.
    """
    place = Place.parse(reference) if reference.startswith(f"{SOURCE}:") else None
    card, agreed = named_card(reference) if place is None else standard_card(place)
    standard = str(place) if place else None
    permit(known_of(card, card.id if place else reference, describe=True), "lock", agreed, standard)
    found = published_files(card, progress)
    check_files(card, found)
    if old is not None and old.id == card.id:
        check_repository(old, found.repository)
    pinned = dataclasses.replace(card, revision=found.revision, files=found.files)
    known = known_of(pinned, card.id if place else reference, describe=True)
    decision = permit(known, "lock", agreed, standard)
    return LockedModel(
        card.id,
        tuple(sorted(found.files, key=lambda file: file.path)),
        standard,
        found.revision,
        known.card.license,
        found.repository or (old.repository if old and old.id == card.id else None),
        str(decision.verdict),
        _rules(decision),
        agreed,
        requirements(card),
    )


def _rules(decision: Decision) -> tuple[str, ...]:
    return tuple(sorted({reason.rule for reason in decision.deciding}))


def _policy() -> tuple[str | None, str]:
    from zoo.team.policy import in_force
    from zoo.team.standards.rules import rules_in_force

    policies = in_force()
    return (rules_in_force().policy, policies[0].documents[0].name) if policies else (None, "")


def _audit(before: Lock | None) -> str | None:
    """The head of the registry's audit; that of the lock if the registry has none.

    Raises:
        LockError: the audit does not continue that of the lock.
    """
    from zoo.registry import open_registry
    from zoo.team.audit import head, verify

    location = open_registry().path
    now, old = head(location), before.audit if before else None
    if now is None or old is None:
        return now or old
    verified = verify(location, old)
    if verified.bad is not None:
        raise LockError(
            f"The audit of the registry does not continue that of the lock: {verified.problem}.",
            f"Run: zoo audit verify --from {old}; if the lock is of another registry, remove its line audit-head.",
        )
    return now
