"""Decodes recordings: mono, float32, resampled to a model's sampling rate; and checks files for broken ones."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import needs_extra, storage_errors

if TYPE_CHECKING:
    import numpy as np


_USUAL = frozenset(
    {
        ".wav",
        ".wave",
        ".flac",
        ".ogg",
        ".oga",
        ".opus",
        ".mp3",
        ".aif",
        ".aiff",
        ".aifc",
        ".au",
        ".snd",
        ".caf",
        ".sph",
        ".m4a",
        ".aac",
        ".wma",
        ".amr",
        ".ape",
        ".mka",
    }
)
"""Suffixes that recorders and programs give to recordings, whether or not libsndfile decodes them here: those it fails
on are named."""

LONGEST = 600.0
"""Maximum seconds of a recording; models take half a minute, and hours would fill the memory."""

_MAGIC = (b"RIFF", b"fLaC", b"OggS", b"ID3", b"FORM", b".snd", b"caff", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")
_WINDOW = 256
_BLOCK = 1 << 16
_WHOLE, _FRAME = 0.99, 1152
"""Minimum share of the frames in the header for a recording to be complete, except for one frame of MP3."""


@dataclass(frozen=True)
class Recording:
    """A decoded recording.

    Attributes:
        samples: float32, one channel (the mean of several), from -1 to 1.
        sampling_rate: samples per second.
    """

    samples: np.ndarray
    sampling_rate: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.sampling_rate

    def at(self, sampling_rate: int) -> np.ndarray:
        """The samples at another rate, band-limited by the SoX resampler; float32."""
        if sampling_rate == self.sampling_rate:
            return self.samples
        with needs_extra("audio", "resample recordings"):
            import soxr
        resampled: np.ndarray = soxr.resample(self.samples, self.sampling_rate, sampling_rate)
        return resampled.astype("float32", copy=False)

    def tobytes(self) -> bytes:
        """Rate and samples as bytes, for a digest."""
        return f"audio {self.sampling_rate}\n".encode() + self.samples.tobytes()


@dataclass(frozen=True)
class AudioFacts:
    """Facts about a recording, from reading it once.

    Attributes:
        digest: SHA-256 over the file's bytes.
        bytes: size of the file.
        seconds: duration.
        sampling_rate: samples per second, as stored.
    """

    digest: bytes
    bytes: int
    seconds: float
    sampling_rate: int


class _Content(io.BytesIO):
    """A file's bytes for libsndfile, which seeks to before the first byte of some truncated files.

    An exception would be printed with its traceback, as no caller can catch it; the place stays where it was instead.
    """

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        try:
            return super().seek(offset, whence)
        except ValueError:
            return self.tell()


def decode(content: bytes) -> Recording:
    """A file's bytes as a recording; raises what libsndfile raises for what it cannot decode."""
    with needs_extra("audio", "read recordings"):
        import soundfile
    import numpy as np

    with soundfile.SoundFile(_Content(content)) as file:
        rate, channels = int(file.samplerate), int(file.channels)
        samples = np.concatenate([np.zeros((0, channels), np.float32), *_blocks(file)])
    return Recording(samples[:, 0] if channels == 1 else samples.mean(axis=1), rate)


def encode(recording: Recording) -> bytes:
    """A recording as a WAV file of 16 bits; samples outside -1 to 1 are clipped."""
    with needs_extra("audio", "write recordings"):
        import soundfile
    buffer = io.BytesIO()
    soundfile.write(buffer, recording.samples.clip(-1, 1), recording.sampling_rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def save(recording: Recording, folder: Path, name: str) -> Path:
    """Write a recording as ``FOLDER/NAME.wav``; the folder is created if missing."""
    content = encode(recording)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.wav"
        path.write_bytes(content)
    return path


@cache
def suffixes() -> frozenset[str]:
    """Suffixes of recordings, in lower case: the usual ones, and all others that libsndfile decodes as installed."""
    try:
        import soundfile
    except (ImportError, OSError):  # the package without the library
        return _USUAL
    # Its formats are named like their suffixes; headerless files do not say what they contain.
    return _USUAL | {f".{name.lower()}" for name in soundfile.available_formats() if name != "RAW"}


def has_audio_magic(content: bytes) -> bool:
    """Whether a file's bytes begin as a recording does."""
    return content.startswith(_MAGIC) and content[8:12] != b"WEBP"


def inspect(path: Path) -> AudioFacts | str:
    """Facts about a file, or why it is not usable; all of it is decoded, block by block, to find truncated ones."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"cannot be opened: {(error.strerror or str(error)).lower()}"
    return inspect_content(content)


def inspect_content(content: bytes) -> AudioFacts | str:
    """As ``inspect``, for a file's bytes."""
    with needs_extra("audio", "read recordings"):
        import soundfile
    if not content:
        return "is empty (0 bytes)"
    try:
        with soundfile.SoundFile(_Content(content)) as file:
            rate, frames, reason = int(file.samplerate), *_decoded(file)
    except (soundfile.LibsndfileError, RuntimeError, ValueError) as error:
        cause = " ".join(str(error).split()).rpartition(": ")[2].rstrip(".")
        return f"cannot be decoded: {cause[:1].lower()}{cause[1:]}"
    if reason:
        return reason
    return AudioFacts(hashlib.sha256(content).digest(), len(content), frames / rate, rate)


def inspect_all(paths: Iterable[Path]) -> Iterator[AudioFacts | str]:
    """``inspect`` for many files, in their order, on all cores; memory does not grow with their number."""
    from concurrent.futures import ThreadPoolExecutor

    remaining = iter(paths)
    with ThreadPoolExecutor(max_workers=min(16, (os.cpu_count() or 1) + 2)) as pool:
        while window := list(islice(remaining, _WINDOW)):
            yield from pool.map(inspect, window)


def _decoded(file: Any) -> tuple[int, str]:
    """The number of frames, and what is wrong with them, if anything."""
    import numpy as np

    announced, rate = int(file.frames), int(file.samplerate)
    if announced > LONGEST * rate:
        minutes = announced / rate / 60
        return 0, f"lasts {minutes:,.0f} minutes; the limit is {LONGEST / 60:.0f}, so split it"
    frames = 0
    for block in _blocks(file):
        if not np.isfinite(block).all():
            return 0, "has samples that are not finite"
        frames += len(block)
    if not frames:
        return 0, "has no samples"
    if frames < _WHOLE * announced - _FRAME:
        return 0, f"ends after {frames / rate:.2f} s of the {announced / rate:.2f} s it announces"
    return frames, ""


def _blocks(file: Any) -> Iterator[np.ndarray]:
    """The decoded samples, frames x channels, block by block.

    ``SoundFile.blocks`` yields as many frames as the header announces; those that a truncated file lacks are
    uninitialised memory.
    """
    while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
        yield block
