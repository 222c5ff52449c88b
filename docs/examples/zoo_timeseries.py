"""A new domain in one file: time series read from tables, with random convolutions as features.

ROCKET (Dempster et al., "ROCKET: exceptionally fast and accurate time series classification using random convolutional
kernels", 2020) needs no training: the responses of random kernels to a series are its features.
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
    "Next-value forecasting",
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
    """ROCKET in two sizes; its kernels are drawn from a seed, so there are no files."""
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
    """There is nothing to download."""
    return LocalFiles(store) if card.source == "rocket" else None


@hookimpl
def zoo_load(card, files, device, dtype):
    """The backbone."""
    return Rocket(card) if card.library == "rocket" else None


@hookimpl
def zoo_readers():
    """The reader of tables with one series."""
    return [SeriesReader()]


class SeriesReader:
    """``NAME.series.csv``: a header, then one number per line; the target of a window is the number after it."""

    name = "series"
    datasets = ()

    def accepts(self, reference):
        """Whether the file name ends with ``.series.csv``."""
        return reference.endswith(".series.csv")

    def read(self, reference, options):
        """All windows, each with the next value as its target."""
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
    """For each kernel, the share of responses above its bias, and its last response."""

    input_kind = "series"
    layers = ("responses",)

    def __init__(self, card):
        import numpy as np

        rng = np.random.default_rng(0)
        self.card, self.embedding_dimension = card, card.embedding_dimension
        self.kernels = rng.normal(size=(self.embedding_dimension // 2, 9))
        self.kernels -= self.kernels.mean(axis=1, keepdims=True)
        # Every fourth kernel has a mean other than zero, so that features depend on the level of a series too.
        self.kernels[::4] += 1 / 9
        self.strides = 2 ** rng.integers(0, 3, len(self.kernels))
        self.biases = rng.uniform(-1, 1, len(self.kernels))

    def examples(self):
        """Sample inputs for the conformance suite, which has none of this kind."""
        import numpy as np

        return [np.sin(np.arange(length) / scale).astype(np.float32) for length, scale in ((48, 2), (60, 5), (90, 9))]

    def preprocess(self, item):
        """One window as an array."""
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
            # The end matters most for a forecast, so short series are padded at the start.
            padded = np.pad(series, (max(0, 33 - len(series)), 0), mode="edge")
            values = np.empty((len(self.kernels), 2))
            for stride in (1, 2, 4):
                selected = self.strides == stride
                taps = np.lib.stride_tricks.sliding_window_view(padded, 8 * stride + 1)[:, ::stride]
                responses = taps @ self.kernels[selected].T
                shares = (responses > self.biases[selected]).mean(axis=0)
                values[selected] = np.stack([shares, responses[-1]], axis=1)
            rows.append(values.ravel())
        return {layer: np.asarray(rows, dtype=np.float32) for layer in layers}
