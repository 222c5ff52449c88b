"""Time and truth of LogME and the H-score beside transformer-ranker's, and beside the bare Gram product as the floor.

    pip install --no-deps transformer-ranker torchmetrics lightning-utilities accelerate sentencepiece
    python benchmarks/estimators.py [--samples 50000] [--dimension 1024] [--classes 100] [--repeats 5] [--threads 1]
                                    [--json results.json]

Everything runs in one process with the same number of threads, one competitor after the other in each round, so that
whatever else the machine does falls on all of them; ratios are taken within a round, and their median is shown. The
data is synthetic: y uniform over K classes, features 0.3 w_y + noise with w and the noise standard normal, float32.

transformer-ranker's LogME starts each class from the alpha and beta that the class before ended with; the definition
starts each class from 1. Its H-score rounds the square roots of the class sizes to float32. The exact values printed
here follow the definitions, by singular value decomposition and explicit matrices in float64.
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
    options = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(options.threads)  # Read when numpy and torch are first imported.
    results = run(options)
    show(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def run(options: argparse.Namespace) -> dict[str, Any]:
    import numpy as np
    import torch
    from transformer_ranker.estimators import HScore, LogME

    from zoo.transfer import score
    from zoo.transfer.hscore import hscore
    from zoo.transfer.logme import logme
    from zoo.transfer.measure import gather

    torch.set_num_threads(options.threads)
    features, targets = make(options.samples, options.dimension, options.classes)
    tensors = torch.from_numpy(features), torch.from_numpy(targets)
    doubles = features.astype(np.float64)

    def both() -> tuple[float, float]:
        shared = gather(features, targets, options.classes)
        return logme(shared), hscore(shared)

    competitors: dict[str, Callable[[], Any]] = {
        "gram": lambda: doubles.T @ doubles,
        "zoo logme": lambda: score("logme", features, targets),
        "zoo hscore": lambda: score("hscore", features, targets),
        "zoo both, one pass": both,
        "transformer-ranker logme": lambda: LogME().fit(embeddings=tensors[0], labels=tensors[1]),
        "transformer-ranker hscore": lambda: HScore().fit(embeddings=tensors[0], labels=tensors[1]),
    }
    score("logme", features[:2000], targets[:2000])  # Loads what is loaded at the first call.
    seconds: dict[str, list[float]] = {name: [] for name in competitors}
    values: dict[str, Any] = {}
    for _ in range(options.repeats):
        for name, compute in competitors.items():
            start = time.perf_counter()
            values[name] = compute()
            seconds[name].append(time.perf_counter() - start)
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
            "both / logme": ratio(seconds, "zoo both, one pass", "zoo logme"),
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
    times = Table("what", "median s", "least s", title=title.format(**results))
    for name, seconds in results["seconds"].items():
        times.add_row(name, f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f}")
    ratios = Table("median ratio", "value")
    for name, value in results["ratios"].items():
        ratios.add_row(name, f"{value:.3f}")
    scores = Table("score", "who", "value", "less the exact value")
    for estimator, by_whom in results["scores"].items():
        for who, value in by_whom.items():
            scores.add_row(estimator, who, f"{value:.13f}", f"{value - by_whom['exact']:+.1e}")
    for table in (times, ratios, scores):
        console.print(table)


if __name__ == "__main__":
    main()
