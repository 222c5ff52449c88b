"""Benchmark scores in the Hub's formats: the ``model-index`` of a model card, and evaluation result files.

Format of ``model-index``: https://huggingface.co/docs/hub/model-cards#evaluation-results and
https://github.com/paperswithcode/model-index: a list of ``{"name", "results": [{"task", "dataset", "metrics"}]}``.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from zoo.entities import BenchmarkScore

LONGEST = 200
"""Maximum characters of a name."""

_FRACTIONS = re.compile(
    r"(accuracy|f1|precision|recall|exact_match|roc_auc|map|mean_average_precision|mean_iou|ndcg|mrr)\b", re.IGNORECASE
)
"""Metrics stored as fractions; published percentages are divided by 100."""

_LOWER = re.compile(
    r"(wer|cer|ter|der|eer|fid|perplexity|ppl|[a-z_]*loss|mae|mse|rmse|mean_(absolute|squared)_error|bits_per_\w+)\b",
    re.IGNORECASE,
)
"""Metrics where lower is better."""

_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")


def scores_of(model: str, index: Any, address: str) -> Iterator[BenchmarkScore]:
    """The scores in a ``model-index``; entries without a name or a finite value are skipped.

    Args:
        model: model id.
        index: the list, parsed from JSON or YAML.
        address: source of results that name none.
    """
    for entry in _mappings(index):
        for result in _mappings(entry.get("results")):
            task, dataset = _mapping(result.get("task")), _mapping(result.get("dataset"))
            source = _text(_mapping(result.get("source")).get("url")) or address
            name = _text(dataset.get("name")) or _text(dataset.get("type"))
            for metric in _mappings(result.get("metrics")):
                name_of_metric = _text(metric.get("type")) or _text(metric.get("name"))
                score = _score(
                    model,
                    _text(task.get("type")),
                    name,
                    name_of_metric,
                    metric.get("value"),
                    split=_text(dataset.get("split")),
                    source=source,
                )
                if score is not None:
                    yield score


def evaluation_scores(model: str, results: Any, task: str | None, address: str) -> Iterator[BenchmarkScore]:
    """The scores in a Hub's ``evalResults``, the format of ``.eval_results/*.yaml``; those with an error are skipped.

    The format has no metric and no unit: the metric is called ``score`` and the value stays as published.

    Args:
        task: the model's own task; the format only has that of the benchmark.
    """
    for entry in _mappings(results):
        found = _mapping(entry.get("data")) or entry
        dataset, source = _mapping(found.get("dataset")), _mapping(found.get("source"))
        if entry.get("error"):
            continue
        score = _score(
            model,
            task,
            _text(dataset.get("id")),
            "score",
            found.get("value"),
            split=_text(dataset.get("task_id")),
            source=_text(source.get("url")) or address,
            date=_text(found.get("date")),
        )
        if score is not None:
            yield score


def model_index_of(name: str, scores: Iterable[BenchmarkScore]) -> list[dict[str, Any]]:
    """The ``model-index`` of a model's scores; the inverse of ``scores_of``.

    Args:
        name: display name of the model.
    """

    def place(score: BenchmarkScore) -> tuple[str, str, str, str]:
        return score.task, score.dataset, score.split, score.source

    results: list[dict[str, Any]] = []
    for (task, dataset, split, source), group in itertools.groupby(sorted(scores, key=place), key=place):
        result: dict[str, Any] = {
            "task": {"type": task},
            "dataset": {"name": dataset, "type": dataset, "split": split},
            "metrics": [{"type": score.metric, "value": score.value} for score in group],
        }
        if source:
            result["source"] = {"name": source, "url": source}
        results.append(result)
    return [{"name": name, "results": results}]


def _score(
    model: str,
    task: str | None,
    dataset: str | None,
    metric: str | None,
    value: Any,
    *,
    split: str | None,
    source: str,
    date: str | None = None,
) -> BenchmarkScore | None:
    number = _number(value)
    if number is None or not dataset or not metric:
        return None
    if _FRACTIONS.match(metric) and 1 < number <= 100:
        number /= 100
    return BenchmarkScore(
        model=model,
        task=task or "other",
        dataset=dataset,
        metric=metric,
        value=number,
        split=split or "test",
        higher_is_better=not _LOWER.match(metric),
        source=source,
        date=date if date and _DATE.fullmatch(date) else None,
    )


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value.strip().removesuffix("%"))
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _text(value: Any) -> str | None:
    """Text without control characters, truncated; None if nothing is left."""
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        return None
    printable = "".join(c for c in str(value) if ord(c) >= 32).encode("utf-8", "ignore").decode("utf-8")
    return printable.strip()[:LONGEST] or None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (item for item in value if isinstance(item, Mapping)) if isinstance(value, (list, tuple)) else ()
