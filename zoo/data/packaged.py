"""Data sets that Python and Debian packages ship, under short names; nothing is downloaded."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.contract.reader import ReadOptions
from zoo.data.folder import read_classes
from zoo.data.listing import list_folder
from zoo.data.shipped import Shipped, ShippedReader
from zoo.entities import Dataset
from zoo.errors import DataError, needs_extra
from zoo.kinds.fingerprint import fingerprint
from zoo.kinds.items import PixelImages, item_facts, text_digest
from zoo.kinds.known import kind_of
from zoo.kinds.text import read_text

if TYPE_CHECKING:
    import numpy as np

STAMPS_AT_LEAST = 30
"""Minimum number of images for a folder of stamps to become a class."""

LEAST_RECORDINGS, MOST_RECORDINGS = 40, 100
"""Minimum number of recordings for a language to become a class, and the maximum that is read, by name."""

TOPICS = (
    "art",
    "computers",
    "drugs",
    "education",
    "food",
    "law",
    "literature",
    "love",
    "politics",
    "science",
    "songs-poems",
    "sports",
    "startrek",
    "work",
)
"""Files of the package fortunes with one topic in English and a hundred texts or more."""

KINDS_DE = (
    "fussball",
    "letzteworte",
    "linuxtag",
    "ms",
    "namen",
    "regeln",
    "sprueche",
    "stilblueten",
    "unfug",
    "warmduscher",
    "witze",
    "wusstensie",
    "zitate",
)
"""Files of the package fortunes-de with one kind of text each (football, last words, names, rules, jokes, ...)."""

LANGUAGES = ("de", "en", "es", "it")
_NOT_PROSE = frozenset({"ascii-art", "asciiart", "translations", "woerterbuch"})

FASHION = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
_IDX_IMAGES, _IDX_LABELS = 2051, 2049


class PackagedReader(ShippedReader):
    """Reads what installed packages ship of images, texts and recordings."""

    def __init__(self) -> None:
        super().__init__(_SHIPPED)


def _digits(name: str, options: ReadOptions) -> Dataset:
    import numpy as np

    with needs_extra("data", f"read {name}"):
        from sklearn.datasets import load_digits
    bunch = load_digits()
    # Levels from 0 to 16, stretched to the 256 that an image has.
    pixels = np.round(bunch.images * (255 / 16)).astype(np.uint8)
    return _pixels(name, pixels, bunch.target.tolist(), tuple(str(digit) for digit in bunch.target_names))


def _fashion(name: str, options: ReadOptions) -> Dataset:
    import numpy as np

    folder = _shared("datasets/fashion-mnist")
    parts = [_idx(folder / f"{part}-images-idx3-ubyte.gz", _IDX_IMAGES, 3) for part in ("train", "t10k")]
    labels = [_idx(folder / f"{part}-labels-idx1-ubyte.gz", _IDX_LABELS, 1) for part in ("train", "t10k")]
    return _pixels(name, np.concatenate(parts), np.concatenate(labels).tolist(), FASHION)


def _idx(path: Path, magic: int, dimensions: int) -> np.ndarray:
    """An array in the IDX format: a magic number, the size of each dimension, and bytes."""
    import numpy as np

    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"'{path}' cannot be read: {error}.", "Install the package again.") from error
    header = np.frombuffer(content[: 4 * (1 + dimensions)], dtype=">u4")
    if len(header) != 1 + dimensions or header[0] != magic or header[1:].prod() != len(content) - 4 * (1 + dimensions):
        raise DataError(f"'{path}' is not a valid IDX file.", "Install the package again.")
    return np.frombuffer(content, dtype=np.uint8, offset=4 * (1 + dimensions)).reshape(header[1:].astype(int))


def _pixels(name: str, pixels: np.ndarray, targets: list[int], classes: tuple[str, ...]) -> Dataset:
    images = PixelImages(pixels)
    digests = (item_facts(images, index).digest for index in range(len(images)))
    return Dataset(name, "image", images, targets, classes, fingerprint("image", digests, targets, classes))


def _stamps(name: str, options: ReadOptions) -> Dataset:
    root = _shared("tuxpaint/stamps")
    # Most drawings come as SVG too, which Pillow does not decode.
    files = [(path, label) for path, label in list_folder(root).files if path.suffix == ".png"]
    sizes: dict[str | None, int] = {}
    for _, label in files:
        sizes[label] = sizes.get(label, 0) + 1
    kept = [(path, label) for path, label in files if label is not None and sizes[label] >= STAMPS_AT_LEAST]
    return read_classes(kind_of("image"), name, root, kept, options)


def _topics(name: str, options: ReadOptions) -> Dataset:
    folder = _shared("games/fortunes")
    return _texts(name, ((text, topic) for topic in TOPICS for text in _fortunes([folder / topic])))


def _kinds(name: str, options: ReadOptions) -> Dataset:
    folder = _shared("games/fortunes/de")
    return _texts(name, ((text, kind) for kind in KINDS_DE for text in _fortunes([folder / kind])))


def _languages(name: str, options: ReadOptions) -> Dataset:
    folder = _shared("games/fortunes")
    files = {language: _own_files(folder / language) for language in LANGUAGES if language != "en"}
    files["en"] = [folder / topic for topic in TOPICS]
    return _texts(name, ((text, language) for language in LANGUAGES for text in _fortunes(files[language])))


def _letters(name: str, options: ReadOptions) -> Dataset:
    root = _shared("klettres")
    kept: list[tuple[Path, str | None]] = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        files = sorted(folder.glob("*/*.ogg"))
        if len(files) >= LEAST_RECORDINGS:
            kept += [(path, folder.name) for path in files[:MOST_RECORDINGS]]
    return read_classes(kind_of("audio"), name, root, kept, options)


def _own_files(folder: Path) -> list[Path]:
    """Files of fortunes without their indexes, and without links to the same file."""
    files = [path for path in folder.iterdir() if path.suffix not in {".dat", ".u8"} and not path.is_symlink()]
    return sorted(path for path in files if path.is_file() and path.name.partition(".")[0] not in _NOT_PROSE)


def _fortunes(paths: Iterable[Path]) -> Iterator[str]:
    """The texts of files that separate them by a line with ``%`` alone."""
    for path in paths:
        lines: list[str] = []
        for line in [*read_text(path).split("\n"), "%"]:
            if line.rstrip() != "%":
                lines.append(line.rstrip())
            elif text := "\n".join(lines).strip():
                yield text
                lines = []
            else:
                lines = []


def _texts(name: str, labelled: Iterable[tuple[str, str]]) -> Dataset:
    """Drop texts that occur under two labels, and repetitions."""
    labels: dict[str, set[str]] = {}
    for text, label in labelled:
        labels.setdefault(text, set()).add(label)
    kept = [(text, *of) for text, of in labels.items() if len(of) == 1]
    classes = tuple(sorted({label for _, label in kept}))
    targets = [classes.index(label) for _, label in kept]
    texts = [text for text, _ in kept]
    digests = (text_digest(text) for text in texts)
    return Dataset(name, "text", texts, targets, classes, fingerprint("text", digests, targets, classes))


def _shared(relative: str) -> Path:
    """A folder of the system's shared data (XDG base directories: ``XDG_DATA_DIRS``)."""
    roots = [Path(root) for root in os.environ.get("XDG_DATA_DIRS", "").split(os.pathsep) if root]
    roots += [Path(os.sep, "usr", "local", "share"), Path(os.sep, "usr", "share")]
    candidates = [root / relative for root in roots]
    return next((path for path in candidates if path.is_dir()), candidates[-1])


