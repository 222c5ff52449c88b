"""Downloads files with the standard library: atomically, and resumed after an interruption."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from zoo.contract.backbone import Progress
from zoo.errors import IntegrityError, ModelNotFound, NetworkUnavailable, ZooError, storage_errors

TIMEOUT = 30.0
"""Seconds without data after which a connection is aborted."""

TRIES = 5
MOST_TEXT = 1 << 20
CHUNK = 1 << 20

_TEMPORARY = {408, 429, 500, 502, 503, 504}
_SECRETS = ("authorization", "cookie")


_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address, in lower case; the port may be the default one."""
    parts = urlsplit(url)
    return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme.lower())


def read_text(url: str, what: str, headers: Mapping[str, str] | None = None) -> str:
    """Download a small text.

    Args:
        what: name of the text, for errors.

    Raises:
        ModelNotFound: the address does not exist.
        NetworkUnavailable: no response, or an error.
        IntegrityError: it is longer than ``MOST_TEXT``, or not UTF-8.
    """

    def read(response: Any) -> bytes:
        return bytes(response.read(MOST_TEXT + 1))

    content = _with_retries(url, what, headers or {}, read)
    if len(content) > MOST_TEXT:
        raise IntegrityError(f"{what} is longer than {MOST_TEXT} bytes.", "Nothing was kept.")
    try:
        return str(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise IntegrityError(f"{what} is not UTF-8 text.", "Nothing was kept.") from error


def fetch(
    url: str,
    target: Path,
    what: str,
    accept: Callable[[str], bool],
    progress: Progress,
    *,
    headers: Mapping[str, str] | None = None,
    most: int | None = None,
) -> str:
    """Download a file to ``target``; return its SHA-256, in hex.

    It is downloaded under a temporary name, so that it can be resumed, and renamed once ``accept`` accepts its hash.

    Args:
        what: the file's name, for errors.
        accept: whether this is the hash of the published file.
        most: maximum size in bytes.

    Raises:
        ModelNotFound, NetworkUnavailable: as ``read_text``; the part that was downloaded is kept for the next try.
        IntegrityError: it is not the published file, or is too large; it was deleted.
        StorageError: it cannot be written.
    """
    partial = target.with_name(f".{target.name}.{hashlib.sha256(url.encode()).hexdigest()[:12]}.part")
    with storage_errors(target), progress.step(f"Downloading {target.name}") as step:
        target.parent.mkdir(parents=True, exist_ok=True)

        def receive(response: Any) -> None:
            start = partial.stat().st_size if partial.exists() else 0
            resumed = response.status == 206 and _starts_at(response.headers.get("Content-Range"), start)
            expected = response.headers.get("Content-Length")
            received = 0
            with partial.open("ab" if resumed else "wb") as file:
                while chunk := response.read(CHUNK):
                    file.write(chunk)
                    received += len(chunk)
                    step.advance(len(chunk))
                    if most is not None and file.tell() > most:
                        raise IntegrityError(f"{what} is larger than {most:,} bytes.", "Nothing was kept.")
            if expected is not None and expected.isdigit() and received < int(expected):
                raise ConnectionError("the connection ended early")

        def ranged() -> Mapping[str, str]:
            size = partial.stat().st_size if partial.exists() else 0
            return {**(headers or {}), **({"Range": f"bytes={size}-"} if size else {})}

        try:
            _with_retries(url, what, ranged, receive)
            digest = _sha256(partial)
            if not accept(digest):
                raise IntegrityError(
                    f"{what} has the SHA-256 {digest}, which is not the published one; it was deleted.",
                    "Pull it again; if it happens again, check your proxy and report it to the platform.",
                )
            os.replace(partial, target)
        except IntegrityError:
            partial.unlink(missing_ok=True)
            raise
    return digest


def _with_retries(
    url: str, what: str, headers: Mapping[str, str] | Callable[[], Mapping[str, str]], take: Callable[[Any], Any]
) -> Any:
    failure: ZooError | None = None
    for attempt in range(TRIES):
        if attempt:
            time.sleep(min(2 ** (attempt - 1), 8))
        sent = dict(headers() if callable(headers) else headers)
        request = urllib.request.Request(url, headers={"User-Agent": "zoo", "Accept-Encoding": "identity", **sent})
        try:
            with _opener().open(request, timeout=TIMEOUT) as response:
                return take(response)
        except urllib.error.HTTPError as error:
            with contextlib.closing(error):
                if error.code == 416 and "Range" in sent:
                    return None  # The file is complete already.
                failure = _refusal(error.code, url, what)
                if error.code not in _TEMPORARY:
                    raise failure from None
        except ZooError:
            raise
        except (urllib.error.URLError, HTTPException, ConnectionError, TimeoutError) as error:
            failure = NetworkUnavailable(
                f"{what} could not be fetched: {_host(url)} cannot be reached ({type(error).__name__}).",
                "Check the network and HTTPS_PROXY, then try again; the download will resume.",
            )
    raise failure or NetworkUnavailable(f"{what} could not be fetched.")


def _refusal(status: int, url: str, what: str) -> ZooError:
    if status in {404, 410}:
        return ModelNotFound(f"{what} is not at {_host(url)} (error {status}).")
    if status in {401, 403, 429}:
        return NetworkUnavailable(
            f"{_host(url)} refused {what} (error {status}).",
            "It may limit the rate of requests: wait a while, or set a token of the platform.",
        )
    return NetworkUnavailable(f"{_host(url)} answered with error {status}.", "Try again in a few minutes.")


class _KeepSecretsHome(urllib.request.HTTPRedirectHandler):
    """Follows redirects; one to another scheme, host or port goes there without tokens and cookies."""

    def redirect_request(  # noqa: PLR0917
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        onward = super().redirect_request(req, fp, code, msg, headers, newurl)
        if onward is not None and origin(newurl) != origin(req.full_url):
            for name in list(onward.headers):
                if name.lower() in _SECRETS:
                    onward.remove_header(name)
        return onward


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_KeepSecretsHome)


def _starts_at(content_range: str | None, start: int) -> bool:
    return bool(content_range) and str(content_range).replace("bytes", "").strip().startswith(f"{start}-")


def _host(url: str) -> str:
    scheme, host, _ = origin(url)
    return f"{scheme}://{host}"


def _sha256(path: Path) -> str:
    from zoo.sources.files.hashing import digest_of

    return digest_of(path)
