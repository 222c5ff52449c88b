"""Model cards as the columns of facts that the prior uses."""

from __future__ import annotations

from zoo.entities import ModelCard


def facts_of(card: ModelCard) -> dict[str, str]:
    """The facts of a card, column name to text; lists with ``|`` between their items."""
    facts = {
        "architecture": card.architecture or "",
        "library": card.library or "",
        "parameters": str(card.parameters or ""),
        "embedding_dimension": str(card.embedding_dimension or ""),
        "released": (card.released or "")[:7],
        "languages": "|".join(card.languages),
        "pretraining": "|".join(card.pretraining),
        "base_model": card.base_model or "",
        "downloads": str(card.downloads or ""),
    }
    return {name: text for name, text in facts.items() if text}
