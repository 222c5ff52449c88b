"""The cost of running architectures: published operations, activations and times."""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from zoo.entities import Entity

SOURCE = "github:huggingface/pytorch-image-models@aa4b5850"
"""Source of the table ``vision/timm.costs.csv``."""

CPU, GPU = "Intel i9-10940X, float32, compiled, batch 1", "NVIDIA RTX 4090, mixed precision, large batches"
"""The machines on which the times were measured."""

_TIMM_NAMES = {
    "mobilenet_v2": "mobilenetv2_100",
    "mobilenet_v3_large": "mobilenetv3_large_100",
    "mobilenet_v3_small": "mobilenetv3_small_100",
    "vit_b_16": "vit_base_patch16_224",
    "vit_b_32": "vit_base_patch32_224",
    "vit_l_16": "vit_large_patch16_224",
    "swin_t": "swin_tiny_patch4_window7_224",
    "swin_s": "swin_small_patch4_window7_224",
    "swin_b": "swin_base_patch4_window7_224",
}
"""Names of architectures in torchvision that differ from those in timm."""


@dataclass(frozen=True)
class Cost(Entity):
    """Cost per image.

    Attributes:
        size: height and width of the image, in pixels.
        gmacs: multiply-accumulate operations, in billions.
        activations: outputs of convolutions and linear layers, in millions.
        cpu_ms, gpu_ms: milliseconds per image on ``CPU`` and ``GPU``; None if not measured.
    """

    architecture: str
    size: int
    gmacs: float
    activations: float
    cpu_ms: float | None = None
    gpu_ms: float | None = None


def cost(architecture: str, size: int) -> Cost | None:
    """The cost of an image of ``size`` by ``size`` pixels; None if the architecture is unknown.

    At a size that was not measured, operations, activations and times of the nearest size are scaled by the number of
    pixels.

    Args:
        architecture: name in timm or torchvision; timm's tag of the weights, after a dot, is ignored.
    """
    name = architecture.partition(".")[0]
    known = _table().get(_TIMM_NAMES.get(name, name))
    if not known:
        return None
    nearest = min(known, key=lambda entry: abs(entry.size - size))
    share = (size / nearest.size) ** 2
    return Cost(
        nearest.architecture,
        size,
        nearest.gmacs * share,
        nearest.activations * share,
        *(None if value is None else value * share for value in (nearest.cpu_ms, nearest.gpu_ms)),
    )


@functools.cache
def _table() -> Mapping[str, tuple[Cost, ...]]:
    found: dict[str, tuple[Cost, ...]] = {}
    table = resources.files("zoo.catalog") / "tables" / "vision" / "timm.costs.csv"
    with table.open("r", encoding="utf-8") as stream:
        for row in csv.DictReader(stream, strict=True):
            times = (float(row[column]) if row[column] else None for column in ("cpu_ms", "gpu_ms"))
            entry = Cost(row["architecture"], int(row["size"]), float(row["gmacs"]), float(row["activations"]), *times)
            found[entry.architecture] = (*found.get(entry.architecture, ()), entry)
    return found
