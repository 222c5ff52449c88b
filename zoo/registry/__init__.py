"""The registry: the models that zoo knows, in a SQLite file of the user or in a PostgreSQL database.

Reading needs the standard library only; the ORM is imported when something is written.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from zoo.keywords import amount_argument, explains_keywords

if TYPE_CHECKING:
    from zoo.entities import ModelCard
    from zoo.registry.comparing import Comparison as Comparison
    from zoo.registry.opening import open_registry as open_registry
    from zoo.registry.registry import Registry as Registry
    from zoo.registry.searching.query import SearchPage as SearchPage
    from zoo.registry.searching.query import SearchQuery as SearchQuery

_EXPORTS = {
    "Comparison": "zoo.registry.comparing",
    "Registry": "zoo.registry.registry",
    "SearchPage": "zoo.registry.searching.query",
    "SearchQuery": "zoo.registry.searching.query",
    "open_registry": "zoo.registry.opening",
}

__all__ = ["compare", "search", "show", *sorted(_EXPORTS)]  # noqa: PLE0604


@explains_keywords
def search(
    words: str = "",
    *,
    domain: str | None = None,
    task: str | None = None,
    license: str | None = None,
    max_parameters: int | str | None = None,
    min_parameters: int | str | None = None,
    max_size: int | str | None = None,
    min_size: int | str | None = None,
    fits: int | str | None = None,
    max_downloads: int | str | None = None,
    min_downloads: int | str | None = None,
    max_likes: int | str | None = None,
    min_likes: int | str | None = None,
    max_dimension: int | str | None = None,
    min_dimension: int | str | None = None,
    released_after: str | None = None,
    released_before: str | None = None,
    tag: str | Iterable[str] = (),
    gated: bool | None = None,
    language: str | None = None,
    source: str | None = None,
    library: str | None = None,
    min_score: Mapping[str, float] | Iterable[tuple[str, float]] = (),
    sort: str | None = None,
    reverse: bool = False,
    limit: int | None = 20,
    after: str | None = None,
    facets: bool = False,
    exact: bool = False,
) -> SearchPage:
    """Search the user's registry for models by words and filters, page by page.

    Amounts are numbers, or text such as ``"25M"``, ``"100MB"`` and ``"24GiB"``. A model whose number is unknown does
    not match a limit on it.

    Args:
        words: each must be the prefix of a word of the id, architecture, tasks, tags or description; words in double
            quotes are a phrase. If nothing matches, models with similar words are found.
        domain: ``vision``, ``language``, ``audio``, ``multimodal``, ``scientific``, or one that a plugin adds.
        task: name of a task, such as ``image-classification``.
        license: SPDX id, such as ``apache-2.0``.
        max_size, min_size: limits of the size of the model's files, in bytes.
        fits: memory that running the model must fit into, in bytes.
        max_dimension, min_dimension: limits of the number of features.
        released_after, released_before: ``2024``, ``2024-05`` or ``2024-05-31``; both inclusive.
        tag: a tag, or several, that the model must have.
        gated: True for only models whose terms must be accepted, False for only the others.
        language: ISO 639-1 code, such as ``de``.
        source: platform, the part of an id before the colon.
        library: library that loads the model, such as ``timm``.
        min_score: minimum scores by benchmark: ``DATASET``, ``DATASET/SPLIT``, ``DATASET/METRIC`` or
            ``DATASET/SPLIT/METRIC``. Where lower is better the value is an upper limit.
        sort: ``relevance``, ``downloads``, ``likes``, ``parameters``, ``size``, ``memory``, ``released``, ``name`` or
            ``score:BENCHMARK``; None sorts by relevance with words, by downloads without.
        reverse: sort in the opposite order.
        limit: models per page; None for all.
        after: cursor, the ``next`` of the previous page.
        facets: count domains, tasks, licences, libraries, languages and sources of the models that match.
        exact: do not look for similar words if nothing matches.

    Raises:
        UnknownArgument: there is no such argument; with the nearest one.
        InvalidInput: a value is not valid, or no model has it; with the nearest values. UnknownTask likewise.
    """
    from zoo.registry.opening import open_registry
    from zoo.registry.searching.query import SearchQuery

    query = SearchQuery(
        words=words,
        domain=domain,
        task=task,
        license=license,
        max_parameters=amount_argument("max_parameters", max_parameters),
        min_parameters=amount_argument("min_parameters", min_parameters),
        max_size=amount_argument("max_size", max_size),
        min_size=amount_argument("min_size", min_size),
        fits=amount_argument("fits", fits),
        max_downloads=amount_argument("max_downloads", max_downloads),
        min_downloads=amount_argument("min_downloads", min_downloads),
        max_likes=amount_argument("max_likes", max_likes),
        min_likes=amount_argument("min_likes", min_likes),
        max_dimension=amount_argument("max_dimension", max_dimension),
        min_dimension=amount_argument("min_dimension", min_dimension),
        released_after=released_after,
        released_before=released_before,
        tag=(tag,) if isinstance(tag, str) else tuple(tag),
        gated=gated,
        language=language,
        source=source,
        library=library,
        min_score=dict(min_score),
        sort=sort,
        reverse=reverse,
        limit=limit,
        after=after,
        facets=facets,
        exact=exact,
    )
    return open_registry().search(query)


@explains_keywords
def show(model: str) -> ModelCard:
    """The card of a model of the user's registry.

    Args:
        model: an id, or a name that only one model has.

    Raises:
        UnknownModel: there is no such model; with the nearest names.
        InvalidInput: several models have that name; with their ids.
    """
    from zoo.registry.opening import open_registry

    return open_registry().card(model)


@explains_keywords
def compare(*models: str) -> Comparison:
    """Compare models of the user's registry: their cards, and the benchmarks that they share.

    Args:
        models: ids, or names that only one model has.

    Raises:
        InvalidInput: fewer than two different models; UnknownModel with the nearest ids.
    """
    from zoo.registry import comparing
    from zoo.registry.opening import open_registry

    return comparing.compare(open_registry(), models)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'zoo.registry' has no attribute '{name}'")
