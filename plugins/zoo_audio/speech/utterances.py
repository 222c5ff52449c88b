"""Texts with recordings, to train and evaluate speech synthesis and music generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from zoo.contract.reader import ReadOptions, Table, settle
from zoo.data.column_names import CAPTION_NAMES, TEXT_NAMES
from zoo.entities import Dataset, Problem
from zoo.errors import DataError, suggest
from zoo.kinds import audio
from zoo.kinds.fingerprint import fingerprint
from zoo.kinds.inputs import resolve
from zoo.kinds.items import AudioFiles, EncodedAudio, text_digest
from zoo.kinds.recordings import Recordings

if TYPE_CHECKING:
    from zoo.entities import ModelCard
    from zoo.kinds.audio import Recording

KIND = "generated-audio"
"""The kind of these targets."""

VOICE_NAMES = ("voice", "reference", "speaker_audio", "prompt_audio")
"""Names of columns with recordings of the voice to use."""


class VoicedText(str):
    """A text with a recording of the voice to use; models that take texts take it too.

    Attributes:
        voice: the recording, decoded when it is accessed.
    """

    _voices: Sequence[Any]
    _index: int

    @classmethod
    def of(cls, text: str, voices: Sequence[Any], index: int = 0) -> VoicedText:
        """``text`` in the voice of the recording at ``index``."""
        made = cls(text)
        made._voices, made._index = voices, index
        return made

    @property
    def voice(self) -> Recording:
        """The recording of the voice."""
        found: Recording = self._voices[self._index]
        return found


@dataclass(frozen=True)
class SoundingText:
    """The target of a generated recording: the text, and a real recording of it if there is one.

    Attributes:
        text: what is said, or the description of a piece of music.
    """

    text: str
    _recordings: Sequence[Any] | None = field(default=None, repr=False)
    _index: int = 0

    @property
    def recording(self) -> Recording | None:
        """The real recording, decoded; None if there is none."""
        return None if self._recordings is None else self._recordings[self._index]

    def heard(self, answer: Any) -> str:
        """The ASR model's transcript of a generated recording, for word and character error rates."""
        from zoo_audio.speech.metrics import generated, transcript

        return transcript(generated("word_error_rate", self, answer))


@runtime_checkable
class HasOneVoice(Protocol):
    """A model with a voice of its own, which takes neither another voice nor a vocoder."""

    one_voice: Literal[True]


def refuse_voices(card: ModelCard, inputs: Sequence[Any]) -> None:
    """Raise ``DataError`` if an input asks a model with one voice for another one."""
    if any(isinstance(item, VoicedText) for item in inputs):
        raise DataError(f"'{card.id}' has one voice and cannot use that of a recording.", "Give only the text.")


def parse(text: str) -> str:
    """A typed text; after the path of a recording, the text in that voice: ``me.wav Good night.``.

    Raises:
        DataError: the text is empty, or the recording cannot be decoded.
    """
    words = text.split(" ")
    for count in range(len(words), 0, -1):
        path, rest = Path(" ".join(words[:count])).expanduser(), " ".join(words[count:]).strip()
        if path.suffix.lower() in audio.suffixes() and path.is_file():
            if not rest:
                raise DataError(
                    f"'{text[:60]}' is a recording of a voice without a text after it.",
                    f'Write "{words[0]} Good night."',
                )
            facts = audio.inspect(path)
            if isinstance(facts, str):
                raise DataError(f"'{path}' cannot be read as a recording: it {facts}.")
            return VoicedText.of(rest, [audio.decode(path.read_bytes())])
    if not text.strip():
        raise DataError("The text to speak is empty.", "Write a sentence.")
    return text


def read_table(reference: str, path: Path, table: Table, options: ReadOptions) -> Dataset:
    """The texts of a table as inputs, and as targets the texts with their recordings, if a column has them.

    A column called ``voice`` has recordings of the voice to use.

    Raises:
        DataError: a column is missing, or nothing can be used.
    """
    columns = list(table.columns)
    for asked in (options.input_column, options.target_column):
        if asked is not None and asked not in columns:
            raise DataError(f"'{reference}' has no column '{asked}'.", suggest(asked, columns))
    recording = options.target_column or _named(columns, Recordings.column_names)
    text = options.input_column or _named([c for c in columns if c != recording], (*TEXT_NAMES, *CAPTION_NAMES))
    if text is None:
        raise DataError(
            f"'{reference}' has no column of texts; its columns are {', '.join(columns)}.",
            "Name it with --input-column.",
        )
    voice = _named([c for c in columns if c not in {recording, text}], VOICE_NAMES)
    wanted = [name for name in (recording, voice) if name is not None]
    texts: list[str] = []
    sounds: dict[str, tuple[list[Any], list[audio.AudioFacts]]] = {name: ([], []) for name in wanted}
    problems: list[Problem] = []
    seen: dict[Path, audio.AudioFacts | str] = {}
    for row in table.rows():
        place = f"{table.unit} {row.number}"
        said = str((row.values[columns.index(text)] if row.values else None) or "").strip()
        if not said:
            problems.append(Problem(place, row.reason or f"has no text in column '{text}'"))
            continue
        if not any(character.isalnum() for character in said):
            problems.append(Problem(place, f"has no word in column '{text}'"))
            continue
        looked = {name: _look(row.values[columns.index(name)], path.parent, seen) for name in wanted if row.values}
        bad = next((f"has a recording that {facts}" for _, facts in looked.values() if isinstance(facts, str)), "")
        if bad:
            problems.append(Problem(place, bad))
            continue
        texts.append(said)
        for name, (content, facts) in looked.items():
            sounds[name][0].append(content)
            sounds[name][1].append(facts)  # type: ignore[arg-type]
    settle(reference, len(texts), problems, options)
    if not texts:
        raise DataError(f"'{reference}' has columns, but no rows.", "Add a row for each text.")
    known = {name: _recordings(path.parent, *sounds[name]) for name in wanted}
    inputs = texts if voice is None else [VoicedText.of(said, known[voice], at) for at, said in enumerate(texts)]
    of_texts = None if recording is None else known[recording]
    digests = [
        text_digest("\n".join((said, *(sounds[name][1][at].digest.hex() for name in wanted))))
        for at, said in enumerate(texts)
    ]
    return Dataset(
        reference,
        "text",
        inputs,
        [SoundingText(said, of_texts, at) for at, said in enumerate(texts)],
        (),
        fingerprint("text", digests, None),
        KIND,
        {"input": text, **({"target": recording} if recording else {})},
        tuple(problems),
    )


def _named(columns: Sequence[str], names: Sequence[str]) -> str | None:
    lower = {column.strip().lower(): column for column in reversed(columns)}
    return next((lower[name] for name in names if name in lower), None)


def _look(shown: Any, folder: Path, seen: dict[Path, audio.AudioFacts | str]) -> tuple[Any, audio.AudioFacts | str]:
    """A cell's recording, as bytes or as a path, and its content; files that several rows name are read once."""
    if isinstance(shown, dict):
        content = shown.get("bytes") or b""
        return content, audio.inspect_content(content)
    if not str(shown or "").strip():
        return None, "is not named"
    path = resolve(str(shown), folder)
    if path not in seen:
        seen[path] = audio.inspect(path)
    return path, seen[path]


def _recordings(folder: Path, contents: list[Any], facts: list[audio.AudioFacts]) -> Sequence[Any]:
    return EncodedAudio(contents, facts) if isinstance(contents[0], bytes) else AudioFiles(folder, contents, facts)
