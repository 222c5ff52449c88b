"""A real HTTP server that speaks OpenAI's protocol of embeddings, files, fine-tuning jobs and chat to the official client."""

from __future__ import annotations

import base64
import email
import hashlib
import json
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from openai_job_desk import JobDesk


class OpenAIServer:
    """The server; use as a context manager.

    Attributes:
        key: the only key that is taken.
        dimension: of the embeddings, which are made from the texts' digests.
        requests: (path, authorization, body), in order.
        answers: statuses to answer the next requests with instead, with headers.
        lost: number of embeddings to leave out of each answer.
        desk: files, fine-tuning jobs and the models that come out of them.
    """

    def __init__(self) -> None:
        self.key = "sk-c4n4ry"
        self.dimension = 1536
        self.requests: list[tuple[str, str | None, Any]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.lost = 0
        self.desk = JobDesk()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self) -> OpenAIServer:
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def embedding(self, text: str) -> list[float]:
        """What a text is answered with: the same for the same text."""
        digest = hashlib.sha256(text.encode()).digest()
        return [digest[n % 32] / 255 for n in range(self.dimension)]

    def sent(self) -> list[list[str]]:
        """The texts of each request for embeddings."""
        return [body["input"] for path, _, body in self.requests if path == "/v1/embeddings"]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: OpenAIServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._answer(None)

    def do_DELETE(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        form = self.headers["Content-Type"]
        self._answer(parts_of(content, form) if form.startswith("multipart/") else json.loads(content))

    def _answer(self, body: Any) -> None:
        owner, authorization = self.server.owner, self.headers.get("Authorization")
        owner.requests.append((self.path, authorization, body))
        if owner.answers:
            status, headers = owner.answers.pop(0)
            self._json({"error": {"message": f"trouble with {authorization}", "type": "x"}}, status, headers)
        elif authorization != f"Bearer {owner.key}":
            self._json({"error": {"message": f"Incorrect API key provided: {authorization}", "type": "x"}}, 401)
        elif self.path == "/v1/models":
            names = ("text-embedding-3-small", "gpt-test")
            data = [{"id": n, "object": "model", "created": 1700000000, "owned_by": "openai"} for n in names]
            self._json({"object": "list", "data": data})
        elif (found := owner.desk.answer(self.command, self.path, body)) is not None:
            if found[0] == 0:  # heard, and never answered
                self.close_connection = True
            else:
                self._json(found[1], found[0])
        elif self.path == "/v1/embeddings" and all(body["input"]) and len(body["input"]) <= 2048:
            data = [
                {"object": "embedding", "index": n, "embedding": self._encoded(text, body.get("encoding_format"))}
                for n, text in enumerate(body["input"])
            ]
            tokens = sum(len(text.split()) or 1 for text in body["input"])
            usage = {"prompt_tokens": tokens, "total_tokens": tokens}
            kept = data[::-1][: len(data) - owner.lost]
            self._json({"object": "list", "model": body["model"], "data": kept, "usage": usage})
        else:
            self._json({"error": {"message": "bad request", "type": "invalid_request_error"}}, 400)

    def _encoded(self, text: str, form: str | None) -> Any:
        values = self.server.owner.embedding(text)
        return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode() if form == "base64" else values

    def _json(self, document: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {
            "Content-Length": str(len(body)),
            "Content-Type": "application/json",
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def parts_of(content: bytes, form: str) -> dict[str, Any]:
    """The parts of a multipart form, by name: bytes of files, texts of fields."""
    message = email.message_from_bytes(f"Content-Type: {form}\r\n\r\n".encode() + content)
    found: dict[str, Any] = {}
    for part in message.get_payload():
        payload = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        if part.get_filename():
            found["filename"] = part.get_filename()
        found[name] = payload if part.get_filename() else payload.decode()
    return found