def _has(*relative: str) -> Callable[[], bool]:
    return lambda: all(_shared(str(Path(path).parent)).joinpath(Path(path).name).exists() for path in relative)


_SHIPPED = (
    Shipped(
        "sklearn:digits",
        "image",
        "1,797 handwritten digits of 8 x 8 pixels, in 10 classes (UCI, CC BY 4.0).",
        "pip install 'foundation-zoo[data]'",
        lambda: find_spec("sklearn") is not None,
        _digits,
    ),
    Shipped(
        "fashion-mnist",
        "image",
        "70,000 images of clothes, 28 x 28 pixels, in 10 classes (Zalando Research, MIT).",
        "apt-get install dataset-fashion-mnist",
        _has("datasets/fashion-mnist/train-images-idx3-ubyte.gz"),
        _fashion,
    ),
    Shipped(
        "tuxpaint:stamps",
        "image",
        "Photographs and drawings of Tux Paint by kind: animals, food, plants... (free licences, file by file).",
        "apt-get install tuxpaint-stamps-default",
        _has("tuxpaint/stamps/animals"),
        _stamps,
    ),
    Shipped(
        "fortunes:topics",
        "text",
        f"Quips and quotations in English, in {len(TOPICS)} topics (fortune-mod).",
        "apt-get install fortunes",
        _has(*(f"games/fortunes/{topic}" for topic in TOPICS)),
        _topics,
    ),
    Shipped(
        "fortunes:languages",
        "text",
        "Quips and quotations in English, German, Italian and Spanish (fortune-mod).",
        "apt-get install fortunes fortunes-de fortunes-es fortunes-it",
        _has("games/fortunes/law", "games/fortunes/de", "games/fortunes/es", "games/fortunes/it"),
        _languages,
    ),
    Shipped(
        "fortunes:kinds-de",
        "text",
        f"Quips, jokes and quotations in German, of {len(KINDS_DE)} kinds (fortunes-de).",
        "apt-get install fortunes-de",
        _has(*(f"games/fortunes/de/{kind}" for kind in KINDS_DE)),
        _kinds,
    ),
    Shipped(
        "klettres:languages",
        "audio",
        "Spoken letters and syllables of KLettres by language, few speakers in each (GPL-2.0-or-later).",
        "apt-get install klettres-data",
        _has("klettres/en/alpha"),
        _letters,
    ),
)
