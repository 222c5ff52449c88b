"""GET requests through the Hub client's session that respect rate limits and retry temporary errors."""

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
"""Maximum requests for one page, counting temporary errors such as 503 and missing responses."""

LONGEST_WAIT = 900
"""Maximum seconds that a server may ask to wait; the Hub's rate limit window is 300."""

Parameters = list[tuple[str, str | int | float | bool | None]]
"""Names and values of a query, in order, for the client's HTTP library."""

_TEMPORARY = {500, 502, 503, 504, 520, 522, 524}


class HubRequests:
    """GET requests to one Hub.

    Attributes:
        shown: address of the Hub without credentials, to show and to store.
        count: number of requests sent.
    """

    def __init__(self, endpoint: str, progress: Progress) -> None:
        self.endpoint, self.progress = endpoint, progress
        self.shown = without_credentials(endpoint)
        self.count = 0
        self._pause = 0

    def page(self, url: str, parameters: Parameters | None = None) -> tuple[list[Any], str | None]:
        """A page of a list, and the address of the next one from the ``Link`` header.

        Raises:
            NetworkUnavailable: no response, or only errors, after several tries; or the requested wait is too long.
            GatedModel: the token was refused, or one is needed.
            RejectedAddress: the server does not know the address, such as that of an expired page.
            SourceError: the response is not a list.
        """
        if self._pause:
            self._wait(self._pause)
            self._pause = 0
        response = self._with_retries(url, parameters)
        try:
            entries = parse_json(response.content, finite=False)
        except ValueError:
            entries = None
        if not isinstance(entries, list):
            raise SourceError(
                f"The server at {self.shown} does not respond like a Hub.",
                "Check HF_ENDPOINT, your proxy and your firewall.",
            )
        following = response.links.get("next", {}).get("url")
        if _used_up(response.headers):
            self._pause = retry_after(response.headers) or 0
        return entries, None if following is None else _address(following, self.shown)

    def _with_retries(self, url: str, parameters: Parameters | None) -> Any:
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
            elif status in _TEMPORARY:
                failure = NetworkUnavailable(
                    f"{self.shown} answered with error {status}, {TRIES} times.", "Try again in a few minutes."
                )
            elif status >= 400:
                raise self._refusal(status)
            else:
                return response
        raise failure or NetworkUnavailable(
            f"{self.shown} still limits the rate of requests after {TRIES} waits.",
            "Try again later; with a token the limit is higher: hf auth login",
        )

    def _get(self, url: str, parameters: Parameters | None) -> Any:
        from huggingface_hub import get_session
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        self.count += 1
        login = urlsplit(self.endpoint)
        # The address of a later page, from the server or the registry, has no user name and password.
        authenticated = login.username and origin(url) == origin(self.endpoint)
        auth: dict[str, Any] = (
            {"auth": (unquote(login.username or ""), unquote(login.password or ""))} if authenticated else {}
        )
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
            return GatedModel(f"{self.shown} requires a token to list its models.", "Run: hf auth login")
        return RejectedAddress(
            f"{self.shown} answered the request for a list of models with error {status}.",
            "Check HF_ENDPOINT and your proxy.",
        )

    def _wait(self, seconds: int) -> None:
        if seconds > LONGEST_WAIT:
            raise NetworkUnavailable(
                f"{self.shown} limits the rate of requests and asks to wait {seconds} seconds.",
                "Run it again later; with a token the limit is higher: hf auth login",
            )
        with self.progress.step(f"Waiting {seconds} s, as {urlsplit(self.endpoint).hostname} asks", seconds) as step:
            for _ in range(seconds):
                time.sleep(1)
                step.advance()


class RejectedAddress(SourceError):
    """The server refuses this address; that of a page may have expired."""


def _used_up(headers: Mapping[str, str]) -> bool:
    """Whether a successful response says that the rate limit is used up."""
    fields = str(headers.get("ratelimit", "")).replace(" ", "").split(";")
    return "r=0" in fields


def _address(link: str, endpoint: str) -> str:
    """Check the address of the next page and return it; the guard removes the token for another server."""
    parts = urlsplit(link)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise IntegrityError(
            f"The server at {endpoint} sent an invalid address of the next page.",
            "It was not used. Check HF_ENDPOINT and your proxy.",
        )
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
