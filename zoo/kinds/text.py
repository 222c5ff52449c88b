"""Opens text files in whatever of the usual encodings they are, compressed or not."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO, cast

from zoo.errors import DataError

FALLBACK = "cp1252"
"""What a file is taken for that is not Unicode: Windows' Western European encoding."""

SUFFIXES = frozenset({".txt", ".text", ".md", ".markdown", ".rst"})
"""Suffixes of texts that are one sample each, in lower case."""

_BLOCK = 1 << 20


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
        DataError: the file cannot be opened or unpacked.
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
    """A file's bytes, unpacked where its name ends in ``.gz``; failing to read them is a ``DataError``."""
    try:
        with path.open("rb") as raw:
            if path.suffix.lower() == ".gz":
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield cast("IO[bytes]", unpacked)
            else:
                yield raw
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"'{path}' cannot be unpacked: {error}.", "Fetch the file again; it is damaged.") from error
    except OSError as error:
        raise DataError(f"'{path}' cannot be opened: {(error.strerror or str(error)).lower()}.") from error


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[TextIO]:
    """A file as text, unpacked where its name ends in ``.gz``; line ends are left alone, as the csv module wants."""
    with open_bytes(path) as file:
        yield io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")
