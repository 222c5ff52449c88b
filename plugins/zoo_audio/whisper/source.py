"""``whisper:`` models: the checkpoints of openai-whisper, one file each, at an address that holds its SHA-256.

They are kept where openai-whisper keeps them, under the same names, so that nothing is stored twice.
"""

from __future__ import annotations

import os
from pathlib import Path

from zoo.contract.source import SingleFiles


def checkpoints() -> Path:
    """The folder where openai-whisper keeps its checkpoints."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "whisper"


WHISPER = SingleFiles("whisper", "openai-whisper", checkpoints)
"""The checkpoints that openai-whisper names; the catalog has its table, so that the package is not needed."""
