"""Classes: one of several for each sample, as an index; a model answers with the most likely labels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from zoo.contract.augmenting import UNCHANGED
from zoo.contract.kind import Kind
from zoo.contract.values import Shown
from zoo.errors import DataError, UnsupportedModel
from zoo.kinds.folding import folded
from zoo.kinds.metrics import CLASSES as METRICS
from zoo.kinds.metrics.breakdowns import by_class, confusions
from zoo.pages import parts

if TYPE_CHECKING:
    import numpy as np

    from zoo.entities import Dataset, Outcomes

SHOWN = 5
"""Maximum number of labels in an answer."""

_TINY = 0.0005
_NAMED = 5


@dataclass(frozen=True)
class Label:
    """One class with its probability; None if the model returns none."""

    label: str
    score: float | None = None


@dataclass(frozen=True)
class Labels(Sequence[Label]):
    """The most likely classes of one sample, best first.

    Attributes:
        found: each class with its score.
        unlike_training_data: whether the sample is farther from the model's training data than nearly all of its
            validation samples; None if that is not known.
    """

    found: tuple[Label, ...]
    unlike_training_data: bool | None = field(default=None, compare=False)

    @classmethod
    def of(cls, labels: Sequence[str], scores: Sequence[float]) -> Labels:
        """From names and scores, best first."""
        return cls(tuple(Label(str(label), float(score)) for label, score in zip(labels, scores, strict=True)))

    @classmethod
    def best_of(cls, labels: Sequence[str], scores: Sequence[float], count: int = SHOWN) -> Labels:
        """The most likely of all classes of a model, from names and scores in the model's order."""
        ranked = sorted(zip(labels, scores, strict=True), key=lambda pair: -pair[1])[:count]
        return cls(tuple(Label(str(label), float(score)) for label, score in ranked))

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, index: Any) -> Any:
        return self.found[index]

    def __iter__(self) -> Iterator[Label]:
        return iter(self.found)


