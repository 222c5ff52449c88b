"""What the benchmarks of fine-tuning on images share: networks at 48 pixels, few samples per class, and records.

Each record is one file, so that an interrupted benchmark continues where it stopped.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

SIDE = 48
"""Pixels of the side of an image in the network: a twentieth of the time that 224 take."""

TESTED = 30
"""Test samples per class, where a class has as many."""

ORDER_AT_LEAST = 12
"""Minimum number of stamps for an order of animals to become a class."""

PACKAGES = ("torch", "torchvision", "timm", "transformers", "scikit-learn")
"""Packages whose versions a record has."""

RECORDS = Path(__file__).parent / "records"


def network(model: str, side: int = SIDE) -> Any:
    """A loaded convolutional network whose images have ``side`` pixels; stretched, so that nothing is cut off."""
    import zoo
    from zoo_vision.image_recipe import ByteRecipe

    loaded = zoo.load(model, device="cpu")
    own = loaded.backbone.recipe
    mean, scale = own._mean.flatten() / 255, own._scale.flatten() * 255
    loaded.backbone.recipe = ByteRecipe(
        lambda image: image.resize((side, side), 2), (side, side), mean.tolist(), (1 / scale).tolist()
    )
    return loaded


def sample(name: str, per_class: int, seed: int, tested: int = TESTED) -> tuple[Any, dict[str, float]]:
    """A random part of a data set, and the fractions that leave about ``per_class`` samples of each class to train on.

    A quarter as many are for validation, and ``tested`` for the test; a class with too few samples has proportionally
    fewer in each part.
    """
    whole = _read(name)
    held_out = max(4, per_class // 4)
    total = per_class + held_out + tested
    generator, chosen = np.random.default_rng(seed), []
    labels = np.asarray(whole.targets)
    for label in range(len(whole.classes)):
        members = generator.permutation(np.flatnonzero(labels == label))
        chosen += members[:total].tolist()
    return whole.subset(sorted(chosen)), {"validation": held_out / total, "test": tested / total}


@functools.cache
def _read(name: str) -> Any:
    import zoo

    if name != "tuxpaint:animals":
        return zoo.read(name)
    stamps = zoo.read("tuxpaint:stamps")
    # The folder of each animal below that of its order: birds, fish, insects, mammals...
    orders = [path.parts[path.parts.index("animals") + 1] if "animals" in path.parts else "" for path in _paths(stamps)]
    kept = sorted(order for order, count in Counter(orders).items() if order and count >= ORDER_AT_LEAST)
    chosen = [at for at, order in enumerate(orders) if order in kept]
    part = stamps.subset(chosen, name)
    return dataclasses.replace(part, targets=[kept.index(orders[at]) for at in chosen], classes=tuple(kept))


def _paths(images: Any) -> list[Path]:
    return [images.inputs.paths[at] for at in range(len(images))]


def recorded(folder: Path, key: Mapping[str, Any], measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The record of a measurement, from its file if it was made before."""
    path = folder / ("_".join(str(part).replace(":", "-").replace("/", "-") for part in key.values()) + ".json")
    if path.is_file():
        return dict(json.loads(path.read_text(encoding="utf-8")))
    started = time.process_time()
    found = {**key, **measure(), "cpu_seconds": round(time.process_time() - started, 1)}
    found["versions"] = {one: version(one) for one in PACKAGES}
    folder.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
    return found


def records(folder: Path) -> list[dict[str, Any]]:
    """All records in a folder."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def tuned(model: str, name: str, per_class: int, seed: int, **options: Any) -> dict[str, Any]:
    """Test accuracies of full fine-tuning and of the linear probe on the same split."""
    import zoo

    data, fractions = sample(name, per_class, seed)
    run = zoo.tune(
        network(model),
        data,
        **{
            "strategy": "full",
            "patience": 100,
            "batch_size": 16,
            "keep": "fine-tuned",
            "save_run": False,
            "seed": seed,
            **fractions,
            **options,
        },
    )
    names = ("epochs", "head", "augment", "augmentation", "learning_rate", "head_learning_rate", "best_epoch")
    return {
        "fine_tuned": run.plan["fine_tuned"]["accuracy"],
        "probe": run.plan["probe"]["accuracy"],
        "test_samples": run.plan["test_samples"],
        "plan": {one: run.plan[one] for one in names if one in run.plan},
    }


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """The mean, and its standard error."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return float(np.mean(values)), spread / math.sqrt(len(values))
