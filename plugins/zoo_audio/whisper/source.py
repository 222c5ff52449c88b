"""``whisper:`` models: the checkpoints of openai-whisper, one file each, at a URL that contains its SHA-256.

They are stored where openai-whisper stores them, under the same names, so that nothing is stored twice.
"""

from __future__ import annotations

import os
from pathlib import Path

from zoo.contract.source import SingleFiles


def checkpoints() -> Path:
    """The folder where openai-whisper stores its checkpoints."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "whisper"


WHISPER = SingleFiles("whisper", "openai-whisper", checkpoints)
"""The checkpoints of openai-whisper; the catalog has its table, so the package is not needed."""
