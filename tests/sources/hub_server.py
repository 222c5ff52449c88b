"""A real HTTP server that speaks the Hub's protocol, for tests: real files, two origins, and switches for trouble.

The hub answers as ``localhost``, its large files lie at ``127.0.0.1`` on another port, so that a redirect to them
changes the origin, as the real Hub's do.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = 1024
"""Files of this size and more are served as LFS files, from the other origin."""


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Repository:
    """A model on the server.

    Attributes:
        files: content by path.
        info: further keys of the model object, such as ``pipeline_tag`` or ``gated``.
        branches: revision name to commit; ``main`` is derived from the content.
        listed: path to what the listing says instead of the actual value: size, oid, sha256, or a new path.
        headers: path to headers that answers for the file get instead of their own.
    """

    files: dict[str, bytes]
    info: dict[str, Any] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    listed: dict[str, dict[str, Any]] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    gated: bool = False
    private: bool = False

    @property
    def commit(self) -> str:
        content = b"".join(path.encode() + git_sha1(data).encode() for path, data in sorted(self.files.items()))
        return hashlib.sha1(content).hexdigest()


@dataclass(frozen=True)
class Request:
    """What arrived: which server, method, path with query, and headers in lower case."""

    server: str
    method: str
    path: str
    headers: dict[str, str]


class HubServer:
    """The hub and its storage, each a server on its own port; use as a context manager.

    Attributes:
        repositories: by name; change them while the server runs.
        token: the token that opens gated and private repositories.
        login: an ``Authorization`` header that is taken as well.
        requests: everything that was asked, in order.
        flipped, truncated, dropped: paths whose content is served with a bit changed, truncated but declared complete (the
            connection ends early every time), or with the connection ended early once.
        limited: answer everything with 429 and this ``Retry-After``.
        failing: answer everything with this status.
        page_size: how many entries a page of a listing has.
        resolve_cache: answer for small files with a relative redirect, as the real Hub does.
        redirect_port: redirect files to this port of the hub's own host instead of the storage.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.token = "hf_" + "c4n4ry" * 5
        self.login: str | None = None
        self.requests: list[Request] = []
        self.flipped: set[str] = set()
        self.truncated: set[str] = set()
        self.dropped: set[str] = set()
        self.limited: int | None = None
        self.failing: int | None = None
        self.page_size = 1000
        self.resolve_cache = False
        self.redirect_port: int | None = None
        self._hub = _serve("localhost", self, "hub")
        self._storage = _serve("127.0.0.1", self, "storage")

    def __enter__(self) -> HubServer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """What ``HF_ENDPOINT`` is set to."""
        return f"http://localhost:{self._hub.server_address[1]}"

    @property
    def storage_url(self) -> str:
        """The origin of the large files."""
        return f"http://127.0.0.1:{self._storage.server_address[1]}"

    @property
    def storage_port(self) -> int:
        return int(self._storage.server_address[1])

    def add(self, name: str, files: dict[str, bytes], **info: Any) -> Repository:
        """Publish a model."""
        self.repositories[name] = Repository(dict(files), info)
        return self.repositories[name]

    def asked(self, part: str, method: str = "", server: str = "") -> list[Request]:
        """The requests whose path contains ``part``."""
        return [r for r in self.requests if part in r.path and method in r.method and server in r.server]

    def close(self) -> None:
        """Stop both servers."""
        for server in (self._hub, self._storage):
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    zoo: HubServer
    role: str


