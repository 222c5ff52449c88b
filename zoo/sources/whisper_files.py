"""Recognises openai-whisper's own checkpoints among local files, without torch and without running any pickle."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from zoo.entities import ModelCard, ModelFile

LIBRARY = "openai-whisper"
_MARKS = (b"model_state_dict", b"n_audio_state")


def is_checkpoint(path: Path) -> bool:
    """Whether a file is what ``torch.save`` made of a Whisper model: an archive that speaks of its dimensions."""
    try:
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            content = archive.read(name)
    except (OSError, zipfile.BadZipFile, StopIteration):
        return False
    return all(mark in content for mark in _MARKS)


def checkpoint_of(root: Path) -> str | None:
    """The one file of a folder that is such a checkpoint, or None."""
    found = [path.name for path in sorted(root.glob("*.pt")) if is_checkpoint(path)]
    return found[0] if len(found) == 1 else None


def card_of(model: str, files: Sequence[ModelFile]) -> ModelCard:
    """The card of a folder with such a checkpoint."""
    return ModelCard(
        id=model,
        domain="audio",
        tasks=("automatic-speech-recognition",),
        architecture="Whisper",
        library=LIBRARY,
        bytes=sum(file.bytes or 0 for file in files),
        input={"kind": "audio", "sampling_rate": 16_000},
        files=tuple(files),
    )
