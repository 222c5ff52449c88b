"""Reads a lock in which a merge left conflicts: the models of both sides, for ``zoo lock`` to write it again."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from zoo.errors import LockError
from zoo.team.lock.entities import Lock
from zoo.team.lock.reading import conflict_line, content_of, parsed, read_lock
from zoo.team.standards.entities import SOURCE

_CONFLICT = re.compile(
    rb"^<{7}[^\n]*\n(?P<ours>.*?)(?:^\|{7}[^\n]*\n.*?)?^={7}\r?\n(?P<theirs>.*?)^>{7}[^\n]*(?:\n|\Z)",
    re.MULTILINE | re.DOTALL,
)


def read_merged(path: Path) -> Lock:
    """A lock; of one with the marks of a merge conflict, the models of both sides.

    Raises:
        LockError: it cannot be read, or the two sides have a model at different revisions or with different files.
    """
    content = content_of(path)
    sides = [_CONFLICT.sub(rb"\g<%s>" % side, content) for side in (b"ours", b"theirs")]
    if not conflict_line(content) or any(map(conflict_line, sides)):  # none, or marks that git does not write
        return read_lock(path)
    ours, theirs = (parsed(path, side) for side in sides)
    models = {model.standard or model.id: model for model in theirs.models}
    for model in ours.models:
        name = model.standard or model.id
        other = models.get(name, model)
        if (model.id, model.revision, {*model.files}) != (other.id, other.revision, {*other.files}):
            shown = f"{SOURCE}:{name}" if model.standard else name
            raise LockError(
                f"The two sides of the conflict in {path.name} have '{shown}' at different revisions: "
                f"{model.pinned} and {other.pinned}.",
                "Keep one: git checkout --ours zoo.lock, or --theirs; then: zoo lock",
            )
        models[name] = model
    return dataclasses.replace(ours, models=tuple(models.values()))
