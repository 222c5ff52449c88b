"""Time and accuracy of LogME and the H-score in zoo and transformer-ranker, with the bare Gram product as lower bound;
the cost of all estimators in one pass; and how time and memory grow with the number of samples.

    pip install --no-deps transformer-ranker torchmetrics lightning-utilities accelerate sentencepiece
    python benchmarks/estimators.py [--samples 50000] [--dimension 1024] [--classes 100] [--repeats 5] [--threads 1]
                                    [--json results.json] [--no-growth] [--plot growth.svg]

Everything runs in one process with the same number of threads, one competitor after the other in each round, so that
other load on the machine affects all of them; ratios are taken within a round, and their median is shown. Seconds are
the process's processor time: with one thread the time on an idle machine, with more their sum. The data is
synthetic: y uniform over K classes, features 0.3 w_y + noise with w and the noise standard normal, float32.

transformer-ranker's LogME starts each class from the alpha and beta that the class before ended with; the definition
starts each class from 1. Its H-score rounds the square roots of the class sizes to float32. The exact values printed
here follow the definitions, by singular value decomposition and explicit matrices in float64.

Growth is measured from 10,000 to 1,000,000 samples of 512 dimensions, streamed in batches of 8,192; making them is not
timed. Memory is the peak of allocations besides the batch, in a separate pass. ``--plot`` needs altair and
vl-convert-python.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=50_000)
    parser.add_argument("--dimension", type=int, default=1024)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--no-growth", dest="growth", action="store_false", help="leave out the larger data")
    parser.add_argument("--plot", type=Path, help="draw the growth here (SVG or PNG)")
    options = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(options.threads)  # Read when numpy and torch are first imported.
    results = run(options)
    if options.growth:
        results["growth"] = growth()
    show(results)
    if options.plot and options.growth:
        draw(results["growth"], options.plot)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def run(options: argparse.Namespace) -> dict[str, Any]:
    import numpy as np
    import torch
    from transformer_ranker.estimators import HScore, LogME

    from zoo.transfer import builtin_estimators, score
    from zoo.transfer.measure import gather, measure

    torch.set_num_threads(options.threads)
    features, targets = make(options.samples, options.dimension, options.classes)
    tensors = torch.from_numpy(features), torch.from_numpy(targets)
    doubles = features.astype(np.float64)

    streamed = {e.name: e.from_statistics for e in builtin_estimators() if e.from_statistics}
    folded = [e.name for e in builtin_estimators() if e.from_statistics or e.held_out]

    def together() -> dict[str, float]:
        shared = gather(features, targets, options.classes)
        return {name: from_statistics(shared) for name, from_statistics in streamed.items()}

    competitors: dict[str, Callable[[], Any]] = {
        "gram": lambda: doubles.T @ doubles,
        "zoo logme": lambda: score("logme", features, targets),
        "zoo hscore": lambda: score("hscore", features, targets),
        "zoo all from one pass": together,
        "zoo logme with interval": lambda: measure(["logme"], features, targets),
        "zoo all with intervals, ridge path": lambda: measure(folded, features, targets),
        "transformer-ranker logme": lambda: LogME().fit(embeddings=tensors[0], labels=tensors[1]),
        "transformer-ranker hscore": lambda: HScore().fit(embeddings=tensors[0], labels=tensors[1]),
    }
    score("logme", features[:2000], targets[:2000])  # Warm-up: the first call imports modules.
    seconds: dict[str, list[float]] = {name: [] for name in competitors}
    values: dict[str, Any] = {}
    for _ in range(options.repeats):
        for name, compute in competitors.items():
            start = time.process_time()
            values[name] = compute()
            seconds[name].append(time.process_time() - start)
    return {
        "samples": options.samples,
        "dimension": options.dimension,
        "classes": options.classes,
        "threads": options.threads,
        "repeats": options.repeats,
        "machine": f"{processor()}, {os.cpu_count()} cores",
        "versions": {name: version(name) for name in ("numpy", "torch", "transformer-ranker", "foundation-zoo")},
        "seconds": seconds,
        "ratios": {
            "logme / transformer-ranker": ratio(seconds, "zoo logme", "transformer-ranker logme"),
            "hscore / transformer-ranker": ratio(seconds, "zoo hscore", "transformer-ranker hscore"),
            "logme / gram": ratio(seconds, "zoo logme", "gram"),
            "hscore / gram": ratio(seconds, "zoo hscore", "gram"),
            f"all {len(streamed)} from one pass / logme": ratio(seconds, "zoo all from one pass", "zoo logme"),
            f"all {len(folded)} with intervals / logme with interval": ratio(
                seconds, "zoo all with intervals, ridge path", "zoo logme with interval"
            ),
        },
        "scores": {
            "logme": {
                "zoo": values["zoo logme"],
                "transformer-ranker": values["transformer-ranker logme"],
                "exact": exact_logme(doubles, targets),
            },
            "hscore": {
                "zoo": values["zoo hscore"],
                "transformer-ranker": values["transformer-ranker hscore"],
                "exact": exact_hscore(doubles, targets),
            },
        },
    }


def make(n: int, d: int, k: int) -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    y = rng.integers(0, k, n)
    w = rng.standard_normal((k, d)).astype(np.float32)
    return (0.3 * w[y] + rng.standard_normal((n, d)).astype(np.float32)).astype(np.float32), y


def ratio(seconds: dict[str, list[float]], ours: str, theirs: str) -> float:
    return statistics.median(a / b for a, b in zip(seconds[ours], seconds[theirs], strict=True))


def growth(dimension: int = 512, classes: int = 100, batch: int = 8192) -> list[dict[str, float]]:
    """Seconds and memory of streaming n samples and estimating from the statistics, for growing n."""
    import tracemalloc

    import numpy as np

    from zoo.transfer import Statistics, builtin_estimators

    def stream(n: int) -> float:
        rng, spent, statistics = np.random.default_rng(0), 0.0, Statistics(classes, dimension)
        for first in range(0, n, batch):
            size = min(batch, n - first)
            targets = rng.integers(0, classes, size)
            features = rng.standard_normal((size, dimension), dtype=np.float32)
            tracemalloc.reset_peak()
            start = time.process_time()
            statistics.update(features, targets)
            spent += time.process_time() - start
            held.append(tracemalloc.get_traced_memory()[1] - features.nbytes - targets.nbytes)
        start = time.process_time()
        for estimator in builtin_estimators():
            if estimator.from_statistics:
                estimator.from_statistics(statistics)
        held.append(tracemalloc.get_traced_memory()[1])
        return spent + time.process_time() - start

    rows = []
    for n in (10_000, 30_000, 100_000, 300_000, 1_000_000):
        held: list[int] = []
        seconds = min(stream(n) for _ in range(3 if n <= 100_000 else 1))
        tracemalloc.start()
        held.clear()
        stream(n)
        tracemalloc.stop()
        rows.append({"samples": n, "dimension": dimension, "seconds": seconds, "megabytes": max(held) / 1e6})
    return rows


def draw(rows: list[dict[str, float]], path: Path) -> None:
    import altair

    samples = altair.X("samples:Q", title="samples", scale=altair.Scale(type="log"), axis=altair.Axis(format="~s"))
    time_ = altair.Y("seconds:Q", title="seconds", scale=altair.Scale(type="log"))
    memory = altair.Y("megabytes:Q", title="MB besides the batch", scale=altair.Scale(domainMin=0))
    # For comparison: the time of the largest measurement, scaled proportionally.
    last = rows[-1]
    straight = [
        {"samples": row["samples"], "seconds": last["seconds"] * row["samples"] / last["samples"]} for row in rows
    ]
    dashed = altair.Chart(altair.Data(values=straight)).mark_line(strokeDash=[4, 4], color="grey")
    measured = altair.Chart(altair.Data(values=rows)).mark_line(point=True)
    left = (dashed.encode(samples, time_) + measured.encode(samples, time_)).properties(
        width=300, height=240, title="Time (dashed: in proportion)"
    )
    right = measured.encode(samples, memory).properties(width=300, height=240, title="Memory")
    (left | right).save(path)


def exact_logme(x: Any, y: Any) -> float:
    """By singular value decomposition of the features, class by class, each from alpha = beta = 1; n >= d."""
    import numpy as np

    n, d = x.shape
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    sigma, evidences = s**2, []
    for k in np.unique(y):
        target = (y == k).astype(np.float64)
        x2 = (u.T @ target) ** 2
        alpha = beta = 1.0
        for _ in range(11):
            t = alpha / beta
            gamma = (sigma / (sigma + t)).sum()
            m2 = (sigma * x2 / (t + sigma) ** 2).sum()
            res2 = (x2 / (1 + sigma / t) ** 2).sum() + target.sum() - x2.sum()
            alpha, beta = gamma / (m2 + 1e-5), (n - gamma) / (res2 + 1e-5)
            if abs(alpha / beta - t) / t <= 1e-3:
                break
        determinant = np.log(alpha + beta * sigma).sum()
        evidence = d * np.log(alpha) + n * np.log(beta) - determinant - beta * res2 - alpha * m2 - n * np.log(2 * np.pi)
        evidences.append(evidence / 2 / n)
    return float(np.mean(evidences))


def exact_hscore(x: Any, y: Any) -> float:
    """By explicit d x d matrices and scikit-learn's Ledoit-Wolf covariance."""
    import numpy as np
    from sklearn.covariance import ledoit_wolf

    x = x - x.mean(axis=0)
    covariance, shrinkage = ledoit_wolf(x, assume_centered=True)
    means = np.stack([x[y == k].mean(axis=0) * np.sqrt((y == k).sum()) for k in np.unique(y)])
    between = means.T @ means / (len(x) - 1)
    return float((1 - shrinkage) * np.trace(np.linalg.solve(covariance, between)))


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def show(results: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    title = "n = {samples}, d = {dimension}, K = {classes}; {threads} thread(s), {repeats} rounds; {machine}"
    times = Table("what", "median processor s", "least", title=title.format(**results))
    for name, seconds in results["seconds"].items():
        times.add_row(name, f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f}")
    ratios = Table("median ratio", "value")
    for name, value in results["ratios"].items():
        ratios.add_row(name, f"{value:.3f}")
    scores = Table("score", "who", "value", "less the exact value")
    for estimator, by_whom in results["scores"].items():
        for who, value in by_whom.items():
            scores.add_row(estimator, who, f"{value:.13f}", f"{value - by_whom['exact']:+.1e}")
    grown = Table("samples", "seconds", "MB besides the batch")
    for row in results.get("growth", []):
        grown.add_row(f"{row['samples']:,}", f"{row['seconds']:.2f}", f"{row['megabytes']:.0f}")
    for table in (times, ratios, scores, *([grown] if grown.row_count else [])):
        console.print(table)


if __name__ == "__main__":
    main()
