"""Lists the models of a Hub, newest change first, so that a later listing ends where an earlier one began.

The state of a listing, which is noted with each page:

- ``watermark``: when the newest model changed that a completed listing has seen;
- ``count``: how many models the last complete listing had;
- ``pass``: the listing that is going on: ``cursor``, the address of its next page; ``newest``, the watermark to be;
  ``until``, the watermark to end at; and ``count`` so far.
"""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from zoo.entities import BenchmarkScore, ModelCard, Problem
from zoo.errors import SourceError, ZooError
from zoo.sources.hub.card import listed_card, listed_scores
from zoo.sources.hub.requests import HubRequests, Parameters, RejectedAddress
from zoo.sources.listing import ListRequest, Page

PAGE = 1000
"""Models that are asked for at a time; a Hub may give fewer."""

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
"""How far before its watermark a listing goes, for changes that the Hub's index took a while to show."""

MOST_EMPTY = 10
"""Empty pages in a row after which a listing is given up."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z\Z")


class HubListing:
    """One listing of a Hub's models."""

    def __init__(self, requests: HubRequests, wanted: ListRequest) -> None:
        self.requests, self.wanted = requests, wanted
        self._counted = 0

    def pages(self, state: Mapping[str, Any]) -> Iterator[Page]:
        """Go on with the listing that ``state`` tells of, then list what changed since that one began.

        Raises:
            SourceError: the list repeats itself, ends too early, or is none.
        """
        state = dict(state) if state.get("endpoint") == self.requests.shown else {}
        if self.wanted.full:
            state = {name: state[name] for name in ("count",) if name in state}
        state["endpoint"] = self.requests.shown
        going = state.pop("pass", None)
        if isinstance(going, dict) and isinstance(going.get("cursor"), str):
            try:
                state = yield from self._pass(state, going)
            except RejectedAddress:
                # The cursor went stale; what was listed with it is stored, and is listed again.
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

    def _pass(self, state: dict[str, Any], going: dict[str, Any]) -> Generator[Page, None, dict[str, Any]]:
        seen: set[str | None] = {going["cursor"]}
        previous: list[Any] = []
        empty, going = 0, dict(going)
        while True:
            entries, following = self._next(going["cursor"])
            empty = 0 if entries else empty + 1
            ids = [entry.get("id") if isinstance(entry, Mapping) else None for entry in entries]
            if following in seen - {None} or (ids and ids == previous) or (empty >= MOST_EMPTY and following):
                raise self._repeats()
            seen.add(following)
            previous = ids
            times = [time for entry in entries if (time := _changed(entry)) is not None]
            if going["newest"] is None and times:
                going["newest"] = max(times)
            reached = bool(going["until"] and times and min(times) < going["until"] and _descending(times))
            if self.wanted.limit:
                entries = entries[: self.wanted.limit - going["count"]]
                reached = going["count"] + len(entries) >= self.wanted.limit
            going["cursor"], going["count"] = following, going["count"] + len(entries)
            done = reached or following is None
            early = done and not reached and self._too_few(state, going)
            after = state if early else self._ended(state, going) if done else {**state, "pass": going}
            yield self._page(entries, going["until"], after)
            if early:
                raise SourceError(
                    f"The list of models at {self.requests.shown} ended after {going['count']:,}; "
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

    def _ended(self, state: dict[str, Any], going: dict[str, Any]) -> dict[str, Any]:
        complete = going["cursor"] is None and not self.wanted.limit
        ended = {**state, "watermark": max(filter(None, (state.get("watermark"), going["newest"])), default=None)}
        return {**ended, "count": going["count"]} if complete else ended

    def _too_few(self, state: Mapping[str, Any], going: Mapping[str, Any]) -> bool:
        """Whether a list that ended by itself is much shorter than the complete one before it."""
        return not self.wanted.limit and going["count"] < int(state.get("count") or 0) // 2

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
                problems.append(Problem(_name(entry), f"is not described as models are ({type(error).__name__})"))
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
    """When a model changed, in a form that sorts as text; None where the entry does not say."""
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
