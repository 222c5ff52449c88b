"""Compares the cached files of a Hub model with what was published, and chooses those that zoo uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from zoo.contract.backbone import Progress
from zoo.entities import LocalFiles, ModelCard, ModelFile, Problem
from zoo.errors import IntegrityError
from zoo.sources.files.hashing import KnownHashes
from zoo.sources.files.model_files import choose, format_of
from zoo.sources.hub.cache import published_hash
from zoo.sources.hub.client import Listing


def hashed(here: LocalFiles, card: ModelCard, progress: Progress) -> tuple[ModelFile, ...]:
    """The files that zoo uses of a complete snapshot, each with its SHA-256."""
    paths = {*chosen(card, [file.path for file in here.files]), *(file.path for file in card.files)}
    with KnownHashes() as known, progress.step(f"Hashing {card.id}", here.bytes) as step:
        return tuple(
            ModelFile(file.path, file.bytes, known.digest(here.path(file.path), advance=step.advance))
            for file in here.files
            if file.path in paths
        )


def chosen(card: ModelCard, published: Iterable[str]) -> tuple[str, ...]:
    """The files to pull; if a repository has several models, only the weights that the card names."""
    paths = choose(published)
    named = card.loader.get("weights")
    if not isinstance(named, str) or named not in paths:
        return paths
    return tuple(path for path in paths if path == named or not format_of(path))


def problems_of(card: ModelCard, here: LocalFiles, progress: Progress, fresh: bool) -> Iterator[Problem]:
    """The cached files that differ from the hash in their blob's name, or from the card of the same commit.

    Args:
        fresh: whether to hash every file again.
    """
    published = {file.path: file for file in card.files} if card.revision == here.revision else {}
    with KnownHashes() as known, progress.step(f"Verifying {card.id}", here.bytes) as step:
        for file in here.files:
            reason = _reason(here.path(file.path), published.get(file.path), known, fresh)
            step.advance(file.bytes or 0)
            if reason:
                yield Problem(file.path, reason)
    for path in sorted(set(published) - {file.path for file in here.files}):
        yield Problem(path, "is missing")


def is_damaged(path: Path) -> bool:
    """Whether a cached file is not as it was published; if no hash was published, it is taken to be."""
    algorithm, expected = published_hash(path)
    try:
        return expected is None or KnownHashes().digest(path, algorithm, fresh=True) != expected
    except OSError:
        return True


def _reason(path: Path, listed: ModelFile | None, known: KnownHashes, fresh: bool) -> str | None:
    algorithm, expected = published_hash(path)
    try:
        if expected and (found := known.digest(path, algorithm, fresh)) != expected:
            return f"has the hash {found} and was published with {expected}"
        if (
            listed
            and listed.sha256
            and (found := known.digest(path, "sha256", fresh and not expected)) != listed.sha256
        ):
            return f"has the SHA-256 {found} and its card says {listed.sha256}"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return None


def check_against_card(card: ModelCard, listing: Listing) -> None:
    """Check that the Hub lists the same files for this commit as the registry recorded."""
    if card.revision != listing.commit:
        return
    for file in card.files:
        listed = listing.files.get(file.path)
        if listed is None or (file.sha256 and listed.sha256 and file.sha256 != listed.sha256):
            raise IntegrityError(
                f"The Hub lists another {file.path} for '{card.id}' at {listing.commit} than the registry recorded.",
                "Nothing was written. Find out which one is correct before you use this model.",
            )
