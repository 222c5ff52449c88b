"""What a platform publishes of a model at one revision: the hashes of its files, without a download where possible."""

from __future__ import annotations

from zoo.contract.backbone import Progress
from zoo.contract.source import Published, Publishes
from zoo.entities import ModelCard, ModelFile
from zoo.sources.files.hashing import KnownHashes
from zoo.sources.hosted_models import HostedSource
from zoo.sources.known import source
from zoo.sources.pulling import fetched


def published(card: ModelCard, progress: Progress) -> Published:
    """The revision and the hash of every file, from the platform, the card, or the files of a download.

    The policy was asked about the model already.

    Raises:
        UnsupportedModel: no plugin provides models of this platform.
        SourceError: a subclass that says what to do.
    """
    origin = source(card.source)
    if isinstance(origin, HostedSource):
        return published(origin.hosted(card), progress)
    if isinstance(origin, Publishes):
        return origin.published(card, progress)
    if card.files and all(file.sha256 and file.bytes is not None for file in card.files):
        return Published(card.revision, card.files)
    files = fetched(card, progress)
    with KnownHashes() as known, progress.step(f"Hashing {card.id}", files.bytes) as step:
        hashed = tuple(
            ModelFile(file.path, file.bytes, known.digest(files.path(file.path), advance=step.advance))
            for file in files.files
        )
    return Published(files.revision, hashed)
