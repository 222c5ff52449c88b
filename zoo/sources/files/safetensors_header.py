"""Reads the header of a safetensors file strictly, without reading or allocating its tensors.

Format: https://huggingface.co/docs/safetensors: 8 bytes little-endian header length, a JSON object, then the data
without holes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.errors import IntegrityError
from zoo.untrusted import parse_json

MAX_HEADER_BYTES = 25_000_000
"""Maximum size of a header, the limit of the Hub's own client."""

_LENGTH = 8
_LARGEST = 2**63 - 1
_BITS: Mapping[str, int] = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "I64": 64,
    "U64": 64,
    "F64": 64,
    "C64": 64,
}


@dataclass(frozen=True)
class TensorEntry:
    """One tensor: dtype as the format names it, shape, and its bytes [start, end) in the data part."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class SafetensorsHeader:
    """The tensors of a file by name, and its free-form metadata."""

    tensors: Mapping[str, TensorEntry]
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Number of elements in all floating-point and integer tensors together."""
        return sum(math.prod(tensor.shape) for tensor in self.tensors.values())


def read_header(path: Path) -> SafetensorsHeader:
    """The header of a file.

    Raises:
        IntegrityError: the file is not a well-formed safetensors file; says why.
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        size = path.stat().st_size
        start = stream.read(_LENGTH)
        if len(start) < _LENGTH:
            raise _malformed(str(path), f"it has {len(start)} bytes, fewer than the {_LENGTH} of the header length")
        length = int.from_bytes(start, "little")
        if length > MAX_HEADER_BYTES:
            raise _malformed(str(path), f"its header claims {length} bytes, more than {MAX_HEADER_BYTES}")
        if _LENGTH + length > size:
            raise _malformed(str(path), f"its header claims {length} bytes and the file has {size}")
        return parse_header(stream.read(length), size - _LENGTH - length, str(path))


def parse_header(header: bytes, data_bytes: int, name: str = "the file") -> SafetensorsHeader:
    """Parse the JSON part of a header against the number of bytes that follow it.

    Raises:
        IntegrityError: not JSON, a duplicate key, an unknown dtype, a shape that does not match its bytes, overlapping
            tensors, or bytes that belong to no tensor.
    """
    try:
        if not header.startswith(b"{"):
            raise ValueError("it does not start with '{'")
        document = parse_json(header.decode("utf-8"), unique=True)
    except ValueError as error:
        raise _malformed(name, f"its header is not valid JSON ({str(error)[:100]})") from error
    metadata = document.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _malformed(name, "its __metadata__ is not an object of strings")
    tensors = {key: _entry(name, key, value) for key, value in document.items()}
    _check_cover(name, tensors, data_bytes)
    return SafetensorsHeader(tensors, metadata)


def _entry(name: str, key: str, value: Any) -> TensorEntry:
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise _malformed(name, f"tensor '{key[:80]}' does not have exactly dtype, shape and data_offsets")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _BITS:
        raise _malformed(name, f"tensor '{key[:80]}' has the unknown dtype {str(dtype)[:40]}")
    if not isinstance(shape, list) or not all(_is_size(size) for size in shape):
        raise _malformed(name, f"tensor '{key[:80]}' has a shape that is not a list of sizes")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(_is_size(offset) for offset in offsets):
        raise _malformed(name, f"tensor '{key[:80]}' has data_offsets that are not two positions")
    bits = _elements(shape) * _BITS[dtype]
    if bits % 8 or offsets[1] - offsets[0] != bits // 8:
        raise _malformed(
            name, f"tensor '{key[:80]}' takes {offsets[1] - offsets[0]} bytes, its dtype and shape need {bits} bits"
        )
    return TensorEntry(dtype, tuple(shape), offsets[0], offsets[1])


def _check_cover(name: str, tensors: Mapping[str, TensorEntry], data_bytes: int) -> None:
    position = 0
    for key, tensor in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end)):
        if tensor.start != position:
            what = "overlaps the one before it" if tensor.start < position else "leaves a gap before it"
            raise _malformed(name, f"tensor '{key[:80]}' {what} (starts at {tensor.start}, expected {position})")
        position = tensor.end
    if position > data_bytes:
        raise _malformed(name, f"its tensors need {position} bytes and {data_bytes} follow the header")
    if position < data_bytes:
        raise _malformed(name, f"{data_bytes - position} bytes at its end belong to no tensor")


def _elements(shape: list[int]) -> int:
    """The product of the sizes; stops once it is too large for any file, so that a hostile shape costs no time."""
    if 0 in shape:
        return 0
    product = 1
    for size in shape:
        product *= size
        if product > _LARGEST:
            break
    return product


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST


def _malformed(name: str, reason: str) -> IntegrityError:
    return IntegrityError(f"{name} is not a well-formed safetensors file: {reason}.", "Download or save it again.")
