"""Where the team's standards of the task stand among the candidates, and the command that proposes a better one."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from zoo.answers import Candidate, ComparedStandard, Exclusion, figure_text, interval_text
from zoo.provenance import revision_of
from zoo.selection.explain.arguments import apart, deciding
from zoo.selection.explain.certainty import QUANTILE, error_of
from zoo.sources import elsewhere

if TYPE_CHECKING:
    from zoo.contract.source import PinnedModel
    from zoo.entities import ModelCard
    from zoo.selection.request.prepared import PreparedRequest
    from zoo.selection.select.ranked import Ranked


def compared_standards(
    ranked: Ranked, prepared: PreparedRequest, excluded: Sequence[Exclusion]
) -> Iterator[ComparedStandard]:
    """Where each standard of the task stands; nothing, at no cost, if there are none.

    Args:
        excluded: all models that were not ranked, with the reasons.
    """
    reasons = {one.id: one.reason for one in excluded}
    cards = {card.id: card for card in ranked.cards}
    proposed = False
    for id, pinned in prepared.standards.items():
        own = next((one for one in ranked.candidates if one.id == pinned.id), None)
        revision = cards[pinned.id].revision if own is not None else None
        if own is None:
            why = reasons.get(pinned.id, "its card cannot be found")
            sentence = f"The standard {id}, {pinned.id}, was not ranked: {why}."
            yield ComparedStandard(id, pinned.id, pinned.model.revision, sentence=sentence)
        elif revision != pinned.model.revision:
            sentence = (
                f"The standard {id} is {pinned.model}; the candidate {pinned.id} was considered at the revision "
                f"{revision or 'of its files'}, so the two are not compared."
            )
            yield ComparedStandard(id, pinned.id, pinned.model.revision, sentence=sentence)
        else:
            propose = "" if proposed else _proposal(id, own, ranked, prepared)
            proposed = proposed or bool(propose)
            yield _ranked(id, pinned, own, ranked.candidates, propose)


def _ranked(
    id: str, pinned: PinnedModel, own: Candidate, candidates: Sequence[Candidate], propose: str
) -> ComparedStandard:
    best, standard = candidates[0], f"The standard {id}, {own.id}, has rank {own.rank} of {len(candidates)}"
    if own is best:
        others = sum(one.tied for one in candidates)
        tie = f", tied with {others} other{'s' if others > 1 else ''}" if others else ""
        sentence = f"{standard}{tie}."
        return ComparedStandard(id, own.id, pinned.model.revision, own.rank, 0.0, tied=others > 0, sentence=sentence)
    difference, interval = _difference(best, own)
    behind = ""
    if difference is not None:
        side = "below" if difference > 0 else "above"
        apart_by = f"{figure_text(abs(difference))} {side}" if difference else "with the same score as"
        behind = f", {apart_by} {best.id}"
        behind += f" (95 % interval of the difference {interval_text(interval)})" if interval else ""
    tie = ", a tie within the error" if own.tied else ""
    sentence = f"{standard}{behind}{tie}."
    return ComparedStandard(
        id, own.id, pinned.model.revision, own.rank, difference, interval, own.tied, sentence, propose
    )


def _difference(best: Candidate, own: Candidate) -> tuple[float | None, tuple[float, float] | None]:
    """By how much a score is lower than the first one, with its 95 % interval.

    The errors are treated as independent. On the same samples they are correlated, so the interval is rather too wide.
    """
    if best.score is None or own.score is None or best.samples != own.samples:
        return None, None
    found, errors = best.score - own.score, (error_of(best), error_of(own))
    if errors[0] is None or errors[1] is None:
        return found, None
    reach = QUANTILE * math.hypot(errors[0], errors[1])
    return found, (found - reach, found + reach)


def _proposal(id: str, own: Candidate, ranked: Ranked, prepared: PreparedRequest) -> str:
    """The command that proposes the first candidate instead of a standard, with its results here as evidence."""
    best = ranked.candidates[0]
    difference, _ = _difference(best, own)
    clearly = best.id != own.id and apart(best, own) and (difference is None or difference > 0)
    if not clearly or ranked.by not in {"measured", "evaluated"} or best.id.startswith("file:") or elsewhere(best.id):
        return ""
    _, _, slot = id.partition("/")
    words = ["zoo", "standard", "propose", best.id, "--task", prepared.task.name, *(["--slot", slot] if slot else [])]
    for one in _evidence(best, ranked.best, prepared):
        words += ["--evidence", one]
    return shlex.join(words)


def _evidence(best: Candidate, card: ModelCard, prepared: PreparedRequest) -> Iterator[str]:
    """The results of the first candidate that the registry has."""
    from zoo.registry import open_registry

    if best.measured:
        key = open_registry().measurement_key(
            model=best.id,
            task=prepared.task.name,
            data=prepared.dataset.fingerprint,
            estimator=deciding(best),
            layer=best.layer,
            revision=revision_of(card),
        )
        if key is not None:
            yield f"measurement:{key}"
    if best.confirmed and best.confirmed.run:
        yield best.confirmed.run
