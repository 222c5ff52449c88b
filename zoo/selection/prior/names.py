"""Sums of weights over the parts of many names at once, without splitting a name in Python."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np

_OTHER, _LETTER, _DIGIT, _END = range(4)
_KIND = np.zeros(256, dtype=np.uint8)
_KIND[ord("a") : ord("z") + 1] = _LETTER
_KIND[ord("0") : ord("9") + 1] = _DIGIT
_KIND[ord("\n")] = _END

_STEP = 0x9E3779B97F4A7C15
_BACK = pow(_STEP, -1, 1 << 64)
"""An odd number and its inverse modulo 2^64: powers of the one hash, powers of the other shift hashes to the front."""

TOGETHER = 4_000
"""Names per batch, so that all of it stays in the processor's cache."""


def sums(names: Sequence[str], weights: Mapping[str, float]) -> np.ndarray:
    """For each name, n, the sum of the weights of its parts: runs of the letters a to z, and runs of digits.

    The same as adding up ``weights.get(part, 0.0)`` over ``re.findall("[a-z]+|[0-9]+", name.lower())``; parts are
    compared by hashes of 64 bits.
    """
    parts = [part for part in weights if part and (part.isascii() and (part.isalpha() or part.isdigit()))]
    known = _hashes("\n".join(parts) + "\n")[0]
    order = np.argsort(known)
    known, worth = known[order], np.array([weights[part] for part in parts])[order]
    found = [_sums(names[start : start + TOGETHER], known, worth) for start in range(0, len(names), TOGETHER)]
    return np.concatenate(found) if found else np.zeros(0)


def _sums(names: Sequence[str], known: np.ndarray, worth: np.ndarray) -> np.ndarray:
    hashes, owner = _hashes("\n".join(names).lower() + "\n")
    if not len(known) or not len(hashes):
        return np.zeros(len(names))
    place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    value = np.where(known[place] == hashes, worth[place], 0.0)
    return np.bincount(owner, weights=value, minlength=len(names))


def _hashes(text: str) -> tuple[np.ndarray, np.ndarray]:
    """A hash of every part of the lines of a text, and the number of the line that it is in."""
    code = np.frombuffer(text.encode(), dtype=np.uint8)
    kind = _KIND[code]
    changes = np.flatnonzero(np.diff(kind, prepend=np.uint8(_END), append=np.uint8(_END)))
    starts, ends = changes[:-1], changes[1:]
    part = (kind[starts] == _LETTER) | (kind[starts] == _DIGIT)
    starts, ends = starts[part], ends[part]
    total = np.zeros(len(code) + 1, dtype=np.uint64)
    np.cumsum(code * _powers(_STEP, len(code)), out=total[1:])
    hashes = (total[ends] - total[starts]) * _powers(_BACK, len(code) + 1)[starts]
    return hashes, np.cumsum(kind == _END, dtype=np.int32)[starts]


def _powers(base: int, count: int) -> np.ndarray:
    """1, base, base squared, ... modulo 2^64."""
    return _many_powers(base, 1 << count.bit_length())[:count]


@functools.lru_cache(maxsize=8)
def _many_powers(base: int, count: int) -> np.ndarray:
    found = np.full(count, base, dtype=np.uint64)
    found[0] = 1
    return np.multiply.accumulate(found)
