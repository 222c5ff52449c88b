"""What a platform that can list its models answers, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from zoo.contract.backbone import Progress
from zoo.entities import BenchmarkScore, Entity, ModelCard, Problem


@dataclass(frozen=True)
class ListRequest(Entity):
    """What to list.

    Attributes:
        task: only models for this task.
        limit: at most so many models, the most downloaded ones where the platform counts downloads.
        since: only models that changed at this time or later; ISO 8601 in UTC.
        full: list everything again, whatever an earlier listing noted.
    """

    task: str | None = None
    limit: int | None = None
    since: str | None = None
    full: bool = False

    @property
    def scope(self) -> str:
        """What the notes of a listing are valid for, in words."""
        parts = [f"{name}={getattr(self, name)}" for name in ("task", "limit", "since") if getattr(self, name)]
        return " ".join(parts) or "all"


@dataclass(frozen=True)
class Page:
    """A part of a listing that is stored as a whole.

    Attributes:
        items: cards, each before its scores.
        state: what to note with them, so that the next listing goes on from here.
        problems: entries that could not be read.
        requests: how many requests it took.
        seen: how many entries the platform listed, before any that are known to be unchanged were left out.
    """

    items: tuple[ModelCard | BenchmarkScore, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    requests: int = 0
    seen: int = 0


@runtime_checkable
class Listed(Protocol):
    """A source whose models can be listed.

    Attributes:
        name: the part of a model id before the colon.
    """

    name: str

    def pages(self, wanted: ListRequest, state: Mapping[str, Any], progress: Progress) -> Iterator[Page]:
        """The models, page by page, from where ``state``, the last page's of an earlier listing, left off.

        Raises:
            ZooError: with what came before it already yielded.
        """
        ...
