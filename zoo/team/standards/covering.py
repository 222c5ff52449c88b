"""Which standards cover a use of a model: the same model, at the same revision, with the same files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zoo.contract.deciding import Use
from zoo.entities import ModelCard, ModelFile
from zoo.errors import ZooError
from zoo.sources.files.model_files import format_of
from zoo.sources.files.paths import COMMIT
from zoo.team.standards.entities import Standard
from zoo.team.standards.known import Agreed, agreed
from zoo.team.standards.rules import StandardRules, domain_of


def covering(card: ModelCard, use: Use) -> Iterator[tuple[Agreed, bool]]:
    """The standards in force that are this model, or from which zoo made it; each with whether it is the model itself.

    A model under another name, at another revision or with other files is not covered. If the registry cannot be
    read, none is.
    """
    from zoo.registry import open_registry

    try:
        known = agreed(open_registry().path)
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
