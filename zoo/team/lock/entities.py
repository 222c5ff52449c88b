"""The content of a lock as plain dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from zoo.entities import Entity, ModelFile, ModelId

LOCK_FILE = "zoo.lock"
LOCK_VERSION = "1.0"


@dataclass(frozen=True)
class Agreed(Entity):
    """The proposal that made a locked model a standard.

    Attributes:
        proposal: its number in the registry.
        by: who approved it.
        on: ISO date of the last approval.
        policy: digest of the policy under which it was approved.
    """

    proposal: int
    by: tuple[str, ...]
    on: str
    policy: str


@dataclass(frozen=True)
class LockedModel(Entity):
    """One model of a lock.

    Attributes:
        id: model id, without a revision.
        files: all files that its platform publishes and zoo uses, by path, each with its SHA-256.
        standard: the standard that it was locked as, such as ``text-classification/small``; None if it was named.
        revision: commit or version.
        repository: the platform's own number of the repository, which a repository of the same name that was
            registered again does not have.
        verdict: what the policy said when it was locked; never ``deny``.
        rules: ids of the rules with that verdict.
        requires: Python packages that it needs.
    """

    id: str
    files: tuple[ModelFile, ...]
    standard: str | None = None
    revision: str | None = None
    license: str | None = None
    repository: str | None = None
    verdict: str = "allow"
    rules: tuple[str, ...] = ()
    agreed: Agreed | None = None
    requires: tuple[str, ...] = ()

    @property
    def pinned(self) -> ModelId:
        """The model id with its revision."""
        source, _, name = self.id.partition(":")
        return ModelId(source, name, self.revision)


@dataclass(frozen=True)
class Lock(Entity):
    """A lock.

    Attributes:
        path: its file.
        models: by id and standard.
        policy: digest of the policies in force when it was made; None if there was none.
        policy_name: name of the nearest of them.
        audit: the last row of the registry's audit when it was made, as ``seq:hash``; None if there was none.
    """

    path: Path
    models: tuple[LockedModel, ...] = field(default=())
    policy: str | None = None
    policy_name: str = ""
    audit: str | None = None

    def of_standard(self, place: str) -> LockedModel | None:
        """The model that is locked as a standard such as ``text-classification/small``."""
        return next((model for model in self.models if model.standard == place), None)
