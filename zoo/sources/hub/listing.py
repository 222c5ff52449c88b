"""Lists the models of a Hub, latest change first, so that a later listing can stop where an earlier one started.

The state of a listing, which is stored with each page:

- ``watermark``: time of the latest change that a completed listing has seen;
- ``count``: number of models of the last complete listing;
- ``pass``: the current listing: ``cursor``, the address of its next page; ``newest``, its future watermark; ``until``,
  the watermark at which it stops; and its ``count`` so far.
"""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from zoo.contract.listing import ListRequest, Page
from zoo.entities import BenchmarkScore, ModelCard, Problem
from zoo.errors import SourceError, ZooError
from zoo.sources.hub.card import listed_card, listed_scores
from zoo.sources.hub.requests import HubRequests, Parameters, RejectedAddress

PAGE = 1000
"""Models per page; a Hub may return fewer."""

EXPAND = (
    "sha",
    "lastModified",
    "createdAt",
    "downloads",
    "likes",
    "tags",
    "pipeline_tag",
    "library_name",
    "gated",
    "safetensors",
    "config",
    "cardData",
    "model-index",
    "evalResults",
)

OVERLAP = datetime.timedelta(minutes=5)
"""How far a listing goes back beyond the watermark, for changes that the Hub's index shows late."""

MOST_EMPTY = 10
"""Consecutive empty pages after which a listing is aborted."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z\Z")


class HubListing:
    """One listing of a Hub's models."""

    def __init__(self, requests: HubRequests, wanted: ListRequest) -> None:
        self.requests, self.wanted = requests, wanted
        self._counted = 0

    def pages(self, state: Mapping[str, Any]) -> Iterator[Page]:
        """Continue the listing in ``state``, then list the models that changed since it started.

        Raises:
            SourceError: the listing repeats itself, ends too early, or is not valid.
        """
        state = dict(state) if state.get("endpoint") == self.requests.shown else {}
        if self.wanted.full:
            state = {name: state[name] for name in ("count",) if name in state}
        state["endpoint"] = self.requests.shown
        current = state.pop("pass", None)
        if isinstance(current, dict) and isinstance(current.get("cursor"), str):
            try:
                state = yield from self._pass(state, current)
            except RejectedAddress:
                # The cursor expired; start again.
                state = yield from self._pass(state, self._begin(state))
                return
            if self.wanted.limit:
                return
        yield from self._pass(state, self._begin(state))

    def _begin(self, state: Mapping[str, Any]) -> dict[str, Any]:
        bounds = [self.wanted.since] if self.wanted.since else []
        if state.get("watermark") and not self.wanted.limit:
            bounds.append(_before(state["watermark"]))
        return {"cursor": None, "newest": None, "until": max(bounds, default=None), "count": 0}

    def _pass(self, state: dict[str, Any], current: dict[str, Any]) -> Generator[Page, None, dict[str, Any]]:
        seen: set[str | None] = {current["cursor"]}
        previous: list[Any] = []
        empty, current = 0, dict(current)
        while True:
            entries, following = self._next(current["cursor"])
            empty = 0 if entries else empty + 1
            ids = [entry.get("id") if isinstance(entry, Mapping) else None for entry in entries]
            if following in seen - {None} or (ids and ids == previous) or (empty >= MOST_EMPTY and following):
                raise self._repeats()
            seen.add(following)
            previous = ids
            times = [time for entry in entries if (time := _changed(entry)) is not None]
            if current["newest"] is None and times:
                current["newest"] = max(times)
            reached = bool(current["until"] and times and min(times) < current["until"] and _descending(times))
            if self.wanted.limit:
                entries = entries[: self.wanted.limit - current["count"]]
                reached = current["count"] + len(entries) >= self.wanted.limit
            current["cursor"], current["count"] = following, current["count"] + len(entries)
            done = reached or following is None
            early = done and not reached and self._too_few(state, current)
            after = state if early else self._ended(state, current) if done else {**state, "pass": current}
            yield self._page(entries, current["until"], after)
            if early:
                raise SourceError(
                    f"The list of models at {self.requests.shown} ended after {current['count']:,}; "
                    f"the last time it had {state['count']:,}.",
                    "Try again later.",
                )
            if done:
                return after

    def _next(self, cursor: str | None) -> tuple[list[Any], str | None]:
        if cursor is not None:
            return self.requests.page(cursor)
        parameters: Parameters = [("expand", name) for name in EXPAND]
        parameters += [("sort", "downloads" if self.wanted.limit else "lastModified")]
        parameters += [("limit", str(min(PAGE, self.wanted.limit or PAGE)))]
        if self.wanted.task:
            parameters.append(("pipeline_tag", self.wanted.task))
        return self.requests.page(f"{self.requests.endpoint}/api/models", parameters)

    def _ended(self, state: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
        complete = current["cursor"] is None and not self.wanted.limit
        ended = {**state, "watermark": max(filter(None, (state.get("watermark"), current["newest"])), default=None)}
        return {**ended, "count": current["count"]} if complete else ended

    def _too_few(self, state: Mapping[str, Any], current: Mapping[str, Any]) -> bool:
        """Whether a listing that ended is much shorter than the last complete one."""
        return not self.wanted.limit and current["count"] < int(state.get("count") or 0) // 2

    def _page(self, entries: list[Any], until: str | None, state: Mapping[str, Any]) -> Page:
        items: list[ModelCard | BenchmarkScore] = []
        problems: list[Problem] = []
        newer = [entry for entry in entries if until is None or (_changed(entry) or until) >= until]
        for entry in newer:
            try:
                items += self._read(entry)
            except ZooError as error:
                problems.append(Problem(_name(entry), error.message))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                problems.append(Problem(_name(entry), f"has no valid description ({type(error).__name__})"))
        requests, self._counted = self.requests.count - self._counted, self.requests.count
        return Page(tuple(items), state, tuple(problems), requests, len(newer))

    def _read(self, entry: Any) -> list[ModelCard | BenchmarkScore]:
        from huggingface_hub import ModelInfo

        from zoo.sources.hub.cache import check_repository

        if not isinstance(entry, Mapping) or not isinstance(entry.get("id"), str):
            raise TypeError(type(entry).__name__)
        check_repository(entry["id"])
        card = listed_card(ModelInfo(**entry), self.requests.shown)
        return [card, *listed_scores(entry, card)]

    def _repeats(self) -> SourceError:
        return SourceError(
            f"The list of models at {self.requests.shown} repeats itself.",
            "Try again later, or list everything again: zoo sync hf --full",
        )


def _changed(entry: Any) -> str | None:
    """Time of the last change of a model, as text that sorts; None if unknown."""
    value = entry.get("lastModified") if isinstance(entry, Mapping) else None
    if not isinstance(value, str) or not _TIME.match(value):
        return None
    seconds, _, fraction = value.removesuffix("Z").partition(".")
    return f"{seconds}.{fraction:0<6}Z"


def _before(watermark: str) -> str:
    moment = datetime.datetime.fromisoformat(watermark.removesuffix("Z")) - OVERLAP
    return moment.isoformat(timespec="microseconds") + "Z"


def _descending(times: list[str]) -> bool:
    return all(first >= second for first, second in itertools.pairwise(times))


def _name(entry: Any) -> str:
    return ascii(entry.get("id") if isinstance(entry, Mapping) else entry)[:80].strip("'")
