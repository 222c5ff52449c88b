"""What a fine-tuning server does besides HTTP: keeps files, moves jobs on, really learns from examples, answers chats."""

from __future__ import annotations

import json
import math
import time
import urllib.parse
from collections import Counter
from typing import Any

STEPS = ("validating_files", "queued", "running", "succeeded")


class WordCounts:
    """Naive Bayes over words, from conversations: the smallest model that really learns."""

    def __init__(self, examples: list[dict[str, Any]]) -> None:
        self.words: dict[str, Counter[str]] = {}
        self.answers: Counter[str] = Counter()
        for example in examples:
            messages = {message["role"]: message["content"] for message in example["messages"]}
            self.answers[messages["assistant"]] += 1
            self.words.setdefault(messages["assistant"], Counter()).update(messages["user"].lower().split())
        self.vocabulary = {word for counts in self.words.values() for word in counts}

    def answer(self, text: str) -> tuple[str, float]:
        scores = {}
        for name, counts in self.words.items():
            total = sum(counts.values()) + len(self.vocabulary)
            scores[name] = math.log(self.answers[name]) + sum(
                math.log((counts[word] + 1) / total) for word in text.lower().split()
            )
        best = max(scores, key=lambda name: scores[name])
        return best, -math.log(sum(math.exp(score - scores[best]) for score in scores.values()))


