"""Records which samples a tuned model was trained on, as digests, so that it is not evaluated on them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import DataError, IntegrityError
from zoo.untrusted import parse_json

if TYPE_CHECKING:
    from zoo.entities import Dataset, ModelCard

FILE = "samples.digests"
"""A line of JSON, and the digests, ascending, 8 bytes each: 8 MB for a million samples."""

FORMAT = 1
_TYPE = np.dtype("<u8")


@dataclass(frozen=True)
class Seen:
    """The samples that went into a model's weights: those it was trained on, and those that ended the training.

    Attributes:
        digests: sorted and unique; the first 8 bytes of those of ``zoo.data.identities`` and ``zoo.data.stored``.
        complete: whether they are all of them; False if the model was tuned from one that has no record.
        tested: likewise, the samples that the model was tested on, of which its published metrics are.
    """

    digests: np.ndarray
    complete: bool = True
    tested: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.uint64))

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the digests, in hex, for the run's record."""
        return hashlib.sha256(self.digests.astype(_TYPE).tobytes()).hexdigest()

    def holds(self, dataset: Dataset) -> np.ndarray | None:
        """Whether each sample of a data set is among them, n; None if its samples cannot be identified."""
        own = _digests(dataset)
        return None if own is None else np.asarray(np.isin(own, self.digests).any(axis=1))

    def tests(self, dataset: Dataset) -> int:
        """How many samples of a data set the model was tested on by ``zoo tune``."""
        own = _digests(dataset) if len(self.tested) else None
        return 0 if own is None else int(np.isin(own, self.tested).any(axis=1).sum())

    def write(self, path: Path) -> None:
        """Write the file; raises ``OSError`` if that fails."""
        body = np.concatenate([self.digests, self.tested]).astype(_TYPE).tobytes()
        header = {
            "format": FORMAT,
            "samples": len(self.digests),
            "tested": len(self.tested),
            "complete": self.complete,
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        path.write_bytes(json.dumps(header).encode() + b"\n" + body)

    @classmethod
    def read(cls, path: Path) -> Seen | None:
        """The record in the file; None if there is no such file.

        Raises:
            IntegrityError: it is damaged, or written by a newer zoo.
        """
        try:
            head, _, body = path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _damaged(path, error.strerror or str(error)) from error
        try:
            header = parse_json(head)
            written, count, complete, sha256 = (header[name] for name in ("format", "samples", "complete", "sha256"))
            tested = header.get("tested", 0)
        except (ValueError, TypeError, KeyError) as error:
            raise _damaged(path, "its first line cannot be read") from error
        if written != FORMAT:
            raise _damaged(path, "another version of zoo wrote it")
        if not (isinstance(count, int) and isinstance(tested, int)) or len(body) != (count + tested) * _TYPE.itemsize:
            raise _damaged(path, "it is truncated, or has extra bytes")
        if hashlib.sha256(body).hexdigest() != sha256:
            raise _damaged(path, "its content does not match its checksum")
        every = np.frombuffer(body, dtype=_TYPE).astype(np.uint64)
        return cls(every[:count], bool(complete), every[count:])


def trained_on(dataset: Dataset, positions: Sequence[int], base: ModelCard, tested: Sequence[int] = ()) -> Seen | None:
    """The samples at ``positions`` and those that ``base`` was trained on; None if samples cannot be identified.

    Args:
        tested: positions of the samples that the model is tested on.
    """
    every = _digests(dataset)
    if every is None:
        return None
    own, held_out = every[list(positions)], np.unique(every[list(tested)])
    before = seen_by_weights(base)
    if before is None:
        return Seen(np.unique(own), complete=False, tested=held_out)
    return Seen(np.unique(np.concatenate([own.reshape(-1), before.digests])), before.complete, held_out)


def seen_by(card: ModelCard) -> Seen | None:
    """The samples that ``zoo tune`` trained a model on: none if it is not a tuned model; None if unknown.

    Raises:
        IntegrityError: the record is damaged.
    """
    from zoo.adapt.saved.names import LIBRARY

    if card.library != LIBRARY or card.source != "file":
        return Seen(np.empty(0, dtype=np.uint64))
    return Seen.read(_root(card) / FILE)


def seen_by_weights(card: ModelCard) -> Seen | None:
    """The same for the weights that features come from, which a linear probe does not change."""
    from zoo.adapt.saved.names import LIBRARY, MARKER
    from zoo.entities import ModelCard

    if card.library == LIBRARY and card.source == "file":
        try:
            document = parse_json((_root(card) / MARKER).read_text(encoding="utf-8"))
            if document["weights"] == "head":
                return seen_by_weights(ModelCard.from_dict(document["base"]["card"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IntegrityError(f"The tuned model in {card.name} is damaged: {error}.", "Tune it again.") from error
    return seen_by(card)


def _root(card: ModelCard) -> Path:
    return Path(card.name).expanduser()


def keep_apart(
    dataset: Dataset, parts: Sequence[Sequence[int]], base: ModelCard, *, move: bool = True
) -> list[tuple[int, ...]]:
    """Parts (training, validation, test), the last two without samples that ``base`` was trained on.

    A validation part of such samples only is kept, as when a model is tuned again on the same data: it reports nothing.

    Args:
        move: whether to move such samples into the training part, instead of leaving them out.

    Raises:
        DataError: nothing is left to test on.
    """
    from zoo.data import units

    found = [tuple(int(position) for position in part) for part in parts]
    before = seen_by_weights(base)
    known = before.holds(dataset) if before is not None and len(before.digests) else None
    if known is None or not any(known[list(part)].any() for part in found[1:]):
        return found
    of = units(dataset) if move else None
    if of is not None:  # copies, near copies and groups of training samples count too
        known = np.isin(of, of[known])
    validation, test = (tuple(position for position in part if not known[position]) for part in found[1:])
    if not test:
        raise DataError(
            f"'{base.id}' was trained on all samples of '{dataset.name}' that would be held out for the test.",
            "Use samples that it was not trained on, or start from the model that it was tuned from.",
        )
    validation = validation or found[1]
    held_out = {*validation, *test}
    moved = [position for part in found[1:] for position in part if position not in held_out] if move else []
    return [tuple(sorted((*found[0], *moved))), validation, test]


def _digests(dataset: Dataset) -> np.ndarray | None:
    """n x 1 digests of the samples; n x 2 if the stored form has a digest of its own."""
    from zoo.data import identities, stored

    found = identities(dataset)
    if found is None:
        return None
    also = stored(dataset)
    return np.stack([_first_bytes(one) for one in (found, also) if one is not None], axis=1)


def _first_bytes(digests: np.ndarray) -> np.ndarray:
    beginnings = digests.view(np.uint8).reshape(len(digests), -1)[:, : _TYPE.itemsize]
    return np.ascontiguousarray(beginnings).view(_TYPE).reshape(-1).astype(np.uint64)


def _damaged(path: Path, reason: str) -> IntegrityError:
    return IntegrityError(
        f"The record of training samples {path} is damaged: {reason}.",
        "Tune the model again, or delete the file; then zoo does not know its training samples.",
    )
