"""The source ``std``: ids such as ``std:text-classification/small`` stand for the standards of the user's registry."""

from __future__ import annotations

import warnings

from zoo.contract.source import PinnedModel
from zoo.entities import ModelId
from zoo.errors import PolicyRefusal, StandardNotice, UnknownModel
from zoo.team.standards.entities import SOURCE, Place, Standard


class Standards:
    """The standards of a team, as ids."""

    name = SOURCE
    title = "Standards of the team"

    def __init__(self) -> None:
        self._warned: set[tuple[str, str, str]] = set()

    def target(self, name: str) -> PinnedModel:
        """The model that is the standard of ``TASK`` or ``TASK/SLOT``; warns once if it is deprecated.

        Raises:
            InvalidInput: the name is not a task and slot.
            UnknownModel: there is no such standard, or it is retired.
            PolicyRefusal: it lacks approvals that the policy in force demands.
        """
        from zoo.registry import open_registry
        from zoo.team.standards.reading import standard

        location = open_registry().path
        found = standard(location, Place.parse(name))
        if found.state == "retired":
            raise UnknownModel(
                f"The standard for '{found.place}' was retired on {(found.until or '')[:10]}.",
                f"Use {found.replacement}.",
            )
        _check_approvals(found)
        if found.state == "deprecated":
            self._warn(str(location), found)
        origin, _, model = found.model.partition(":")
        return PinnedModel(ModelId(origin, model, found.revision), found.files)

    def _warn(self, registry: str, found: Standard) -> None:
        key = (registry, str(found.place), found.from_time)
        if key not in self._warned:
            self._warned.add(key)
            until = (found.until or "")[:10]
            message = f"The standard for '{found.place}' is deprecated until {until}; use {found.replacement}."
            warnings.warn(message, StandardNotice, stacklevel=2)


def _check_approvals(found: Standard) -> None:
    """Refuse a standard that was agreed where the policy in force did not apply, with fewer or other approvals."""
    from zoo.team.standards.proposing import domain_of
    from zoo.team.standards.rules import rules_in_force

    rules = rules_in_force()
    if not rules.slots:
        return
    rule = rules.of(domain_of(found.task), found.task, found.slot)
    counted = [one for one in found.approvers if not rule.owners or one in rule.owners]
    if len(counted) < rule.approvals:
        by = " by owners" if rule.owners else ""
        raise PolicyRefusal(
            f"The standard for '{found.place}' has {len(counted)} of the {rule.approvals} approvals{by} that the "
            f"policy demands.",
            f"Propose it again: zoo standard propose {found.model} --task {found.task} --slot {found.slot}",
        )
