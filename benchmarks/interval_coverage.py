"""How often the printed 95 % intervals contain the true value: accuracy, macro F1, AUC and RMSE.

    python benchmarks/interval_coverage.py [--simulations 2000] [--records benchmarks/records/interval_coverage.json]

Simulated: predictions of a fixed model on fresh samples, whose true metric is known from a million samples. Real: a
probe fitted to 300 digits (scikit-learn's) is tested on random parts of the other 1,497, which stand for the whole
population; the finite population makes these intervals look slightly too wide. A cell that is in the file already is
not computed again, so an interrupted benchmark continues where it stopped. Fails if a simulated cell is outside 93 to
97 %.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo.adapt.results.intervals import interval
from zoo.kinds.metrics import CLASSES, NUMBERS

METRICS = {one.name: one for one in (*CLASSES, *NUMBERS)}
SIZES = (100, 300, 1000)
LARGE = 1_000_000
LOWEST, HIGHEST = 0.93, 0.97

Drawn = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]


def classes(generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Five classes of 40 to 5 %; the model knows 80 % of the samples and guesses the others."""
    targets = generator.choice(5, count, p=[0.4, 0.25, 0.2, 0.1, 0.05])
    return targets, np.where(generator.random(count) < 0.8, targets, generator.integers(0, 5, count))


def ranks(generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """30 % positive; scores overlap (AUC 0.80)."""
    targets = (generator.random(count) < 0.3).astype(float)
    return targets, 1.2 * targets + generator.normal(size=count)


def numbers(generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal errors."""
    targets = generator.normal(size=count)
    return targets, targets + generator.normal(size=count) / 2


SIMULATED: dict[str, Drawn] = {"accuracy": classes, "macro_f1": classes, "roc_auc": ranks, "rmse": numbers}


def real() -> dict[str, Drawn]:
    """Draws without replacement from the predictions of a probe on digits."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression, Ridge

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    train, rest = order[:300], order[300:]
    probe = LogisticRegression(max_iter=2000, C=0.01).fit(data.data[train], data.target[train])
    ridge = Ridge(alpha=100.0).fit(data.data[train], data.target[train])
    found, guessed = probe.predict(data.data[rest]), ridge.predict(data.data[rest])
    known = data.target[rest]
    score = probe.predict_proba(data.data[rest])[:, 8]

    def part(targets: np.ndarray, predictions: np.ndarray) -> Drawn:
        def drawn(generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
            if count >= len(targets):
                return targets, predictions
            chosen = generator.choice(len(targets), count, replace=False)
            while len(np.unique(targets[chosen])) < 2:  # ranks need both classes
                chosen = generator.choice(len(targets), count, replace=False)
            return targets[chosen], predictions[chosen]

        return drawn

    as_class = part(known, found)
    return {
        "accuracy": as_class,
        "macro_f1": as_class,
        "roc_auc": part((known == 8).astype(float), score),
        "rmse": part(known.astype(float), guessed),
    }


def cell(name: str, drawn: Drawn, count: int, simulations: int) -> dict[str, float]:
    """The share of intervals that contain the true value, and their mean width."""
    generator = np.random.default_rng([count, 1 + sorted(METRICS).index(name)])
    metric = METRICS[name]
    value = metric.compute(*drawn(generator, LARGE))
    ends = np.array([interval(metric, *drawn(generator, count)) for _ in range(simulations)])
    covered = (ends[:, 0] <= value) & (value <= ends[:, 1])
    return {"coverage": float(covered.mean()), "width": float((ends[:, 1] - ends[:, 0]).mean()), "value": value}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--records", type=Path, default=Path(__file__).parent / "records" / "interval_coverage.json")
    options = parser.parse_args()
    done = json.loads(options.records.read_text()) if options.records.exists() else {}
    for source, draws in (("simulated", SIMULATED), ("digits", real())):
        for count in SIZES if source == "simulated" else SIZES[:2]:
            for name, drawn in draws.items():
                key = f"{source} {name} {count}"
                if key not in done or done[key]["simulations"] < options.simulations:
                    done[key] = {**cell(name, drawn, count, options.simulations), "simulations": options.simulations}
                    options.records.parent.mkdir(parents=True, exist_ok=True)
                    options.records.write_text(json.dumps(done, indent=1, sort_keys=True) + "\n", encoding="utf-8")
                print(f"{key:28} coverage {done[key]['coverage']:.3f}  width {done[key]['width']:.3f}", flush=True)
    off = [key for key, found in done.items() if "simulated" in key and not LOWEST <= found["coverage"] <= HIGHEST]
    if off:
        raise SystemExit(f"Outside {LOWEST:.0%} to {HIGHEST:.0%}: {', '.join(off)}")


if __name__ == "__main__":
    main()
