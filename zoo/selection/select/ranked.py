"""The ranked candidates, with everything that the answer needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from zoo.answers import Candidate, Exclusion
from zoo.selection.measure.measurements import Measurements
from zoo.selection.select.selecting import Selection

if TYPE_CHECKING:
    from zoo.entities import ModelCard


@dataclass(frozen=True)
class Ranked:
    """Candidates, best first.

    Attributes:
        cards: of all that were considered.
        by: ``measured``, ``prior``, ``reported`` or ``evaluated``, see ``zoo.answers.Recommendation``.
        excluded: models that were not considered, with the reason.
        measurements: what was measured.
        selection: the choices of the selector, if it was used.
        estimators: names; empty if none was computed.
    """

    candidates: Sequence[Candidate]
    cards: Sequence[ModelCard]
    by: str = "measured"
    excluded: Sequence[Exclusion] = ()
    measurements: Measurements = field(default_factory=Measurements)
    selection: Selection | None = None
    estimators: tuple[str, ...] = ()

    @property
    def best(self) -> ModelCard:
        """The card of the first candidate."""
        return next(card for card in self.cards if card.id == self.candidates[0].id)

    def reranked(self, candidates: Sequence[Candidate], excluded: Sequence[Exclusion] = ()) -> Ranked:
        """The same with other candidates or a different order, and with more exclusions."""
        return replace(self, candidates=candidates, excluded=(*self.excluded, *excluded))
