"""The registry: what zoo knows of models, in a SQLite file of the user's own.

Reading needs the standard library alone; the ORM is imported when something is written.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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


def search(words: str = "", **filters: Any) -> SearchPage:
    """Models of the user's registry that match all words and filters, page by page.

    Args:
        words: each must begin a word of the id, architecture, description, tags or tasks.
        filters: the fields of ``zoo.registry.SearchQuery``.

    Raises:
        InvalidInput: a filter that does not exist or cannot be what it is; UnknownTask with the nearest names.
    """
    from zoo.registry.opening import open_registry
    from zoo.registry.searching.query import SearchQuery

    return open_registry().search(SearchQuery.of(words, **filters))


def show(reference: str) -> ModelCard:
    """The card of one model of the user's registry, by its id or by a name that only one model has.

    Raises:
        UnknownModel: with the nearest names.
    """
    from zoo.registry.opening import open_registry

    return open_registry().card(reference)


def compare(*references: str) -> Comparison:
    """Models of the user's registry side by side, with the benchmarks that they share.

    Raises:
        InvalidInput: fewer than two different models; UnknownModel with the nearest ids.
    """
    from zoo.registry import comparing
    from zoo.registry.opening import open_registry

    return comparing.compare(open_registry(), references)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'zoo.registry' has no attribute '{name}'")
