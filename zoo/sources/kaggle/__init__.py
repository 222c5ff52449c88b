"""``kaggle:`` models on Kaggle, including TensorFlow Hub; their files are stored in kagglehub's own cache."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.catalog.licenses import of_hub_tag
from zoo.config import settings
from zoo.contract.backbone import Progress
from zoo.contract.listing import ListRequest, Page
from zoo.entities import LocalFiles, ModelCard, ModelFile, Problem
from zoo.errors import IntegrityError, InvalidInput, NetworkUnavailable, ZooError
from zoo.sources.files.hashing import KnownHashes
from zoo.sources.kaggle.client import KaggleClient
from zoo.sources.kaggle.names import Handle
from zoo.sources.local.pulled import PulledSource

PAGE = 100
LONGEST = 2000
"""Maximum characters of a description."""

_LIBRARIES = {"tensorFlow1": "tensorflow", "tensorFlow2": "tensorflow", "pyTorch": "pytorch", "tfLite": "tflite"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class KaggleSource(PulledSource):
    """Kaggle Models, through kagglehub."""

    name = "kaggle"
    title = "Kaggle Models and TensorFlow Hub"

    def fetch(self, card: ModelCard, store: Path, progress: Progress) -> LocalFiles:
        """The files of a version in kagglehub's cache, downloaded if missing; their sizes are verified.

        kagglehub verifies the MD5 of each file if the storage has one. The SHA-256 is recorded after the download and
        verified from then on.

        Raises:
            ModelNotFound, GatedModel, NetworkUnavailable, IntegrityError: each with what to do.
        """
        here = self.pulled.find(card.id, card.revision)
        if here is not None and (settings().offline or card.revision):
            return self.checked(here, progress)
        if settings().offline:
            raise _offline(card.id)
        handle, client = Handle.parse(card.name, card.revision), KaggleClient()
        try:
            version = handle.version or int(client.instance(handle).version_number)
        except NetworkUnavailable:
            if here is None:
                raise
            return self.checked(here, progress)
        here = self.pulled.find(card.id, str(version))
        if here is not None:
            return self.checked(here, progress)
        return self.pulled.remember(card, self._download(client, handle, version, progress))

    def describe(self, name: str, revision: str | None = None) -> ModelCard:
        """The card of a model, from Kaggle's metadata.

        Raises:
            InvalidInput: the name is not valid.
            ModelNotFound, GatedModel, NetworkUnavailable: each with what to do.
        """
        if settings().offline:
            raise _offline(f"{self.name}:{name}")
        handle, client = Handle.parse(name, revision), KaggleClient()
        instance = client.instance(handle)
        version = handle.version or int(instance.version_number)
        files = client.files(handle, version)
        return _card(handle, instance, version, tuple(ModelFile(path, size) for path, size in sorted(files.items())))

    def pages(self, wanted: ListRequest, state: Mapping[str, Any], progress: Progress) -> Iterator[Page]:
        """Every variation of every model on Kaggle, page by page; an interrupted listing continues.

        Raises:
            InvalidInput: a task was requested; Kaggle has no tasks.
        """
        if wanted.task:
            raise InvalidInput("Kaggle does not list the tasks of its models.", "Remove --task, and search by words.")
        client, left = KaggleClient(), wanted.limit
        token = "" if wanted.full else str(state.get("token") or "")
        while True:
            models, following = client.page(token, min(PAGE, left or PAGE))
            chosen = [one for one in models if not wanted.since or _changed(one) >= wanted.since][:left]
            cards, problems = _listed(chosen)
            if left is not None:
                left -= len(chosen)
            ended = not following or following == token or left == 0
            yield Page(tuple(cards), {} if ended else {"token": following}, tuple(problems), 1, len(cards))
            if ended:
                return
            token = following

    def _download(self, client: KaggleClient, handle: Handle, version: int, progress: Progress) -> LocalFiles:
        sizes = client.files(handle, version)
        if not sizes:
            raise IntegrityError(
                f"Kaggle lists no files of '{handle}' in version {version}.", "Choose another version."
            )
        files: list[ModelFile] = []
        root = Path()
        with KnownHashes() as known, progress.step(f"Pulling {handle}", sum(sizes.values())) as step:
            for path, size in sorted(sizes.items()):
                place = client.download(handle, version, path)
                root = place.parents[path.count("/")]
                if place.stat().st_size != size:
                    found = place.stat().st_size
                    place.unlink()
                    raise IntegrityError(
                        f"{path} of 'kaggle:{handle}' has {found} bytes and was published with {size}; it was deleted.",
                        f"Run: zoo pull kaggle:{handle}",
                    )
                files.append(ModelFile(path, size, known.digest(place)))
                step.advance(size)
        return LocalFiles(root, tuple(files), str(version))


def _listed(models: list[Any]) -> tuple[list[ModelCard], list[Problem]]:
    cards: list[ModelCard] = []
    problems: list[Problem] = []
    for model in models:
        for instance in model.instances or ():
            name = f"{model.ref}/{_framework(instance)}/{instance.slug}"
            try:
                handle = Handle.parse(name)
                cards.append(_card(handle, instance, int(instance.version_number), (), model))
            except (ZooError, ValueError, TypeError) as error:
                problems.append(
                    Problem(ascii(name)[1:80], error.message if isinstance(error, ZooError) else str(error))
                )
    return cards, problems


def _card(handle: Handle, instance: Any, version: int, files: tuple[ModelFile, ...], model: Any = None) -> ModelCard:
    overview = instance.overview or (model is not None and model.subtitle) or ""
    license_name = (instance.license_name or "").strip().lower().replace(" ", "-")
    size = sum(file.bytes or 0 for file in files) or int(instance.total_uncompressed_bytes or 0)
    votes = getattr(model, "vote_count", None)
    return ModelCard(
        id=f"kaggle:{handle}",
        domain="other",
        library=_LIBRARIES.get(handle.framework, handle.framework),
        description=_CONTROL.sub("", overview).strip()[:LONGEST] or None,
        bytes=size if size > 0 else None,
        license=of_hub_tag(license_name),
        likes=votes if isinstance(votes, int) and votes >= 0 else None,
        revision=str(version),
        url=f"https://www.kaggle.com/models/{handle}",
        files=files,
    )


def _framework(instance: Any) -> str:
    """The framework in the spelling of handles: ``tensorFlow2``, ``pyTorch``."""
    words = instance.framework.name.removeprefix("MODEL_FRAMEWORK_").lower().split("_")
    return str(words[0] + "".join(word.capitalize() for word in words[1:]))


def _changed(model: Any) -> str:
    return f"{model.update_time:%Y-%m-%dT%H:%M:%S.%fZ}" if model.update_time else ""


def _offline(name: str) -> NetworkUnavailable:
    return NetworkUnavailable(
        f"'{name}' is not on this machine, and zoo is offline (HF_HUB_OFFLINE or ZOO_OFFLINE is set).",
        f"Unset them and run: zoo pull {name}",
    )
