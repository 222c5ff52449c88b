"""Where a model is right and wrong, as tables: by class, by label, by confused pair of classes, by range of numbers."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.contract.values import Shown
from zoo.entities import Outcomes
from zoo.kinds.metrics.labels import average_precision

RANGES = 4
"""Number of ranges of numeric targets, with equally many samples each."""


def by_class(outcomes: Outcomes) -> Shown:
    """Samples, precision, recall and F1 of each class that is true or predicted somewhere.

    A precision without a prediction, or a recall without a sample, is unknown and shown as a dash.
    """
    import numpy as np

    targets, predictions = np.asarray(outcomes.targets), np.asarray(outcomes.predictions)
    rows = []
    for index in np.union1d(targets, predictions).tolist():
        true, found = targets == index, predictions == index
        hits, samples, predicted = int((true & found).sum()), int(true.sum()), int(found.sum())
        figures = (_share(hits, predicted), _share(hits, samples), _share(2 * hits, samples + predicted))
        rows.append([_name(outcomes.classes, index), f"{samples:,}", *figures])
    heads = ("class", "samples", "precision", "recall", "F1")
    return Shown(heads, rows, heads[1:])


def by_label(outcomes: Outcomes) -> Shown:
    """Samples, precision, recall, F1 and average precision of each label; unknown figures are shown as a dash."""
    import numpy as np

    targets, scores = np.asarray(outcomes.targets) > 0, np.asarray(outcomes.predictions)
    rows = []
    for index, name in enumerate(outcomes.classes):
        true, found = targets[:, index], scores[:, index] > 0
        hits, samples, predicted = int((true & found).sum()), int(true.sum()), int(found.sum())
        figures = (_share(hits, predicted), _share(hits, samples), _share(2 * hits, samples + predicted))
        ranked = f"{average_precision(true, scores[:, index]):.3f}" if samples else "-"
        rows.append([name, f"{samples:,}", *figures, ranked])
    heads = ("label", "samples", "precision", "recall", "F1", "average precision")
    return Shown(heads, rows, heads[1:])


def confusions(outcomes: Outcomes) -> Shown:
    """Pairs of a true and a wrongly predicted class, with the number of samples; the most frequent first."""
    import numpy as np

    pairs = np.stack([np.asarray(outcomes.targets), np.asarray(outcomes.predictions)], axis=1)
    wrong = pairs[pairs[:, 0] != pairs[:, 1]]
    found, counts = np.unique(wrong, axis=0, return_counts=True)
    rows = [
        [*(_name(outcomes.classes, int(index)) for index in found[at]), f"{int(counts[at]):,}"]
        for at in np.argsort(-counts, kind="stable").tolist()
    ]
    return Shown(("true class", "predicted class", "samples"), rows, ("samples",))


def by_range(outcomes: Outcomes) -> Shown:
    """Mean absolute error and bias (mean of prediction minus target) in ranges of the targets with equal counts."""
    import numpy as np

    targets = np.asarray(outcomes.targets, dtype=np.float64)
    errors = np.asarray(outcomes.predictions, dtype=np.float64) - targets
    rows = []
    for part in np.array_split(np.argsort(targets, kind="stable"), min(RANGES, len(targets))):
        known, off = targets[part], errors[part]
        ends = f"{known.min():.4g} to {known.max():.4g}"
        rows.append([ends, f"{len(part):,}", f"{np.abs(off).mean():.4g}", f"{off.mean():+.4g}"])
    heads = ("target", "samples", "mean absolute error", "bias")
    return Shown(heads, rows, heads[1:])


def _share(count: int, total: int) -> str:
    return f"{count / total:.3f}" if total else "-"


def _name(classes: Sequence[str], index: int) -> str:
    return classes[index] if 0 <= index < len(classes) else "(another)"
