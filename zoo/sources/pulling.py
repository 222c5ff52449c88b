"""Downloads models and verifies their files."""

from __future__ import annotations

from pathlib import Path

from zoo.config import settings
from zoo.contract.backbone import Progress, SilentProgress
from zoo.entities import LocalFiles, ModelCard
from zoo.errors import InvalidInput, UnsupportedModel
from zoo.keywords import explains_keywords
from zoo.sources.known import REFERENCES, sources
from zoo.sources.permitting import permit_files, permit_use
from zoo.sources.resolving import card_to_pull


@explains_keywords
def pull(model: str, progress: Progress | None = None, *, trust_remote_code: bool = False) -> LocalFiles:
    """Download a model and verify its files; files that are complete already are only verified.

    Args:
        model: an id, or a name that only one model of the registry has.
        trust_remote_code: allow the model to run its own code, at the pulled revision.

    Raises:
        SourceError: a subclass that says what to do.
        PolicyRefusal: a policy denies it, or requires an approval.
        UnsupportedModel: no plugin provides models of this platform.
    """
    card = card_to_pull(model)
    known = permit_use(card, "pull", model)
    files = fetched(card, progress or SilentProgress())
    permit_files(known, "pull", files)
    if trust_remote_code:
        _trust(card, files)
    return files


def fetched(card: ModelCard, progress: Progress) -> LocalFiles:
    """The files of a model of which the policy was asked already; raises as ``pull``."""
    from zoo.plugins import plugins

    files: LocalFiles | None = plugins().first("zoo_download", card=card, store=settings().models, progress=progress)
    if files is None and card.source in REFERENCES:
        raise UnsupportedModel(
            f"'{card.id}' is only listed for comparison; its weights are {REFERENCES[card.source]}, not on a platform.",
            f"Download them from {card.url}, then use the folder: file:/PATH"
            if card.url
            else f"See its scores: zoo show {card.id}",
        )
    if files is None:
        raise UnsupportedModel(
            f"No plugin provides models of the platform '{card.source}'.", f"There are: {', '.join(sorted(sources()))}."
        )
    return files


def _trust(card: ModelCard, files: LocalFiles) -> None:
    from zoo.loading.trust import trust

    repository = card.loader.get("repository")
    if repository is None or files.revision is None:
        raise InvalidInput(f"'{card.id}' has no code of its own.", "Remove --trust-remote-code.")
    trust(str(repository), files.revision)


def download(card: ModelCard, store: Path, progress: Progress) -> LocalFiles | None:
    """Download a model from its source and verify it; None if its source is unknown."""
    origin = sources().get(card.source)
    return None if origin is None else origin.fetch(card, store, progress)
