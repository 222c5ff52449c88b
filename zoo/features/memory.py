"""Keeps the memory of one forward pass on the CPU for the next."""

from __future__ import annotations

import ctypes
import functools

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT = 512 << 20
_LARGEST_KEPT = 256 << 20


@functools.lru_cache(maxsize=1)
def keep_freed_memory() -> bool:
    """Let the C library keep up to 512 MiB of freed memory; returns whether it did. Once per process.

    By default glibc returns every block above 32 MiB to the system at once, and a convolutional network asks for such
    blocks in each layer; getting them again, page by page, can cost as much as the arithmetic. See mallopt(3),
    M_MMAP_THRESHOLD and M_TRIM_THRESHOLD. Other C libraries have no such call and are left alone.
    """
    try:
        adjust = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    return bool(adjust(_MMAP_THRESHOLD, _LARGEST_KEPT)) and bool(adjust(_TRIM_THRESHOLD, _KEPT))
