"""Syncs the models that a platform lists into the registry, page by page, so that it can be interrupted and resumed."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.atomic import locked
from zoo.contract.backbone import Progress, SilentProgress
from zoo.contract.listing import Listed, ListRequest, Page
from zoo.entities import BenchmarkScore, Entity, ModelCard, Problem
from zoo.errors import InvalidInput, RegistryError, SourceError, StorageError, UnknownTask, suggest
from zoo.keywords import explains_keywords
from zoo.sources import known
from zoo.sources.fitting import fit
from zoo.untrusted import parse_json

if TYPE_CHECKING:
    from zoo.registry.registry import Registry

MOST_PROBLEMS = 20
"""Maximum number of unreadable entries in a report."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")
_ALWAYS_NEW = ("downloads", "likes", "gated", "revision")


@dataclass(frozen=True)
class SyncReport(Entity):
    """The result of a sync.

    Attributes:
        listed: number of models that the platform listed.
        models: number of new or changed models that were written.
        scores: number of benchmark scores that were written.
        requests: number of requests.
        unreadable: number of entries that could not be read or stored; ``problems`` has the first ones.
        cut: number of cards that were truncated to the registry's limits; ``problems`` has the first ones.
    """

    source: str
    listed: int = 0
    models: int = 0
    scores: int = 0
    requests: int = 0
    unreadable: int = 0
    cut: int = 0
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0


@explains_keywords
def sync(
    source: str,
    *,
    task: str | None = None,
    limit: int | None = None,
    since: str | None = None,
    full: bool = False,
    registry: Registry | None = None,
    progress: Progress | None = None,
) -> SyncReport:
    """Add the models that a platform lists to the registry: all the first time, then new and changed ones.

    Each page is stored in one transaction with the position in the listing, so an interrupted sync resumes there.

    Args:
        source: name of a platform, the part of an id before the colon.
        task: only models for this task.
        limit: maximum number of models; the most downloaded ones are taken.
        since: ISO date; only models that changed on that day or later.
        full: list all models again.
        registry: the registry to write to; None for the user's own.

    Raises:
        InvalidInput: an unknown platform, one that cannot list its models, or an invalid date; UnknownTask.
        RegistryError: another sync of this platform into this registry is running.
        SourceError: a subclass; the pages before the error are stored.
    """
    from zoo.registry import open_registry

    origin = known.source(source)
    if not isinstance(origin, Listed):
        raise InvalidInput(
            f"The platform '{source}' cannot list its models.", f"Platforms that can: {', '.join(listed_sources())}."
        )
    wanted = ListRequest(_task(task), _limit(limit), _day(since), full)
    registry = registry or open_registry()
    started = time.perf_counter()
    with _locked(registry, source):
        return _Sync(registry, origin, wanted, progress or SilentProgress()).run(started)


def listed_sources() -> list[str]:
    """The platforms that can list their models."""
    return sorted(name for name, origin in known.sources().items() if isinstance(origin, Listed))


class _Sync:
    def __init__(self, registry: Registry, origin: Listed, wanted: ListRequest, progress: Progress) -> None:
        self.registry, self.origin, self.wanted, self.progress = registry, origin, wanted, progress
        self.note = f"sync {origin.name} {wanted.scope}"
        self.report = SyncReport(origin.name)

    def run(self, started: float) -> SyncReport:
        state = self._stored_state()
        total = state.get("count") if isinstance(state.get("count"), int) else self.wanted.limit
        try:
            with self.progress.step(f"Syncing {self.origin.name}", total) as step:
                for page in self.origin.pages(self.wanted, state, self.progress):
                    self._store(page)
                    step.advance(page.seen)
        except (SourceError, RegistryError, StorageError) as error:
            if self.report.listed:
                stored = f"{self.report.listed:,} models were stored before that; run the command again to continue."
                raise type(error)(f"{error.message} {stored}", error.hint) from error
            raise
        return dataclasses.replace(self.report, seconds=time.perf_counter() - started)

    def _store(self, page: Page) -> None:
        from zoo.registry.writing import syncing

        kept = fit(page.items)
        items = list(self._changed(kept.items))
        counts = syncing.write_page(self.registry.path, items, {self.note: json.dumps(page.state, sort_keys=True)})
        done = self.report
        self.report = dataclasses.replace(
            done,
            listed=done.listed + page.seen,
            models=done.models + counts["models"],
            scores=done.scores + counts["scores"],
            requests=done.requests + page.requests,
            unreadable=done.unreadable + len(page.problems) + kept.left_out,
            cut=done.cut + kept.cut,
            problems=(*done.problems, *page.problems, *kept.problems)[:MOST_PROBLEMS],
        )

    def _changed(self, items: Sequence[ModelCard | BenchmarkScore]) -> Iterator[ModelCard | BenchmarkScore]:
        ids = [item.id for item in items if isinstance(item, ModelCard)]
        stored = {card.id: card for card in self.registry.cards_called(ids)}
        unchanged: set[str] = set()
        for item in items:
            if isinstance(item, ModelCard):
                before = stored.get(item.id)
                card = item if before is None else refreshed(before, item)
                if card == before:
                    unchanged.add(item.id)
                else:
                    yield card
            elif item.model not in unchanged:
                yield item

    def _stored_state(self) -> dict[str, Any]:
        from zoo.registry.writing import syncing

        text = syncing.note(self.registry.path, self.note)
        try:
            state = parse_json(text) if text else {}
        except ValueError:
            state = {}
        return state if isinstance(state, dict) else {}


def refreshed(stored: ModelCard, listed: ModelCard) -> ModelCard:
    """A listed card, completed with the stored card where the listing has no value.

    Files and their exact size belong to a revision, so they are only taken over if it is the same.
    """
    values: dict[str, Any] = {}
    same = stored.revision == listed.revision
    for field in dataclasses.fields(ModelCard):
        before, now = getattr(stored, field.name), getattr(listed, field.name)
        if field.name in _ALWAYS_NEW:
            values[field.name] = before if now is None else now
        elif field.name == "bytes" and same and stored.files:
            values[field.name] = before
        elif field.name == "files":
            values[field.name] = now or (before if same else ())
        elif field.name == "loader" and isinstance(before, Mapping):
            values[field.name] = {**before, **now}
        elif field.name in {"domain", "license"} and now in {"other", None}:
            values[field.name] = before or now
        else:
            values[field.name] = before if now in (None, (), {}) else now
    return ModelCard(**values)


@contextmanager
def _locked(registry: Registry, name: str) -> Iterator[None]:
    """Lock this registry for syncs of this platform; the lock of a killed process is released."""
    from zoo.registry.database.location import beside

    path = beside(registry.path, f".sync-{name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    busy = RegistryError(
        f"Another sync of '{name}' into {registry.path} is running.", "Wait until it ends; nothing was changed."
    )
    with locked(path, busy):
        yield


def _task(name: str | None) -> str | None:
    from zoo.plugins import plugins

    if name is None or name in plugins().tasks:
        return name
    raise UnknownTask(f"There is no task called '{name}'.", suggest(name, plugins().tasks))


def _limit(limit: int | None) -> int | None:
    if limit is not None and limit < 1:
        raise InvalidInput(f"limit is {limit}; it must be positive.", "Use a whole number from 1 on.")
    return limit


def _day(since: str | None) -> str | None:
    import datetime

    if since is None:
        return None
    try:
        if not _DAY.match(since):
            raise ValueError(since)
        datetime.date.fromisoformat(since)
    except ValueError:
        raise InvalidInput(f"'{since}' is not a date.", "Write it as 2026-01-31.") from None
    return f"{since}T00:00:00.000000Z"
