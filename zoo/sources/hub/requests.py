"""Patient GET requests through the Hub client's own session: they wait when asked to, and try again what may pass."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from zoo.contract.backbone import Progress
from zoo.errors import GatedModel, IntegrityError, NetworkUnavailable, SourceError, ZooError
from zoo.redaction import without_credentials
from zoo.sources.files.http_files import origin
from zoo.sources.hub.errors import client_http_error, has_token, refused_token, retry_after
from zoo.sources.hub.guard import REQUEST_TIMEOUT, Guard, guarded
from zoo.untrusted import parse_json

TRIES = 6
"""Requests for one page at most, those answered with an error that may pass, such as 503, or with none at all."""

LONGEST_WAIT = 900
"""Seconds that a server may ask to wait; the Hub's own window is 300."""

Parameters = list[tuple[str, str | int | float | bool | None]]
"""Names and values of a query, in order, as the client's HTTP library takes them."""

_PASSING = {500, 502, 503, 504, 520, 522, 524}


class HubRequests:
    """GET requests to one Hub; counts them.

    Attributes:
        shown: the address of the Hub as it may be shown and stored, without credentials.
        count: requests sent so far.
    """

    def __init__(self, endpoint: str, progress: Progress) -> None:
        self.endpoint, self.progress = endpoint, progress
        self.shown = without_credentials(endpoint)
        self.count = 0
        self._pause = 0

    def page(self, url: str, parameters: Parameters | None = None) -> tuple[list[Any], str | None]:
        """A page of a list, and the address of the next one, as its ``Link`` header gives it.

        Raises:
            NetworkUnavailable: no answer, or only errors, after several tries; or too long a wait is asked for.
            GatedModel: the token was refused, or one is needed.
            RejectedAddress: the server does not know the address, such as that of a page that has gone stale.
            SourceError: the answer is no list.
        """
        if self._pause:
            self._wait(self._pause)
            self._pause = 0
        response = self._patiently(url, parameters)
        try:
            entries = parse_json(response.content, finite=False)
        except ValueError:
            entries = None
        if not isinstance(entries, list):
            raise SourceError(
                f"The server at {self.shown} does not list models as a Hub does.",
                "Check HF_ENDPOINT, your proxy and your firewall.",
            )
        following = response.links.get("next", {}).get("url")
        if _used_up(response.headers):
            self._pause = retry_after(response.headers) or 0
        return entries, None if following is None else _address(following, self.shown)

    def _patiently(self, url: str, parameters: Parameters | None) -> Any:
        failure: ZooError | None = None
        for attempt in range(TRIES):
            if attempt and failure is not None:
                time.sleep(min(2 ** (attempt - 1), 30) * random.uniform(0.5, 1))
            failure = None
            try:
                response = self._get(url, parameters)
            except client_http_error() as error:
                failure = NetworkUnavailable(
                    f"{self.shown} cannot be reached ({type(error).__name__}).",
                    "Check the network, HTTPS_PROXY and HF_ENDPOINT, then run it again.",
                )
                continue
            status = response.status_code
            if status == 429:
                self._wait(retry_after(response.headers) or min(2**attempt, 60))
            elif status in _PASSING:
                failure = NetworkUnavailable(
                    f"{self.shown} answered with error {status}, {TRIES} times.", "Try again in a few minutes."
                )
            elif status >= 400:
                raise self._refusal(status)
            else:
                return response
        raise failure or NetworkUnavailable(
            f"{self.shown} still wants fewer requests after {TRIES} waits.",
            "Wait a while; with a token the limit is higher: hf auth login",
        )

    def _get(self, url: str, parameters: Parameters | None) -> Any:
        from huggingface_hub import get_session
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        self.count += 1
        login = urlsplit(self.endpoint)
        # The address of a later page comes from the server, and from the registry, without the user and password.
        named = login.username and origin(url) == origin(self.endpoint)
        auth: dict[str, Any] = {"auth": (unquote(login.username or ""), unquote(login.password or ""))} if named else {}
        with guarded(Guard(self.endpoint)):
            return get_session().get(
                url,
                params=parameters,
                headers=build_hf_headers(library_name="zoo"),
                timeout=REQUEST_TIMEOUT,
                follow_redirects=True,
                **auth,
            )

    def _refusal(self, status: int) -> ZooError:
        if status in {401, 403}:
            if has_token():
                return refused_token(self.shown)
            return GatedModel(f"{self.shown} lists its models only with a token.", "Run: hf auth login")
        return RejectedAddress(
            f"{self.shown} answered a list of models with error {status}.", "Check HF_ENDPOINT and your proxy."
        )

    def _wait(self, seconds: int) -> None:
        if seconds > LONGEST_WAIT:
            raise NetworkUnavailable(
                f"{self.shown} wants fewer requests; it asks to wait {seconds} seconds.",
                "Run it again then; with a token the limit is higher: hf auth login",
            )
        with self.progress.step(f"Waiting {seconds} s, as {urlsplit(self.endpoint).hostname} asks", seconds) as step:
            for _ in range(seconds):
                time.sleep(1)
                step.advance()


class RejectedAddress(SourceError):
    """The server does not take this address; that of a page may have gone stale."""


def _used_up(headers: Mapping[str, str]) -> bool:
    """Whether the server says, with an answer that is fine, that the next request would be one too many."""
    fields = str(headers.get("ratelimit", "")).replace(" ", "").split(";")
    return "r=0" in fields


def _address(link: str, endpoint: str) -> str:
    """The address of the next page, when it is one; the guard takes the token off when it is at another server."""
    parts = urlsplit(link)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise IntegrityError(
            f"The server at {endpoint} names the address of a next page that is none.",
            "Nothing of it was used. Check HF_ENDPOINT and your proxy.",
        )
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
