"""From which models zoo itself made a local one, as the registry records it."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.entities import ModelCard, ModelId
from zoo.errors import ZooError
from zoo.sources.known import sources

OUTPUT = "output_revision"
"""The setting of a run's plan that holds the revision of the folder that it wrote, a digest of all its files."""

GENERATIONS = 10

_FOLDER = "file"
_LIBRARY = "zoo"


def made_from(card: ModelCard) -> tuple[ModelId, ...]:
    """The models from which ``zoo tune`` made this one, the nearest first, each at the revision that was used.

    Only a folder whose files are those that a recorded run wrote counts; what files in it say is not considered, so
    nothing is learned of folders that were changed, or whose run was not saved.
    """
    if card.source != _FOLDER or card.library != _LIBRARY:
        return ()
    try:
        # Not the card's own revision: the folder may have changed since the card was made.
        revision = sources()[_FOLDER].describe(card.name).revision
        return tuple(_steps(revision))
    except ZooError:
        return ()


def _steps(revision: str | None) -> Iterator[ModelId]:
    from zoo.registry import open_registry

    registry = open_registry()
    for _ in range(GENERATIONS):
        run = registry.run_that_wrote(OUTPUT, revision) if revision else None
        if run is None:
            return
        origin, _, name = run.model.partition(":")
        yield ModelId(origin, name, run.revision)
        if origin != _FOLDER:
            return
        revision = run.revision
