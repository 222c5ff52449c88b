"""A real HTTP server that lists models as the Hub does: sorted, filtered, expanded, page by page with ``Link`` headers."""

from __future__ import annotations

import base64
import heapq
import json
import random
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

EXPANDABLE = {
    "author",
    "baseModels",
    "cardData",
    "childrenModelCount",
    "config",
    "createdAt",
    "disabled",
    "downloads",
    "downloadsAllTime",
    "evalResults",
    "gated",
    "gguf",
    "inference",
    "inferenceProviderMapping",
    "lastModified",
    "library_name",
    "likes",
    "mask_token",
    "model-index",
    "pipeline_tag",
    "private",
    "resourceGroup",
    "safetensors",
    "sha",
    "siblings",
    "spaces",
    "tags",
    "transformersInfo",
    "trendingScore",
    "usedStorage",
    "widgetData",
}


def model(number: int, changed: int | None = None, **more: Any) -> dict[str, Any]:
    """A model as the Hub describes one; ``changed`` counts spans of ten minutes since 2024-01-01."""
    days, minutes = divmod(10 * (number if changed is None else changed), 1440)
    months, day = divmod(days, 28)
    year, month = divmod(months, 12)
    when = f"{2024 + year}-{month + 1:02}-{day + 1:02}T{minutes // 60:02}:{minutes % 60:02}:00.000Z"
    noise = random.Random(f"{number} {changed}")
    return {
        "_id": f"{number:024x}",
        "id": f"org-{number % 97}/model-{number}",
        "modelId": f"org-{number % 97}/model-{number}",
        "sha": f"{noise.getrandbits(160):040x}",
        "lastModified": when,
        "createdAt": "2024-01-01T00:00:00.000Z",
        "downloads": int(noise.paretovariate(0.6)),
        "likes": number % 13,
        "gated": "auto" if number % 50 == 0 else False,
        "pipeline_tag": "text-classification" if number % 3 else "image-classification",
        "library_name": "transformers",
        "tags": ["transformers", "safetensors", "bert", "license:apache-2.0", "region:us"],
        "config": {"model_type": "bert" if number % 3 else "vit", "architectures": ["BertForSequenceClassification"]},
        "cardData": {"license": "apache-2.0", "language": ["en"], "base_model": "google-bert/bert-base-uncased"},
        "safetensors": {"parameters": {"F32": 1000 + number, "BF16": 10}, "total": 1010 + number},
        **more,
    }


class ListServer:
    """The server; use as a context manager.

    Attributes:
        models: in any order; change them while the server runs.
        token: the only token that is taken.
        login: an ``Authorization`` header that is taken as well.
        requests: path with query, and headers in lower case, of all requests in order.
        answers: what to answer the next requests with instead: (status, headers), or a body to send as it is.
        headers: added to every list.
        page_size: how many models a page has at most.
        most_pages: end the list after this many pages, as if there were no more.
        repeating: give the same page again and again, each with a new address for the next one.
        empty: give pages without models.
        onward: origin of the next page's address, instead of this server.
        pause: wait before each page until this is set, when it is not None.
    """

    def __init__(self, models: list[dict[str, Any]]) -> None:
        self.models = models
        self.token = "hf_" + "c4n4ry" * 5
        self.login: str | None = None
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.answers: list[tuple[int, dict[str, str]] | bytes] = []
        self.headers: dict[str, str] = {}
        self.page_size = 1000
        self.most_pages: int | None = None
        self.repeating = self.empty = False
        self.onward: str | None = None
        self.pause: threading.Event | None = None
        self._server = _Server(("localhost", 0), _Handler)
        self._server.lists = self
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self) -> ListServer:
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://localhost:{self._server.server_address[1]}"

    def page(self, query: dict[str, list[str]]) -> tuple[list[dict[str, Any]], str | None]:
        """The models of a page with only what was asked for, and the query of the next page."""
        sort = query.get("sort", ["trendingScore"])[0]
        wanted = query.get("pipeline_tag", [None])[0]

        def place(entry: dict[str, Any]) -> list[Any]:
            return [entry.get(sort) or 0 if sort == "downloads" else str(entry.get(sort, "")), entry.get("_id", "")]

        def first(size: int, after: Any) -> list[tuple[list[Any], dict[str, Any]]]:
            found = (m for m in self.models if wanted in {None, m.get("pipeline_tag")})
            placed = ((place(m), m) for m in found)
            later = (one for one in placed if after is None or self.repeating or one[0] < after)
            return heapq.nlargest(size, later, key=lambda one: one[0])

        shown, following = keyset_page(query, self.page_size, first, self.most_pages)
        return [] if self.empty else shown, following


def keyset_page(
    query: dict[str, list[str]],
    most: int,
    first: Callable[[int, Any], list[tuple[list[Any], dict[str, Any]]]],
    most_pages: int | None = None,
) -> tuple[list[dict[str, Any]], str | None]:
    """The models of a page with only what was asked for, and the query of the next page.

    Args:
        query: the request's.
        most: models a page.
        first: returns a number of places and models after a place, or from the start for None.
        most_pages: end the list after this many pages.
    """
    cursor = json.loads(base64.b64decode(query["cursor"][0])) if "cursor" in query else {"after": None, "page": 0}
    size = min(most, int(query.get("limit", ["1000"])[0]))
    found = first(size + 1, cursor["after"])
    fields = {"_id", "id", "modelId", *query.get("expand", ())}
    following = None
    if len(found) > size and (most_pages or 10**9) > cursor["page"] + 1:
        onward = json.dumps({"after": found[size - 1][0], "page": cursor["page"] + 1}).encode()
        following = urlencode({**query, "cursor": [base64.b64encode(onward).decode()]}, doseq=True)
    return [{name: m[name] for name in m if name in fields} for _, m in found[:size]], following


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    lists: ListServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        lists = self.server.lists
        sent = {name.lower(): value for name, value in self.headers.items()}
        lists.requests.append((self.path, sent))
        if lists.pause is not None:
            lists.pause.wait(30)
        if lists.answers:
            answer = lists.answers.pop(0)
            self._send(*((200, {}, answer) if isinstance(answer, bytes) else (*answer, b'{"error": "trouble"}')))
            return
        if sent.get("authorization") not in {None, f"Bearer {lists.token}", lists.login}:
            message = f"Invalid credentials in Authorization header: {sent['authorization']}"
            self._send(401, {"X-Error-Message": message}, json.dumps({"error": message}).encode())
            return
        address = urlsplit(self.path)
        query = parse_qs(address.query)
        if address.path != "/api/models" or not EXPANDABLE.issuperset(query.get("expand", ())):
            self._send(400, {}, b'{"error": "bad request"}')
            return
        entries, following = lists.page(query)
        headers = dict(lists.headers)
        if following is not None:
            headers["Link"] = f'<{lists.onward or lists.url}/api/models?{following}>; rel="next"'
        self._send(200, headers, json.dumps(entries).encode())

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def models(count: int) -> Iterator[dict[str, Any]]:
    """A number of models, each ten minutes younger than the previous one."""
    return (model(number) for number in range(count))
