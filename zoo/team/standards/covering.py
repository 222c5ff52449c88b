"""Which standards cover a use of a model: the same model, at the same revision, with the same files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from zoo.config import working_directory
from zoo.contract.deciding import Use
from zoo.entities import ModelCard, ModelFile
from zoo.errors import ZooError
from zoo.sources.files.model_files import format_of
from zoo.sources.files.paths import COMMIT
from zoo.team.lock.entities import LockedModel
from zoo.team.standards.entities import Place, Standard
from zoo.team.standards.known import Agreed, agreed
from zoo.team.standards.rules import StandardRules, domain_of


def covering(card: ModelCard, use: Use) -> Iterator[tuple[Agreed, bool]]:
    """The standards in force that are this model, or from which zoo made it; each with whether it is the model itself.

    A model under another name, at another revision or with other files is not covered. If the registry or the lock
    cannot be read, none is.
    """
    try:
        known = _known()
    except ZooError:
        return
    revision, files = use.revision or card.revision, use.files or card.files
    made = {(f"{one.source}:{one.name}", one.revision) for one in use.made_from}
    for one in known:
        found = one.standard
        if found.model == card.id and found.revision == revision and _same_files(found, files):
            yield one, True
        elif found.revision and (found.model, found.revision) in made:
            yield one, False


def _known() -> Sequence[Agreed]:
    """What the registry has; if there is no registry, or not that of a team, what the lock of the project has."""
    from zoo.registry.opening import has_registry, open_registry
    from zoo.team import audit
    from zoo.team.lock.reading import find_lock, read_lock

    if has_registry():  # none is created to decide
        location = open_registry().path
        found = agreed(location)
        if found or audit.head(location) is not None:
            return found
    path = find_lock(Path(working_directory() or "."))
    return [] if path is None else [_as_agreed(model) for model in read_lock(path).models if model.agreed]


def _as_agreed(model: LockedModel) -> Agreed:
    assert model.agreed is not None
    place, given = Place.parse(model.standard or ""), model.agreed
    standard = Standard(
        place.task,
        place.slot,
        model.id,
        model.revision,
        model.files,
        "current",
        given.on,
        None,
        None,
        None,
        given.proposal,
        approvers=given.by,
    )
    return Agreed(standard, given.policy)


def approved(one: Agreed, rules: StandardRules) -> bool:
    """Whether a standard has the approvals that all rules of the policies in force demand."""
    found = one.standard
    try:
        rule = rules.of(domain_of(found.task), found.task, found.slot)
    except ZooError:  # the plugin of the task is gone, or the policy has no such slot
        return False
    return len(rule.counted(found.approvers)) >= max(1, rule.approvals)


def _same_files(standard: Standard, files: Sequence[ModelFile]) -> bool:
    """Whether the files of a use are those that were approved.

    A commit pins its files; a hash that differs, or weights that were not approved, are refused all the same. Without
    a commit, all files must be known.
    """
    hashes = {file.path: file.sha256 for file in standard.files}
    pinned = bool(COMMIT.match(standard.revision or ""))
    for file in files:
        agreed = hashes.get(file.path)
        if agreed and file.sha256:
            if agreed != file.sha256:
                return False
        elif not pinned or (hashes and file.path not in hashes and format_of(file.path)):
            return False
    return pinned or bool(files)
