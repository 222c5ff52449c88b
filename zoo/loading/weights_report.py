"""What transformers tells of loaded weights, as one sentence."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.entities import ModelCard
from zoo.errors import UnsupportedModel, WeightsNotice
from zoo.loading.quiet import quiet

HEADS = frozenset(
    {
        "classifier",
        "cls",
        "discriminator_predictions",
        "fc",
        "generator_lm_head",
        "generator_predictions",
        "head",
        "heads",
        "lm_head",
        "lm_loss",
        "pre_classifier",
        "predictions",
        "qa_outputs",
        "score",
        "sop_classifier",
        "vocab_layer_norm",
        "vocab_projector",
        "vocab_transform",
    }
)
"""Modules on top of a base model, which is loaded without them."""

LEFT_OVER = frozenset(
    {
        "inv_freq",
        "masked_bias",
        "num_batches_tracked",
        "pooler",
        "position_ids",
        "relative_position_index",
        "total_ops",
        "total_params",
    }
)
"""Parts of names of what older versions of libraries saved, or of what features do without."""


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


def warn_of_strangers(card: ModelCard, report: Mapping[str, Any], folder: Path) -> None:
    """Name tensors that neither the loaded model has nor the architecture that the folder was saved from.

    What is dropped on purpose is no stranger: the heads of that architecture, and any head of a base model.

    Args:
        report: the ``output_loading_info`` of ``from_pretrained``.
        folder: holds the ``config.json``.
    """
    unexpected = sorted(str(name) for name in report.get("unexpected_keys", ()))
    unexpected = [name for name in unexpected if LEFT_OVER.isdisjoint(name.split(".")) and not _is_mask(name)]
    if not unexpected:
        return
    known, heads, prefix = _saved_from(folder)
    strangers = [
        name
        for name in unexpected
        if name not in known
        and f"{prefix}.{name}" not in known
        and name.removeprefix(f"{prefix}.") not in known
        and name.split(".")[0] not in heads
    ]
    if not strangers:
        return
    more = f" and {len(strangers) - 1:,} more" if len(strangers) > 1 else ""
    what, left = ("a tensor", "is") if len(strangers) == 1 else ("tensors", "are")
    warnings.warn(
        f"The weights of '{card.id}' hold {what} that the architecture in its config.json does not have, which {left} "
        f"left out: {strangers[0]}{more}.",
        WeightsNotice,
        stacklevel=3,
    )


def left_random(model: Any, report: Mapping[str, Any]) -> list[str]:
    """The tensors of a loaded model that the weights lack, sorted; positions that are computed are never lacking.

    Marian and its kin save no table of sines and cosines.

    Args:
        model: what ``from_pretrained`` gave.
        report: its ``output_loading_info``.
    """
    modules = dict(model.named_modules())
    return sorted(
        name
        for name in report["missing_keys"]
        if "Sinusoidal" not in type(modules.get(name.rpartition(".")[0])).__name__
    )


def _saved_from(folder: Path) -> tuple[frozenset[str], frozenset[str], str]:
    """Names of the tensors of the architecture that a folder names, those of its heads, and the name of its base.

    Nothing is computed or held for it: it is built on the meta device. Of one that cannot be built only the usual heads
    are known.
    """
    import torch
    import transformers

    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        kind = getattr(transformers, str((config.architectures or [""])[0]))
        with quiet(), torch.device("meta"):
            model = kind(config)
    except Exception:  # whatever the building of a stranger's architecture raises, the model itself is loaded
        return frozenset(), HEADS, ""
    prefix = str(model.base_model_prefix)
    children = {name for name, _ in model.named_children()}
    own = children - {prefix} if prefix in children else set()
    return frozenset(model.state_dict()), HEADS | own, prefix


def _is_mask(name: str) -> bool:
    """Whether it is the causal mask that GPT-2 and its kin kept beside their weights."""
    return name.endswith((".attn.bias", ".attention.bias"))


def _said(shape: Any) -> str:
    return " x ".join(str(size) for size in shape) or "one number"
