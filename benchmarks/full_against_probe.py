"""Full fine-tuning with its defaults against the linear probe on the same split, for 37 pairs of a model and real data.

    python benchmarks/full_against_probe.py [--seeds 0,1,2,3,4] [--recipe NAME] [--only WORD] [--report]

The models and data are those with a fine-tuned score in ``benchmarks/records/fine_tuned.json``, which
``ranking_offline.py`` measures. A seed has other samples of the data, another split and another training: 300 images or
600 texts, half of them for the test, which makes its score exact and the training short. Images have 128 pixels, texts
at most 32 tokens, training at most 10 epochs; everything else is the default.

One run has both models: the fine-tuned one, which ``--keep fine-tuned`` always ends with, and the linear probe, which
the default ends with where it is no worse on the validation samples. The figures are differences in test accuracy from
the probe, which is fitted to the training and the validation samples. Each measurement is one file in
``benchmarks/records/full_against_probe``, so that the benchmark can be interrupted; ``--report`` only reads them.
A record names the recipe of the training, so that figures of different recipes do not mix.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ranking_offline import DATA, GROUND_TRUTH, LONGEST, short_texts
from small_images import RECORDS, mean_and_error, network, recorded, records

FOLDER = RECORDS / "full_against_probe"
RECIPE = "refitted-head"
"""Name of how ``full`` trains now; a change that changes the figures changes the name.

Before, it was ``best-epoch``: the head kept its weights of the best epoch, started as the most accurate probe with any
feature divided by its deviation, and had ten times the learning rate of the pretrained weights.
"""

SAMPLES = {"image-classification": 300, "text-classification": 600}
LONGEST_TEXT = 200
"""Characters; longer texts are left out."""

SIDE, TOKENS, EPOCHS, TEST = 128, 32, 10, 0.5
SEEDS = "0,1,2,3,4"
TARGET, ALLOWED = 0.0, 0.01
"""Mean difference without the fallback, at least; and the loss of a row with it, at most, beyond its standard error."""

COPIED = (
    "kept",
    "probe",
    "fine_tuned",
    "gain_over_probe",
    "validation_scores",
    "validation_samples",
    "test_samples",
    "probe_penalty",
    "refitted_penalty",
    "head",
    "batch_size",
    "learning_rate",
    "head_learning_rate",
    "augment",
    "trained_parameters",
    "best_epoch",
    "stopped",
)
"""What a record takes from the run's plan."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", default=SEEDS)
    parser.add_argument("--recipe", default=RECIPE, help="name of the recipe to report")
    parser.add_argument("--only", default="", help="measure only rows with this in their data or model")
    parser.add_argument("--report", action="store_true", help="show the records without measuring")
    options = parser.parse_args()
    if not options.report:
        with tempfile.TemporaryDirectory() as home:
            os.environ.update(ZOO_HOME=home, HF_HUB_OFFLINE="1")
            for seed, (data, model) in itertools.product(map(int, options.seeds.split(",")), rows()):
                if options.only not in f"{data} {model}":
                    continue
                key = {"data": data, "model": model, "seed": seed, "recipe": RECIPE}
                found = recorded(FOLDER, key, lambda k=key: measured(k["data"], k["model"], k["seed"], home))
                print(*key.values(), f"{difference(found):+.4f} {found['kept']} {found['seconds']} s", flush=True)
    for line in report(records(FOLDER), options.recipe):
        print(line)


def rows() -> list[tuple[str, str]]:
    """Data set and model of every fine-tuned score of ``ranking_offline.py``, those trained quickest there first."""
    runs = json.loads(GROUND_TRUTH.read_text(encoding="utf-8"))["runs"]
    names = {f"{name.replace(':', '-')}.csv": name for name in itertools.chain(*DATA.values())}
    trained = sorted((one for one in runs if one["value"] is not None), key=lambda one: one["seconds"])
    return list(dict.fromkeys((names.get(one["dataset"], one["dataset"]), one["model"]) for one in trained))


def measured(data: str, model: str, seed: int, home: str) -> dict[str, Any]:
    """Both models' test metrics, and what else a later comparison needs."""
    import zoo
    from zoo.data import sample

    [task] = [task for task, names in DATA.items() if data in names]
    part = sample(read(data, task, home), SAMPLES[task], seed=seed)
    images = task == "image-classification"
    loaded = network(model, SIDE) if images else zoo.load(model, device="cpu")
    if hasattr(loaded.backbone, "max_tokens"):
        loaded.backbone.max_tokens = TOKENS
    started = time.perf_counter()
    run = zoo.tune(loaded, part, strategy="full", seed=seed, epochs=EPOCHS, test=TEST, save_run=False)
    seconds = time.perf_counter() - started
    return {
        "task": task,
        "samples": len(part),
        "classes": len(part.classes),
        "fingerprint": part.fingerprint,
        "revision": loaded.card.revision,
        **({"pixels": SIDE} if images else {"tokens": TOKENS}),
        "epochs": EPOCHS,
        **{name: run.plan[name] for name in COPIED if name in run.plan},
        "validation_curve": " ".join(f"{score:.4f}" for *_, score in run.plan["curve"]),
        "seconds": round(seconds, 1),
    }


