"""Bring what a platform lists into the registry, page by page, so that nothing is lost when it is interrupted."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.contract.backbone import Progress, SilentProgress
from zoo.entities import BenchmarkScore, Entity, ModelCard, Problem
from zoo.errors import InvalidInput, RegistryError, SourceError, StorageError, UnknownTask, suggest
from zoo.sources.fitting import fit
from zoo.sources.listing import Listed, ListRequest, Page
from zoo.untrusted import parse_json

if TYPE_CHECKING:
    from zoo.registry.registry import Registry

MOST_PROBLEMS = 20
"""Unreadable entries that are told in full."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")
_ALWAYS_NEW = ("downloads", "likes", "gated", "revision")


@dataclass(frozen=True)
class SyncReport(Entity):
    """What a sync did.

    Attributes:
        listed: models that the platform listed.
        models: of those, new or changed ones, which were written.
        scores: benchmark scores that were written.
        requests: how many requests it took.
        unreadable: how many entries could not be read or kept; ``problems`` tells of the first ones.
        cut: how many cards were cut to what a registry can hold; ``problems`` tells of the first ones.
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


def sync(
    name: str,
    *,
    task: str | None = None,
    limit: int | None = None,
    since: str | None = None,
    full: bool = False,
    registry: Registry | None = None,
    progress: Progress | None = None,
) -> SyncReport:
    """Bring a platform's models into the registry: all of them the first time, then what is new or changed.

    Each page is one transaction, together with the place that it was found at. Interrupted, it goes on from there.

    Args:
        name: a source, the part of an id before the colon.
        task: only models for this task.
        limit: only so many models, the most downloaded ones.
        since: ISO date; only models that changed on that day or later.
        full: list everything again.
        registry: the user's own where it is None.

    Raises:
        InvalidInput: no such source, one that cannot list its models, or a date that is none; UnknownTask.
        RegistryError: another sync of this source into this registry is running.
        SourceError: one of its kinds; what came before it is stored.
    """
    from zoo.registry import open_registry
    from zoo.sources import source

    origin = source(name)
    if not isinstance(origin, Listed):
        raise InvalidInput(
            f"The models of the platform '{name}' cannot be listed.", f"There are: {', '.join(listed_sources())}."
        )
    wanted = ListRequest(_task(task), _limit(limit), _day(since), full)
    registry = registry or open_registry()
    started = time.perf_counter()
    with _alone(registry, name):
        return _Sync(registry, origin, wanted, progress or SilentProgress()).run(started)


def listed_sources() -> list[str]:
    """The sources whose models can be listed."""
    from zoo.sources import sources

    return sorted(name for name, origin in sources().items() if isinstance(origin, Listed))


class _Sync:
    def __init__(self, registry: Registry, origin: Listed, wanted: ListRequest, progress: Progress) -> None:
        self.registry, self.origin, self.wanted, self.progress = registry, origin, wanted, progress
        self.note = f"sync {origin.name} {wanted.scope}"
        self.report = SyncReport(origin.name)

    def run(self, started: float) -> SyncReport:
        state = self._noted()
        total = state.get("count") if isinstance(state.get("count"), int) else self.wanted.limit
        try:
            with self.progress.step(f"Syncing {self.origin.name}", total) as step:
                for page in self.origin.pages(self.wanted, state, self.progress):
                    self._store(page)
                    step.advance(page.seen)
        except (SourceError, RegistryError, StorageError) as error:
            if self.report.listed:
                stored = f"{self.report.listed:,} models came before that and are stored; run it again to go on."
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
        known = {card.id: card for card in self.registry.cards_called(ids)}
        unchanged: set[str] = set()
        for item in items:
            if isinstance(item, ModelCard):
                before = known.get(item.id)
                card = item if before is None else refreshed(before, item)
                if card == before:
                    unchanged.add(item.id)
                else:
                    yield card
            elif item.model not in unchanged:
                yield item

    def _noted(self) -> dict[str, Any]:
        from zoo.registry.writing import syncing

        text = syncing.note(self.registry.path, self.note)
        try:
            state = parse_json(text) if text else {}
        except ValueError:
            state = {}
        return state if isinstance(state, dict) else {}


def refreshed(known: ModelCard, found: ModelCard) -> ModelCard:
    """A card that a platform listed, with what a listing does not tell kept from the card that was known.

    Files and their exact size belong to a revision, so they are kept only while it is the same.
    """
    values: dict[str, Any] = {}
    same = known.revision == found.revision
    for field in dataclasses.fields(ModelCard):
        before, now = getattr(known, field.name), getattr(found, field.name)
        if field.name in _ALWAYS_NEW:
            values[field.name] = before if now is None else now
        elif field.name == "bytes" and same and known.files:
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
def _alone(registry: Registry, name: str) -> Iterator[None]:
    """Hold the one place there is for a sync of this source into this registry; a killed process leaves it free."""
    from filelock import FileLock, Timeout

    from zoo.registry.database.location import beside

    path = beside(registry.path, f".sync-{name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RegistryError(
            f"Another sync of '{name}' into {registry.path} is running.", "Wait until it is done; nothing was changed."
        ) from None
    except OSError as error:
        raise StorageError(
            f"Cannot write to {path.parent}: {error.strerror or error}.",
            "Set ZOO_HOME or ZOO_REGISTRY to another folder.",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _task(name: str | None) -> str | None:
    from zoo.plugins import plugins

    if name is None or name in plugins().tasks:
        return name
    raise UnknownTask(f"There is no task called '{name}'.", suggest(name, plugins().tasks))


def _limit(limit: int | None) -> int | None:
    if limit is not None and limit < 1:
        raise InvalidInput(f"A limit of {limit} lists nothing.", "Give a whole number above 0.")
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
