"""Changes the decision threshold of models of two classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.contract.classifying import HasThreshold
from zoo.errors import InvalidInput
from zoo.features.model import Model

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone


def with_threshold(model: Model, threshold: float | None) -> Model:
    """The model, deciding at this probability of its rarer class; unchanged for None.

    Raises:
        InvalidInput: it is not a model of two classes that ``zoo tune`` made, or the threshold is not a probability.
    """
    if threshold is None:
        return model
    if not 0 <= threshold <= 1:
        raise InvalidInput(f"The threshold {threshold:g} is not a probability.", "Choose one from 0 to 1.")
    backbone: Backbone | HasThreshold = model.backbone
    if not isinstance(backbone, HasThreshold) or backbone.rare_class is None:
        raise InvalidInput(
            f"--threshold has no effect: '{model.card.id}' is not a tuned model of two classes.",
            "Leave --threshold out.",
        )
    decided: Backbone = backbone.decided_at(threshold)  # type: ignore[assignment]
    return Model(
        model.card, decided, model.revision, device=model.device, dtype=model.dtype, permission=model.permission
    )