class JobDesk:
    """Files, jobs and models.

    Attributes:
        fails: code and message that the next job ends with.
        unheard: how many created jobs go unanswered.
        counted: tokens that an example counts for.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.models: dict[str, WordCounts] = {}
        self.chats: list[dict[str, Any]] = []
        self.fails: tuple[str, str] | None = None
        self.unheard = 0
        self.counted = 10
        self.lazy = False

    def answer(self, method: str, address: str, body: Any) -> tuple[int, Any] | None:
        """Status and document; None for a request that this desk does not handle."""
        split = urllib.parse.urlsplit(address)
        path, query = split.path, urllib.parse.parse_qs(split.query)
        parts = path.removeprefix("/v1/").split("/")
        if parts[0] == "files":
            return self._file(method, parts[1:], body)
        if parts[:2] == ["fine_tuning", "jobs"]:
            return self._job(method, parts[2:], query, body)
        if path == "/v1/chat/completions":
            return self._chat(body)
        if parts[0] == "models" and len(parts) == 2:
            name = urllib.parse.unquote(parts[1])
            if name not in self.models:
                return _refused(404, f"The model '{name}' does not exist")
            return 200, {"id": name, "object": "model", "created": 1700000000, "owned_by": "user"}
        return None

    def _file(self, method: str, parts: list[str], body: Any) -> tuple[int, Any]:
        if method == "POST":
            try:
                lines = [json.loads(line) for line in body["file"].decode().splitlines()]
                for line in lines:
                    assert [message["role"] for message in line["messages"]][-2:] == ["user", "assistant"]
            except (ValueError, KeyError, AssertionError):
                return _refused(400, "Invalid file format. Line 1 is not a conversation")
            if body.get("purpose") != "fine-tune":
                return _refused(400, "purpose is missing")
            name = f"file-{len(self.files) + 1}"
            self.files[name] = body["file"]
            return 200, self._described(name)
        if parts[0] not in self.files:
            return _refused(404, f"No such File object: {parts[0]}")
        if method == "DELETE":
            del self.files[parts[0]]
            return 200, {"id": parts[0], "object": "file", "deleted": True}
        return 200, self._described(parts[0])

    def _described(self, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "object": "file",
            "bytes": len(self.files[name]),
            "created_at": 1700000000,
            "filename": f"{name}.jsonl",
            "purpose": "fine-tune",
            "status": "processed",
        }

    def _job(self, method: str, parts: list[str], query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if method == "POST" and not parts:
            return self._created(body)
        if not parts:
            wanted = {name[9:-1]: values[0] for name, values in query.items() if name.startswith("metadata[")}
            jobs = [job for job in self.jobs.values() if wanted.items() <= job["metadata"].items()]
            return 200, {"object": "list", "data": jobs[::-1], "has_more": False}
        if parts[0] not in self.jobs:
            return _refused(404, f"Could not find fine tune: {parts[0]}")
        if parts[1:] == ["events"]:
            events = self.events[parts[0]][::-1]
            if "after" in query:
                events = events[1 + [event["id"] for event in events].index(query["after"][0]) :]
            page = events[:2]  # small pages, so that the client has to ask for more
            return 200, {"object": "list", "data": page, "has_more": len(events) > 2}
        if not self.lazy:
            self._move_on(self.jobs[parts[0]])
        return 200, self.jobs[parts[0]]

    def _created(self, body: dict[str, Any]) -> tuple[int, Any]:
        for name in ("training_file", "validation_file"):
            if body[name] not in self.files:
                return _refused(400, f"{body[name]} does not exist")
        epochs = body["method"]["supervised"]["hyperparameters"]["n_epochs"]
        name = f"ftjob-{len(self.jobs) + 1}"
        self.jobs[name] = {
            "id": name,
            "object": "fine_tuning.job",
            "model": body["model"],
            "created_at": int(time.time()),
            "finished_at": None,
            "fine_tuned_model": None,
            "organization_id": "org-test",
            "result_files": [],
            "status": STEPS[0],
            "training_file": body["training_file"],
            "validation_file": body["validation_file"],
            "hyperparameters": {"n_epochs": epochs, "batch_size": "auto", "learning_rate_multiplier": "auto"},
            "trained_tokens": None,
            "error": None,
            "seed": body["seed"],
            "metadata": body["metadata"],
            "method": body["method"],
        }
        self.events[name] = []
        self._say(name, f"Created fine-tuning job: {name}")
        if self.unheard:
            self.unheard -= 1
            return 0, None
        return 200, self.jobs[name]

    def _move_on(self, job: dict[str, Any]) -> None:
        if job["status"] not in STEPS[:-1]:
            return
        job["status"] = STEPS[STEPS.index(job["status"]) + 1]
        self._say(job["id"], f"The job is {job['status']}\x1b[31m")
        if job["status"] == "running" and self.fails:
            job["status"], job["error"] = "failed", dict(zip(("code", "message"), self.fails, strict=True))
            job["error"]["param"] = None
        if job["status"] == "succeeded":
            examples = [json.loads(line) for line in self.files[job["training_file"]].decode().splitlines()]
            job["fine_tuned_model"] = f"ft:{job['model']}:acme:zoo:{len(self.models) + 1}"
            job["trained_tokens"] = self.counted * len(examples) * job["hyperparameters"]["n_epochs"]
            self.models[job["fine_tuned_model"]] = WordCounts(examples)

    def _say(self, name: str, message: str) -> None:
        events = self.events[name]
        events.append(
            {
                "id": f"ftevent-{len(events)}",
                "object": "fine_tuning.job.event",
                "created_at": int(time.time()),
                "level": "info",
                "message": message,
                "type": "message",
                "data": None,
            }
        )

    def _chat(self, body: dict[str, Any]) -> tuple[int, Any]:
        self.chats.append(body)
        if body["model"] not in self.models:
            return _refused(404, f"The model `{body['model']}` does not exist")
        text, logprob = self.models[body["model"]].answer(body["messages"][-1]["content"])
        token = {"token": text, "bytes": None, "logprob": logprob, "top_logprobs": []}
        choice = {
            "index": 0,
            "finish_reason": "stop",
            "logprobs": {"content": [token], "refusal": None},
            "message": {"role": "assistant", "content": text, "refusal": None},
        }
        usage = {"prompt_tokens": self.counted, "completion_tokens": 1, "total_tokens": self.counted + 1}
        return 200, {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body["model"],
            "choices": [choice],
            "usage": usage,
        }


def _refused(status: int, message: str) -> tuple[int, Any]:
    return status, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}
