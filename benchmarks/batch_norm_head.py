"""How the head of a network with batch normalisation should start: as a linear probe, or at random.

    python benchmarks/batch_norm_head.py [--models pkg:mobilenet-v2,pkg:efficientnet-lite0] [--seeds 0,1,2] [--report]

Two networks with images of 48 pixels, all weights, 5 epochs, 16 training samples per class, on four data sets. A head
that starts as the probe (``--head probe``, the default) keeps the statistics of batch normalisation and has the
learning rate of the other weights; with a random head (``--head random``) the statistics are estimated again, at a
higher rate. The figures are test accuracies of the fine-tuned model with the best validation score, and of the linear
probe on the same split. Each measurement is one file in ``benchmarks/records/batch_norm_head``, so that the benchmark
can be interrupted; ``--report`` only reads them.
"""

from __future__ import annotations

import argparse
import itertools
from typing import Any

from small_images import RECORDS, mean_and_error, recorded, records, tuned

FOLDER = RECORDS / "batch_norm_head"
MODELS = ("pkg:mobilenet-v2", "pkg:efficientnet-lite0")
DATA = ("sklearn:digits", "fashion-mnist", "tuxpaint:stamps", "tuxpaint:animals")
HEADS = ("probe", "random")
PER_CLASS, EPOCHS = 16, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--report", action="store_true", help="show the records without measuring")
    options = parser.parse_args()
    if not options.report:
        seeds = list(map(int, options.seeds.split(",")))
        for seed, model, data, head in itertools.product(seeds, options.models.split(","), DATA, HEADS):
            key = {"data": data, "model": model, "seed": seed, "head": head}
            found = recorded(FOLDER, key, lambda k=key: measured(**k))
            print(*key.values(), f"{found['fine_tuned']:.4f} probe {found['probe']:.4f}", flush=True)
    report()


def measured(data: str, model: str, seed: int, head: str) -> dict[str, object]:
    """Test accuracies with one start of the head, without augmentation."""
    return tuned(model, data, PER_CLASS, seed, epochs=EPOCHS, head=head, augment="none")


def report() -> None:
    """Mean accuracies of each start and of the probe, in per cent, where both starts were measured."""
    found: dict[tuple[str, str, int], dict[str, dict[str, Any]]] = {}
    for one in records(FOLDER):
        found.setdefault((one["model"], one["data"], one["seed"]), {})[one["head"]] = one
    for model in (*MODELS, "all"):
        both = [pair for key, pair in found.items() if model in {key[0], "all"} and len(pair) == len(HEADS)]
        for head in HEADS if both else ():
            accuracy, _ = mean_and_error([100 * pair[head]["fine_tuned"] for pair in both])
            gain, error = mean_and_error([100 * (pair[head]["fine_tuned"] - pair[head]["probe"]) for pair in both])
            print(
                f"{model:24} head {head:7} {accuracy:5.1f} %, {gain:+5.2f} points (+- {error:.2f}) against the linear "
                f"probe, {len(both)} trainings"
            )


if __name__ == "__main__":
    main()
