"""``hf:`` models on the Hugging Face Hub; their files are stored in the Hub's own cache, without a second copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.config import settings
from zoo.contract.backbone import Progress
from zoo.contract.listing import ListRequest, Page
from zoo.contract.source import LocalModel, Published
from zoo.entities import LocalFiles, ModelCard, ModelFile, ModelId, Problem
from zoo.errors import IntegrityError, ModelNotFound, NetworkUnavailable, UnsupportedModel, ZooError, suggest
from zoo.sources.files.hashing import KnownHashes
from zoo.sources.files.model_files import choose, format_of
from zoo.sources.files.paths import COMMIT
from zoo.sources.hub.cache import (
    cached_commit,
    complete,
    discard,
    endpoint,
    snapshot,
    snapshots,
)
from zoo.sources.hub.checking import check_against_card, chosen, hashed, is_damaged, problems_of
from zoo.sources.hub.client import HubClient, Listing
from zoo.sources.hub.errors import offline


class HubSource:
    """The Hugging Face Hub, or the server in ``HF_ENDPOINT``."""

    name = "hf"
    title = "Hugging Face Hub"

    def fetch(self, card: ModelCard, store: Path, progress: Progress) -> LocalFiles:
        """The files in the Hub's cache, downloaded if missing, each verified against its published hash.

        A card that pins a commit needs no network once its files are cached. Otherwise the Hub resolves the revision,
        and the cached files are used if it cannot be reached.

        Raises:
            ModelNotFound, GatedModel, NetworkUnavailable, IntegrityError, UnsupportedModel: each with what to do.
        """
        here = self.locate(card)
        if here is not None and (settings().offline or COMMIT.match(card.revision or "")):
            return self._checked(card, here, progress)
        if settings().offline:
            raise offline(card.id)
        try:
            return self._pull(card, progress)
        except NetworkUnavailable:
            if here is None:
                raise
            return self._checked(card, here, progress)

    def locate(self, card: ModelCard) -> LocalFiles | None:
        """The files if the cache has all that the card lists, or a complete model if it lists none."""
        commit = cached_commit(card.name, card.revision)
        files = snapshot(card.name, commit) if commit else None
        if files is None:
            return None
        listed = {file.path for file in card.files} if COMMIT.match(card.revision or "") else set()
        if not listed:
            return files if complete(files) else None
        return files if listed <= {file.path for file in files.files} else None

    def describe(self, name: str, revision: str | None = None) -> ModelCard:
        """The card of a model, from the Hub; one request.

        If the Hub cannot be reached, from the configuration in the cache.

        Raises:
            ModelNotFound, GatedModel, NetworkUnavailable: each with what to do.
        """
        from zoo.sources.hub.card import card_from

        client = HubClient(ModelId(self.name, name, revision), lambda: _nearest(name))
        try:
            if settings().offline:
                raise offline(f"{self.name}:{name}")
            info = client.info(files=True)
        except NetworkUnavailable:
            cached = self._cached_card(name, revision)
            if cached is None:
                raise
            return cached
        return card_from(info, client.listing_of(info).files, client.shown)

    def published(self, card: ModelCard, progress: Progress) -> Published:
        """The commit, and the hash of every file that zoo uses; of the files, only small ones are downloaded.

        The Hub publishes the SHA-256 of large files only. The network is used even if all files are here, since only
        the Hub knows the number of the repository; offline, the files that are here are hashed, without the number.

        Raises:
            ModelNotFound, GatedModel, NetworkUnavailable, IntegrityError, UnsupportedModel: each with what to do.
        """
        if settings().offline:
            here = self.locate(card)
            if here is None or here.revision is None:
                raise offline(card.id)
            return Published(here.revision, hashed(here, card, progress))
        client, info, listing, paths = self._listed(card)
        small = [path for path in paths if listing.files[path].sha256 is None]
        client.download(listing, small, progress)
        here = snapshot(card.name, listing.commit)
        hashes = {} if here is None else {file.path: here.path(file.path) for file in here.files}
        if not hashes.keys() >= {*small}:
            raise _vanished(card)
        with KnownHashes() as known:
            files = tuple(
                ModelFile(path, file.size, file.sha256 or known.digest(hashes[path]))
                for path, file in ((path, listing.files[path]) for path in paths)
            )
        number = getattr(info, "_id", None)
        return Published(listing.commit, files, number if isinstance(number, str) and number.isalnum() else None)

    def pages(self, wanted: ListRequest, state: Mapping[str, Any], progress: Progress) -> Iterator[Page]:
        """The Hub's models, latest change first, back to the start of the last complete listing.

        With a limit, the most downloaded ones.

        Raises:
            NetworkUnavailable, GatedModel, SourceError: each with what to do.
        """
        from zoo.sources.hub.listing import HubListing
        from zoo.sources.hub.requests import HubRequests

        if settings().offline:
            raise NetworkUnavailable(
                "The Hub's models cannot be listed while zoo is offline (HF_HUB_OFFLINE or ZOO_OFFLINE is set).",
                "Unset them and run: zoo sync hf",
            )
        yield from HubListing(HubRequests(endpoint(), progress), wanted).pages(state)

    def _cached_card(self, name: str, revision: str | None) -> ModelCard | None:
        from zoo.sources.files.config_card import card_from_config
        from zoo.sources.files.recognising import complete, recognise
        from zoo.untrusted import read_json

        bare = ModelCard(id=f"{self.name}:{name}", domain="other", revision=revision)
        here = self.locate(bare)
        if here is None:
            return None
        wanted = set(choose(file.path for file in here.files))
        files = tuple(file for file in here.files if file.path in wanted)
        try:
            config = read_json(here.path("config.json"))
            card = recognise(bare.id, here.root, [file.path for file in files], config)
            if card is not None and card.files:
                named = {file.path for file in card.files}
                files = tuple(file for file in here.files if file.path in named)
            card = card or card_from_config(bare.id, config or {}, files, None)
        except ModelNotFound:
            card = bare
        return complete(card, here.root, files, here.revision)

    def verify(self, card: ModelCard, progress: Progress) -> Sequence[Problem]:
        """Hash every cached file again, and compare with the published hash in its blob's name and with the card.

        Raises:
            ModelNotFound: the model is not in the cache.
        """
        commit = cached_commit(card.name, card.revision)
        here = snapshot(card.name, commit) if commit else None
        if here is None:
            raise ModelNotFound(f"'{card.id}' is not on this machine.", f"Run: zoo pull {card.id}")
        problems = list(problems_of(card, here, progress, fresh=True))
        if not complete(here):
            problems.append(Problem(str(here.root), "is incomplete: pull the model again"))
        return problems

    def remove(self, card: ModelCard) -> int:
        """Delete the card's revision from the cache, or all revisions if it names none.

        Raises:
            ModelNotFound: the model is not in the cache.
        """
        from huggingface_hub import scan_cache_dir
        from huggingface_hub.errors import CacheNotFound

        from zoo.sources.hub.cache import cache_folder

        commit = cached_commit(card.name, card.revision) if card.revision else None
        try:
            cache = scan_cache_dir(cache_folder())
        except CacheNotFound:
            commits: list[str] = []
        else:
            repositories = [r for r in cache.repos if r.repo_type == "model" and r.repo_id == card.name]
            found = [revision.commit_hash for repository in repositories for revision in repository.revisions]
            commits = [hash_ for hash_ in found if not card.revision or hash_ == commit]
        if not commits:
            raise ModelNotFound(f"'{card.id}' is not on this machine.", "List the local models: zoo list")
        strategy = cache.delete_revisions(*commits)
        strategy.execute()
        return int(strategy.expected_freed_size)

    def models(self) -> Iterator[LocalModel]:
        """Every complete model in the cache, including those downloaded by other programs."""
        for name, files in snapshots():
            try:
                card = self._cached_card(name, files.revision)
            except ZooError:
                card = None  # its files are malformed, see 'zoo verify'
            yield LocalModel(f"{self.name}:{name}", files, card)

    def local(self) -> Iterator[LocalFiles]:
        """The files of those models."""
        for model in self.models():
            yield model.files

    def _pull(self, card: ModelCard, progress: Progress) -> LocalFiles:
        client, _, listing, paths = self._listed(card)
        client.download(listing, paths, progress)
        files = snapshot(card.name, listing.commit)
        if files is None:
            raise _vanished(card)
        return files

    def _listed(self, card: ModelCard) -> tuple[HubClient, Any, Listing, list[str]]:
        """The client, what it says of the model, its files at the card's revision, and the paths that zoo uses."""
        client = HubClient(ModelId(self.name, card.name, card.revision), lambda: _nearest(card.name))
        info = client.info()
        listing = client.listing(info.sha)
        recorded = {file.path for file in card.files} if card.revision == listing.commit else set()
        paths = sorted({*chosen(card, listing.files), *(recorded & set(listing.files))})
        if not any(format_of(path) for path in paths):
            raise UnsupportedModel(
                f"'{card.id}' has no weights in a format that zoo supports.",
                "zoo supports safetensors, PyTorch, ONNX, TensorFlow and Flax files, and the formats of its plugins.",
            )
        check_against_card(card, listing)
        return client, info, listing, paths

    def _checked(self, card: ModelCard, files: LocalFiles, progress: Progress) -> LocalFiles:
        problems = list(problems_of(card, files, progress, fresh=False))
        damaged = {problem.item for problem in problems if is_damaged(files.path(problem.item))}
        for item in damaged:
            discard(files.path(item))
        if problems:
            first = problems[0]
            raise IntegrityError(
                f"{first.item} of '{card.id}' {first.reason}{'; it was deleted' if first.item in damaged else ''}.",
                f"Run: zoo pull {card.id}" if damaged else f"Run: zoo verify {card.id}",
            )
        return files


def _vanished(card: ModelCard) -> ModelNotFound:
    return ModelNotFound(f"'{card.id}' vanished from the cache while it was pulled.", f"Run: zoo pull {card.id}")


def _nearest(name: str) -> str:
    from zoo.plugins import plugins

    known = {card.name for card in plugins().items("zoo_cards") if getattr(card, "source", "") == HubSource.name}
    known |= {cached for cached, _ in snapshots()}
    return suggest(name, known) or f"Search for it: zoo search {name.rpartition('/')[2]}"
