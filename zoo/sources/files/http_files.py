"""Downloads files by their address with the standard library: resumed where they broke, whole or not at all."""

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
"""Seconds without a byte after which a connection is given up."""

TRIES = 5
MOST_TEXT = 1 << 20
CHUNK = 1 << 20

_PASSING = {408, 429, 500, 502, 503, 504}
_SECRETS = ("authorization", "cookie")


_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address, in lower case, with the default port filled in."""
    parts = urlsplit(url)
    return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme.lower())


def read_text(url: str, what: str, headers: Mapping[str, str] | None = None) -> str:
    """A small text.

    Args:
        what: what is asked for, for errors.

    Raises:
        ModelNotFound: there is no such address.
        NetworkUnavailable: no answer, or one that says no.
        IntegrityError: it is longer than ``MOST_TEXT``, or no UTF-8.
    """

    def read(response: Any) -> bytes:
        return bytes(response.read(MOST_TEXT + 1))

    content = _patiently(url, what, headers or {}, read)
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
    """Download a file to ``target``; its SHA-256, in hex.

    It grows under another name, which the next try goes on with, and gets its own name once ``accept`` took its hash.

    Args:
        what: the file's name, for errors.
        accept: whether this is the hash of the published file.
        most: bytes that it may have at most.

    Raises:
        ModelNotFound, NetworkUnavailable: as ``read_text``; what arrived is kept for the next try.
        IntegrityError: it is not the published file, or too large; it was deleted.
        StorageError: it cannot be written.
    """
    growing = target.with_name(f".{target.name}.{hashlib.sha256(url.encode()).hexdigest()[:12]}.part")
    with storage_errors(target), progress.step(f"Downloading {target.name}") as step:
        target.parent.mkdir(parents=True, exist_ok=True)

        def receive(response: Any) -> None:
            start = growing.stat().st_size if growing.exists() else 0
            resumed = response.status == 206 and _starts_at(response.headers.get("Content-Range"), start)
            expected = response.headers.get("Content-Length")
            received = 0
            with growing.open("ab" if resumed else "wb") as file:
                while chunk := response.read(CHUNK):
                    file.write(chunk)
                    received += len(chunk)
                    step.advance(len(chunk))
                    if most is not None and file.tell() > most:
                        raise IntegrityError(f"{what} is larger than {most:,} bytes.", "Nothing was kept.")
            if expected is not None and expected.isdigit() and received < int(expected):
                raise ConnectionError("the connection ended early")

        def ranged() -> Mapping[str, str]:
            size = growing.stat().st_size if growing.exists() else 0
            return {**(headers or {}), **({"Range": f"bytes={size}-"} if size else {})}

        try:
            _patiently(url, what, ranged, receive)
            digest = _sha256(growing)
            if not accept(digest):
                raise IntegrityError(
                    f"{what} arrived with the SHA-256 {digest}, which is not the published one; it was deleted.",
                    "Pull it again; if it happens again, check your proxy and report it to the platform.",
                )
            os.replace(growing, target)
        except IntegrityError:
            growing.unlink(missing_ok=True)
            raise
    return digest


def _patiently(
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
                    return None  # All of it is here already.
                failure = _refusal(error.code, url, what)
                if error.code not in _PASSING:
                    raise failure from None
        except ZooError:
            raise
        except (urllib.error.URLError, HTTPException, ConnectionError, TimeoutError) as error:
            failure = NetworkUnavailable(
                f"{what} could not be fetched: {_host(url)} cannot be reached ({type(error).__name__}).",
                "Check the network and HTTPS_PROXY, then try again; what arrived is kept.",
            )
    raise failure or NetworkUnavailable(f"{what} could not be fetched.")


def _refusal(status: int, url: str, what: str) -> ZooError:
    if status in {404, 410}:
        return ModelNotFound(f"{what} is not at {_host(url)} (error {status}).")
    if status in {401, 403, 429}:
        return NetworkUnavailable(
            f"{_host(url)} refused {what} (error {status}).",
            "It may want fewer requests: wait a while, or set a token of the platform.",
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
