"""The kinds of sample, target and answer that several domains share: image, audio, text, classes, labels..."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.contract.kind import Kind


def builtin_kinds() -> Sequence[Kind]:
    """The kinds of this package."""
    from zoo.kinds.answers import Answers
    from zoo.kinds.classes import Classes
    from zoo.kinds.images import Images
    from zoo.kinds.label_sets import LabelSets
    from zoo.kinds.numbers import Numbers
    from zoo.kinds.recordings import Recordings
    from zoo.kinds.text import Texts

    return [Images(), Recordings(), Texts(), Classes(), LabelSets(), Numbers(), Answers()]
