"""Which models have similar scores, by extremely randomised trees over the facts about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from zoo.history.similarity import numeric, words

TREES = 100

FEWEST_NAMED = 3
"""Minimum number of models with a word, list item or category for it to be a feature."""

MOST_NAMED = 60
"""Maximum number of words, items or categories per column: those that most models have."""

MOST_OUTPUTS = 10


def features(names: Sequence[str], facts: Mapping[str, Mapping[str, str]]) -> np.ndarray:
    """The facts about models as numbers, n x k: owner, words of the name, and every column.

    Numbers are standardised, with 0 and an indicator column for unknown ones; words, items of lists and categories
    are 1 where a model has them and 0 elsewhere.
    """
    columns = [
        _indicators([[name.partition(":")[2].partition("/")[0] or name.partition("/")[0]] for name in names]),
        _indicators([words(name.rpartition("/")[2]) for name in names]),
    ]
    for column in sorted({column for name in names for column in facts.get(name, {})}):
        cells = [facts.get(name, {}).get(column, "") for name in names]
        if len({cell for cell in cells if cell}) < 2:
            continue
        numbers = numeric(cells)
        if numbers is None:
            columns.append(_indicators([[item for item in cell.split("|") if item] for cell in cells]))
            continue
        unknown = np.isnan(numbers)
        columns.append(np.where(unknown, 0.0, numbers)[:, None])
        if unknown.any():
            columns.append(unknown.astype(float)[:, None])
    return np.concatenate(columns, axis=1)


def neighbours(facts: np.ndarray, seen: np.ndarray, scores: np.ndarray, trees: int = TREES) -> np.ndarray:
    """How much each model with scores contributes to the prediction of each model, n x s; rows sum to one.

    The weights of a forest of extremely randomised trees (Geurts, Ernst and Wehenkel, Machine Learning 2006) with one
    leaf per model and half of the features at each split: each model is predicted from those with scores in its leaf,
    averaged over trees.

    Args:
        facts: n x k, from ``features``.
        seen: s, positions of the models with scores.
        scores: s x d, of about unit variance, NaN where unknown.
    """
    outputs = np.where(np.isnan(scores), 0.0, scores)
    if outputs.shape[1] > MOST_OUTPUTS:
        left, lengths, _ = np.linalg.svd(outputs - outputs.mean(axis=0), full_matrices=False)
        outputs = left[:, :MOST_OUTPUTS] * lengths[:MOST_OUTPUTS]
    random = np.random.default_rng(0)
    weights = np.zeros((len(facts), len(seen)))
    for _ in range(trees):
        _grow(facts, seen, outputs, random, _adding(weights))
    return weights / trees


def _adding(weights: np.ndarray) -> Callable[[np.ndarray, np.ndarray], None]:
    def leaf(rows: np.ndarray, taught: np.ndarray) -> None:
        weights[np.ix_(rows, taught)] += 1.0 / len(taught)

    return leaf


def _grow(
    facts: np.ndarray,
    seen: np.ndarray,
    outputs: np.ndarray,
    random: np.random.Generator,
    leaf: Callable[[np.ndarray, np.ndarray], None],
) -> None:
    """Grow one tree: splits models until those with scores are single or equal, then returns each leaf."""
    waiting = [(np.arange(len(facts)), np.arange(len(seen)))]
    while waiting:
        rows, taught = waiting.pop()
        split = _split(facts[seen[taught]], outputs[taught], random) if len(taught) > 1 else None
        if split is None:
            leaf(rows, taught)
            continue
        feature, threshold = split
        for side in (True, False):
            waiting.append(
                (
                    rows[(facts[rows, feature] <= threshold) == side],
                    taught[(facts[seen[taught], feature] <= threshold) == side],
                )
            )


def _split(facts: np.ndarray, outputs: np.ndarray, random: np.random.Generator) -> tuple[int, float] | None:
    """The feature and threshold, of one random threshold for each of half the features, that explains most variance."""
    low, high = facts.min(axis=0), facts.max(axis=0)
    varying = np.flatnonzero(high > low)
    if not len(varying) or not np.ptp(outputs, axis=0).any():
        return None
    chosen = random.permutation(varying)[: max(1, facts.shape[1] // 2)]
    thresholds = low[chosen] + random.random(len(chosen)) * (high - low)[chosen]
    below = (facts[:, chosen] <= thresholds).astype(float)
    count = below.sum(axis=0)
    total = outputs.sum(axis=0)
    sums = below.T @ outputs
    explained = (sums**2).sum(axis=1) / count + ((total - sums) ** 2).sum(axis=1) / np.maximum(len(facts) - count, 1.0)
    explained[count == len(facts)] = -np.inf
    best = int(np.argmax(explained))
    return (int(chosen[best]), float(thresholds[best])) if np.isfinite(explained[best]) else None


def _indicators(lists: Sequence[Iterable[str]]) -> np.ndarray:
    """1 where an item is in a model's list, n x m."""
    items = [set(found) for found in lists]
    counts = Counter(item for found in items for item in found)
    kept = sorted(
        (item for item, count in counts.items() if FEWEST_NAMED <= count < len(items)),
        key=lambda item: (-counts[item], item),
    )[:MOST_NAMED]
    return np.array([[float(item in found) for item in kept] for found in items]).reshape(len(items), len(kept))
