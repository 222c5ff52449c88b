"""``zoo show``: show a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from zoo.cli.figures import human_bytes, human_count, human_score
from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output
from zoo.errors import UnknownModel

if TYPE_CHECKING:
    from zoo.entities import ModelCard

MOST_SCORES = 15


@zoo_command("show")
@click.argument("model")
@click.option("--all", "everything", is_flag=True, help="Show all benchmark scores.")
def command(output: Output, model: str, everything: bool) -> None:
    """Show a model's card, lineage and benchmark scores.

    MODEL is an id, or a unique model name. A model that is not in the registry is looked up on its platform.

    \b
    Examples:
      zoo show pkg:efficientnet-lite0
      zoo show google/vit-large-patch16-224-in21k
      zoo show hf:google/vit-large-patch16-224-in21k --json
    """
    from zoo.registry import open_registry
    from zoo.registry.index.lineage import RELATIONS
    from zoo.registry.index.memory import needed

    try:
        card = open_registry().card(model)
    except UnknownModel:
        from zoo.sources import resolve

        card = resolve(model)
    scores = open_registry().scores(card.id)
    family = open_registry().family(card)
    if output.json:
        listed = [{k: v for k, v in score.to_dict().items() if k != "model"} for score in scores]
        output.data(
            {
                **card.to_dict(),
                "source": card.source,
                "memory": needed(card),
                "family": family.to_dict(),
                "scores": listed,
            }
        )
        return
    kind = ", ".join(
        f"{name} {value}" for name, value in card.input.items() if not isinstance(value, (dict, list, tuple))
    )
    facts = {
        "model": card.id,
        "description": " ".join((card.description or "").split()),
        "domain": card.domain,
        "tasks": ", ".join(card.tasks),
        "architecture": card.architecture,
        "library": card.library,
        "parameters": human_count(card.parameters) if card.parameters is not None else None,
        "size": human_bytes(card.bytes) if card.bytes is not None else None,
        "memory to run": _memory(card),
        "licence": card.license,
        "languages": ", ".join(card.languages),
        "pretrained on": ", ".join(card.pretraining),
        "input": kind,
        "feature dimension": str(card.embedding_dimension) if card.embedding_dimension else None,
        "released": card.released,
        "downloads": human_count(card.downloads) if card.downloads is not None else None,
        "likes": human_count(card.likes) if card.likes is not None else None,
        "base model": ", ".join(f"{base.id} ({base.relation})" for base in family.bases),
        "ancestors": ", ".join(family.ancestors),
        **{RELATIONS[name]: _some(ids, family.counts[name]) for name, ids in family.children.items()},
        "same weights": ", ".join(family.same_weights),
        "gated": "yes, its terms must be accepted" if card.gated else None,
        "revision": card.revision,
        "tags": ", ".join(card.tags),
        "install": f"pip install {' '.join(card.requires)}" if card.requires else None,
        "url": card.url,
    }
    output.table(
        [Column("field"), Column("value", fold=True)],
        [[name, value] for name, value in facts.items() if value],
        head=False,
    )
    if scores:
        shown = scores if everything else scores[:MOST_SCORES]
        columns = [
            Column("task"),
            Column("data set"),
            Column("split"),
            Column("metric"),
            Column("value", number=True),
            Column("origin"),
            Column("source", fold=True),
        ]
        output.text()
        output.table(
            columns,
            [[s.task, s.dataset, s.split, s.metric, human_score(s.value), s.origin, s.source or "-"] for s in shown],
        )
        if len(shown) < len(scores):
            output.text(f"and {len(scores) - len(shown):,} more scores: zoo show {card.id} --all")


def _some(ids: Sequence[str], count: int) -> str:
    more = f" and {count - len(ids):,} more" if count > len(ids) else ""
    return f"{', '.join(ids)}{more}"


def _memory(card: ModelCard) -> str | None:
    """The estimate, with the size of the weights that it is based on."""
    from zoo.registry.index.memory import OVERHEAD, bits, needed, weight_bytes

    weights = weight_bytes(card)
    if weights is None:
        return None
    known = "weights" if card.bytes is not None else f"weights at {bits(card)} bits per parameter"
    return f"about {human_bytes(needed(card))} ({OVERHEAD} x {human_bytes(weights)} of {known})"
