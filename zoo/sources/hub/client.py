"""Lists and downloads files through ``huggingface_hub``, guarded; works with its versions 1.33 and 2.x."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.contract.backbone import Progress
from zoo.entities import ModelId
from zoo.errors import IntegrityError, suggest
from zoo.redaction import without_credentials
from zoo.sources.files.hashing import KnownHashes
from zoo.sources.files.model_files import format_of
from zoo.sources.files.paths import COMMIT, ETAG, check_path
from zoo.sources.hub.cache import DEFAULT_REVISION, cache_folder, check_repository, check_revision, discard, endpoint
from zoo.sources.hub.errors import client_http_error, hub_errors
from zoo.sources.hub.guard import Guard, RepositoryFile, guarded

WORKERS = 8
METADATA_TIMEOUT = 10.0


@dataclass(frozen=True)
class Listing:
    """All files of a repository at one commit, by path; names and hashes are validated."""

    commit: str
    files: Mapping[str, RepositoryFile]


class HubClient:
    """One model on the Hub, at one revision."""

    def __init__(self, model: ModelId, nearest: Callable[[], str]) -> None:
        self.model = model
        self.name = check_repository(model.name)
        self.revision = check_revision(model.revision or DEFAULT_REVISION)
        self.endpoint = endpoint()
        self.shown = without_credentials(self.endpoint)
        self._nearest = nearest

    def info(self, files: bool = False) -> Any:
        """The Hub's ``huggingface_hub.ModelInfo`` of the model; its commit is validated."""
        with self._call():
            info = self._api().model_info(
                self.name, revision=self.revision, files_metadata=files, timeout=METADATA_TIMEOUT
            )
        if not isinstance(info.sha, str) or not COMMIT.match(info.sha):
            raise self._bad(f"names the commit {ascii(info.sha)[:80]}, which is not 40 hexadecimal digits")
        if COMMIT.match(self.revision) and info.sha != self.revision:
            raise self._bad(f"answered with commit {info.sha} when asked for {self.revision}")
        return info

    def listing(self, commit: str) -> Listing:
        """The files at a commit, page by page.

        Raises:
            IntegrityError: a file name would leave the cache, or a hash is not valid.
        """
        from huggingface_hub.hf_api import RepoFile

        with self._call(commit):
            entries = self._api().list_repo_tree(self.name, recursive=True, revision=commit)
            found = [entry for entry in entries if isinstance(entry, RepoFile)]
        return Listing(
            commit,
            self._checked((f.path, f.size, f.blob_id, f.lfs.sha256 if f.lfs else None) for f in found),
        )

    def listing_of(self, info: Any) -> Listing:
        """The files in the result of ``info(files=True)``."""
        siblings = info.siblings or ()
        return Listing(
            info.sha,
            self._checked((s.rfilename, s.size, s.blob_id, s.lfs.sha256 if s.lfs else None) for s in siblings),
        )

    def download(self, listing: Listing, paths: Sequence[str], progress: Progress) -> None:
        """Download files into the cache in parallel, and verify each as soon as it is complete.

        Files that are complete already are only verified. After an interruption, finished files are kept. Files are
        requested by their validated names, not as a snapshot, for which the client would list the repository again and
        write files of that second listing.

        Raises:
            IntegrityError: a file differs from the published one; it was deleted, and the next pull downloads it again.
        """
        files = sorted(
            (listing.files[path] for path in paths), key=lambda file: (format_of(file.path) or "", file.size)
        )
        small = [file for file in files if not format_of(file.path)]
        stop = threading.Event()
        with KnownHashes() as known, progress.step(f"Pulling {self.name}", sum(f.size for f in files)) as step:
            bar = _bar(step.advance, stop)
            if small and not COMMIT.match(self.revision):
                # With a branch or tag, the client records the commit, so that the name works offline later.
                self._file(listing.commit, small[0], self.revision, bar)
            for batch in (small, [file for file in files if format_of(file.path)]):
                with ThreadPoolExecutor(min(WORKERS, len(batch)) or 1) as pool:
                    futures = [pool.submit(self._fetch, listing.commit, file, bar, known) for file in batch]
                    try:
                        for future in as_completed(futures):
                            future.result()
                    except BaseException:
                        stop.set()
                        pool.shutdown(wait=False, cancel_futures=True)
                        raise

    def _fetch(self, commit: str, file: RepositoryFile, bar: type[Any], known: KnownHashes) -> None:
        path = self._file(commit, file, commit, bar)
        found = known.digest(path, file.algorithm)
        if found != file.digest:
            discard(path)
            raise IntegrityError(
                f"{file.path} of 'hf:{self.name}' has the hash {found} and was published with {file.digest}; "
                "it was deleted.",
                f"Run: zoo pull {self.model}",
            )

    def _file(self, commit: str, file: RepositoryFile, revision: str, bar: type[Any]) -> Path:
        from huggingface_hub import hf_hub_download

        with self._call(commit, file):
            path = hf_hub_download(
                self.name,
                file.path,
                revision=revision,
                cache_dir=cache_folder(),
                endpoint=self.endpoint,
                tqdm_class=bar,
                library_name="zoo",
            )
        return Path(path)

    def _api(self) -> Any:
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint, library_name="zoo")

    @contextmanager
    def _call(self, commit: str | None = None, file: RepositoryFile | None = None) -> Iterator[None]:
        with (
            hub_errors(self.model, self.shown, self._nearest, self._nearest_revision),
            guarded(Guard(self.endpoint, commit, file)),
        ):
            yield

    def _nearest_revision(self) -> str:
        try:
            with guarded(Guard(self.endpoint)):
                refs = self._api().list_repo_refs(self.name)
        except (client_http_error(), ValueError, KeyError, TypeError):
            return ""
        names = [ref.name for ref in (*refs.branches, *refs.tags)]
        return suggest(self.revision, names) or f"There are: {', '.join(sorted(names)[:10])}."

    def _checked(self, found: Iterable[tuple[Any, Any, Any, Any]]) -> dict[str, RepositoryFile]:
        files = {}
        for path, size, git, sha256 in found:
            check_path(path, f"'hf:{self.name}'")
            for value in (git, sha256) if sha256 is not None else (git,):
                if not isinstance(value, str) or not ETAG.match(value):
                    raise self._bad(f"lists {path} with the hash {ascii(value)[:80]}, which is not a hash")
            if not isinstance(size, int) or isinstance(size, bool) or size < 0:
                raise self._bad(f"lists {path} with the size {ascii(size)[:40]}")
            files[path] = RepositoryFile(path, size, git, sha256)
        return files

    def _bad(self, what: str) -> IntegrityError:
        return IntegrityError(
            f"The server at {self.shown} {what}.",
            "Nothing was written. Check HF_ENDPOINT and your proxy, and report it to the platform.",
        )


class _Stopped(BaseException):
    """Aborts a download because another one failed or the user interrupted."""


def _bar(advance: Callable[[int], None], stop: threading.Event) -> type[Any]:
    """A class with the part of tqdm's interface that the client uses, which reports to our progress."""
    lock = threading.Lock()

    class Bar:
        def __init__(self, *args: Any, initial: int = 0, **kwargs: Any) -> None:
            self.n = 0
            self.update(initial)

        def update(self, amount: int | float | None = 1) -> None:
            if stop.is_set():
                raise _Stopped
            self.n += int(amount or 0)
            with lock:
                advance(int(amount or 0))

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *exception: object) -> None:
            self.close()

        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *args, **kwargs: None

        def close(self) -> None:
            """Nothing to close."""

    return Bar
