"""Fine-tuning with augmentation against without, on the same splits and seeds: drawings and photographs, and clothes.

    python benchmarks/augmentation.py [--arms none,light] [--seeds 0,1,2] [--per-class 20,50] [--report]

MobileNetV2 with images of 48 pixels, all weights, 6 epochs, on the Debian packages tuxpaint-stamps-default and
dataset-fashion-mnist with 20 and 50 training samples per class. The figure is the test accuracy of the fine-tuned
model. Each measurement is one file in ``benchmarks/records/augmentation``, so that the benchmark can be interrupted;
``--report`` only reads them.
"""

from __future__ import annotations

import argparse
import itertools

from small_images import RECORDS, mean_and_error, recorded, records, tuned

FOLDER = RECORDS / "augmentation"
MODEL, EPOCHS = "pkg:mobilenet-v2", 6
DATA = ("tuxpaint:stamps", "fashion-mnist")
BASE = "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--arms", default="none,light")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--per-class", default="20,50")
    parser.add_argument("--report", action="store_true", help="show the records without measuring")
    options = parser.parse_args()
    seeds, sizes = (map(int, text.split(",")) for text in (options.seeds, options.per_class))
    if not options.report:
        for size, seed, data, arm in itertools.product(sizes, list(seeds), DATA, options.arms.split(",")):
            key = {"data": data, "per_class": size, "seed": seed, "arm": arm}
            found = recorded(FOLDER, key, lambda k=key: measured(**k))
            print(*key.values(), f"{found['fine_tuned']:.4f}", f"{found['cpu_seconds']:.0f} s", flush=True)
    report()


def measured(data: str, per_class: int, seed: int, arm: str) -> dict[str, object]:
    """Test accuracies with one augmentation."""
    return tuned(MODEL, data, per_class, seed, epochs=EPOCHS, augment=arm)


def report() -> None:
    """The differences from no augmentation, in points, by data set and size, and over all pairs."""
    found = {(r["arm"], r["data"], r["per_class"], r["seed"]): r["fine_tuned"] for r in records(FOLDER)}
    for arm in sorted({key[0] for key in found} - {BASE}):
        pairs = [key[1:] for key in found if key[0] == arm and (BASE, *key[1:]) in found]
        gains = {key: 100 * (found[(arm, *key)] - found[(BASE, *key)]) for key in pairs}
        for data, size in sorted({key[:2] for key in gains}):
            some = [gain for key, gain in gains.items() if key[:2] == (data, size)]
            mean, error = mean_and_error(some)
            print(f"{arm:7} {data:16} {size:3} per class  {mean:+6.2f} points (+- {error:.2f}), {len(some)} seeds")
        mean, error = mean_and_error(list(gains.values()))
        print(f"{arm:7} {'all':16} {'':13}  {mean:+6.2f} points (+- {error:.2f}), {len(gains)} pairs")


if __name__ == "__main__":
    main()
