"""A real HTTP server for files and for the part of GitHub's API that repositories are read through."""

from __future__ import annotations

import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


class FileServer:
    """The server; use as a context manager.

    Attributes:
        files: content by path, such as ``/models/a-12345678.pth``.
        redirects: path to address.
        repositories: ``owner/name`` to (commit by ref, files by path) as GitHub's API shows them.
        requests: (method, path, headers in lower case), in order.
        broken: paths whose connection ends half-way, once.
        failing: answer everything with this status.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.repositories: dict[str, tuple[dict[str, str], dict[str, bytes]]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.broken: set[str] = set()
        self.failing: int | None = None
        self._server = _Server(("localhost", 0), _Handler)
        self._server.owner = self
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self) -> FileServer:
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://localhost:{self._server.server_address[1]}"

    def content(self, path: str) -> bytes | None:
        """What lies at a path, or None."""
        parts = path.strip("/").split("/")
        if parts[0] != "repos" or "/".join(parts[1:3]) not in self.repositories:
            return self.files.get(path)
        commits, files = self.repositories["/".join(parts[1:3])]
        if parts[3] == "commits":
            ref = "/".join(parts[4:])
            return commits[ref].encode() if ref in commits else None
        if parts[3] == "contents":
            return files.get("/".join(parts[4:]))
        if parts[3] == "zipball":
            return archive(files, f"{parts[1]}-{parts[2]}-{parts[4][:7]}")
        return None


def archive(files: dict[str, bytes], top: str) -> bytes:
    """A zip file as GitHub makes them: everything in one folder."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(f"{top}/", b"")
        for path, content in files.items():
            opened.writestr(f"{top}/{path}", content)
    return stream.getvalue()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: FileServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *args: Any) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        owner, path = self.server.owner, urlsplit(self.path).path
        headers = {name.lower(): value for name, value in self.headers.items()}
        owner.requests.append((self.command, self.path, headers))
        content = owner.content(path)
        if owner.failing or (content is None and path not in owner.redirects):
            self._send(owner.failing or 404, b"trouble", {})
        elif path in owner.redirects:
            self._send(302, b"", {"Location": owner.redirects[path]})
        else:
            assert content is not None
            start = int(headers.get("range", "bytes=0-")[6:].partition("-")[0])
            more = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if "range" in headers else {}
            if start and start >= len(content):
                self._send(416, b"", {})
                return
            body = content[start:]
            cut = len(body) // 2 if path in owner.broken else None
            owner.broken.discard(path)
            self._send(206 if more else 200, body, more, cut)

    def _send(self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.close_connection = True
