"""The hooks of the domain acme. Heavy packages are imported inside the functions that need them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import Domain, ModelCard, hookimpl

from zoo_acme.cards import TASK, cards

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone, Progress
    from zoo.entities import LocalFiles


@hookimpl
def zoo_domains() -> list[Domain]:
    """The domain and its task."""
    return [Domain("acme", "One sentence about the domain.", (TASK,))]


@hookimpl
def zoo_cards() -> Iterator[ModelCard]:
    """The model cards, and benchmark scores if there are any."""
    return cards()


@hookimpl
def zoo_download(card: ModelCard, store: Path, progress: Progress) -> LocalFiles | None:
    """The files of the plugin's own models, which are in this package."""
    from zoo.entities import LocalFiles

    if card.source != "acme":
        return None
    return LocalFiles(Path(__file__).parent, card.files, card.revision)


@hookimpl
def zoo_load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> Backbone | None:
    """A backbone for the plugin's own models; None leaves all others to other plugins."""
    if card.source != "acme":
        return None
    from zoo_acme.backbone import load

    return load(card, files)
