"""Checks the requests and responses of the Hub's client before the client acts on them.

The client names cache files after headers of the server, and follows redirects. While a guard is active, in its own
thread only, each request to another origin (scheme, host and port) loses its token, and each response is refused unless
its commit, ETag and size match the listing of the repository.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from zoo.errors import IntegrityError
from zoo.sources.files.http_files import origin
from zoo.sources.files.paths import COMMIT, ETAG
from zoo.sources.hub.cache import DEFAULT_ENDPOINT

REQUEST_TIMEOUT = 30.0
"""Seconds to wait for a silent server, for which the client itself would wait forever."""

_SECRETS = ("authorization", "cookie", "proxy-authorization")
_current = threading.local()


@dataclass(frozen=True)
class RepositoryFile:
    """A file in the Hub's listing.

    Attributes:
        size: in bytes.
        git: SHA-1 of the git blob; for a large file, that of its pointer.
        sha256: hash of the content, for large files.
    """

    path: str
    size: int
    git: str
    sha256: str | None = None

    @property
    def algorithm(self) -> str:
        """Algorithm of ``digest``: ``sha256`` or ``git``."""
        return "sha256" if self.sha256 else "git"

    @property
    def digest(self) -> str:
        """The expected hash of the content, which is also the ETag and the name of the blob in the cache."""
        return self.sha256 or self.git


@dataclass(frozen=True)
class Guard:
    """What a response must match.

    Attributes:
        endpoint: the Hub's address; only its origin gets the token.
        commit: the commit that every response must have, once it is known.
        file: the file that is being downloaded, if any.
    """

    endpoint: str
    commit: str | None = None
    file: RepositoryFile | None = None


@contextmanager
def guarded(guard: Guard) -> Iterator[None]:
    """Check all traffic of the client in this thread while the block runs."""
    _install()
    before = getattr(_current, "guard", None)
    _current.guard = guard
    try:
        yield
    finally:
        _current.guard = before


def _install() -> None:
    """Give the client an HTTP session with our two hooks, unless it has them.

    Hooks, headers and timeouts of the program's own session are kept; proxies and certificates come from the
    environment.
    """
    from huggingface_hub import get_session, set_client_factory

    session = get_session()
    if _check_response in session.event_hooks.get("response", ()):
        return
    kind, hooks = type(session), session.event_hooks
    settings: dict[str, Any] = {
        "follow_redirects": session.follow_redirects,
        "timeout": session.timeout,
        "trust_env": session.trust_env,
        "headers": session.headers,
        "event_hooks": {
            "request": [*hooks.get("request", ()), _prepare_request],
            "response": [_check_response, *hooks.get("response", ())],
        },
    }
    set_client_factory(lambda: kind(**settings))


def _prepare_request(request: Any) -> None:
    guard: Guard | None = getattr(_current, "guard", None)
    if guard is None:
        return
    if origin(str(request.url)) != origin(guard.endpoint):
        for name in _SECRETS:
            request.headers.pop(name, None)
    limits = request.extensions.get("timeout")
    if isinstance(limits, dict) and limits.get("read") is None:
        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), REQUEST_TIMEOUT)


def _check_response(response: Any) -> None:
    guard: Guard | None = getattr(_current, "guard", None)
    if guard is None:
        return
    from_hub = origin(str(response.request.url)) == origin(guard.endpoint)
    # The client reads metadata from responses to HEAD, even after a redirect, and names cached "no such file" marks
    # after the commit of any response.
    if not from_hub and response.request.method != "HEAD":
        return
    headers = response.headers
    check_commit(headers.get("x-repo-commit"), guard)
    _check_xet(response, guard)
    onward = response.is_redirect and origin(urljoin(str(response.request.url), headers.get("location", ""))) == origin(
        str(response.request.url)
    )
    if onward or response.status_code >= 400 or guard.file is None:
        return
    etag = headers.get("x-linked-etag") or headers.get("etag")
    if etag is not None:
        check_etag(etag, guard.file)
    size = headers.get("x-linked-size")
    if size is None and response.status_code == 200 and "content-encoding" not in headers:
        size = headers.get("content-length")
    if size is not None and size != str(guard.file.size):
        raise _refused(f"announces {ascii(size)[:40]} bytes for {guard.file.path} and listed {guard.file.size}")


def check_commit(commit: str | None, guard: Guard) -> None:
    """Check the commit of a response.

    Raises:
        IntegrityError: it is not 40 hexadecimal digits, or not the requested one.
    """
    if commit is None:
        return
    if not COMMIT.match(commit):
        raise _refused(f"names the commit {ascii(commit)[:80]}, which is not 40 hexadecimal digits")
    if guard.commit is not None and commit != guard.commit:
        raise _refused(f"answered with commit {commit} when asked for {guard.commit}")


def check_etag(etag: str, file: RepositoryFile | None = None) -> str:
    """The hash inside an ETag header.

    Raises:
        IntegrityError: it is not 40 or 64 hexadecimal digits, or not the file's published hash.
    """
    value = etag.strip().removeprefix("W/").strip('"')
    if not ETAG.match(value):
        raise _refused(f"sent the ETag {ascii(etag)[:80]}, which is not 40 or 64 hexadecimal digits")
    if file is not None and value != file.digest:
        raise _refused(f"announces the hash {value} for {file.path} and listed {file.digest}")
    return value


def _check_xet(response: Any, guard: Guard) -> None:
    if "x-xet-hash" not in response.headers:
        return
    routes = [response.links.get("xet-auth", {}).get("url"), response.headers.get("x-xet-refresh-route")]
    for route in filter(None, routes):
        # The client sends the token there to get one of the storage service.
        if origin(urljoin(guard.endpoint, route)) not in {origin(guard.endpoint), origin(DEFAULT_ENDPOINT)}:
            raise _refused("asks for the token to be sent to another server")


def _refused(what: str) -> IntegrityError:
    return IntegrityError(
        f"The server {what}; the response was refused and nothing was written.",
        "Pull again; if it happens again, check HF_ENDPOINT and your proxy, and report it to the platform.",
    )
