"""Puts an explanation, and the rest of its reasons, to each of the first ten candidates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from zoo.answers import Candidate, Explanation
from zoo.entities import ModelCard
from zoo.selection.explain.arguments import Context, arguments, background, latency_of
from zoo.selection.explain.certainty import in_words, probabilities_best, would_change
from zoo.selection.request.task import Analysis
from zoo.tasks import Task

EXPLAINED = 10
"""How many candidates are explained, from the first."""

PEERS = 100
"""How many they are compared with, from the first; a registry may hold a hundred thousand."""


def gather(
    candidates: Sequence[Candidate],
    cards: Iterable[ModelCard],
    task: Task,
    analysis: Analysis,
    *,
    device: str,
    memory: int | None,
) -> Context:
    """What the registry knows of the candidates: cards, those of their base models, reported scores, past runs."""
    from zoo.errors import ZooError
    from zoo.registry import open_registry

    registry = open_registry()
    known = {card.id: card for card in cards}
    ids = list(dict.fromkeys(candidate.id for candidate in candidates[:PEERS]))
    for base in {known[id].base_model for id in ids[:EXPLAINED] if known[id].base_model}:
        try:
            known.setdefault(str(base), registry.card(str(base)))
        except ZooError:
            continue  # a base model that the registry does not know has nothing to say
    return Context(
        task,
        analysis,
        known,
        {id: registry.scores(id) for id in ids},
        {id: registry.runs(model=id, task=task.name) for id in ids[:EXPLAINED]},
        device,
        memory,
    )


def explain(candidates: Sequence[Candidate], context: Context) -> tuple[Candidate, ...]:
    """The candidates, the first ten of them with their explanation, and the first hundred with reported latencies."""
    peers, explained = [_timed(candidate, context) for candidate in candidates[:PEERS]], []
    confirmed = any(candidate.confirmed for candidate in peers)
    likely = [None] * len(peers) if confirmed else probabilities_best(peers)
    for position, candidate in enumerate(peers[:EXPLAINED]):
        found = list(arguments(candidate, peers, context))
        explanation = Explanation(
            tuple(argument for speaks_for, argument in found if speaks_for),
            tuple(argument for speaks_for, argument in found if not speaks_for),
            tuple(would_change(candidate, peers, context)),
            None if (chance := likely[position]) is None else round(chance, 4),
            in_words(candidate, peers, likely[position]),
        )
        reasons = (*candidate.reasons, *background(candidate, peers, context))
        explained.append(replace(candidate, explanation=explanation, reasons=reasons))
    return (*explained, *peers[EXPLAINED:], *candidates[PEERS:])


def _timed(candidate: Candidate, context: Context) -> Candidate:
    found = latency_of(candidate, context)
    return candidate if found is None else replace(candidate, latency=found[0], latency_source=found[1])
