"""How similar two models, or two data sets, are before anything is run: kernels over names and columns of facts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
KINDS = ("bitext", "pairclass", "zeroshot", "multilabel", "classif", "cluster", "rerank", "retriev", "sts", "nli")
"""Parts of data set names that identify the kind of task; the first match counts."""

MOST_CATEGORIES = 0.9
"""A column whose values differ in a larger share of the rows is an identifier, not a category."""

FEWEST_GAPS = 0.1
"""Share of empty cells from which the gaps of a table are used. In the published fine-tuning runs of 144 models on 8
data sets, 1.4 % are missing, all of 5 models, whose pattern gave similarities from -0.89 to 1.00. For random gaps, the
similarities fall to those of chance for as many models (0.08) from about a tenth."""

CHANCE = 3.0
"""Standard deviations of chance by which the patterns of gaps must differ."""

WIDTHS = (0.3, 1.0)
"""Length scales of numeric columns, in standard deviations."""


def words(name: str) -> list[str]:
    """The parts of a name in camel case or with separators, in lower case: ``STSBenchmark-v2`` has four."""
    return [part.lower() for part in _PART.findall(name)]


def trigrams(name: str) -> list[str]:
    """Runs of three to five characters within the words of a name, edges marked."""
    found = []
    for word in words(name):
        padded = f" {word} "
        found += [padded[at : at + n] for n in (3, 4, 5) for at in range(len(padded) - n + 1)]
    return found


def kind(name: str) -> str:
    """The kind of task by a data set's name, or an empty string."""
    lowered = name.lower().replace("-", "").replace("_", "")
    return next((kind for kind in KINDS if kind in lowered), "")


def cosine(documents: Sequence[Iterable[str]]) -> np.ndarray:
    """Cosines between the documents' term frequencies, each weighted by its inverse document frequency."""
    vocabulary: dict[str, int] = {}
    cells: list[dict[int, float]] = []
    for document in documents:
        counts: dict[int, float] = {}
        for term in document:
            place = vocabulary.setdefault(term, len(vocabulary))
            counts[place] = counts.get(place, 0.0) + 1.0
        cells.append(counts)
    matrix = np.zeros((len(cells), max(len(vocabulary), 1)))
    for row, counts in enumerate(cells):
        for place, count in counts.items():
            matrix[row, place] = count
    matrix *= 1.0 + np.log((1.0 + len(cells)) / (1.0 + (matrix > 0).sum(axis=0)))
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    matrix /= np.where(lengths > 0, lengths, 1.0)
    return matrix @ matrix.T


def same(values: Sequence[str]) -> np.ndarray:
    """1 where two values are equal and known, else 0."""
    codes = np.array([*map(_codes(values).__getitem__, values)])
    return ((codes[:, None] == codes[None, :]) & (codes >= 0)[:, None]).astype(float)


def near(values: np.ndarray, width: float) -> np.ndarray:
    """``exp(-(a - b)^2 / 2 width^2)``; unknown values (NaN) are similar only to themselves."""
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    kernel = np.exp(-((filled[:, None] - filled[None, :]) ** 2) / (2.0 * width**2))
    return kernel * (known[:, None] & known[None, :]) + np.diag((~known).astype(float))


def dataset_kernels(names: Sequence[str], facts: Mapping[str, Mapping[str, str]]) -> np.ndarray:
    """Kernels between data sets, k x d x d, from their names and every column that is known of them.

    Each is positive semi-definite with at most 1 on the diagonal.
    """
    kernels = [
        np.ones((len(names), len(names))),
        same([kind(name) for name in names]),
        cosine([words(name) for name in names]),
        cosine([trigrams(name) for name in names]),
    ]
    return np.stack([*kernels, *_fact_kernels(names, facts)])


def run_together(measured: np.ndarray, planned: np.ndarray) -> np.ndarray:
    """Kernel between data sets, (d + 1) x (d + 1): whether the same models are run on both; known before any score.

    All zeros where the gaps distinguish data sets no better than chance, see ``gaps_distinguish``.

    Args:
        measured: n models x d data sets, whether there is a score.
        planned: n, whether the model is to be run on one more data set, the last of the kernel.
    """
    if not gaps_distinguish(measured):
        return np.zeros((measured.shape[1] + 1,) * 2)
    columns = np.column_stack([measured, planned])
    presence = columns - columns.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(presence, axis=0)
    presence = presence / np.where(lengths > 0, lengths, 1.0)
    return presence.T @ presence


