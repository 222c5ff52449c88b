"""Opens text files in any of the usual encodings, compressed or not."""

from __future__ import annotations

import codecs
import gzip
import io
import textwrap
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar, TextIO, cast

from zoo.contract.augmenting import UNCHANGED
from zoo.contract.kind import Kind
from zoo.contract.values import Typed, Values
from zoo.errors import DataError
from zoo.kinds.counting import lengths
from zoo.kinds.inputs import existing_file, read_each
from zoo.kinds.metrics.texts import METRICS, TRANSLATION
from zoo.kinds.near import near_texts

if TYPE_CHECKING:
    import numpy as np

    from zoo.contract.backbone import LoadedModel

FALLBACK = "cp1252"
"""Encoding of files that are not Unicode: Windows' Western European."""

SUFFIXES = frozenset({".txt", ".text", ".md", ".markdown", ".rst"})
"""Suffixes of texts that are one sample each, in lower case."""

_ABOUT = ("readme", "license", "licence", "changelog", "copying")
"""Prefixes of the names of texts about a data set, which are not samples."""

_BLOCK = 1 << 20
_QUOTED = 240
"""Maximum characters of a sample in a report."""

_BUCKETS = 512
"""Number of buckets in which words are counted, for features without a model."""

_ORDINARY = (
    "A short one.",
    "Transfer learning begins with a model that someone else has trained, on data that no one here has ever seen.",
    "x",
    "Größe, naïveté, 東京 and 🙂",
    "The same words, the same words, the same words.",
)


def read_text(path: Path) -> str:
    """A whole text file, line ends as ``\\n``.

    Raises:
        OSError: the file cannot be opened.
    """
    content = path.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode(FALLBACK, "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def encoding_of(path: Path) -> str:
    """``utf-8-sig`` (UTF-8 with or without its mark), ``utf-16`` by its mark, or the fallback; reads the file once.

    Raises:
        DataError: the file cannot be opened or decompressed.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open_bytes(path) as file:
        block = file.read(_BLOCK)
        if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        try:
            while block:
                decoder.decode(block)
                block = file.read(_BLOCK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return FALLBACK
    return "utf-8-sig"


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """A file's bytes, decompressed if its name ends in ``.gz``; raises ``DataError`` if reading fails."""
    try:
        with path.open("rb") as raw:
            if path.suffix.lower() == ".gz":
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield cast("IO[bytes]", unpacked)
            else:
                yield raw
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"'{path}' cannot be decompressed: {error}.", "Download it again.") from error
    except OSError as error:
        raise DataError(f"'{path}' cannot be opened: {(error.strerror or str(error)).lower()}.") from error


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[TextIO]:
    """A file as text, decompressed if its name ends in ``.gz``; line ends stay as they are, for the csv module."""
    with open_bytes(path) as file:
        yield io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")


