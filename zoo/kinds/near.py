"""Finds inputs that are nearly the same: edited texts, and images that were resized or encoded again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError, needs_extra
from zoo.kinds.folding import folded_text
from zoo.kinds.items import in_threads

if TYPE_CHECKING:
    import numpy as np

SIMILAR_TEXTS = 0.8
"""Jaccard similarity of the sets of character 5-grams from which two texts are near duplicates.

0.8 is usual for the deduplication of corpora (Lee et al., 2022, "Deduplicating Training Data Makes Language Models
Better").
"""

SHORTEST_TEXT = 40
"""Characters: in shorter texts, one other word makes another sentence out of most of the same characters."""

LONGEST_TEXT = 4000
"""Characters of a text that are compared."""

DIFFERING_BITS = 4
"""Maximum number of differing bits, of 64, between the perceptual hashes of near-duplicate images."""

CORRELATED = 0.98
"""Correlation of the brightness of two thumbnails from which such images are near duplicates."""

SMALLEST_IMAGE = 48
"""Pixels: in smaller images, such as digits, different ones have the same perceptual hash."""

_GRAM = 5
_PERMUTATIONS = 128
_CANDIDATES = 0.6
"""Similarity from which MinHash proposes pairs; lower than needed, so that it misses few."""
_SIDE, _CONTRAST = 32, 4.0
_BANDS = DIFFERING_BITS + 1
"""Two hashes that differ in at most four bits agree on one of five bands."""


def near_texts(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of positions that connect nearly equal texts; MinHash proposes them (Broder, 1997), similarity decides.

    Texts that earlier pairs connect are not compared again, because many texts of one template have millions of pairs.

    Raises:
        MissingExtra: datasketch is not installed.
    """
    with needs_extra("data", "compare texts"):
        from datasketch import MinHash, MinHashLSH

    at = [position for position, text in enumerate(texts) if len(text) >= SHORTEST_TEXT]
    index = MinHashLSH(threshold=_CANDIDATES, num_perm=_PERMUTATIONS)
    grams = [_grams(texts[position]) for position in at]
    links = list(range(len(at)))
    for row, sketch in enumerate(MinHash.generator(grams, num_perm=_PERMUTATIONS, hashfunc=int)):
        for other in sorted(index.query(sketch)):
            roots = root(links, other), root(links, row)
            if roots[0] != roots[1] and _jaccard(grams[row], grams[other]) >= SIMILAR_TEXTS:
                links[max(roots)] = min(roots)
                yield at[other], at[row]
        index.insert(row, sketch)


def root(links: list[int], place: int) -> int:
    """The representative of all that is connected with a place, where each links to itself or an earlier one."""
    while links[place] != place:
        links[place] = place = links[links[place]]
    return place


def _grams(text: str) -> np.ndarray:
    """Hashes of the different sequences of five characters, folded as exact copies are, in order."""
    import numpy as np

    codes = np.frombuffer(folded_text(text)[:LONGEST_TEXT].encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    hashes = np.zeros(max(0, len(codes) - _GRAM + 1), dtype=np.uint64)
    for start in range(_GRAM):
        hashes = hashes * np.uint64(0x100000001B3) + codes[start : start + len(hashes)]
    return np.unique((hashes ^ (hashes >> np.uint64(29))).astype(np.uint32))


def _jaccard(one: np.ndarray, other: np.ndarray) -> float:
    import numpy as np

    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / max(1, len(one) + len(other) - common)


def near_images(images: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Pairs of positions of nearly equal images: perceptual hashes propose them, thumbnails decide.

    Images are decoded on all cores.

    Raises:
        MissingExtra: imagehash is not installed.
        DataError: a file can no longer be read.
    """
    import numpy as np

    with needs_extra("data", "compare images"):
        import imagehash  # noqa: F401
    hashes = np.zeros(len(images), dtype=np.uint64)
    thumbnails = np.zeros((len(images), _SIDE * _SIDE), dtype=np.uint8)
    seen = np.zeros(len(images), dtype=bool)
    for position, found in enumerate(in_threads(lambda at: _look(images, at), range(len(images)))):
        if found is not None:
            seen[position] = True
            hashes[position], thumbnails[position] = found
    for one, other in sorted(_close(hashes, np.flatnonzero(seen))):
        if np.corrcoef(thumbnails[one], thumbnails[other])[0, 1] >= CORRELATED:
            yield one, other


def _look(images: Sequence[Any], at: int) -> tuple[np.uint64, np.ndarray] | None:
    """Perceptual hash and thumbnail of an image; None if it is too small, without contrast, or cannot be decoded."""
    import imagehash
    import numpy as np

    try:
        image = images[at].convert("L")
    except ZooError:
        raise
    except Exception:  # extracting features reports a file that cannot be decoded
        return None
    if min(image.size) < SMALLEST_IMAGE:
        return None
    thumbnail = np.asarray(image.resize((_SIDE, _SIDE), 3), dtype=np.uint8).reshape(-1)
    if thumbnail.std() < _CONTRAST:
        return None
    return np.packbits(imagehash.phash(image).hash).view(">u8")[0].astype(np.uint64), thumbnail


def _close(hashes: np.ndarray, at: np.ndarray) -> set[tuple[int, int]]:
    """Pairs of the positions ``at`` whose hashes differ in few bits."""
    import numpy as np

    found: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        low, high = 64 * band // _BANDS, 64 * (band + 1) // _BANDS
        keys = (hashes[at] >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        order = np.argsort(keys, kind="stable")
        for rows in np.split(at[order], np.flatnonzero(np.diff(keys[order])) + 1):
            for place, row in enumerate(rows[:-1], start=1):
                later = rows[place:]
                differing = (hashes[later] ^ hashes[row]).view(np.uint8).reshape(-1, 8)
                close = later[np.unpackbits(differing, axis=1).sum(axis=1) <= DIFFERING_BITS]
                found.update((int(row), int(other)) for other in close)
    return found
