"""Reads the Hugging Face cache by its documented layout, without importing the client.

``CACHE/models--ORG--NAME/{refs/REVISION, blobs/HASH, snapshots/COMMIT/FILE -> ../../blobs/HASH}``, where HASH is the
published SHA-256 of a large file and the git SHA-1 of a small one.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from zoo.entities import LocalFiles, ModelFile
from zoo.errors import InvalidInput
from zoo.sources.files.model_files import choose, format_of, missing_shards
from zoo.sources.files.paths import COMMIT, ETAG, unsafe
from zoo.untrusted import parse_json

DEFAULT_ENDPOINT = "https://huggingface.co"
DEFAULT_REVISION = "main"
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?\Z")


def endpoint() -> str:
    """The Hub's address: the current ``HF_ENDPOINT``, or the public one.

    Raises:
        InvalidInput: it is not an http or https address.
    """
    address = (os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT).strip().rstrip("/")
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidInput("HF_ENDPOINT is not an http or https address.", "Unset it, or write https://HOST.")
    return address


def cache_folder() -> Path:
    """The Hub's cache, according to the current environment."""
    direct = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if direct:
        return Path(os.path.expandvars(direct)).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(os.path.expandvars(home)).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "huggingface" / "hub"


def check_repository(name: str) -> str:
    """Check the name of a repository and return it.

    Raises:
        InvalidInput: it does not have the form ``organisation/name``.
    """
    if not _REPOSITORY.match(name) or "--" in name or ".." in name or name.endswith((".git", ".", "-")):
        raise InvalidInput(f"'{name}' is not the name of a model on the Hub.", "It looks like organisation/model-name.")
    return name


def check_revision(revision: str) -> str:
    """Check the name of a branch, tag or commit and return it.

    Raises:
        InvalidInput: it is not valid.
    """
    if unsafe(revision):
        raise InvalidInput(
            f"{revision!r} is not a revision: it {unsafe(revision)}.", "Name a branch, a tag or a commit."
        )
    return revision


def repository_folder(name: str) -> Path:
    """The folder of a repository in the cache."""
    return cache_folder() / ("models--" + check_repository(name).replace("/", "--"))


def cached_commit(name: str, revision: str | None) -> str | None:
    """The commit of a revision when it was last pulled; a commit is returned as it is.

    If only commits were pulled, so that the cache does not know ``main``, the last one is used for it.
    """
    revision = check_revision(revision or DEFAULT_REVISION)
    if COMMIT.match(revision):
        return revision
    folder = repository_folder(name)
    with contextlib.suppress(OSError, UnicodeDecodeError):
        commit = (folder / "refs" / revision).read_text(encoding="utf-8").strip()
        return commit if COMMIT.match(commit) else None
    if revision != DEFAULT_REVISION:
        return None
    found = [path for path in folder.glob("snapshots/*") if COMMIT.match(path.name)]
    return max(found, key=lambda path: path.stat().st_mtime_ns).name if found else None


def snapshot(name: str, commit: str) -> LocalFiles | None:
    """The cached files of a repository at a commit, with their published ``sha256``; None if there are none."""
    root = repository_folder(name) / "snapshots" / commit
    files = []
    for folder, _, names in os.walk(root):
        for file_name in names:
            path = Path(folder, file_name)
            # An interrupted pull leaves broken links behind.
            if path.is_file():
                algorithm, digest = published_hash(path)
                sha256 = digest if algorithm == "sha256" else None
                files.append(ModelFile(path.relative_to(root).as_posix(), path.stat().st_size, sha256))
    return LocalFiles(root, tuple(sorted(files, key=lambda file: file.path)), commit) if files else None


def published_hash(path: Path) -> tuple[str, str | None]:
    """The algorithm and published hash of a cached file, from the name of its blob; None if it is a copy."""
    if not path.is_symlink():
        return "sha256", None
    name = Path(os.readlink(path)).name
    if not ETAG.match(name):
        return "sha256", None
    return ("sha256" if len(name) == 64 else "git"), name


def complete(files: LocalFiles) -> bool:
    """Whether a snapshot is complete: it has weights, and all the shards of an index.

    Small files are pulled first, so if the weights are complete, the rest is.
    """
    paths = [file.path for file in files.files]
    wanted = choose(paths)
    if not any(format_of(path) for path in wanted):
        return False
    for index in (path for path in wanted if path.endswith(".index.json")):
        try:
            shards = parse_json(files.path(index).read_text(encoding="utf-8"))["weight_map"].values()
            if missing_shards(paths, index, shards):
                return False
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return False
    return True


def snapshots() -> Iterator[tuple[str, LocalFiles]]:
    """Every complete model in the cache, once per commit: its name on the Hub and its files."""
    root = cache_folder()
    for folder in sorted(root.glob("models--*")) if root.is_dir() else ():
        name = folder.name.removeprefix("models--").replace("--", "/")
        if not _REPOSITORY.match(name):
            continue
        for commit in sorted(path.name for path in folder.glob("snapshots/*") if COMMIT.match(path.name)):
            files = snapshot(name, commit)
            if files is not None and complete(files):
                yield name, files


def discard(path: Path) -> None:
    """Delete a corrupted file from the cache: the link, its blob, and the shared copy to which that may link."""
    inside = cache_folder().resolve()
    chain = [path]
    while chain[-1].is_symlink() and len(chain) < 8:
        target = Path(os.readlink(chain[-1]))
        chain.append(Path(os.path.normpath(target if target.is_absolute() else chain[-1].parent / target)))
    for link in chain:
        if link.parent.resolve().is_relative_to(inside):
            link.unlink(missing_ok=True)