def gaps_distinguish(measured: np.ndarray) -> bool:
    """Whether data sets differ by which models were not run on them.

    Two conditions hold then. At least ``FEWEST_GAPS`` of the cells are empty, models without any run aside: the
    cosines of complete data sets come from the few models that some other data set lacks, and are near 1 or -1 whatever
    the data sets are. And the correlations of the data sets' patterns vary by more than chance: between d patterns
    drawn at random for n models their variance is 1 / n, and that of such a variance over p pairs 2 / (n^2 (p - 1)).

    Args:
        measured: n models x d data sets, whether there is a score.
    """
    presence = measured[measured.any(axis=1)].astype(float)
    if not len(presence) or 1.0 - presence.mean() < FEWEST_GAPS:
        return False
    presence -= presence.mean(axis=1, keepdims=True)
    presence -= presence.mean(axis=0)
    lengths = np.linalg.norm(presence, axis=0)
    presence = presence[:, lengths > 0] / lengths[lengths > 0]
    n, d = presence.shape
    pairs = d * (d - 1) // 2
    if pairs < 2:
        return False
    variance = float((presence.T @ presence)[np.triu_indices(d, 1)].var(ddof=1))
    return n * variance - 1.0 > CHANCE * math.sqrt(2.0 / (pairs - 1))


def model_kernels(names: Sequence[str], facts: Mapping[str, Mapping[str, str]]) -> np.ndarray:
    """Kernels between models, k x n x n, from their names and every column that is known of them."""
    owners = [name.partition(":")[2].partition("/")[0] or name.partition("/")[0] for name in names]
    short = [name.rpartition("/")[2] for name in names]
    kernels = [
        np.ones((len(names), len(names))),
        same(owners),
        cosine([words(name) for name in short]),
        cosine([trigrams(name) for name in short]),
    ]
    columns = _fact_kernels(names, facts)
    if columns:
        kernels += columns
        kernels.append(np.mean(columns, axis=0) ** 3)
    return np.stack(kernels)


def _fact_kernels(names: Sequence[str], facts: Mapping[str, Mapping[str, str]]) -> list[np.ndarray]:
    """Numbers by nearness at two widths, lists by shared items, categories by equality, long texts by words."""
    columns = sorted({column for name in names for column in facts.get(name, {})})
    kernels = []
    for column in columns:
        cells = [facts.get(name, {}).get(column, "") for name in names]
        known = [cell for cell in cells if cell]
        if len(set(known)) < 2:
            continue
        numbers = numeric(cells)
        if numbers is not None:
            kernels += [near(numbers, width) for width in WIDTHS]
        elif any("|" in cell for cell in known):
            kernels.append(cosine([[item for item in cell.split("|") if item] for cell in cells]))
        elif any(" " in cell for cell in known):
            kernels.append(cosine([words(cell) for cell in cells]))
        elif len(set(known)) <= MOST_CATEGORIES * len(known):
            kernels.append(same(cells))
    return kernels


def numeric(cells: Sequence[str]) -> np.ndarray | None:
    """A column of numbers or ISO dates, standardised, large positive numbers as logarithms; None for other columns."""
    values = np.array([_value(cell) for cell in cells])
    given = np.array([bool(cell) for cell in cells])
    if np.isnan(values[given]).any():
        return None
    known = values[given]
    if known.min() > 0 and known.max() / known.min() > 20:
        values = np.log(values)
        known = values[given]
    spread = known.std()
    return (values - known.mean()) / spread if spread > 0 else None


def _value(cell: str) -> float:
    text = cell.strip()
    if re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", text):
        return int(text[:4]) + (int(text[5:7]) - 1) / 12
    if text in {"True", "False"}:
        return float(text == "True")
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _codes(values: Sequence[str]) -> dict[str, int]:
    codes = {value: place for place, value in enumerate(dict.fromkeys(values))}
    codes[""] = -1
    return codes
