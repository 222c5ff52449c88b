"""The answer to a request: the ranked candidates, the first ten with an explanation, the rest with reasons."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from zoo.answers import Candidate, Explanation, Recommendation
from zoo.selection.explain.arguments import Context, arguments, background, latency_of
from zoo.selection.explain.caveats import caveats
from zoo.selection.explain.certainty import in_words, probabilities_best, would_change
from zoo.selection.explain.compared_standards import compared_standards
from zoo.selection.explain.provenance import provenance
from zoo.selection.measure.baseline import baseline
from zoo.selection.rank.pareto import with_fronts
from zoo.selection.request.prepared import PreparedRequest
from zoo.selection.select.ranked import Ranked

EXPLAINED = 10
"""Number of top candidates that are explained."""

PEERS = 100
"""Number of top candidates that they are compared with; a registry may have a hundred thousand."""


def recommendation(ranked: Ranked, prepared: PreparedRequest, started: float) -> Recommendation:
    """The answer: the ranked candidates with explanations, warnings and provenance.

    Args:
        started: ``time.perf_counter()`` at the beginning.
    """
    request, found = prepared.request, ranked.measurements
    analysis = prepared.analysis.start_from(ranked.best)
    context = gather(ranked, replace(prepared, analysis=analysis))
    measured, excluded = ranked.by == "measured", (*ranked.excluded, *found.excluded)
    samples = ranked.candidates[0].samples
    untrained = baseline(prepared.dataset, ranked.estimators, request.seed, samples) if measured else None
    return Recommendation(
        task=prepared.task.name,
        data=analysis.data,
        candidates=tuple(with_fronts(explain(ranked.candidates, context))),
        excluded=excluded,
        seconds=round(time.perf_counter() - started, 3),
        warnings=(*analysis.warnings, *found.warnings, *caveats(ranked.candidates, context, untrained, found.copies)),
        analysis=analysis.to_dict(),
        provenance={
            **provenance(context, seed=request.seed, baseline=untrained, estimators=ranked.estimators),
            "copies": found.copies,
        },
        partial=found.partial,
        interrupted=found.interrupted,
        forward_passes={"done": found.passes, "full": found.full} if measured else {},
        ranked_by=ranked.by,
        selection=ranked.selection.to_dict() if ranked.selection else {},
        standards=tuple(compared_standards(ranked, prepared, excluded)),
    )


def gather(ranked: Ranked, prepared: PreparedRequest) -> Context:
    """What the registry knows of the candidates: cards, those of their base models, reported scores, past runs."""
    from zoo.errors import ZooError
    from zoo.registry import open_registry

    registry, task = open_registry(), prepared.task
    known = {card.id: card for card in ranked.cards}
    ids = list(dict.fromkeys(candidate.id for candidate in ranked.candidates[:PEERS]))
    for base in {known[id].base_model for id in ids[:EXPLAINED] if known[id].base_model}:
        try:
            known.setdefault(str(base), registry.card(str(base)))
        except ZooError:
            continue  # a base model that is not in the registry adds no facts
    return Context(
        task,
        prepared.analysis,
        known,
        {id: registry.scores(id) for id in ids},
        {id: registry.runs(model=id, task=task.name) for id in ids[:EXPLAINED]},
        prepared.device,
        prepared.limits.memory,
    )


def explain(candidates: Sequence[Candidate], context: Context) -> tuple[Candidate, ...]:
    """The candidates, the first ten of them with their explanation, and the first hundred with reported latencies."""
    peers, explained = [_timed(candidate, context) for candidate in candidates[:PEERS]], []
    confirmed = any(candidate.confirmed for candidate in peers)
    likely = [None] * len(peers) if confirmed else probabilities_best(peers)
    for position, candidate in enumerate(peers[:EXPLAINED]):
        found = list(arguments(candidate, peers, context))
        explanation = Explanation(
            tuple(argument for in_favour, argument in found if in_favour),
            tuple(argument for in_favour, argument in found if not in_favour),
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
