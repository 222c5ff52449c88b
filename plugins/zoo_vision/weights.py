"""Reads tensors from disk without running code, and loads all of them into a network."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

from zoo.errors import UnsupportedModel, needs_extra

with needs_extra("vision", "load image models"):
    import torch

_SAFE_PICKLE = (2, 10)
"""First version of torch whose reader of pickled weights has no known vulnerability."""


def read_state(path: Path, model: str) -> dict[str, torch.Tensor]:
    """The tensors of a ``.safetensors`` file, or of a pickled checkpoint with nothing but tensors.

    Raises:
        UnsupportedModel: the file is damaged, contains more than tensors, or torch is too old to read it safely.
    """
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise _unreadable(path, model, error) from error
    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    if version < _SAFE_PICKLE:
        raise UnsupportedModel(
            f"'{model}' has its weights in a pickle, which torch {torch.__version__} cannot read safely.",
            "Run: pip install 'torch>=2.10'",
        )
    try:
        with warnings.catch_warnings():
            # Checkpoints of torch 1 name a storage type that torch 2 warns about.
            warnings.filterwarnings("ignore", message="TypedStorage is deprecated")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise _unreadable(path, model, error) from error
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise UnsupportedModel(f"The file {path.name} of '{model}' contains more than a mapping of tensors.")
    return dict(state)


def by_order(network: torch.nn.Module, state: Mapping[str, torch.Tensor], model: str) -> dict[str, torch.Tensor]:
    """The tensors under the network's own names, paired by position.

    For checkpoints of another implementation of the same architecture. Number, shapes and the last part of each name
    (``weight``, ``running_mean``) must agree at every position.

    Raises:
        UnsupportedModel: they do not.
    """
    own = network.state_dict()
    if len(own) != len(state):
        raise UnsupportedModel(f"'{model}' has {len(state)} tensors, but its architecture has {len(own)}.")
    for (name, tensor), (other_name, other) in zip(own.items(), state.items(), strict=True):
        if tensor.shape != other.shape or name.rpartition(".")[2] != other_name.rpartition(".")[2]:
            raise UnsupportedModel(
                f"'{model}' does not fit its architecture: {other_name} {tuple(other.shape)} is in the position of "
                f"{name} {tuple(tensor.shape)}."
            )
    return dict(zip(own, state.values(), strict=True))


def put_into(network: torch.nn.Module, state: Mapping[str, torch.Tensor], model: str) -> None:
    """Load every tensor under its name.

    Raises:
        UnsupportedModel: a tensor is missing, unknown or of another shape; names the first.
    """
    try:
        network.load_state_dict(dict(state), strict=True)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = " ".join(lines[1:2] or lines).rstrip(".")
        raise UnsupportedModel(f"The weights of '{model}' do not fit its architecture: {reason[:300]}.") from error


def _unreadable(path: Path, model: str, error: Exception) -> UnsupportedModel:
    reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
    return UnsupportedModel(
        f"The file {path.name} of '{model}' cannot be read as weights: {reason}.", f"Check it with: zoo verify {model}"
    )
