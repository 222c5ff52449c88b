"""Warnings about scores that a model may owe to its training data: leakage, and contaminated published scores."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence

from zoo.answers import Candidate
from zoo.entities import ModelCard
from zoo.plugins import plugins
from zoo.selection.explain.arguments import Context, deciding

CHECKED = 10
"""Number of top candidates that are checked."""

SUSPICIOUS = 1.5
"""Standard deviations by which published scores of a model exceed the measured ones, relative to the others."""

FEWEST_SHARED = 5
"""Minimum number of models with a common benchmark for comparing reported and measured scores."""

GAP = 0.1
"""Difference by which a reported accuracy on the same data set above the measured one is suspicious."""

_GENERIC = frozenset(
    {
        "data",
        "dataset",
        "datasets",
        "train",
        "training",
        "test",
        "val",
        "valid",
        "validation",
        "image",
        "images",
        "photos",
        "pictures",
        "text",
        "texts",
        "samples",
        "examples",
        "files",
        "labels",
        "labelled",
        "corpus",
        "csv",
        "tsv",
        "jsonl",
        "parquet",
        "sklearn",
        "tmp",
        "home",
        "audio",
        "recordings",
        "sounds",
        "speech",
        "review",
        "reviews",
        "comments",
        "tweets",
        "sentences",
        "documents",
    }
)
"""Words that do not identify a data set, besides the names of kinds of input."""


def leakage(card: ModelCard, context: Context) -> Iterator[str]:
    """Warnings about models trained on this data set, by their names, cards or base models."""
    name = dataset_key(str(context.analysis.data.get("name", "")))
    if not name:
        return
    for model, how in (
        (card, ""),
        (context.cards.get(card.base_model or ""), f", the model that {card.id} came from,"),
    ):
        if model is None:
            continue
        found = next((trained for trained in model.pretraining if name in _joined(trained)), None)
        if found is None and name in _joined(model.name):
            found = model.name
        if found is not None:
            yield (
                f"Possible leakage: {model.id}{how} names '{found}', which may be this data set. If so, its score "
                "measures memorisation: evaluate it on samples that were never published."
            )
            return


def dataset_key(name: str) -> str:
    """The name of a data set without path, platform, suffix, number of samples, case and punctuation.

    Empty if only generic words are left, as for ``photos/train``.
    """
    tail = re.sub(r":\d+\Z", "", name.replace("\\", "/").rstrip("/"))
    tail = tail.rpartition("/")[2]
    generic = _GENERIC | {f"{kind}s" for task in plugins().tasks.values() for kind in task.inputs}
    words = [word for word in re.split(r"[^a-z0-9]+", tail.lower()) if word and word not in generic]
    key = "".join(words)
    return key if len(key) >= 5 else ""


def _joined(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def contaminated(candidates: Sequence[Candidate], context: Context) -> Iterator[str]:
    """Models that rank far higher by published scores than by the measurements here."""
    yield from _same_data(candidates, context)
    measured = {c.id: c.score for c in reversed(candidates) if c.score is not None}
    shared: dict[tuple[str, str, str], dict[str, float]] = {}
    for id in measured:
        for score in context.scores.get(id, ()):
            if score.task == context.task.name and score.origin == "reported":
                signed = score.value if score.higher_is_better else -score.value
                shared.setdefault((score.dataset, score.metric, score.split), {})[id] = signed
    if not shared:
        return
    (dataset, metric, _), reported = max(shared.items(), key=lambda item: len(item[1]))
    if len(reported) < FEWEST_SHARED:
        return
    own = _standardised({id: measured[id] for id in reported})
    others = _standardised(reported)
    for id in sorted(reported, key=lambda id: own[id] - others[id]):
        if others[id] - own[id] >= SUSPICIOUS:
            yield (
                f"{id} reports {metric} {abs(reported[id]):.4g} on {dataset}, {others[id]:+.1f} standard deviations "
                f"from the mean of {len(reported)} candidates, and {own[id]:+.1f} here: its published score "
                "may be due to its training data, or your data are different."
            )


def _same_data(candidates: Sequence[Candidate], context: Context) -> Iterator[str]:
    """Compares a reported accuracy on the same data set with that of the linear probe."""
    name = dataset_key(str(context.analysis.data.get("name", "")))
    if not name or deciding(candidates[0]) != "linear-probe":
        return
    for candidate in candidates[:CHECKED]:
        for score in context.scores.get(candidate.id, ()):
            same = score.metric == "accuracy" and name in _joined(score.dataset) and score.origin == "reported"
            if same and candidate.interval and score.value - candidate.interval[1] > GAP:
                yield (
                    f"{candidate.id} reports an accuracy of {score.value:.4g} on {score.dataset}, and a linear probe "
                    f"on its features reaches {candidate.score:.4g} here ({score.source})."
                )


def _standardised(values: Mapping[str, float]) -> dict[str, float]:
    mean, spread = statistics.fmean(values.values()), statistics.pstdev(values.values())
    return {id: (value - mean) / spread if spread > 0 else 0.0 for id, value in values.items()}