@functools.cache
def read(data: str, task: str, home: str) -> Any:
    """A whole data set; of texts, those that are not too long."""
    import zoo

    if task == "image-classification":
        return zoo.read(data, task=task)
    return zoo.read(str(Path(home) / short_texts(data, LONGEST.get(data, LONGEST_TEXT), Path(home))), task=task)


def difference(record: Mapping[str, Any], *, fallback: bool = False) -> float:
    """Test accuracy minus that of the probe: of the fine-tuned model, or of the one that is kept."""
    if fallback and record["kept"] == "linear-probe":
        return 0.0
    return float(record["fine_tuned"]["accuracy"] - record["probe"]["accuracy"])


def report(found: Sequence[Mapping[str, Any]], recipe: str = RECIPE) -> list[str]:
    """The lines of the report: each row's differences, their mean over the rows, and both targets."""
    by_row: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in found:
        if one["recipe"] == recipe:
            by_row.setdefault((one["data"], one["model"]), []).append(one)
    lines = [f"{'recipe ' + recipe:52} {'fine-tuned':>17} {'kept':>17}   test accuracy minus the probe's"]
    losing, so_far = [], "" if len(by_row) == len(rows()) else " on these rows"
    for (data, model), some in sorted(by_row.items()):
        tuned, tuned_error = of_row(some, fallback=False)
        kept, error = of_row(some, fallback=True)
        probes = sum(one["kept"] == "linear-probe" for one in some)
        lines.append(
            f"{data:17} {model:34} {tuned:+.4f} +- {tuned_error:.4f} {kept:+.4f} +- {error:.4f}   "
            f"{len(some)} seeds, probe kept in {probes}"
        )
        if kept + error < -ALLOWED:
            losing.append(f"{model} on {data}")
    for name, fallback in (("without the fallback", False), ("with the fallback", True)):
        mean, low, high = over_rows(by_row, fallback=fallback)
        lines.append(
            f"{name}: {mean:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}, {len(by_row)} rows of {len(rows())}"
        )
        if not fallback:
            met = "met" if mean >= TARGET else "not met"
            lines.append(f"  target, a mean of at least {TARGET:g}: {met}{so_far}")
    met = f"not met: {', '.join(losing)}" if losing else f"met{so_far}"
    lines.append(f"  target, no row more than {ALLOWED} below the probe beyond its standard error: {met}")
    for other in sorted({one["recipe"] for one in found} - {recipe}):
        gains = against(found, recipe, other)
        if gains:
            mean, error = mean_and_error(gains)
            lines.append(f"fine-tuned model against recipe {other}: {mean:+.4f} +- {error:.4f}, {len(gains)} pairs")
    return lines


def of_row(some: Sequence[Mapping[str, Any]], *, fallback: bool) -> tuple[float, float]:
    """Mean difference of a row and its standard error; with one seed, the error of its paired interval."""
    differences = [difference(one, fallback=fallback) for one in some]
    if len(some) > 1:
        return mean_and_error(differences)
    [(_, low, high)] = [one["gain_over_probe"] for one in some]
    return differences[0], 0.0 if fallback and some[0]["kept"] == "linear-probe" else (high - low) / (2 * 1.96)


def against(found: Sequence[Mapping[str, Any]], recipe: str, other: str) -> list[float]:
    """Test accuracy of the fine-tuned model by one recipe minus that by another, where both were measured."""
    both: dict[tuple[str, str, int], dict[str, float]] = {}
    for one in found:
        key = (one["data"], one["model"], one["seed"])
        both.setdefault(key, {})[one["recipe"]] = one["fine_tuned"]["accuracy"]
    return [one[recipe] - one[other] for one in both.values() if recipe in one and other in one]


def over_rows(
    by_row: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]], *, fallback: bool, draws: int = 2000
) -> tuple[float, float, float]:
    """The mean of the rows' mean differences, and its 95 % interval.

    A bootstrap that draws rows, and seeds together for all rows of a data set, which share their samples and splits.
    """
    values = {
        row: {one["seed"]: difference(one, fallback=fallback) for one in some} for row, some in sorted(by_row.items())
    }
    mean = float(np.mean([np.mean(list(one.values())) for one in values.values()]))
    generator, names = np.random.default_rng(0), list(values)
    seeds = sorted({seed for one in values.values() for seed in one})
    means = []
    for _ in range(draws):
        drawn = {data: generator.choice(seeds, len(seeds)) for data in sorted({data for data, _ in names})}
        chosen = [names[at] for at in generator.integers(len(names), size=len(names))]
        each = [[values[row][seed] for seed in drawn[row[0]] if seed in values[row]] for row in chosen]
        means.append(np.mean([np.mean(one) for one in each if one]))
    low, high = np.quantile(means, (0.025, 0.975))
    return mean, float(low), float(high)


if __name__ == "__main__":
    main()
