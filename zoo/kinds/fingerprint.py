"""The fingerprint of a data set: equal content has an equal fingerprint, in any location."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence

_VERSION = b"zoo data set 1\n"


def fingerprint(
    input_kind: str,
    digests: Iterable[bytes],
    targets: Sequence[int] | Sequence[float] | Sequence[str] | None = None,
    classes: Sequence[str] = (),
) -> str:
    """SHA-256 over the content of inputs and targets, in order, as hex.

    Paths, file names and times do not matter, so a copy elsewhere has the same fingerprint.

    Args:
        input_kind: ``image``, ``text``...
        digests: n SHA-256 digests of the inputs' content: the bytes of files, the pixels of arrays, texts in UTF-8.
        targets: n class indices, numbers or texts, or None.
        classes: class names by index; empty for numbers.
    """
    total = hashlib.sha256(_VERSION + input_kind.encode())
    total.update(struct.pack(">q", len(classes)))
    for name in classes:
        encoded = name.encode("utf-8", "surrogatepass")
        total.update(struct.pack(">q", len(encoded)) + encoded)
    if targets is None:
        for digest in digests:
            total.update(digest + b"-")
    else:
        form = ">q" if classes else ">d"
        for digest, target in zip(digests, targets, strict=True):
            total.update(digest + (_text(target) if isinstance(target, str) else struct.pack(form, target)))
    return total.hexdigest()


def _text(target: str) -> bytes:
    encoded = target.encode("utf-8", "surrogatepass")
    return struct.pack(">q", len(encoded)) + encoded
