"""Numbers: one for each sample, as targets and as answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.augmenting import UNCHANGED
from zoo.contract.kind import Kind
from zoo.contract.values import Shown
from zoo.errors import UnsupportedModel
from zoo.kinds.metrics import NUMBERS as METRICS
from zoo.kinds.metrics.breakdowns import by_range

if TYPE_CHECKING:
    import numpy as np

    from zoo.entities import Outcomes


class Numbers(Kind):
    """A number for each sample."""

    name = "number"
    per_sample = "a number for each sample"
    estimable = True
    baseline_title = "mean"
    metrics = METRICS
    follows = UNCHANGED

    def array(self, targets: Sequence[Any]) -> np.ndarray:
        """n numbers, float64."""
        import numpy as np

        return np.asarray(targets, dtype=np.float64)

    def target_text(self, target: Any, classes: Sequence[str]) -> str:
        """Up to 15 significant digits."""
        return f"{float(target):.15g}"

    def strata(self, targets: Sequence[Any]) -> np.ndarray | None:
        """Numbers that are 0 or 1 are two classes, both of which every part must contain."""
        import numpy as np

        values = np.asarray(targets)
        return values if np.isin(values, (0, 1)).all() else None

    def comparable(self, item: Any, answer: Any, classes: Sequence[str] = ()) -> float:
        """The number; raises ``UnsupportedModel`` if the answer is not a number."""
        if not isinstance(answer, (int, float)):
            raise UnsupportedModel("The model does not predict numbers, so it cannot be evaluated on them.")
        return float(answer)

    def baseline(self, inputs: Sequence[Any], targets: Sequence[Any], task: str) -> np.ndarray:
        """The mean."""
        import numpy as np

        return np.full(len(inputs), self.array(targets).mean())

    def summary(self, answer: Any) -> Sequence[tuple[str, str]]:
        """Six significant digits."""
        return [(f"{answer:.6g}" if isinstance(answer, float) else str(answer), "")]

    def breakdown(self, outcomes: Outcomes) -> Mapping[str, Shown]:
        """The error in ranges of the targets."""
        return {"By range": by_range(outcomes)}

    def profile_targets(self, targets: Sequence[Any], classes: Sequence[str]) -> Mapping[str, Any]:
        """Minimum, mean and maximum."""
        values = [float(value) for value in targets]
        if not values:
            return {}
        return {"numbers": {"minimum": min(values), "mean": math.fsum(values) / len(values), "maximum": max(values)}}

    def ordinary(self) -> Sequence[Any]:
        """A whole number and a fraction."""
        return (3.0, -0.25)

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """The smallest and largest floats."""
        return [("huge", 1e300), ("tiny", 1e-300)]
