"""Repositories with a ``hubconf.py`` on GitHub, at a pinned commit; their code is not run here."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.config import settings
from zoo.contract.backbone import Progress
from zoo.entities import LocalFiles, ModelCard, ModelFile
from zoo.errors import IntegrityError, InvalidInput, ModelNotFound, suggest
from zoo.sources.files.archives import unpack
from zoo.sources.files.hashing import CHUNK
from zoo.sources.files.http_files import fetch, read_text
from zoo.sources.files.paths import COMMIT, unsafe
from zoo.sources.torch_hub.hubconf import HubConf, parse

MOST_BYTES = 512 << 20
"""Maximum size of a repository's archive, in bytes."""

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_NAME = re.compile(rf"(?P<repository>{_PART}/{_PART})(:(?P<ref>[^:]+))?:(?P<entry>[A-Za-z_][A-Za-z0-9_]*)\Z")


@dataclass(frozen=True)
class EntryName:
    """``owner/repo[:ref]:entry``, parsed.

    Attributes:
        ref: branch, tag or commit; None for the default branch.
    """

    repository: str
    entry: str
    ref: str | None = None

    @classmethod
    def parse(cls, name: str, revision: str | None = None) -> EntryName:
        """Parse the name in a model id; a ``revision`` takes precedence over the ref in the name.

        Raises:
            InvalidInput: the name is not valid.
        """
        match = _NAME.match(name)
        ref = revision or (match and match["ref"]) or None
        if match is None or ".." in name or (ref is not None and unsafe(ref)):
            raise InvalidInput(
                f"'torchhub:{name}' is not the name of a model on PyTorch Hub.",
                "It looks like torchhub:owner/repository:entry, or torchhub:owner/repository:tag:entry.",
            )
        return cls(match["repository"], match["entry"], ref)


def pinned_commit(name: EntryName) -> str:
    """The current commit of the ref, with one request unless the ref is a commit.

    Raises:
        ModelNotFound: the repository or ref does not exist.
        IntegrityError: the response is not a commit.
    """
    if name.ref and COMMIT.match(name.ref):
        return name.ref
    what = f"The commit of {name.repository} at '{name.ref or 'HEAD'}'"
    url = f"{_api()}/repos/{name.repository}/commits/{name.ref or 'HEAD'}"
    try:
        text = read_text(url, what, {**_headers(), "Accept": "application/vnd.github.sha"}).strip()
    except ModelNotFound as error:
        raise ModelNotFound(
            f"There is no repository '{name.repository}' with a revision '{name.ref or 'HEAD'}' at {_api()}.",
            "Check its name; for a private one set GITHUB_TOKEN.",
        ) from error
    if not COMMIT.match(text):
        raise IntegrityError(f"{what} is not 40 hexadecimal digits.", "Check GITHUB_API_URL and your proxy.")
    return text


def entry_points(repository: str, commit: str) -> HubConf:
    """The entry points in the repository's ``hubconf.py`` at a commit.

    Raises:
        ModelNotFound: there is no ``hubconf.py``.
    """
    url = f"{_api()}/repos/{repository}/contents/hubconf.py?ref={commit}"
    try:
        text = read_text(
            url, f"The hubconf.py of {repository}", {**_headers(), "Accept": "application/vnd.github.raw+json"}
        )
    except ModelNotFound as error:
        raise ModelNotFound(
            f"{repository} has no hubconf.py at {commit}, so it has no models for PyTorch Hub.",
            "Choose another repository.",
        ) from error
    return parse(text, repository)


def describe_entry(name: EntryName) -> ModelCard:
    """The card of an entry point, pinned to a commit, from its docstring; no code is run.

    Raises:
        ModelNotFound: the repository, revision or entry point does not exist; with the nearest.
    """
    commit = pinned_commit(name)
    return card_of(name, commit, entry_points(name.repository, commit))


def card_of(name: EntryName, commit: str, found: HubConf) -> ModelCard:
    """The card of an entry point of a ``hubconf.py``.

    Raises:
        ModelNotFound: it has no such entry point.
    """
    entry = found.entry(name.entry)
    if entry is None:
        names = [known.name for known in found.entries]
        raise ModelNotFound(
            f"The hubconf.py of {name.repository} has no entry point '{name.entry}'.",
            suggest(name.entry, names) or f"There are: {', '.join(names[:30])}.",
        )
    return ModelCard(
        id=f"torchhub:{name.repository}:{name.entry}",
        domain="other",
        library="torchhub",
        description=entry.description,
        revision=commit,
        url=f"https://github.com/{name.repository}/tree/{commit}",
        loader={
            "remote_code": True,
            "repository": name.repository,
            "entry": name.entry,
            "arguments": list(entry.arguments),
            "dependencies": list(found.dependencies),
        },
    )


def fetch_repository(repository: str, commit: str, progress: Progress) -> LocalFiles:
    """Download the repository at a commit and unpack it in zoo's folder; the files with their hashes.

    Raises:
        ModelNotFound, NetworkUnavailable, IntegrityError: each with what to do; no incomplete folder is left behind.
    """
    # Always downloaded again, because a folder without recorded hashes may contain anything.
    folder = settings().models / "torchhub" / repository.replace("/", "--") / commit
    with tempfile.TemporaryDirectory() as temporary:
        archive = Path(temporary) / f"{repository.rpartition('/')[2]}-{commit[:7]}.zip"
        url = f"{_api()}/repos/{repository}/zipball/{commit}"
        fetch(
            url,
            archive,
            f"The archive of {repository}",
            lambda digest: True,
            progress,
            headers=_headers(),
            most=MOST_BYTES,
        )
        unpack(archive, folder, f"The archive of {repository}")
    return LocalFiles(folder, tuple(_hashed(folder)), commit)


def _hashed(folder: Path) -> Iterator[ModelFile]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
            yield ModelFile(path.relative_to(folder).as_posix(), path.stat().st_size, digest.hexdigest())


def _api() -> str:
    """GitHub's API, or the server in ``GITHUB_API_URL``, which GitHub's own runners set."""
    return (os.environ.get("GITHUB_API_URL") or "https://api.github.com").rstrip("/")


def _headers() -> dict[str, str]:
    token = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}
