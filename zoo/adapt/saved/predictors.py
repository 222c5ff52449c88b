"""Loads the weights of a tuned model, as a function that runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from zoo.adapt.saved.differences import difference
from zoo.adapt.saved.names import FAMILIARITY, WEIGHTS
from zoo.errors import IntegrityError, needs_extra
from zoo.kinds.known import kind_of

if TYPE_CHECKING:
    from zoo.adapt.results.familiarity import Familiarity
    from zoo.contract.backbone import Backbone, Learner

Outputs: TypeAlias = Callable[[Any], tuple[np.ndarray, "np.ndarray | None"]]
"""A function that returns the outputs, batch x k, for a collated batch, and the features that the head takes."""


def head_predictor(root: Path, document: Mapping[str, Any], base: Backbone) -> Outputs:
    """The saved head on the features of the base model; raises ``IntegrityError`` if it is damaged."""
    with needs_extra("torch", "use tuned models"):
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
    try:
        tensors = load_file(root / WEIGHTS)
        weight, bias = tensors["weight"].astype(np.float64), tensors["bias"].astype(np.float64)
    except (OSError, SafetensorError, KeyError) as error:
        raise damaged(root, error) from error
    layer = str(document["layer"])

    def outputs(batch: Any) -> tuple[np.ndarray, np.ndarray]:
        features = np.asarray(_array(base.features(batch, (layer,))[layer]), np.float64)
        return features @ weight.T + bias, features

    return outputs


def module_predictor(root: Path, document: Mapping[str, Any], base: Any, device: str) -> Learner | Outputs:
    """The saved module; raises ``IntegrityError`` if it is damaged or does not fit the base model."""
    with needs_extra("torch", "use tuned models"):
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_model

    from zoo.adapt.head import captured, new_linear
    from zoo.adapt.saved import adapter
    from zoo.adapt.training.batches import to_device
    from zoo.plugins import plugins
    from zoo.tasks import find_task

    task = find_task(document["task"], plugins().tasks)
    learner = None
    if not kind_of(str(document.get("target_kind", "class"))).estimable:
        from zoo.adapt.learner_objective import learner_of

        learner = learner_of(base, task, document["classes"])
    module = learner.module if learner else base.head(task, int(document["outputs"]))
    linear = None if learner else new_linear(module, base.module, int(document["outputs"]))
    try:
        if document["weights"] == "adapter":
            problem = adapter.read(root, module, learner.pretrained if learner else base.module, base)
            if problem:
                raise damaged(root, problem)
        else:
            load_model(module, root / WEIGHTS)
    except (OSError, SafetensorError, ValueError) as error:
        raise damaged(root, error) from error
    except RuntimeError as error:
        raise damaged(root, difference(root, module) or error) from error
    module = module.to(device).eval()
    if learner is not None:
        return learner

    def outputs(batch: Any) -> tuple[np.ndarray, np.ndarray | None]:
        with torch.inference_mode(), captured(linear) as inputs:
            found = module(to_device(batch, device)).float().cpu().numpy()
        return found, inputs[-1].double().cpu().numpy() if inputs else None

    return outputs


def _array(features: Any) -> Any:
    return features.detach().cpu().numpy() if hasattr(features, "detach") else features


def read_familiarity(root: Path) -> Familiarity | None:
    """The record of the training data's features; None if there is none, raises ``IntegrityError`` if it is damaged."""
    from zoo.adapt.results.familiarity import Familiarity

    if not (root / FAMILIARITY).is_file():
        return None
    with needs_extra("torch", "use tuned models"):
        from safetensors import SafetensorError
    try:
        return Familiarity.read(root / FAMILIARITY)
    except (OSError, SafetensorError, KeyError) as error:
        raise damaged(root, error) from error


def damaged(root: Path, reason: object) -> IntegrityError:
    """The error for a folder that cannot be loaded."""
    sentence = " ".join(str(reason).split())[:300]
    return IntegrityError(f"The tuned model in {root} is damaged: {sentence}.", "Tune it again.")
