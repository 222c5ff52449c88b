"""Finds identical samples of a data set, so that a split keeps them together.

Texts are compared without regard to case, white space, compatibility forms, invisible characters and the shape of
quotation marks and dashes; images by their pixels and recordings by
their waveform, whatever file they come from; other kinds by the canonical form of their kind
(``zoo.contract.kind.Kind.canonical``), or else by their content.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.kind import Kind
from zoo.entities import Subset
from zoo.errors import ZooError
from zoo.kinds.content import content_digest, unwrapped
from zoo.kinds.folding import folded_text
from zoo.kinds.image import to_rgb
from zoo.kinds.items import AudioFiles, EncodedAudio, EncodedImages, ImageFiles, in_threads
from zoo.kinds.known import kind_of
from zoo.kinds.near import root

if TYPE_CHECKING:
    import numpy as np

    from zoo.entities import Dataset

BYTES = 16
"""Length of a digest: too long for two different samples to share it by chance."""

_DECODED = (ImageFiles, EncodedImages, AudioFiles, EncodedAudio)
_known: weakref.WeakKeyDictionary[Any, np.ndarray] = weakref.WeakKeyDictionary()
_KEPT = 8
_pairs: dict[tuple[str, str], list[tuple[int, int]]] = {}
_latest: list[tuple[weakref.ref[Dataset], np.ndarray | None]] = []


def identities(dataset: Dataset) -> np.ndarray | None:
    """n digests (``S16``), equal for identical samples; None if the content of one is unknown.

    Files are decoded on all cores, once for each process; of other data the latest digests are kept, because splitting,
    counting and recording all need them.

    Raises:
        DataError: a file can no longer be read.
    """
    for known, digests in _latest:
        if known() is dataset:
            return digests
    found = _computed(dataset)
    _latest[:] = [(weakref.ref(dataset), found)]
    return found


def _computed(dataset: Dataset) -> np.ndarray | None:
    import numpy as np

    form = _form(dataset.input_kind)
    target = kind_of(dataset.target_kind)
    if dataset.targets is not None and type(target).identity is not Kind.identity:
        folds = kind_of(dataset.input_kind).folds_text
        pairs: Iterable[tuple[Any, Any]] = zip(dataset.inputs, dataset.targets, strict=True)
        both = [content_digest(_plain(target.identity(item, found), folds)) for item, found in pairs]
        return None if None in both else np.array([found[:BYTES] for found in both if found], dtype=f"S{BYTES}")
    base, places = unwrapped(dataset.inputs)
    if isinstance(base, _DECODED):
        return _of_files(base, np.asarray(places, dtype=np.int64), form)
    found = np.empty(len(places), dtype=f"S{BYTES}")
    for row, place in enumerate(places):
        digest = content_digest(form(base[place]))
        if digest is None:
            return None
        found[row] = digest[:BYTES]
    return found


def stored(dataset: Dataset) -> np.ndarray | None:
    """n digests (``S16``) of the stored content, for kinds that a library decodes; None for other kinds.

    Another version of the decoder may change ``identities``, but not these.
    """
    import numpy as np

    base, places = unwrapped(dataset.inputs)
    if isinstance(base, _DECODED):
        digests = (base.facts(place).digest for place in places)
    elif _has_form(dataset.input_kind):
        digests = (content_digest(base[place]) or b"" for place in places)
    else:
        return None
    return np.fromiter((digest[:BYTES] for digest in digests), dtype=f"S{BYTES}", count=len(places))


def undecoded(dataset: Dataset) -> np.ndarray | None:
    """``identities`` for texts and kinds with a canonical form; None for others, which may have to be decoded."""
    quick = kind_of(dataset.input_kind).folds_text or _has_form(dataset.input_kind)
    return identities(dataset) if quick else None


def in_files(dataset: Dataset) -> bool:
    """Whether the samples are images or recordings in files, which have to be decoded to be compared."""
    return isinstance(unwrapped(dataset.inputs)[0], _DECODED)


def units(dataset: Dataset, grouped: bool = True) -> np.ndarray | None:
    """n numbers from 0 on, in order of appearance, equal for samples of one unit; None if each is one of its own.

    Copies, near copies and samples of one group are one unit, and so are those connected through others.

    Args:
        grouped: whether the data set's groups count, besides copies.

    Raises:
        MissingExtra: the package that compares inputs of this kind is not installed.
        DataError: a file can no longer be read.
    """
    import numpy as np

    exact, groups = identical(dataset), dataset.groups if grouped else ()
    if exact is None:
        if not groups:
            return None
        exact = np.arange(len(dataset))
        first, pairs = exact, []
    else:
        _, first = np.unique(exact, return_index=True)
        pairs = list(_near(dataset, first))
    if groups:
        of_group: dict[str, int] = {}
        pairs += [(of_group.setdefault(group, unit), unit) for group, unit in zip(groups, exact.tolist(), strict=True)]
    unit_of = list(range(len(first)))
    for one, other in pairs:
        roots = root(unit_of, one), root(unit_of, other)
        unit_of[max(roots)] = min(roots)
    roots_of = np.array([root(unit_of, unit) for unit in range(len(first))])
    _, merged = np.unique(roots_of, return_inverse=True)
    return None if len(first) == len(exact) == len(set(unit_of)) else np.asarray(merged.reshape(-1)[exact])


def identical(dataset: Dataset) -> np.ndarray | None:
    """n numbers from 0 on, in order of appearance, equal for identical samples; None if the content is unknown."""
    import numpy as np

    digests = identities(dataset)
    if digests is None:
        return None
    _, first, of = np.unique(digests, return_index=True, return_inverse=True)
    number = np.empty(len(first), dtype=np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    return np.asarray(number[of.reshape(-1)])


def copies(numbers: np.ndarray | None) -> int:
    """Number of samples that are in one unit with an earlier one, from the result of ``units`` or ``identical``."""
    return 0 if numbers is None or not len(numbers) else len(numbers) - int(numbers.max()) - 1


def _near(dataset: Dataset, first: np.ndarray) -> Sequence[tuple[int, int]]:
    """Pairs of units that are near copies; those of the latest data sets are kept, since several splits need them."""
    key = (dataset.input_kind, dataset.fingerprint)
    if key in _pairs:
        return _pairs[key]
    found = list(kind_of(dataset.input_kind).near(Subset(dataset.inputs, first.tolist())))
    if dataset.fingerprint:
        while len(_pairs) >= _KEPT:
            _pairs.pop(next(iter(_pairs)), None)
        _pairs[key] = found
    return found


def _has_form(name: str) -> bool:
    """Whether inputs of a kind have a canonical form of their own."""
    return type(kind_of(name)).canonical is not Kind.canonical


def _form(name: str) -> Callable[[Any], Any]:
    """The form in which an input of a kind is compared."""
    kind = kind_of(name)
    if not _has_form(name):
        return lambda item: _plain(item, kind.folds_text)

    def form(item: Any) -> Any:
        try:
            return kind.canonical(item)
        except Exception:  # without a canonical form, or without its package, an input is compared by its content
            return _plain(item, kind.folds_text)

    return form


def _plain(item: Any, fold: bool) -> Any:
    """An item with its images in RGB and, if requested, its texts folded."""
    if isinstance(item, str):
        return folded_text(item) if fold else str(item)
    if hasattr(item, "getpalette") and hasattr(item, "mode"):
        return to_rgb(item)
    if isinstance(item, (list, tuple)):
        return [_plain(part, fold) for part in item]
    if isinstance(item, Mapping):
        return {key: _plain(value, fold) for key, value in item.items()}
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return [type(item).__qualname__, *(_plain(getattr(item, f.name), fold) for f in dataclasses.fields(item))]
    return item


def _of_files(base: Any, places: np.ndarray, form: Callable[[Any], Any]) -> np.ndarray:
    """Digests of decoded files, each kept for the next split of the same data."""
    import numpy as np

    kept = _known.setdefault(base, np.zeros(len(base), dtype=f"S{BYTES}"))
    missing = np.unique(places[kept[places] == b""]).tolist()
    for place, digest in zip(missing, _decoded(base, missing, form), strict=True):
        kept[place] = digest[:BYTES]
    return np.asarray(kept[places])


def _decoded(base: Any, places: Sequence[int], form: Callable[[Any], Any]) -> Iterator[bytes]:
    def digest(place: int) -> bytes:
        try:
            return content_digest(form(base[place])) or base.facts(place).digest
        except ZooError:
            raise
        except Exception:  # if a decoder fails only now, extracting features reports the file
            found: bytes = base.facts(place).digest
            return found

    return in_threads(digest, places)