class Classes(Kind):
    """One class for each sample; targets are indices of the data set's class names."""

    name = "class"
    noun, nouns, per_sample = "class", "classes", "one class for each sample"
    estimable = True
    baseline_title = "most frequent class"
    metrics = METRICS
    follows = UNCHANGED
    augmented_by_default = True

    def array(self, targets: Sequence[Any]) -> np.ndarray:
        """n class indices, int64."""
        import numpy as np

        return np.asarray(targets, dtype=np.int64)

    def target_text(self, target: Any, classes: Sequence[str]) -> str:
        """The name of the class."""
        return str(classes[int(target)])

    def strata(self, targets: Sequence[Any]) -> np.ndarray:
        """The classes."""
        import numpy as np

        return np.asarray(targets)

    def comparable(self, item: Any, answer: Any, classes: Sequence[str] = ()) -> int:
        """The index of the most likely label among the data's classes; one past the last if it is not among them."""
        known = {folded(name): index for index, name in enumerate(classes)}
        return known.get(folded(best(answer)), len(known))

    def confidence(self, answer: Any) -> float | None:
        """The score of the most likely label, if it is a probability."""
        score = next((one.score for one in _labels(answer)), None)
        return score if score is not None and 0 <= score <= 1 else None

    def labels(self, answer: Any) -> Sequence[str]:
        """The most likely label only."""
        return (best(answer),)

    def check(self, dataset: Dataset) -> None:
        """Reject a single class, and classes with one sample, which cannot be split."""
        column = f" in column '{dataset.columns['target']}'" if "target" in dataset.columns else ""
        targets = () if dataset.targets is None else dataset.targets
        counts = Counter(int(target) for target in targets)
        if len(counts) < 2:
            only = dataset.classes[next(iter(counts))]
            raise DataError(
                f"All {len(dataset):,} samples of '{dataset.name}' have the same class, '{only}'.",
                "Add samples of at least one other class.",
            )
        single = [dataset.classes[label] for label, count in sorted(counts.items()) if count < 2]
        if not single:
            return
        named = ", ".join(f"'{name}'" for name in single[:_NAMED])
        more = f" and {len(single) - _NAMED:,} more" if len(single) > _NAMED else ""
        if len(single) == len(counts):
            raise DataError(
                f"Each of the {len(dataset):,} samples of '{dataset.name}'{column} has a class of its own "
                f"({named}{more}).",
                "These do not seem to be labels; name another column with --target-column.",
            )
        raise DataError(
            f"{len(single):,} of the {len(counts):,} classes of '{dataset.name}' have only one sample, which cannot be "
            f"used for both training and evaluation: {named}{more}.",
            "Add samples of these classes or leave them out.",
        )

    def breakdown(self, outcomes: Outcomes) -> Mapping[str, Shown]:
        """Precision and recall by class, and the classes that are confused."""
        return {"By class": by_class(outcomes), "Confused classes": confusions(outcomes)}

    def profile_targets(self, targets: Sequence[Any], classes: Sequence[str]) -> Mapping[str, Any]:
        """Samples by class, in the order of the indices; balance (entropy) and imbalance (largest over smallest)."""
        counts = Counter(int(target) for target in targets)
        by_name = {name: counts[index] for index, name in enumerate(classes)}
        present = [count for count in by_name.values() if count]
        if not present:
            return {"classes": by_name}
        total = sum(present)
        entropy = -sum(c / total * math.log(c / total) for c in present)
        return {
            "classes": by_name,
            "balance": entropy / math.log(len(present)) if len(present) > 1 else 0.0,
            "imbalance": max(present) / min(present),
        }

    def baseline(self, inputs: Sequence[Any], targets: Sequence[Any], task: str) -> np.ndarray:
        """The most frequent class."""
        import numpy as np

        return np.full(len(inputs), np.bincount(self.array(targets)).argmax())

    def summary(self, answer: Any) -> Sequence[tuple[str, str]]:
        """Each label with its score, if it has one, tiny ones in powers of ten."""
        found = _labels(answer)
        tiny = max((one.score for one in found if one.score is not None), default=1.0) < _TINY
        form = ".1e" if tiny else ".3f"
        return [(one.label, "" if one.score is None else f"{one.score:{form}}") for one in found]

    def to_json(self, answer: Any) -> list[dict[str, Any]]:
        """A list of labels with scores, as in transformers pipelines."""
        return [
            {"label": one.label} if one.score is None else {"label": one.label, "score": one.score}
            for one in _labels(answer)
        ]

    def html(self, item: Any, answer: Any) -> str:
        """Labels and scores as a table with bars."""
        found = _labels(answer)
        rows = []
        for one in found[: parts.SHOWN]:
            score = one.score or 0.0
            bar = f'<span class="share" style="width:{100 * max(0.0, min(1.0, score)):.1f}%"></span>'
            shown = "" if one.score is None else f"{score:.3f}"
            cells = f'<td>{escape(one.label)}</td><td class="number">{shown}</td><td class="bar">{bar}</td>'
            rows.append(f"<tr>{cells}</tr>")
        return (
            f"<table><caption>Best first.{parts.rest(found)}</caption>"
            '<thead><tr><th scope="col">Label</th><th scope="col" class="number">Score</th><td></td></tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table>"
        )

    def ordinary(self) -> Sequence[Any]:
        """Answers with two and three labels."""
        return (Labels.of(("cat", "dog"), (0.9, 0.1)), Labels.of(("a", "b", "c"), (0.5, 0.3, 0.2)))

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """Labels that are markup, and scores that are tiny."""
        return [("markup", Labels.of(("<b>&",), (1.0,))), ("tiny scores", Labels.of(("x", "y"), (1e-9, 1e-12)))]


def best(answer: Any) -> str:
    """The most likely label; raises ``UnsupportedModel`` if the answer has none."""
    found = _labels(answer)
    if not found:
        raise UnsupportedModel("The model does not predict labels, so it cannot be evaluated on classes.")
    return found[0].label


def _labels(answer: Any) -> Labels:
    return answer if isinstance(answer, Labels) else Labels(())
