"""What architectures cost to run: operations, activations and time, as others measured them."""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from zoo.entities import Entity

SOURCE = "github:huggingface/pytorch-image-models@aa4b5850"
"""Where the table ``vision/timm.costs.csv`` comes from."""

CPU, GPU = "Intel i9-10940X, float32, compiled, batch 1", "NVIDIA RTX 4090, mixed precision, large batches"
"""The machines that the times were measured on."""

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
"""Torchvision's names of architectures for which timm has another one."""


@dataclass(frozen=True)
class Cost(Entity):
    """Costs of one image.

    Attributes:
        size: height and width of the image, in pixels.
        gmacs: multiply-accumulate operations, in thousand millions.
        activations: outputs of convolutions and linear layers, in millions of numbers.
        cpu_ms, gpu_ms: milliseconds an image on ``CPU`` and ``GPU``; None where it was not measured.
    """

    architecture: str
    size: int
    gmacs: float
    activations: float
    cpu_ms: float | None = None
    gpu_ms: float | None = None


def cost(architecture: str, size: int) -> Cost | None:
    """What an image of ``size`` pixels square costs; None where the architecture is unknown.

    At a size that was not measured, operations, activations and times are those of the nearest size, in proportion to
    the number of pixels.

    Args:
        architecture: timm's or torchvision's name; what follows a dot, timm's tag of the weights, is left aside.
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
