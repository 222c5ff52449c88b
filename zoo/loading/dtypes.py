"""Floating-point types by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.errors import UnsupportedModel, UnsupportedPrecision

if TYPE_CHECKING:
    import torch

    from zoo.entities import ModelCard


def float_dtype(name: str) -> torch.dtype:
    """The floating-point type of PyTorch called ``name``.

    Raises:
        UnsupportedModel: there is no such type.
    """
    import torch

    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise UnsupportedModel(f"There is no precision called '{name}'.", "Use float32, bfloat16 or float16.")
    return found


def require_float32(card: ModelCard, name: str, what: str = "runs") -> None:
    """Reject any precision except float32.

    Args:
        name: the requested precision.
        what: the model's verb in the message: ``runs``, ``speaks``...

    Raises:
        UnsupportedPrecision: another precision is requested.
    """
    if name != "float32":
        raise UnsupportedPrecision(f"'{card.id}' {what} in float32, not in {name}.", "Leave --dtype out.")
