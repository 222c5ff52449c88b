"""Listings of a platform's models, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from zoo.contract.backbone import Progress
from zoo.entities import BenchmarkScore, Entity, ModelCard, Problem


@dataclass(frozen=True)
class ListRequest(Entity):
    """The models to list.

    Attributes:
        task: only models for this task.
        limit: maximum number of models; the most downloaded ones if the platform counts downloads.
        since: only models that changed at this time or later; ISO 8601 in UTC.
        full: list all models again, regardless of earlier listings.
    """

    task: str | None = None
    limit: int | None = None
    since: str | None = None
    full: bool = False

    @property
    def scope(self) -> str:
        """The scope in which the stored position of a listing is valid, as text."""
        parts = [f"{name}={getattr(self, name)}" for name in ("task", "limit", "since") if getattr(self, name)]
        return " ".join(parts) or "all"


@dataclass(frozen=True)
class Page:
    """A part of a listing that is stored in one transaction.

    Attributes:
        items: cards, each before its scores.
        state: the position to store with them, where the next listing continues.
        problems: entries that could not be read.
        requests: number of requests.
        seen: number of listed entries, including unchanged ones that were skipped.
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
        """The models, page by page, from the position in ``state``, that of the last page of an earlier listing.

        Raises:
            ZooError: after the pages before it were yielded.
        """
        ...
