"""OpenAI's fine-tuning jobs: upload the examples, create a job once, wait for it, and resume after interruptions.

Uploads and jobs are recorded in a file under ``ZOO_HOME``, named by a digest of the examples and the settings, so the
same command waits for the same job. A job whose creation was not confirmed is found by its metadata.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.config import settings
from zoo.contract.backbone import Progress
from zoo.errors import InvalidInput, PlatformNotice, SourceError, ZooError, storage_errors
from zoo.untrusted import parse_json
from zoo_language.openai.client import openai_errors, printable

FOLDER = "openai-jobs"
FIRST_WAIT, LONGEST_WAIT = 2.0, 30.0
"""Seconds between two checks of a job, increasing from the first to the last."""

ENDED = ("succeeded", "failed", "cancelled")
MARK = "zoo"
"""The metadata by which a job is found again."""

_OF_EXAMPLES = frozenset(("invalid_training_file", "invalid_validation_file", "invalid_n_examples"))


@dataclass(frozen=True)
class Order:
    """A job to create.

    Attributes:
        model: name of the model at OpenAI.
        training, validation: examples, one JSON object per line.
        epochs: passes over the examples.
    """

    model: str
    training: bytes
    validation: bytes
    epochs: int
    seed: int

    def key(self, server: str) -> str:
        """A digest of everything that identifies a job at a server."""
        parts = (server, self.model, str(self.epochs), str(self.seed))
        digest = hashlib.sha256("\n".join(parts).encode())
        for examples in (self.training, self.validation):
            digest.update(hashlib.sha256(examples).digest())
        return digest.hexdigest()[:32]


class Job:
    """One order's job at OpenAI, from the upload to the fine-tuned model. Use it as a context manager.

    Leaving the block without an error deletes the record of the job; after an error it is kept, to resume the job.
    ``done_before`` is true if the job had already succeeded, and was charged, in an earlier call.
    """

    def __init__(self, api: Any, order: Order) -> None:
        self._api, self._order = api, order
        self._key = order.key(str(api.base_url))
        self._path = settings().home / FOLDER / f"{self._key}.json"
        self._noted: dict[str, str] = {}
        self._lock: Any = None
        self.done_before = False

    def __enter__(self) -> Job:
        from filelock import FileLock, Timeout

        with storage_errors(self._path.parent):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self._path.with_suffix(".lock"))
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                raise InvalidInput(
                    "Another zoo process is waiting for this job.",
                    "Wait for it, or change the seed to start another job.",
                ) from None
            self._noted = _read(self._path)
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            self._forget()
        self._lock.release()

    def run(self, progress: Progress) -> Any:
        """Upload, create and wait, as far as necessary; returns OpenAI's record of the succeeded job.

        Raises:
            InvalidInput: the examples were rejected.
            SourceError: one of its subclasses: the job failed or was cancelled, the key is wrong, the network is down.
        """
        if "job" in self._noted:
            _warn(f"Resuming the job {self._noted['job']}.")
        else:
            self._begin()
        try:
            with _continues(self._noted["job"]):
                job = self._wait(progress)
        except KeyboardInterrupt:
            _warn(
                f"The job {self._noted['job']} continues at OpenAI and is charged. Run the same command to wait for "
                "it again, or cancel it in OpenAI's dashboard."
            )
            raise
        if job.status == "succeeded" and job.fine_tuned_model:
            return job
        self._forget()
        if job.status == "cancelled":
            raise SourceError(f"The job {job.id} was cancelled.", "Run the command again to start a new job.")
        reason = printable(job.error.message if job.error else None) or "OpenAI gave no reason"
        if job.error and job.error.code in _OF_EXAMPLES:
            raise InvalidInput(f"OpenAI rejected the examples: {reason}.", "Fix the data, then run the command again.")
        raise SourceError(f"The job {job.id} failed: {reason}.", "Run the command again to start a new job.")

    def _begin(self) -> None:
        found = self._find()
        if found is None:
            for name in ("training", "validation"):
                if name not in self._noted or not self._has(self._noted[name]):
                    self._note(name, self._upload(f"zoo-{self._key[:12]}-{name}.jsonl", getattr(self._order, name)))
            try:
                found = self._create()
            except ZooError:
                # The server may have created the job without confirming it; a second job would be charged as well.
                with contextlib.suppress(ZooError):
                    found = self._find()
                if found is None:
                    raise
            _warn(f"OpenAI accepted the job {found}.")
        elif self.done_before:
            _warn(
                f"The job {found} was already trained on these data with these settings; to train again, change --seed."
            )
        else:
            _warn(f"Resuming the job {found}.")
        self._note("job", found)

    def _has(self, file: str) -> bool:
        import openai

        with openai_errors(self._order.model):
            try:
                self._api.files.retrieve(file)
            except openai.NotFoundError:
                return False
        return True

    def _upload(self, name: str, examples: bytes) -> str:
        with openai_errors(self._order.model), _refusals():
            file = self._api.files.create(file=(name, examples, "application/jsonl"), purpose="fine-tune")
        if file.status == "error":
            raise InvalidInput(
                f"OpenAI rejected the examples: {printable(file.status_details) or 'OpenAI gave no reason'}.",
                "Fix the data.",
            )
        return str(file.id)

    def _find(self) -> str | None:
        """A job of the same order that has not ended, or has succeeded and whose model still exists."""
        import openai

        with openai_errors(self._order.model):
            for job in self._api.fine_tuning.jobs.list(limit=100, metadata={MARK: self._key}):
                if (job.metadata or {}).get(MARK) != self._key or job.status in {"failed", "cancelled"}:
                    continue
                if job.status == "succeeded":
                    try:
                        self._api.models.retrieve(job.fine_tuned_model or "")
                    except (openai.NotFoundError, ValueError):
                        continue
                    self.done_before = True
                return str(job.id)
        return None

    def _create(self) -> str:
        order = self._order
        method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": order.epochs}}}
        with openai_errors(order.model), _refusals():
            job = self._api.with_options(max_retries=0).fine_tuning.jobs.create(
                model=order.model,
                training_file=self._noted["training"],
                validation_file=self._noted["validation"],
                method=method,
                seed=order.seed,
                suffix="zoo",
                metadata={MARK: self._key},
            )
        return str(job.id)

    def _wait(self, progress: Progress) -> Any:
        seen: set[str] = set()
        seconds = FIRST_WAIT
        with progress.step(f"Waiting for {self._noted['job']}"):
            while True:
                with openai_errors(self._order.model):
                    job = self._retrieved()
                    for event in reversed(self._news(seen)):
                        _warn(f"OpenAI: {printable(event.message)}.")
                if job.status in ENDED:
                    return job
                time.sleep(seconds)
                seconds = min(seconds * 1.5, LONGEST_WAIT)

    def _retrieved(self) -> Any:
        import openai

        try:
            return self._api.fine_tuning.jobs.retrieve(self._noted["job"])
        except openai.NotFoundError:
            self._forget()
            raise InvalidInput(
                f"OpenAI no longer has the job {self._noted['job']}.", "Run the command again to start a new job."
            ) from None

    def _news(self, seen: set[str]) -> Sequence[Any]:
        """The events since the last check, latest first as OpenAI lists them."""
        found: list[Any] = []
        for event in self._api.fine_tuning.jobs.list_events(self._noted["job"], limit=100):
            if event.id in seen:
                break
            found.append(event)
        seen.update(event.id for event in found)
        return [event for event in found if event.type != "metrics"]

    def _note(self, name: str, value: str) -> None:
        self._noted[name] = value
        place = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        with storage_errors(self._path):
            place.write_text(json.dumps(self._noted), encoding="utf-8")
            os.replace(place, self._path)

    def _forget(self) -> None:
        """Delete the examples at OpenAI, if that is possible, and the record of the job."""
        import openai

        for name in ("training", "validation"):
            if name in self._noted:
                with contextlib.suppress(openai.OpenAIError):
                    self._api.files.delete(self._noted[name])
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


@contextmanager
def _refusals() -> Iterator[None]:
    """Convert OpenAI's rejections of examples or settings to ``InvalidInput``."""
    import openai

    try:
        yield
    except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
        body = error.body if isinstance(error.body, dict) else {}
        reason = printable(str(body.get("message") or "OpenAI gave no reason"))
        raise InvalidInput(f"OpenAI rejected the examples: {reason}.", "Fix the data or the settings.") from None


@contextmanager
def _continues(job: str) -> Iterator[None]:
    """Add to an error's hint that the job continues."""
    try:
        yield
    except SourceError as error:
        raise type(error)(
            error.message,
            f"{error.hint} The job {job} continues at OpenAI; run the same command to wait for it again.".strip(),
        ) from error


def _read(path: Path) -> dict[str, str]:
    try:
        found = parse_json(path.read_text(encoding="utf-8"), finite=False)
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _warn(line: str) -> None:
    warnings.warn(line, PlatformNotice, stacklevel=3)
