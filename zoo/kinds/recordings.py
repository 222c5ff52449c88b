"""Recordings as a kind of sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.contract.kind import Kind
from zoo.contract.values import Typed, Values
from zoo.errors import DataError
from zoo.kinds.audio import Recording, decode, has_audio_magic, inspect, inspect_all, inspect_content, suffixes
from zoo.kinds.augmentation.recordings import DESCRIBED, augmented
from zoo.kinds.inputs import looked_at, read_each, resolve, typed_file
from zoo.kinds.items import AudioFiles, EncodedAudio
from zoo.kinds.spectrogram import draw_recording
from zoo.pages import parts

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from zoo.contract.backbone import LoadedModel


class Recordings(Kind):
    """Recordings, decoded to ``Recording``."""

    name = "audio"
    libraries = ("soundfile", "soxr")
    noun, nouns, per_sample = "recording", "audio recordings", "a recording"
    column_names = (
        "audio",
        "audio_path",
        "audio_file",
        "recording",
        "sound",
        "wav",
        "clip",
        "path",
        "file_path",
        "filepath",
        "file",
        "file_name",
        "filename",
    )
    cells = "paths of recordings"
    augmentations: ClassVar[Mapping[str, str]] = DESCRIBED

    @property
    def suffixes(self) -> frozenset[str]:  # type: ignore[override]
        """Those of all formats that libsndfile decodes as it is installed."""
        return suffixes()

    def is_encoded(self, content: bytes) -> bool:
        """Whether they begin as a recording does."""
        return has_audio_magic(content)

    def read_cells(self, cells: Sequence[Any], folder: Path) -> Values:
        """Recordings in the files that cells name, or whose bytes cells hold; decoded when indexed."""
        if cells and isinstance(cells[0], bytes):
            return looked_at(list(map(inspect_content, cells)), EncodedAudio, cells)
        return self.read_files([resolve(str(cell), folder) for cell in cells], folder)

    def read_files(self, paths: Sequence[Path], root: Path) -> Values:
        """Recordings, decoded when indexed; each is decoded once here to find broken ones."""
        return looked_at(list(inspect_all(paths)), lambda kept, known: AudioFiles(root, kept, known), paths)

    def read_typed(self, texts: Sequence[str], options: Mapping[str, Any], model: LoadedModel) -> Typed:
        """Names of files."""

        def read(text: str) -> Recording:
            path = typed_file(text, "recording")
            if isinstance(facts := inspect(path), str):
                raise DataError(f"'{text}' cannot be read as a recording: it {facts}.")
            return decode(path.read_bytes())

        return read_each(texts, read)

    def augment(self, item: Any, geometry: Any, strength: str, generator: np.random.Generator) -> tuple[Any, Any]:
        """Speed, silence, loudness and noise; see ``zoo.kinds.augmentation.recordings``."""
        return augmented(item, strength, generator), geometry

    def input_html(self, item: Any) -> str:
        """The spectrogram."""
        words = f"The spectrogram of {item.seconds:.1f} seconds."
        return parts.figure(draw_recording(item, ()), words, "The recording over seconds and kilohertz.")

    def draw_input(self, item: Any, lines: Sequence[str]) -> Image:
        """The spectrogram under lines of text."""
        return draw_recording(item, lines)

    def ordinary(self) -> Sequence[Any]:
        """Tones of different pitch, rate and length."""
        import numpy as np

        found = []
        for hertz, rate, seconds in ((440, 16000, 1.0), (220, 44100, 2.3), (880, 8000, 0.6), (330, 22050, 1.7)):
            time = np.arange(int(rate * seconds)) / rate
            wave = 0.4 * np.sin(2 * np.pi * hertz * time) * (1 + 0.5 * np.sin(2 * np.pi * 3 * time))
            found.append(Recording(wave.astype(np.float32), rate))
        return found

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """One sample, silence, two minutes of noise."""
        import numpy as np

        noise = np.random.default_rng(0).normal(0, 0.1, 960_000).astype(np.float32)
        return [
            ("a recording of one sample", Recording(np.ones(1, dtype=np.float32), 16000)),
            ("silence", Recording(np.zeros(16000, dtype=np.float32), 16000)),
            ("two minutes of noise", Recording(noise, 8000)),
        ]
