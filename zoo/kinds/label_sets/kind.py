"""The kind of sets of labels: targets are 0 or 1 for each of the data set's labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

from zoo.contract.augmenting import UNCHANGED
from zoo.contract.kind import Kind
from zoo.contract.targets import TargetSets
from zoo.contract.values import Shown
from zoo.errors import DataError, UnsupportedModel
from zoo.kinds.folding import folded
from zoo.kinds.label_sets.answer import LabelSet, ScoredLabel, logit
from zoo.kinds.label_sets.cells import read_cells, read_columns
from zoo.kinds.metrics.breakdowns import by_label
from zoo.kinds.metrics.labels import METRICS
from zoo.pages import parts

if TYPE_CHECKING:
    import numpy as np

    from zoo.entities import Dataset, Outcomes

NONE = "(no label)"


class LabelSets(Kind):
    """A set of labels for each sample; targets are tuples of K numbers 0 or 1, one for each of the data's labels."""

    name = "labels"
    noun, nouns, per_sample = "set of labels", "sets of labels", "a set of labels for each sample"
    estimable = True
    several = True
    follows = UNCHANGED
    augmented_by_default = True
    baseline_title = "most frequent labels"
    metrics = METRICS

    def read_targets(self, rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> TargetSets:
        """From cells with lists or separators, or from a column of 0 and 1 for each label; see ``cells``."""
        found = read_columns(rows, columns) if len(columns) > 1 else read_cells([row[0] for row in rows], columns[0])
        return replace(found, notes=(*found.notes, *label_notes(found.items, found.classes)))

    def target_text(self, target: Any, classes: Sequence[str]) -> str:
        """The names, comma-separated."""
        return ", ".join(name for name, given in zip(classes, target, strict=True) if given) or NONE

    def array(self, targets: Sequence[Any]) -> np.ndarray:
        """n x K, int64 for targets, float64 for predictions with fractions."""
        import numpy as np

        values = np.asarray(targets)
        if not len(values):
            return np.zeros((0, 0), dtype=np.int64)
        return values.astype(np.float64 if values.dtype.kind == "f" else np.int64)

    def comparable(self, item: Any, answer: Any, classes: Sequence[str] = ()) -> tuple[float, ...]:
        """K decision values, positive for the labels that the answer predicts; very low for labels it does not know."""
        known = {folded(one.label): one.decision for one in _scored(answer)}
        return tuple(known.get(folded(name), 2 * logit(0.0)) for name in classes)

    def ordinary_targets(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """Targets of three labels: each alone, all, and none."""
        some = ((1, 0, 0), (0, 1, 1), (1, 1, 1), (0, 0, 0))
        return [some[at % len(some)] for at in range(len(inputs))]

    def labels(self, answer: Any) -> Sequence[str]:
        """Every label that the model knows."""
        return [one.label for one in _scored(answer)]

    def check(self, dataset: Dataset) -> None:
        """Reject labels of which none can be learned: none occurs, or each is on all samples or on none."""
        values = self.array(() if dataset.targets is None else dataset.targets)
        if not values.size or not (values.min(axis=0) < values.max(axis=0)).any():
            raise DataError(
                f"All {len(dataset):,} samples of '{dataset.name}' have the same labels, so there is nothing to "
                "predict.",
                "Add samples with other labels, or name other columns with --target-column.",
            )

    def profile_targets(self, targets: Sequence[Any], classes: Sequence[str]) -> Mapping[str, Any]:
        """Samples by label, imbalance (largest over smallest), labels per sample, and samples without a label."""
        values = self.array(targets)
        counts = values.sum(axis=0).tolist() if len(values) else [0] * len(classes)
        present = [count for count in counts if count]
        found: dict[str, Any] = {"classes": dict(zip(classes, counts, strict=True))}
        if present:
            found["imbalance"] = max(present) / min(present)
            found["labels per sample"] = round(float(values.sum(axis=1).mean()), 3)
            found["without a label"] = int((values.sum(axis=1) == 0).sum())
            found["different sets of labels"] = len(set(map(tuple, values.tolist())))
        return found

    def breakdown(self, outcomes: Outcomes) -> Mapping[str, Shown]:
        """Precision, recall and average precision by label."""
        return {"By label": by_label(outcomes)}

    def baseline(self, inputs: Sequence[Any], targets: Sequence[Any], task: str) -> np.ndarray:
        """The labels that more than half of the samples have; without any, the most frequent label."""
        import numpy as np

        shares = self.array(targets).mean(axis=0)
        chosen = (shares > 0.5).astype(np.float64)
        if not chosen.any():
            chosen[int(shares.argmax())] = 1.0
        return np.tile(chosen, (len(inputs), 1))

    def summary(self, answer: Any) -> Sequence[tuple[str, str]]:
        """The predicted labels with their probabilities."""
        return [(one.label, f"{one.score:.3f}") for one in _scored(answer) if one.predicted] or [(NONE, "")]

    def to_json(self, answer: Any) -> dict[str, Any]:
        """The predicted labels, and every label with its probability and threshold."""
        found = _scored(answer)
        return {
            "labels": [one.label for one in found if one.predicted],
            "scores": [{"label": one.label, "score": one.score, "threshold": one.threshold} for one in found],
        }

    def html(self, item: Any, answer: Any) -> str:
        """Every label with its probability and threshold as a table; the predicted ones are in words, too."""
        found = _scored(answer)
        rows = "".join(map(_row, found[: parts.SHOWN]))
        named = ", ".join(one.label for one in found if one.predicted) or NONE
        numbers = "".join(f'<th scope="col" class="number">{name}</th>' for name in ("Probability", "Threshold"))
        return (
            f'<p class="lead">{escape(named)}</p>'
            f"<table><caption>Most probable first.{parts.rest(found)}</caption>"
            f'<thead><tr><th scope="col">Label</th>{numbers}<td></td><th scope="col">Predicted</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )

    def ordinary(self) -> Sequence[Any]:
        """Answers with two labels, and with none."""
        return (
            LabelSet.of(("law", "short", "old"), (0.9, 0.7, 0.1)),
            LabelSet.of(("law", "short", "old"), (0.2, 0.1, 0.3)),
        )

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """Labels that are markup, probabilities of 0 and 1, and no labels at all."""
        return [
            ("markup", LabelSet.of(("<b>&",), (1.0,))),
            ("certain", LabelSet.of(("x", "y"), (0.0, 1.0), (1e-12, 1e-12))),
            ("empty", LabelSet(())),
        ]


def label_notes(targets: Sequence[Sequence[int]], classes: Sequence[str]) -> tuple[str, ...]:
    """What to watch out for in sets of labels, in sentences: labels on no sample, on one, or on all."""
    counts = Counter(index for target in targets for index, given in enumerate(target) if given)
    groups = (
        ("occurs on no sample and cannot be learned", "occur on no sample and cannot be learned", 0),
        ("occurs on every sample and is not evaluated", "occur on every sample and are not evaluated", len(targets)),
        (
            "occurs on one sample only, which cannot be used for both training and evaluation",
            "occur on one sample only, which cannot be used for both training and evaluation",
            1,
        ),
    )
    found = []
    for one, many, wanted in groups:
        names = [name for index, name in enumerate(classes) if counts[index] == wanted]
        if names and len(targets) > 1:
            more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
            named = ", ".join(f"'{name}'" for name in names[:_NAMED])
            subject = f"Label {named}" if len(names) == 1 else f"{len(names):,} labels"
            listed = "" if len(names) == 1 else f": {named}{more}"
            found.append(f"{subject} {one if len(names) == 1 else many}{listed}.")
    return tuple(found)


_NAMED = 5


def _row(one: ScoredLabel) -> str:
    bar = f'<span class="share" style="width:{100 * max(0.0, min(1.0, one.score)):.1f}%"></span>'
    numbers = "".join(f'<td class="number">{value:.3f}</td>' for value in (one.score, one.threshold))
    predicted = "yes" if one.predicted else "no"
    return f'<tr><td>{escape(one.label)}</td>{numbers}<td class="bar">{bar}</td><td>{predicted}</td></tr>'


def _scored(answer: Any) -> tuple[ScoredLabel, ...]:
    if not isinstance(answer, LabelSet):
        raise UnsupportedModel(
            "The model does not predict sets of labels.", "Train a head for them: zoo tune MODEL DATA --task TASK"
        )
    return answer.scored
