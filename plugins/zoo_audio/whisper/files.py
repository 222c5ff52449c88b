"""Recognises openai-whisper's own checkpoints among local files, without torch and without running any pickle."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.contract.source import ModelFolder
from zoo.entities import ModelCard, ModelFile

LIBRARY = "openai-whisper"
_MARKS = (b"model_state_dict", b"n_audio_state")


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a Whisper model saved by ``torch.save``: an archive that mentions its dimensions."""
    try:
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            content = archive.read(name)
    except (OSError, zipfile.BadZipFile, StopIteration):
        return False
    return all(mark in content for mark in _MARKS)


def recognise(folder: ModelFolder, config: Mapping[str, Any]) -> ModelCard | None:
    """The card of a folder with one such checkpoint and no configuration."""
    found = [] if config else [path.name for path in sorted(folder.root.glob("*.pt")) if is_checkpoint(path)]
    if len(found) != 1:
        return None
    return ModelCard(
        id=folder.id,
        domain="audio",
        tasks=("automatic-speech-recognition",),
        architecture="Whisper",
        library=LIBRARY,
        input={"kind": "audio", "sampling_rate": 16_000},
        files=(ModelFile(found[0]),),
    )
