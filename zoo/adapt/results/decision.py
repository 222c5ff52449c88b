"""How logits become probabilities and classes: a temperature, and a threshold for a rare class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from zoo.adapt import multi_label
from zoo.contract.experiment import Predictions

if TYPE_CHECKING:
    import numpy as np

    from zoo.contract.experiment import Experiment

FEWEST = 50
"""Minimum number of validation samples to fit a temperature and a threshold to."""

RANGE = (0.05, 20.0)
"""Lowest and highest temperature."""

RARE = 0.2
"""Maximum share of the rarer of two classes in the training samples, to choose a threshold for it."""

FEWEST_RARE = 5
"""Minimum number of its validation samples."""


@dataclass(frozen=True)
class Decision:
    """How logits become probabilities and classes.

    Attributes:
        temperature: logits are divided by it (Guo et al., "On calibration of modern neural networks", ICML 2017,
            section 4.2).
        rare: index of the rarer of two classes; None for other data.
        threshold: probability of the rarer class from which it is predicted; None predicts the most probable class.
        thresholds: of sets of labels, the log odds of each label above which it is predicted; empty for other data.
    """

    temperature: float = 1.0
    rare: int | None = None
    threshold: float | None = None
    thresholds: tuple[float, ...] = ()

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities of the classes, n x k, from logits."""
        import numpy as np

        scaled = logits.astype(np.float64) / self.temperature
        odds = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def classes(self, probabilities: np.ndarray) -> np.ndarray:
        """Class indices, n, from probabilities."""
        import numpy as np

        if self.rare is None or self.threshold is None:
            return np.asarray(probabilities.argmax(axis=1))
        return np.where(probabilities[:, self.rare] >= self.threshold, self.rare, 1 - self.rare)

    def predictions(self, logits: np.ndarray) -> Predictions:
        """Classes with their probabilities; for sets of labels, log odds relative to the thresholds."""
        import numpy as np

        if self.thresholds:
            return Predictions(logits.astype(np.float64) - np.asarray(self.thresholds))
        found = self.probabilities(logits)
        values = self.classes(found)
        return Predictions(values, found[np.arange(len(found)), values])


def is_fitted(experiment: Experiment) -> bool:
    """Whether ``fitted`` looks at the outputs for the validation samples."""
    if experiment.multi_label:
        return True
    return experiment.classification and len(experiment.of(experiment.validation)) >= FEWEST


def fitted(experiment: Experiment, logits: np.ndarray | None) -> Decision:
    """The temperature and the threshold that are best on the validation samples; for numbers neither has a meaning.

    The temperature minimises the log loss; without a wrong prediction it is at least 1, as the loss then falls with the
    temperature, whatever the samples are. The threshold maximises the F1 of the rarer of two classes, if it is at most
    a fifth of the training samples and has ``FEWEST_RARE`` validation samples; else there is none. With fewer than
    ``FEWEST`` validation samples, the temperature is 1 and there is no threshold. Sets of labels have a threshold for
    each label, see ``zoo.adapt.multi_label.thresholds``.

    Args:
        logits: of the validation samples, n x k, by a model that was not fitted to them; None without ``is_fitted``.
    """
    import numpy as np

    if experiment.multi_label:
        assert logits is not None
        return Decision(thresholds=tuple(multi_label.thresholds(logits, experiment.of(experiment.validation)).tolist()))
    if not experiment.classification:
        return Decision()
    counts = np.bincount(experiment.of(experiment.train), minlength=2)
    rare = int(counts.argmin()) if experiment.outputs == 2 else None
    if logits is None or not is_fitted(experiment):
        return Decision(rare=rare)
    targets = experiment.of(experiment.validation)
    found = Decision(_temperature(logits, targets), rare)
    if rare is None:
        return found
    wanted = targets == rare
    if counts[rare] > RARE * counts.sum() or wanted.sum() < FEWEST_RARE:
        return found
    return replace(found, threshold=best_threshold(wanted, found.probabilities(logits)[:, rare]))


def best_threshold(wanted: np.ndarray, probabilities: np.ndarray) -> float:
    """The threshold with the highest F1, midway between two probabilities or 0.5; see ``zoo.adapt.multi_label``.

    Args:
        wanted: whether each of n samples is in the class; at least one is.
        probabilities: n probabilities of the class.
    """
    found = 0.5 + multi_label.best_threshold(probabilities - 0.5, wanted)
    return max(found, float(probabilities.min()) / 2)


def recorded(experiment: Experiment, found: Decision, logits: np.ndarray) -> dict[str, Any]:
    """What a run records of the decision: temperature, calibration error on the test samples, and the rarer class.

    Args:
        logits: of the test samples, n x k.
    """
    from zoo.adapt.results.calibration import calibration_error

    if not experiment.classification:
        return {}
    targets = experiment.of(experiment.test)

    def error(one: Decision) -> float:
        predicted = one.predictions(logits)
        return calibration_error((predicted.values == targets).tolist(), predicted.confidences.tolist())

    used = Decision(1.0, found.rare, found.threshold)
    kept: dict[str, Any] = {
        "temperature": round(found.temperature, 4),
        "calibration_error": {"before": error(used), "after": error(found)},
    }
    return kept if found.rare is None else {**kept, "rare_class": _rare_class(experiment, found, logits)}


def _rare_class(experiment: Experiment, found: Decision, logits: np.ndarray) -> Mapping[str, Any]:
    """How well the rarer of two classes is found among the test samples."""
    from sklearn.metrics import average_precision_score, precision_recall_fscore_support, roc_auc_score

    assert found.rare is not None
    wanted = experiment.of(experiment.test) == found.rare
    probabilities = found.probabilities(logits)
    predicted = found.classes(probabilities) == found.rare
    both = 0 < wanted.sum() < len(wanted)
    precision, recall, f1, _ = precision_recall_fscore_support(wanted, predicted, average="binary", zero_division=0)
    return {
        "class": experiment.dataset.classes[found.rare],
        "test_share": float(wanted.mean()),
        "threshold": found.threshold,
        "average_precision": float(average_precision_score(wanted, probabilities[:, found.rare])) if both else None,
        "roc_auc": float(roc_auc_score(wanted, probabilities[:, found.rare])) if both else None,
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
    }


def _temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    import numpy as np
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(targets))
    known = np.isfinite(logits[rows, targets])  # not those of a class without training samples
    if known.sum() < FEWEST:
        return 1.0
    logits, targets, rows = logits[known].astype(np.float64), targets[known], rows[: known.sum()]

    def loss(logarithm: float) -> float:
        scaled = logits / np.exp(logarithm)
        scaled -= scaled.max(axis=1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[rows, targets]).mean())

    found = float(np.exp(minimize_scalar(loss, bounds=tuple(np.log(RANGE)), method="bounded").x))
    return max(found, 1.0) if (logits.argmax(axis=1) == targets).all() else found
