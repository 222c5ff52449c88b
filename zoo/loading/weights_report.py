"""Missing, unexpected and misshapen tensors of loaded weights, each reported in one sentence."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
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
"""Parts of names of tensors that older versions of libraries saved, or that features do not need."""


def refuse_other_shapes(card: ModelCard, report: Mapping[str, Any]) -> None:
    """Reject weights of a different architecture than the folder's ``config.json`` describes.

    Args:
        report: the ``output_loading_info`` of ``from_pretrained(..., ignore_mismatched_sizes=True)``.

    Raises:
        UnsupportedModel: a tensor has a different shape; the message names it, with both shapes.
    """
    others = sorted(report.get("mismatched_keys", ()), key=str)
    if not others:
        return
    name, *shapes = others[0] if isinstance(others[0], (tuple, list)) else (others[0],)
    both = f" ({_shape(shapes[0])} instead of {_shape(shapes[1])})" if len(shapes) == 2 else ""
    more = f", and so have {len(others) - 1} more" if len(others) > 1 else ""
    raise UnsupportedModel(
        f"The weights of '{card.id}' do not match its config.json: the tensor {name} has a different "
        f"shape{both}{more}.",
        "Put the config.json and the weights of one model together, or pull it again.",
    )


def missing_tensors(model: Any, report: Mapping[str, Any]) -> list[str]:
    """The tensors of a loaded model that the weights lack, sorted; computed positions are never missing.

    Marian and similar models save no table of sines and cosines.

    Args:
        model: the model that ``from_pretrained`` returned.
        report: its ``output_loading_info``.
    """
    modules = dict(model.named_modules())
    return sorted(
        name
        for name in report["missing_keys"]
        if "Sinusoidal" not in type(modules.get(name.rpartition(".")[0])).__name__
    )


def refuse_missing(card: ModelCard, missing: Sequence[str], part: str = "") -> None:
    """Reject weights that lack tensors, which would stay random.

    Args:
        missing: names of the tensors.
        part: the part of the model that they belong to, if it has several.

    Raises:
        UnsupportedModel: there are some; the first is named.
    """
    if missing:
        owner = f"The part '{part}' of '{card.id}' lacks" if part else f"The weights of '{card.id}' lack"
        raise UnsupportedModel(
            f"{owner} {_count(len(missing))} of its architecture, such as {missing[0]}.",
            "Pull the model again, or choose another; these tensors would stay random.",
        )


def refuse_unexpected(card: ModelCard, report: Mapping[str, Any]) -> None:
    """Reject weights with tensors that the loaded model does not have.

    Args:
        report: the ``output_loading_info`` of ``from_pretrained``.

    Raises:
        UnsupportedModel: there are some; the first is named.
    """
    names = sorted(str(name) for name in report["unexpected_keys"])
    if names:
        raise UnsupportedModel(
            f"The weights of '{card.id}' hold {_count(len(names))} that its architecture does not have, such as "
            f"{names[0]}.",
            "Pull the model again, or choose another.",
        )


def warn_of_unexpected(card: ModelCard, report: Mapping[str, Any], folder: Path) -> None:
    """Warn of tensors that neither the loaded model nor the architecture that the folder was saved from has.

    Heads of that architecture, and any head of a base model, are dropped on purpose and not reported.

    Args:
        report: the ``output_loading_info`` of ``from_pretrained``.
        folder: holds the ``config.json``.
    """
    left = sorted(str(name) for name in report.get("unexpected_keys", ()))
    left = [name for name in left if LEFT_OVER.isdisjoint(name.split(".")) and not _is_mask(name)]
    if not left:
        return
    known, heads, prefix = _saved_from(folder)
    unexpected = [
        name
        for name in left
        if name not in known
        and f"{prefix}.{name}" not in known
        and name.removeprefix(f"{prefix}.") not in known
        and name.split(".")[0] not in heads
    ]
    if not unexpected:
        return
    more = f" and {len(unexpected) - 1:,} more" if len(unexpected) > 1 else ""
    what, verb = ("a tensor", "is") if len(unexpected) == 1 else ("tensors", "are")
    warnings.warn(
        f"The weights of '{card.id}' hold {what} that the architecture in its config.json does not have, which {verb} "
        f"left out: {unexpected[0]}{more}.",
        WeightsNotice,
        stacklevel=4,
    )


def _saved_from(folder: Path) -> tuple[frozenset[str], frozenset[str], str]:
    """Names of the tensors of the architecture that a folder names, those of its heads, and the name of its base.

    It is built on the meta device, without memory or computation. If it cannot be built, only the usual heads are
    known.
    """
    import torch
    import transformers

    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        kind = getattr(transformers, str((config.architectures or [""])[0]))
        with quiet(), torch.device("meta"):
            model = kind(config)
    except Exception:  # the model itself is loaded, whatever building the other architecture raises
        return frozenset(), HEADS, ""
    prefix = str(model.base_model_prefix)
    children = {name for name, _ in model.named_children()}
    own = children - {prefix} if prefix in children else set()
    return frozenset(model.state_dict()), HEADS | own, prefix


def _is_mask(name: str) -> bool:
    """Whether it is the causal mask that GPT-2 and similar models saved with their weights."""
    return name.endswith((".attn.bias", ".attention.bias"))


def _shape(shape: Any) -> str:
    return " x ".join(str(size) for size in shape) or "one number"


def _count(number: int) -> str:
    return f"{number} tensor{'' if number == 1 else 's'}"
