"""What a check found: one sentence, what to do about it, and the place."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.entities import Entity

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding(Entity):
    """One thing that a check found.

    Attributes:
        code: name of the kind of finding, such as ``file-changed``; stable over versions.
        level: ``error`` or ``warning``.
        message: what is wrong, in a sentence.
        hint: what to do.
        file: path of the file, relative to where the check ran; empty if it is in none.
        line, column: counted from 1; 0 if the finding concerns no line.
        model: the model that it concerns, or None.
    """

    code: str
    level: str
    message: str
    hint: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    model: str | None = None