def _serve(host: str, zoo: HubServer, role: str) -> _Server:
    server = _Server((host, 0), _Handler)
    server.zoo, server.role = zoo, role
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *args: Any) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        zoo = self.server.zoo
        headers = {name.lower(): value for name, value in self.headers.items()}
        zoo.requests.append(Request(self.server.role, self.command, self.path, headers))
        address = urlsplit(self.path)
        parts = [unquote(part) for part in address.path.strip("/").split("/")]
        if zoo.failing:
            self._json({"error": "broken"}, zoo.failing)
        elif zoo.limited is not None:
            limits = {"Retry-After": str(zoo.limited), "ratelimit": f'"api";r=0;t={zoo.limited}'}
            self._json({"error": "slow down"}, 429, limits)
        elif self.server.role == "storage":
            self._content(parts[-1], self._blob(parts[-1]), {"ETag": '"not-a-hash"'})
        elif parts[:3] == ["api", "resolve-cache", "models"]:
            self._resolve("/".join(parts[3:5]), parts[5], "/".join(parts[6:]), cached=True)
        elif parts[:2] == ["api", "models"]:
            self._api(parts[2:], parse_qs(address.query))
        elif "resolve" in parts:
            at = parts.index("resolve")
            self._resolve("/".join(parts[:at]), parts[at + 1], "/".join(parts[at + 2 :]))
        else:
            self._json({"error": "no such page"}, 404)

    def _api(self, parts: list[str], query: dict[str, list[str]]) -> None:
        kinds = [kind for kind in ("revision", "tree", "refs") if kind in parts[1:]]
        at = parts.index(kinds[0]) if kinds else len(parts)
        name = "/".join(parts[:at])
        repository = self._permitted(name, file=False)
        if repository is None:
            return
        if kinds == ["refs"]:
            names = {"main": repository.commit, **repository.branches}
            refs = [{"name": n, "ref": f"refs/heads/{n}", "targetCommit": c} for n, c in names.items()]
            self._json({"branches": refs, "tags": [], "converts": []})
            return
        commit = self._commit(repository, parts[at + 1] if kinds else "main")
        if commit is None:
            return
        if kinds == ["tree"]:
            self._tree(repository, query)
            return
        siblings = [
            {
                "rfilename": entry["path"],
                **({"size": entry["size"], "blobId": entry["oid"]} if "blobs" in query else {}),
                **(
                    {"lfs": entry["lfs"] | {"sha256": entry["lfs"]["oid"]}}
                    if "lfs" in entry and "blobs" in query
                    else {}
                ),
            }
            for entry in _entries(repository)
        ]
        gated = "auto" if repository.gated else False
        model = {"_id": "1", "id": name, "modelId": name, "sha": commit, "gated": gated, "private": repository.private}
        self._json({**model, "tags": [], "downloads": 0, "likes": 0, "siblings": siblings, **repository.info})

    def _tree(self, repository: Repository, query: dict[str, list[str]]) -> None:
        entries, size = _entries(repository), self.server.zoo.page_size
        start = int(query.get("cursor", ["0"])[0])
        headers = {}
        if start + size < len(entries):
            path = urlsplit(self.path).path
            headers["Link"] = f'<{self.server.zoo.url}{path}?recursive=true&cursor={start + size}>; rel="next"'
        self._json(entries[start : start + size], headers=headers)

    def _resolve(self, name: str, revision: str, path: str, cached: bool = False) -> None:
        zoo, repository = self.server.zoo, self._permitted(name, file=True)
        if repository is None:
            return
        commit = self._commit(repository, revision)
        if commit is None:
            return
        content = repository.files.get(path)
        overrides = repository.headers.get(path, {})
        if content is None:
            missing = {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit, **overrides}
            self._json({"error": "no entry"}, 404, missing)
            return
        headers = {"X-Repo-Commit": commit, "ETag": f'"{git_sha1(content)}"', "Accept-Ranges": "bytes"}
        if len(content) < LARGE and zoo.resolve_cache and not cached:
            target = f"/api/resolve-cache/models/{name}/{commit}/{path}?etag=%22{git_sha1(content)}%22"
            self._send(307, b"moved", {"X-Repo-Commit": commit, "Location": target})
            return
        if len(content) < LARGE:
            self._content(path, content, {**headers, **overrides})
            return
        digest = hashlib.sha256(content).hexdigest()
        origin = f"http://localhost:{zoo.redirect_port}" if zoo.redirect_port else zoo.storage_url
        headers |= {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
        headers["Location"] = f"{origin}/{digest}"
        self._send(302, b"", {**headers, **overrides})

    def _permitted(self, name: str, file: bool) -> Repository | None:
        zoo, repository = self.server.zoo, self.server.zoo.repositories.get(name)
        sent = self.headers.get("Authorization")
        if sent and sent not in {f"Bearer {zoo.token}", zoo.login}:
            message = "Invalid credentials in Authorization header"
            self._json({"error": f"{message}: {sent}"}, 401, {"X-Error-Message": f"{message} {sent}"})
        elif repository is None or (repository.private and not sent):
            self._json({"error": "Repository not found"}, 404 if sent else 401, {"X-Error-Code": "RepoNotFound"})
        elif repository.gated and file and not sent:
            self._json({"error": "gated"}, 401, {"X-Error-Code": "GatedRepo"})
        else:
            return repository
        return None

    def _commit(self, repository: Repository, revision: str) -> str | None:
        known = {"main": repository.commit, repository.commit: repository.commit, **repository.branches}
        if revision in known:
            return known[revision]
        self._json({"error": "Invalid rev id"}, 404, {"X-Error-Code": "RevisionNotFound"})
        return None

    def _blob(self, digest: str) -> bytes | None:
        for repository in self.server.zoo.repositories.values():
            for path, content in repository.files.items():
                if hashlib.sha256(content).hexdigest() == digest:
                    if path in self.server.zoo.flipped:
                        return bytes([content[0] ^ 1]) + content[1:]
                    self._path = path
                    return content
        return None

    def _content(self, path: str, content: bytes | None, headers: dict[str, str]) -> None:
        zoo = self.server.zoo
        if content is None:
            self._json({"error": "no such blob"}, 404)
            return
        path = getattr(self, "_path", path)
        if path in zoo.flipped and self.server.role == "hub":
            content = bytes([content[0] ^ 1]) + content[1:]
        status, first = 200, 0
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes=") and self.command == "GET":
            status, first = 206, int(wanted[6:].partition("-")[0])
            headers = {**headers, "Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}
        body = content[first:]
        if self.command == "GET" and path in zoo.truncated:
            self._send(200, body[: len(body) // 2], headers)
        elif self.command == "GET" and path in zoo.dropped:
            zoo.dropped.discard(path)
            self._send(status, body, headers, cut=len(body) * 9 // 10)
        else:
            self._send(status, body, headers)

    def _json(self, document: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(document).encode(), {"Content-Type": "application/json", **(headers or {})})

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


def _entries(repository: Repository) -> list[dict[str, Any]]:
    entries = []
    for path, content in sorted(repository.files.items()):
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": git_sha1(content)}
        if len(content) >= LARGE:
            digest = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 134}
        told = dict(repository.listed.get(path, {}))
        if "sha256" in told:
            entry["lfs"]["oid"] = told.pop("sha256")
        entries.append({**entry, **told})
    return entries


BERT = {
    "architectures": ["BertForSequenceClassification"],
    "model_type": "bert",
    "hidden_size": 16,
    "max_position_embeddings": 64,
}


def safetensors_of(words: int) -> bytes:
    """A real safetensors file of 16 x ``words`` + 104 parameters."""
    import numpy as np
    from safetensors.numpy import save

    generator = np.random.default_rng(0)
    return save(
        {
            "embeddings": generator.standard_normal((words, 16), dtype=np.float32),
            "head": generator.standard_normal((6, 16), dtype=np.float32),
            "bias": np.zeros(8, dtype=np.float32),
        }
    )


def publish_tiny(hub: HubServer) -> Repository:
    """Put ``hf:zoo-tests/tiny`` on the server, a small model with everything that a repository holds."""
    files = {
        ".gitattributes": b"*.safetensors filter=lfs\n",
        "README.md": b"# tiny\n",
        "config.json": json.dumps(BERT).encode(),
        "model.safetensors": safetensors_of(words=32),
        "modeling_tiny.py": b"raise SystemExit('never run')\n",
        "pytorch_model.bin": b"\x80\x02" + bytes(2000),
        "tokenizer.json": b'{"version": "1.0"}',
        "vocab.txt": b"[PAD]\n[UNK]\n",
        "onnx/model.onnx": bytes(3000),
    }
    return hub.add(
        "zoo-tests/tiny",
        files,
        pipeline_tag="text-classification",
        library_name="transformers",
        tags=["bert", "license:apache-2.0", "dataset:imdb"],
        cardData={"license": "apache-2.0", "language": ["en", "de"], "datasets": ["imdb"], "base_model": "org/base"},
        safetensors={"parameters": {"F32": 616}, "total": 616},
        config={"model_type": "bert", "architectures": ["BertForSequenceClassification"]},
        createdAt="2024-03-05T10:00:00.000Z",
        downloads=12,
        likes=3,
    )
