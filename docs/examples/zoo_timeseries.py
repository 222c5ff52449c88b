"""A domain of its own in one file: series of numbers, read from tables, seen by random convolutions.

ROCKET (Dempster et al., "ROCKET: exceptionally fast and accurate time series classification using random convolutional
kernels", 2020) needs no training: random kernels look at a series, and what they respond to it is its features.
"""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

from zoo import Domain, ModelCard, Task, hookimpl
from zoo.entities import Dataset, LocalFiles
from zoo.errors import DataError
from zoo.tasks import TaskMetric

FORECAST = Task(
    "next-value-forecasting",
    "timeseries",
    "The next value of a series",
    ("series",),
    "number",
    (TaskMetric("rmse", False), TaskMetric("mean_absolute_error", False), TaskMetric("r2")),
    "linear",
)
KERNELS = (128, 512)
WINDOW = 48


@hookimpl
def zoo_domains():
    """The domain and its task."""
    return [Domain("timeseries", "Numbers that follow each other in time.", (FORECAST,))]


@hookimpl
def zoo_cards():
    """ROCKET in two sizes; its kernels come from a seed, so that there are no files."""
    for count in KERNELS:
        yield ModelCard(
            f"rocket:{count}",
            "timeseries",
            (FORECAST.name,),
            "ROCKET",
            "rocket",
            parameters=9 * count,
            bytes=0,
            license="MIT",
            input={"kind": "series"},
            embedding_dimension=2 * count,
            revision="1",
        )


@hookimpl
def zoo_download(card, store, progress):
    """Nothing to bring."""
    return LocalFiles(store) if card.source == "rocket" else None


@hookimpl
def zoo_load(card, files, device, dtype):
    """The kernels."""
    return Rocket(card) if card.library == "rocket" else None


@hookimpl
def zoo_readers():
    """Tables of one series."""
    return [SeriesReader()]


class SeriesReader:
    """``NAME.series.csv``: a header and a number a line; each window's target is the number after it."""

    name = "series"
    datasets = ()

    def accepts(self, reference):
        """A file name that ends so."""
        return reference.endswith(".series.csv")

    def read(self, reference, options):
        """All windows, each with what follows."""
        import numpy as np

        try:
            rows = list(csv.reader(Path(reference).expanduser().read_text(encoding="utf-8").splitlines()))[1:]
            values = np.array([float(row[-1]) for row in rows if row], dtype=np.float32)
        except (OSError, ValueError, IndexError) as error:
            raise DataError(
                f"'{reference}' is not a series of numbers: {error}.", "Write one number per line."
            ) from error
        if len(values) <= WINDOW or not np.isfinite(values).all():
            raise DataError(f"'{reference}' needs more than {WINDOW} numbers, all of them finite.")
        windows = [values[start : start + WINDOW] for start in range(len(values) - WINDOW)]
        fingerprint = hashlib.sha256(values.tobytes()).hexdigest()
        return Dataset(reference, "series", windows, values[WINDOW:].tolist(), (), fingerprint, "number")


class Rocket:
    """A window as how often each kernel responds, and its last response."""

    input_kind = "series"
    layers = ("responses",)

    def __init__(self, card):
        import numpy as np

        chance = np.random.default_rng(0)
        self.card, self.embedding_dimension = card, card.embedding_dimension
        self.kernels = chance.normal(size=(self.embedding_dimension // 2, 9))
        self.kernels -= self.kernels.mean(axis=1, keepdims=True)
        # The first quarter keeps its mean, so that the level of a series is seen too.
        self.kernels[::4] += 1 / 9
        self.strides = 2 ** chance.integers(0, 3, len(self.kernels))
        self.biases = chance.uniform(-1, 1, len(self.kernels))

    def examples(self):
        """Inputs for the conformance suite, which knows none of this kind."""
        import numpy as np

        return [np.sin(np.arange(length) / pace).astype(np.float32) for length, pace in ((48, 2), (60, 5), (90, 9))]

    def preprocess(self, item):
        """One window as numbers."""
        import numpy as np

        if not hasattr(item, "shape") or np.ndim(item) != 1 or not len(item):
            raise DataError(f"'{self.card.id}' takes series of numbers, not {type(item).__name__}.")
        return np.asarray(item, dtype=np.float64)

    def collate(self, items):
        """A list; windows may have any length."""
        return list(items)

    def features(self, batch, layers):
        """Batch x twice the number of kernels."""
        import numpy as np

        rows = []
        for series in batch:
            # The end counts most in a forecast, so that short series are padded at their beginning.
            padded = np.pad(series, (max(0, 33 - len(series)), 0), mode="edge")
            found = np.empty((len(self.kernels), 2))
            for stride in (1, 2, 4):
                own = self.strides == stride
                taps = np.lib.stride_tricks.sliding_window_view(padded, 8 * stride + 1)[:, ::stride]
                responses = taps @ self.kernels[own].T
                found[own] = np.stack([(responses > self.biases[own]).mean(axis=0), responses[-1]], axis=1)
            rows.append(found.ravel())
        return {layer: np.asarray(rows, dtype=np.float32) for layer in layers}
