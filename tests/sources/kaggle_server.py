"""A real HTTP server that speaks the part of Kaggle's protocol that models are read through."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

SERVICE = "/api/v1/models.ModelApiService/"


class KaggleServer:
    """Kaggle and its storage, each on a port of its own; use as a context manager.

    Attributes:
        versions: files by path, for each ``owner/model/framework/variation`` and version.
        models: what ``ListModels`` gives, ``page_size`` at a time.
        token: the only token that is taken.
        requests: (server, method, path, headers in lower case, JSON body), in order.
        flipped, short: paths that are served with a bit changed, or shorter than they were listed.
        listed: path to what the list of files calls it instead.
        failing: answer everything with this status.
    """

    def __init__(self) -> None:
        self.versions: dict[str, dict[int, dict[str, bytes]]] = {}
        self.models: list[dict[str, Any]] = []
        self.page_size = 2
        self.token = "kgl_c4n4ry"
        self.requests: list[tuple[str, str, str, dict[str, str], Any]] = []
        self.flipped: set[str] = set()
        self.short: set[str] = set()
        self.listed: dict[str, str] = {}
        self.failing: int | None = None
        self._api, self._storage = (
            _serve(self, role, host) for role, host in (("api", "localhost"), ("storage", "127.0.0.1"))
        )

    def __enter__(self) -> KaggleServer:
        return self

    def __exit__(self, *exception: object) -> None:
        for server in (self._api, self._storage):
            server.shutdown()
            server.server_close()

    @property
    def url(self) -> str:
        return f"http://localhost:{self._api.server_address[1]}"

    @property
    def storage_url(self) -> str:
        return f"http://127.0.0.1:{self._storage.server_address[1]}"

    def asked(self, method: str) -> int:
        """How often a method of the service was called."""
        return sum(path == SERVICE + method for _, _, path, _, _ in self.requests)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: KaggleServer
    role: str


def _serve(owner: KaggleServer, role: str, host: str) -> _Server:
    server = _Server((host, 0), _Handler)
    server.owner, server.role = owner, role
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


def instance(handle: str, version: int) -> dict[str, Any]:
    """A variation as Kaggle describes one."""
    _, _, _, slug = handle.split("/")
    return {
        "id": 1,
        "slug": slug,
        "framework": "MODEL_FRAMEWORK_TENSOR_FLOW_2",
        "fineTunable": True,
        "overview": "A small\x00 model.",
        "usage": "",
        "versionId": 2,
        "versionNumber": version,
        "licenseName": "Apache 2.0",
        "totalUncompressedBytes": 100,
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        owner = self.server.owner
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        self._note(body)
        sent = self.headers.get("Authorization")
        handle = "/".join(str(body.get(name)) for name in ("ownerSlug", "modelSlug", "framework", "instanceSlug"))
        handle = handle.replace("MODEL_FRAMEWORK_TENSOR_FLOW_2", "tensorFlow2")
        versions = owner.versions.get(handle)
        method = self.path.removeprefix(SERVICE)
        if owner.failing:
            self._json({"error": "trouble"}, owner.failing)
        elif sent not in {None, f"Bearer {owner.token}"}:
            self._json({"code": 401, "message": f"Unauthenticated: {sent}"}, 401)
        elif method == "ListModels":
            start = int(body.get("pageToken") or 0)
            size = min(owner.page_size, body.get("pageSize") or 20)
            more = start + size < len(owner.models)
            self._json(
                {"models": owner.models[start : start + size], "nextPageToken": str(start + size) if more else ""}
            )
        elif versions is None:
            self._json({"code": 404, "message": "not found"}, 404)
        elif method == "GetModelInstance":
            self._json(instance(handle, max(versions)))
        elif method == "ListModelInstanceVersionFiles":
            files = versions[body["versionNumber"]]
            self._json(
                {
                    "files": [{"name": owner.listed.get(n, n), "size": len(c)} for n, c in files.items()],
                    "nextPageToken": "",
                }
            )
        else:
            place = f"{owner.storage_url}/{handle}/{body['versionNumber']}/{body['path']}?signature=x"
            self._send(302, b"", {"Location": place})

    def do_GET(self) -> None:
        owner = self.server.owner
        self._note(None)
        owner_, model, framework, variation, version, path = unquote(urlsplit(self.path).path).strip("/").split("/", 5)
        content = owner.versions[f"{owner_}/{model}/{framework}/{variation}"][int(version)][path]
        digest = base64.b64encode(hashlib.md5(content).digest()).decode()
        headers = {"Accept-Ranges": "bytes", "x-goog-hash": f"crc32c=AAAAAA==,md5={digest}"}
        if path in owner.flipped:
            content = bytes([content[0] ^ 1]) + content[1:]
        if path in owner.short:
            content, headers = content[:-1], {}
        self._send(200, content, headers)

    def _note(self, body: Any) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.owner.requests.append((self.server.role, self.command, self.path, headers, body))

    def _json(self, document: Any, status: int = 200) -> None:
        self._send(status, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Length": str(len(body)),
            "Content-Type": "application/octet-stream",
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
