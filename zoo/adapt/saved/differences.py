"""Compares a weights file with the module that it is loaded into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.adapt.saved.names import WEIGHTS


def difference(root: Path, module: Any) -> str:
    """Differences between a weights file and a module: missing or unexpected tensors, or other shapes."""
    from safetensors import safe_open
    from safetensors.torch import load_model

    with safe_open(root / WEIGHTS, "pt") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    own = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    wrong = sorted(name for name, shape in shapes.items() if own.get(name, shape) != shape)
    lacking: list[str] = []
    extra = sorted(set(shapes) - set(own))
    if not wrong:
        missing, unexpected = load_model(module, root / WEIGHTS, strict=False)
        lacking, extra = sorted(missing), sorted(unexpected)
    told = [
        f"{words} {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        for words, names in (
            ("its weights lack the tensor", lacking),
            ("its weights have the unexpected tensor", extra),
            ("its weights have the wrong shape for the tensor", wrong),
        )
        if names
    ]
    return "; ".join(told)
