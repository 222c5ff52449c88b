"""The source ``std``: ids such as ``std:text-classification/small`` stand for the standards of the user's registry."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

from zoo.config import working_directory
from zoo.contract.source import PinnedModel
from zoo.entities import ModelId
from zoo.errors import PolicyRefusal, StandardNotice, UnknownModel, ZooError
from zoo.team.standards.entities import DEFAULT_SLOT, SOURCE, Place, Standard


class Standards:
    """The standards of a team, as ids."""

    name = SOURCE
    title = "Standards of the team"

    def __init__(self) -> None:
        self._warned: set[tuple[str, str, str]] = set()

    def target(self, name: str) -> PinnedModel:
        """The model that is the standard of ``TASK`` or ``TASK/SLOT``, in the project's lock or else in the registry.

        Warns once if it is deprecated.

        Raises:
            InvalidInput: the name is not a task and slot.
            UnknownModel: there is no such standard, or it is retired.
            PolicyRefusal: it does not match its approvals, or lacks some that the policy in force demands.
        """
        from zoo.registry import open_registry
        from zoo.team.standards.known import confirmed
        from zoo.team.standards.reading import standard

        place = Place.parse(name)
        locked = _locked(place)
        if locked is not None:
            return locked
        location = open_registry().path
        found = standard(location, place)
        if found.state == "retired":
            raise UnknownModel(
                f"The standard for '{found.place}' was retired on {(found.until or '')[:10]}.",
                f"Use {found.replacement}.",
            )
        found = confirmed(location, found).standard
        check_approvals(found.place, found.approvers)
        if found.state == "deprecated":
            self._warn(str(location), found)
        return _pinned(found)

    def of_task(self, task: str) -> dict[str, PinnedModel]:
        """The standards of a task by their ids, the one of the default slot first; none if they cannot be read."""
        from zoo.registry import open_registry
        from zoo.team.standards.known import agreed

        try:
            found = [one.standard for one in agreed(open_registry().path) if one.standard.task == task]
        except ZooError:
            return {}
        ordered = sorted(found, key=lambda one: (one.slot != DEFAULT_SLOT, one.slot))
        return {f"{SOURCE}:{one.place}": _pinned(one) for one in ordered}

    def _warn(self, registry: str, found: Standard) -> None:
        key = (registry, str(found.place), found.from_time)
        if key not in self._warned:
            self._warned.add(key)
            until = (found.until or "")[:10]
            message = f"The standard for '{found.place}' is deprecated until {until}; use {found.replacement}."
            warnings.warn(message, StandardNotice, stacklevel=2)


def _pinned(found: Standard) -> PinnedModel:
    origin, _, model = found.model.partition(":")
    return PinnedModel(ModelId(origin, model, found.revision), found.files)


def _locked(place: Place) -> PinnedModel | None:
    """The model that the project's lock has for a standard; None without a lock, or if the lock has none.

    Raises:
        LockError: the lock cannot be read.
        PolicyRefusal: as ``check_approvals``.
    """
    from zoo.team.lock.reading import find_lock, read_lock

    path = find_lock(Path(working_directory() or "."))
    found = None if path is None else read_lock(path).of_standard(str(place))
    if found is None:
        return None
    check_approvals(place, found.agreed.by if found.agreed else ())
    return PinnedModel(found.pinned, found.files)


def check_approvals(place: Place, approvers: Iterable[str]) -> None:
    """Refuse a standard that was agreed where the policy in force did not apply, with fewer or other approvals.

    Raises:
        PolicyRefusal: it lacks approvals.
        ZooError: there is no such task, or as ``StandardRules.of``.
    """
    from zoo.team.standards.rules import domain_of, rules_in_force

    rules = rules_in_force()
    if not rules.slots:
        return
    rule = rules.of(domain_of(place.task), place.task, place.slot)
    counted = rule.counted(approvers)
    if len(counted) < rule.approvals:
        by = " by owners" if rule.owners else ""
        raise PolicyRefusal(
            f"The standard for '{place}' has {len(counted)} of the {rule.approvals} approvals{by} that the policy "
            f"demands.",
            f"Propose it again: zoo standard propose MODEL --task {place.task} --slot {place.slot}",
        )
