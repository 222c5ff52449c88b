"""One file of cached features: rows of one layer with the digests of their items, as a safetensors file with checksums.

Tensors ``digests`` (n x 16, U8) and ``features`` (n x d, F32); the metadata holds a BLAKE2b checksum of each. A file is
written under a temporary name and renamed, so that writing is atomic; data that do not match their
checksums are never used.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import IntegrityError
from zoo.features.item_digests import BYTES
from zoo.sources.files.safetensors_header import read_header

if TYPE_CHECKING:
    import numpy as np

SUFFIX = ".safetensors"
PART = ".part"
"""Suffix of a file that is being written."""

_FORMAT = "zoo.features.rows/1"
_LENGTH = 8


@dataclass(frozen=True)
class RowsFile:
    """A file of cached features.

    Attributes:
        digests: of its n items, dtype ``S16``.
        dimension: length d of a row.
        offset: where the features begin, in bytes.
        checksum: of the features.
    """

    path: Path
    digests: np.ndarray
    dimension: int
    offset: int
    checksum: str

    def mapped(self) -> np.ndarray:
        """The features, n x d, float32, mapped into memory and not yet read.

        Raises:
            OSError, ValueError: the file is gone, or shorter than it was.
        """
        import numpy as np

        shape = (len(self.digests), self.dimension)
        return np.memmap(self.path, dtype="<f4", mode="r", offset=self.offset, shape=shape)

    def is_whole(self) -> bool:
        """Whether the features match their checksum; reads them all."""
        try:
            return _checksum(self.mapped()) == self.checksum
        except (OSError, ValueError):
            return False


def write_rows(folder: Path, digests: np.ndarray, values: np.ndarray) -> RowsFile:
    """Write the features of n items (n x d, float32) into ``folder``; the file's name is a digest of its content.

    Raises:
        OSError: the folder cannot be written, or the disk is full; nothing is left behind.
    """
    import numpy as np

    values = np.ascontiguousarray(values, dtype="<f4")
    digests = np.ascontiguousarray(digests, dtype=f"S{BYTES}")
    checksums = {"digests": _checksum(digests), "features": _checksum(values)}
    header = _header(len(digests), values.shape[1], checksums)
    name = hashlib.sha256(f"{checksums}".encode()).hexdigest()[:32]
    path = folder / f"{name}{SUFFIX}"
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{name}.{uuid.uuid4().hex[:8]}{PART}"
    try:
        # No fsync: after a power failure the checksums reveal damage, and the rows are computed again.
        with temporary.open("xb") as stream:
            stream.write(header)
            stream.write(digests.data)
            stream.write(values.data)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return RowsFile(path, digests, values.shape[1], len(header) + digests.nbytes, checksums["features"])


def open_rows(path: Path) -> RowsFile | None:
    """The file with its digests checked and its features not yet read; None if it is damaged or of another version.

    Raises:
        OSError: the file is gone or cannot be read.
    """
    import numpy as np

    try:
        header = read_header(path)
        metadata, digests, features = header.metadata, header.tensors["digests"], header.tensors["features"]
        count, dimension = features.shape
        if metadata["format"] != _FORMAT or (digests.dtype, features.dtype) != ("U8", "F32"):
            return None
        if digests.shape != (count, BYTES) or digests.start != 0:
            return None
        start = path.stat().st_size - max(digests.end, features.end)
        with path.open("rb") as stream:
            stream.seek(start)
            content = stream.read(digests.end)
        kept = np.frombuffer(content, dtype=f"S{BYTES}")
        if len(kept) != count or _checksum(kept) != metadata["digests"]:
            return None
        return RowsFile(path, kept, dimension, start + features.start, metadata["features"])
    except (IntegrityError, KeyError, ValueError):
        return None


def _header(count: int, dimension: int, checksums: dict[str, str]) -> bytes:
    end = count * BYTES
    document: dict[str, Any] = {
        "__metadata__": {"format": _FORMAT, **checksums},
        "digests": {"dtype": "U8", "shape": [count, BYTES], "data_offsets": [0, end]},
        "features": {"dtype": "F32", "shape": [count, dimension], "data_offsets": [end, end + count * dimension * 4]},
    }
    content = json.dumps(document, separators=(",", ":")).encode()
    content += b" " * (-len(content) % _LENGTH)  # so that the features are aligned for memory mapping
    return len(content).to_bytes(_LENGTH, "little") + content


def _checksum(values: np.ndarray) -> str:
    return hashlib.blake2b(values.reshape(-1).view("u1").data, digest_size=BYTES).hexdigest()