class Texts(Kind):
    """Texts, as samples, as targets and as answers."""

    name = "text"
    per_sample = "a text"
    metrics = METRICS
    follows = UNCHANGED
    suffixes = SUFFIXES
    describes_others = True
    folds_text = True
    samples_shown, samples_style = 6, "quotes"
    written = True
    unaugmented_because = "a changed word can change the meaning"
    batch_tokens: ClassVar[Mapping[str, int]] = {"cpu": 2048, "accelerator": 32768}
    block_rows = 2048

    def recipe(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """With the maximum number of tokens."""
        length = config.get("max_position_embeddings")
        return {"kind": self.name, **({"max_tokens": length} if isinstance(length, int) else {})}

    def is_file(self, path: Path) -> bool:
        """By the suffix; not texts about the data set, such as its licence."""
        return path.suffix.lower() in SUFFIXES and not path.name.lower().startswith(_ABOUT)

    def read_files(self, paths: Sequence[Path], root: Path) -> Values:
        """One text in each file, line ends as ``\\n``."""
        texts: list[str] = []
        kept: list[int] = []
        problems: dict[int, str] = {}
        for position, path in enumerate(paths):
            try:
                text = read_text(path)
            except OSError as error:
                problems[position] = f"cannot be opened: {error.strerror}"
                continue
            if text.strip():
                texts.append(text)
                kept.append(position)
            else:
                problems[position] = "is empty"
        return Values(texts, kept, [self.digest(text) for text in texts], problems)

    def read_typed(self, texts: Sequence[str], options: Mapping[str, Any], model: LoadedModel) -> Typed:
        """Texts, or ``.txt`` files that hold one each."""
        return read_each(texts, typed_text)

    def near(self, inputs: Sequence[Any]) -> Iterator[tuple[int, int]]:
        """Texts with mostly the same sequences of characters."""
        return near_texts(inputs)

    def comparable(self, item: Any, answer: Any, classes: Sequence[str] = ()) -> str:
        """The text."""
        return str(answer)

    def baseline(self, inputs: Sequence[Any], targets: Sequence[Any], task: str) -> Sequence[Any]:
        """The input itself for a translation; else the most frequent text."""
        if task == TRANSLATION:
            return [str(inputs[index]) for index in range(len(inputs))]
        return [Counter(map(str, targets)).most_common(1)[0][0]] * len(inputs)

    def vocabulary(self, targets: Sequence[Any], task: str) -> Sequence[str]:
        """The characters that occur, in NFKC; none for a translation, whose models have their own."""
        if task == TRANSLATION:
            return ()
        return sorted({character for text in targets for character in unicodedata.normalize("NFKC", str(text))})

    def lines(self, answer: Any) -> Sequence[str]:
        """The text in quotes, wrapped."""
        return textwrap.wrap(f"“{answer}”", 100)

    def html(self, item: Any, answer: Any) -> str:
        """The text, as the answer."""
        text = str(answer)
        if not text.strip():
            return "<p>The answer is empty.</p>"
        return f'<h3>Answer</h3><p class="lead">{escape(text)}</p>'

    def sample_html(self, item: Any, index: int, label: str) -> str:
        """The first characters, as a quotation."""
        text = " ".join(str(item).split())
        cut = f"{text[:_QUOTED]}\u2026" if len(text) > _QUOTED else text
        return f"<li><q>{escape(cut)}</q>{f' <strong>{escape(label)}</strong>' if label else ''}</li>"

    def profile(self, inputs: Sequence[Any]) -> Mapping[str, Any]:
        """Lengths in characters and in words."""
        characters: Counter[int] = Counter()
        words: Counter[int] = Counter()
        for text in inputs:
            characters[len(text)] += 1
            words[len(text.split())] += 1
        return {"characters": lengths(characters), "words": lengths(words)}

    def raw_features(self, inputs: Sequence[Any]) -> tuple[np.ndarray, str]:
        """Square roots of the counts of words, hashed (CRC-32) into 512 buckets (Weinberger et al., 2009)."""
        import numpy as np

        counts = np.zeros((len(inputs), _BUCKETS), dtype=np.float32)
        for row, text in enumerate(inputs):
            for word in text.lower().split():
                counts[row, zlib.crc32(word.encode("utf-8", "surrogatepass")) % _BUCKETS] += 1
        return np.sqrt(counts), "counts of words"

    def ordinary(self) -> Sequence[Any]:
        """Short and long ones, in several scripts."""
        return _ORDINARY

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """Empty, huge, and a null character."""
        return [("an empty text", ""), ("a text of 100,000 words", "word " * 100_000), ("a null character", "\0")]


def typed_text(text: str) -> str:
    """The text itself, or the content of the ``.txt`` file of that name.

    Raises:
        DataError: there is no text.
    """
    name = text.strip()
    if name.lower().endswith(".txt") and (path := existing_file(name)) is not None:
        text = read_text(path)
    if not text.strip():
        raise DataError(f"'{name}' has no text.", "Give a text, or a .txt file that holds one.")
    return text
