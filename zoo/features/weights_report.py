"""What transformers tells of loaded weights, as one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.entities import ModelCard
from zoo.errors import UnsupportedModel


def refuse_other_shapes(card: ModelCard, report: Mapping[str, Any]) -> None:
    """Refuse weights of another architecture than the folder's ``config.json`` describes.

    Args:
        report: the ``output_loading_info`` of ``from_pretrained(..., ignore_mismatched_sizes=True)``.

    Raises:
        UnsupportedModel: a tensor has another shape; it is named, with both shapes.
    """
    others = sorted(report.get("mismatched_keys", ()), key=str)
    if not others:
        return
    name, *shapes = others[0] if isinstance(others[0], (tuple, list)) else (others[0],)
    told = f" ({_said(shapes[0])} instead of {_said(shapes[1])})" if len(shapes) == 2 else ""
    more = f", and so have {len(others) - 1} more" if len(others) > 1 else ""
    raise UnsupportedModel(
        f"The weights of '{card.id}' are of another architecture than its config.json: the tensor {name} has another "
        f"shape{told}{more}.",
        "Put the config.json and the weights of one model together, or pull it again.",
    )


def _said(shape: Any) -> str:
    return " x ".join(str(size) for size in shape) or "one number"
