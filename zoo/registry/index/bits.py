"""Sets of models as bitmaps: packed in chunks of 65,536 keys in the database, Python integers in memory.

Bit ``k`` of such an integer represents the model with key ``k``: ``&`` intersects two sets of millions of models in a
few microseconds, ``int.bit_count`` counts them. A chunk is stored in the smallest of three formats, marked by its first
byte, similar to Roaring bitmaps (Lemire et al., Software: Practice and Experience 46, 2016): a sorted list of 16-bit
offsets, the bits, or the bits deflated.
"""

from __future__ import annotations

import re
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SPAN = 1 << 16
"""Keys per chunk."""

CHUNK_BYTES = SPAN // 8
LIST, _PLAIN, _DEFLATED = b"a", b"b", b"z"
LONGEST_LIST = 512
"""Maximum number of offsets that are stored as a list."""

_NOT_EMPTY = re.compile(rb"[^\x00]")
_BITS = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))


def packed_offsets(offsets: list[int]) -> bytes:
    """A chunk of these offsets, which are sorted and distinct."""
    if len(offsets) <= LONGEST_LIST:
        return LIST + _little_endian(array("H", offsets)).tobytes()
    bits = bytearray(CHUNK_BYTES)
    for offset in offsets:
        bits[offset >> 3] |= 1 << (offset & 7)
    return packed_bits(bytes(bits))


def packed_array(offsets: np.ndarray) -> bytes:
    """Like ``packed_offsets``, for an array of 16-bit integers."""
    import numpy as np

    if len(offsets) <= LONGEST_LIST:
        return LIST + offsets.astype("<u2").tobytes()
    members = np.zeros(SPAN, bool)
    members[offsets] = True
    return _smaller(np.packbits(members, bitorder="little").tobytes())


def packed_bits(bits: bytes) -> bytes:
    """A chunk of ``CHUNK_BYTES`` bytes of bits; bit 0 of byte 0 is the first key."""
    count = int.from_bytes(bits, "little").bit_count()
    if count <= LONGEST_LIST:
        return LIST + _little_endian(array("H", positions(bits))).tobytes()
    return _smaller(bits)


def _smaller(bits: bytes) -> bytes:
    deflated = zlib.compress(bits, 1)
    return _DEFLATED + deflated if len(deflated) < CHUNK_BYTES else _PLAIN + bits


def unpack_into(buffer: bytearray, chunk: int, members: bytes) -> None:
    """Add a stored chunk to the bits in ``buffer``, which grows if necessary."""
    start = chunk * CHUNK_BYTES
    if len(buffer) < start + CHUNK_BYTES:
        buffer.extend(bytes(start + CHUNK_BYTES - len(buffer)))
    kind, body = members[:1], members[1:]
    if kind == LIST:
        for offset in _little_endian(array("H", body)):
            buffer[start + (offset >> 3)] |= 1 << (offset & 7)
        return
    bits = zlib.decompress(body) if kind == _DEFLATED else body
    there = buffer[start : start + CHUNK_BYTES]
    if any(there):
        both = int.from_bytes(there, "little") | int.from_bytes(bits, "little")
        bits = both.to_bytes(CHUNK_BYTES, "little")
    buffer[start : start + CHUNK_BYTES] = bits


def unpacked(members: bytes) -> bytes:
    """The bits of one stored chunk."""
    buffer = bytearray(CHUNK_BYTES)
    unpack_into(buffer, 0, members)
    return bytes(buffer)


def offsets(members: bytes) -> Iterable[int]:
    """The offsets of a stored chunk, in ascending order."""
    if members[:1] == LIST:
        return _little_endian(array("H", members[1:]))
    return positions(unpacked(members))


def count(members: bytes) -> int:
    """The number of models in a stored chunk."""
    if members[:1] == LIST:
        return (len(members) - 1) // 2
    return int.from_bytes(unpacked(members), "little").bit_count()


def united(chunks: Iterable[tuple[int, bytes]]) -> int:
    """The union of stored chunks, each with its number, which may occur several times."""
    buffer = bytearray()
    for chunk, members in chunks:
        unpack_into(buffer, chunk, members)
    return int.from_bytes(buffer, "little")


def positions(bits: bytes) -> Iterator[int]:
    """The positions of the bits that are set, in ascending order."""
    for found in _NOT_EMPTY.finditer(bits):
        place = found.start()
        for bit in _BITS[bits[place]]:
            yield place * 8 + bit


def keys(members: int) -> Iterator[int]:
    """The keys of a set, in ascending order."""
    return positions(as_bytes(members))


def as_bytes(members: int) -> bytes:
    """The bits of a set, in as many bytes as needed."""
    return members.to_bytes((members.bit_length() + 7) // 8, "little")


def of_keys(wanted: Iterable[int]) -> int:
    """The set of these keys."""
    buffer = bytearray()
    for key in wanted:
        place = key >> 3
        if place >= len(buffer):
            buffer.extend(bytes(place - len(buffer) + 1024))
        buffer[place] |= 1 << (key & 7)
    return int.from_bytes(buffer, "little")


def _little_endian(offsets: array[int]) -> array[int]:
    if sys.byteorder == "big":
        offsets.byteswap()
    return offsets
