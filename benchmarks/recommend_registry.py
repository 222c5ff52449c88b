"""Time of ``zoo recommend --no-measure`` over a registry of a hundred thousand models, in this process.

    python benchmarks/recommend_registry.py [--models 100000] [--limit 0.5] [--json results.json]

The registry is synthetic (``synthetic_hub``); all its models are image classifiers. Processor time of the whole call:
the best and the median of seven after a warm-up; fails if the best is above the limit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from synthetic_hub import Hub

CALLS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", type=int, default=100_000)
    parser.add_argument("--limit", type=float, default=0.5, help="maximum seconds")
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_HOME"] = folder
        os.environ.pop("ZOO_REGISTRY", None)
        result = measure(options.models)
    print(
        f"{result['models']:,} models: first call {result['first']:.2f} s, then {result['best']:.2f} s at best, "
        f"{result['median']:.2f} s in the median (processor time); {result['wall']:.2f} s on the clock"
    )
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    sys.exit(result["best"] > options.limit)


def cards(count: int) -> Iterator[object]:
    from zoo.entities import ModelCard

    for fields in Hub(count).cards():
        yield ModelCard(**{**fields, "domain": "vision", "tasks": ("image-classification",)})


def measure(count: int) -> dict[str, float]:
    """Seconds of the first call and of those after it."""
    import zoo
    from zoo.registry import open_registry

    open_registry().add(cards(count))
    data = zoo.read("sklearn:digits:300")
    times, clock = [], []
    for _ in range(CALLS + 1):
        processor, wall = time.process_time(), time.perf_counter()
        zoo.recommend(data, task="image-classification", measure=False)
        times.append(time.process_time() - processor)
        clock.append(time.perf_counter() - wall)
    later = times[1:]
    return {
        "models": count,
        "first": times[0],
        "best": min(later),
        "median": statistics.median(later),
        "wall": min(clock[1:]),
    }


if __name__ == "__main__":
    main()
