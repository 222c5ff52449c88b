"""Fits a linear head to frozen features: ridge regression for numbers, logistic regression for classes and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.adapt import multi_label
from zoo.contract.experiment import Experiment, Predictions
from zoo.errors import DataError, needs_extra
from zoo.transfer.regression import logistic_regression, standardisation

if TYPE_CHECKING:
    from zoo.adapt.results.decision import Decision
    from zoo.contract.backbone import Backbone, Progress
    from zoo.entities import Dataset, Plan

PENALTIES = tuple(10.0**exponent for exponent in range(-5, 2))
"""Candidate penalties, each times the number of training samples, on standardised features."""

_ITERATIONS = 1000


@dataclass(frozen=True)
class LinearHead:
    """Outputs = features @ weight.T + bias, k x d and k, on features as the backbone returns them."""

    weight: np.ndarray
    bias: np.ndarray

    def outputs(self, features: np.ndarray) -> np.ndarray:
        """Logits or numbers, n x k."""
        return features @ self.weight.T + self.bias


def extract(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> tuple[np.ndarray, str]:
    """Features of the whole data set in float64, n x d, and the layer that they come from."""
    from zoo.entities import FeatureRequest
    from zoo.features import extract as extract_features

    request = FeatureRequest(batch_size=plan.batch_size, device=plan.device)
    [features] = extract_features(backbone, dataset, request, progress).values()
    values = np.asarray(features.values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise DataError(f"The features of '{backbone.card.id}' are not finite for every sample of '{dataset.name}'.")
    return values, features.layer


@dataclass(frozen=True)
class Choice:
    """The penalty that is best on the validation split.

    Attributes:
        head: fitted with it to the training samples alone.
        score: the primary metric of that head on the validation split; higher is better.
    """

    penalty: float
    head: LinearHead
    score: float


def choose(experiment: Experiment, features: np.ndarray, step: Any = None, *, floor: float = 0.0) -> Choice:
    """Choose the penalty on the validation split; ties go to the stronger one.

    Args:
        features: of the whole data set, n x d; those of the test split are not looked at.
        step: progress step, advanced once for each penalty.
        floor: see ``fit``.
    """
    train, validation = list(experiment.train), list(experiment.validation)
    best: Choice | None = None
    for penalty in reversed(PENALTIES):
        head = fit(experiment, features[train], experiment.targets[train], penalty, floor=floor)
        score = experiment.decide(predict(head, features[validation], experiment), validation)
        if step is not None:
            step.advance()
        if best is None or score > best.score:
            best = Choice(penalty, head, score)
    assert best is not None
    return best


def refit(experiment: Experiment, features: np.ndarray, penalty: float, *, floor: float = 0.0) -> LinearHead:
    """The head for this penalty, fitted to training and validation samples together."""
    both = [*experiment.train, *experiment.validation]
    return fit(experiment, features[both], experiment.targets[both], penalty, floor=floor)


def fit(
    experiment: Experiment, features: np.ndarray, targets: np.ndarray, penalty: float, *, floor: float = 0.0
) -> LinearHead:
    """A linear head for features (n x d, float64) and targets; ``penalty`` is per sample.

    Args:
        floor: minimum deviation by which a feature is divided, as a multiple of the mean deviation; 0 standardises all.
    """
    with needs_extra("torch", "fit a linear probe"):
        from sklearn.linear_model import Ridge

    centre, scale = standardisation(features)
    scale = np.maximum(scale, floor * features.std(axis=0).mean())
    standardised = (features - centre) / scale
    if experiment.multi_label:
        weight, bias = multi_label.fit(standardised, targets, 1 / (penalty * len(features)))
        return _unscaled(weight, bias, centre, scale)
    weights = experiment.class_weights()
    if not experiment.classification:
        counted = None if weights is None else weights[targets.astype(int)]
        ridge = Ridge(alpha=penalty * len(features)).fit(standardised, targets, sample_weight=counted)
        weight, bias = ridge.coef_[None, :], np.array([ridge.intercept_])
        return _unscaled(weight, bias, centre, scale)
    # The weakest penalties may not converge; the validation split evaluates what they reached.
    counted = None if weights is None else {int(k): float(weights[k]) for k in np.unique(targets)}
    model = logistic_regression(standardised, targets, 1 / (penalty * len(features)), _ITERATIONS, counted)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        coefficients, intercepts = np.vstack([-coefficients, coefficients]) / 2, np.array([-0.5, 0.5]) * intercepts
    weight = np.zeros((experiment.outputs, features.shape[1]))
    bias = np.full(experiment.outputs, -np.inf)  # a class without training samples is never predicted
    weight[model.classes_], bias[model.classes_] = coefficients, intercepts
    return _unscaled(weight, bias, centre, scale)


def predict(head: LinearHead, features: np.ndarray, experiment: Experiment) -> np.ndarray:
    """Class indices or numbers for features, n x d; for sets of labels n x K log odds."""
    outputs = head.outputs(features)
    if experiment.multi_label:
        return outputs
    return outputs.argmax(axis=1) if experiment.classification else outputs[:, 0]


def as_predictions(outputs: np.ndarray, experiment: Experiment, decision: Decision) -> Predictions:
    """Predictions from logits or numbers, n x k."""
    decided = experiment.classification or experiment.multi_label
    return decision.predictions(outputs) if decided else Predictions(outputs[:, 0])


def _unscaled(weight: np.ndarray, bias: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> LinearHead:
    weight = weight / scale
    return LinearHead(weight, bias - weight @ centre)
