"""``openclip:MODEL/TAG``: the pretrained tags of open_clip, whose files lie on the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.entities import LocalFiles, ModelCard, Problem
from zoo.errors import ModelNotFound, needs_extra, suggest
from zoo.sources import source

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress

HUB = "hf"
TASKS = ("zero-shot-image-classification", "image-text-retrieval")


class OpenClipSource:
    """Tags of open_clip; everything about their files is the Hub's."""

    name = "openclip"
    title = "open_clip"

    def fetch(self, card: ModelCard, store: Path, progress: Progress) -> LocalFiles:
        """The files of the repository that the tag names, checked.

        Raises:
            ModelNotFound: there is no such tag, or its weights are not on the Hub.
            SourceError: the Hub does not deliver.
        """
        return source(HUB).fetch(self._on_hub(card, described=True), store, progress)

    def locate(self, card: ModelCard) -> LocalFiles | None:
        """The files, when they are in the Hub's cache."""
        try:
            return source(HUB).locate(self._on_hub(card))
        except (ModelNotFound, ImportError):
            return None

    def describe(self, name: str, revision: str | None = None) -> ModelCard:
        """A card for a tag that the registry does not know.

        Raises:
            ModelNotFound: there is no such tag.
        """
        model, tag, repository = _tag(name)
        found = source(HUB).describe(repository, revision)
        return replace(
            found,
            id=f"{self.name}:{name}",
            domain="multimodal",
            tasks=TASKS,
            architecture="SigLIP" if "siglip" in model.lower() else "CLIP",
            library="open_clip",
            input={"kind": "image"},
            loader={"model": model, "pretrained": tag},
        )

    def verify(self, card: ModelCard, progress: Progress) -> Sequence[Problem]:
        """Hash every file again."""
        return source(HUB).verify(self._on_hub(card), progress)

    def remove(self, card: ModelCard) -> int:
        """Delete the files from the Hub's cache; gives the bytes that were freed."""
        return source(HUB).remove(self._on_hub(card))

    def local(self) -> Iterator[LocalFiles]:
        """None of its own: the Hub's source lists what lies in its cache."""
        return iter(())

    def _on_hub(self, card: ModelCard, described: bool = False) -> ModelCard:
        _, _, repository = _tag(card.name)
        if described:
            return source(HUB).describe(repository, card.revision)
        return ModelCard(f"{HUB}:{repository}", "multimodal", revision=card.revision)


def _tag(name: str) -> tuple[str, str, str]:
    """Model, tag and repository of ``MODEL/TAG``."""
    with needs_extra("multimodal", "look up tags of open_clip"):
        import open_clip

    model, _, tag = name.rpartition("/")
    known: list[Any] = open_clip.list_pretrained()
    config = open_clip.get_pretrained_cfg(model, tag)
    if not config:
        near = suggest(name, (f"{one}/{its}" for one, its in known))
        raise ModelNotFound(
            f"open_clip has no pretrained tag '{name}'.", near or "An id looks like openclip:MODEL/TAG."
        )
    repository = "/".join(str(config.get("hf_hub") or "").split("/")[:2]).strip("/")
    if not repository:
        raise ModelNotFound(
            f"The weights of the open_clip tag '{name}' are not on the Hub.",
            "Choose another: zoo search --source openclip",
        )
    return model, tag, repository
