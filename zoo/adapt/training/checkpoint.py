"""Checkpoints of a training run: its state after an epoch, in one file that is replaced atomically.

The file contains only tensors, numbers and texts, and is read with ``weights_only``: no code in it is run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from zoo.untrusted import parse_json

if TYPE_CHECKING:
    from zoo.entities import Dataset, ModelCard, Plan

FORMAT = "zoo-checkpoint-2"

EVERY = 60.0
"""Seconds of training that may be lost; a shorter training writes no checkpoint."""

KEPT_DAYS = 14
"""Older checkpoints are removed when the next training starts."""

_UNRELATED = ("output", "device", "devices", "keep", "budget")
"""Parts of a plan that do not change what is learned."""


class Checkpoint:
    """The state of one training in a file.

    Args:
        path: the file; a state that is already there is resumed.
        every: seconds between writes.
    """

    def __init__(self, path: Path, every: float | None = None) -> None:
        self.path = path
        self._every = EVERY if every is None else every
        self._written = time.monotonic()

    @classmethod
    def of(cls, card: ModelCard, dataset: Dataset, plan: Plan) -> Checkpoint:
        """The checkpoint for a model, a data set's content, a plan and the versions of the software."""
        from zoo.config import settings
        from zoo.provenance import revision_of, versions

        named = {name: value for name, value in plan.to_dict().items() if name not in _UNRELATED}
        known = [card.id, revision_of(card), dataset.fingerprint, named, versions()]
        key = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
        folder = settings().home / "checkpoints"
        _remove_old(folder)
        return cls(folder / f"{key[:32]}.pt")

    def load(self) -> dict[str, Any] | None:
        """The saved state, or None; a truncated file, or one of another format, is removed."""
        if not self.path.exists():
            return None
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            if state["format"] == FORMAT:
                return dict(state)
        except Exception:  # torch raises many types of errors for damaged files
            pass
        self.remove()
        return None

    def save(self, state: Callable[[], dict[str, Any]]) -> None:
        """Replace the file by ``state()``, if the last write is long enough ago.

        If the disk is full or read-only, training continues without checkpoints.
        """
        if time.monotonic() - self._written < self._every:
            return
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        with contextlib.suppress(OSError, RuntimeError):  # torch reports a failed write as RuntimeError
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                torch.save({"format": FORMAT, **state()}, temporary)
                os.replace(temporary, self.path)
            finally:
                temporary.unlink(missing_ok=True)
        self._written = time.monotonic()

    def remove(self) -> None:
        """Delete the file after the training."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


def random_state(generator: np.random.Generator) -> dict[str, Any]:
    """The state of all random number generators."""
    found: dict[str, Any] = {
        "numpy": json.dumps(generator.bit_generator.state),
        "numpy_global": json.dumps(np.random.get_state(), default=np.ndarray.tolist),
        "python": json.dumps(random.getstate()),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_rng_state_all()
    return found


def set_random_state(state: dict[str, Any], generator: np.random.Generator) -> None:
    """Restore the state of all random number generators."""
    generator.bit_generator.state = parse_json(state["numpy"], finite=False)
    np.random.set_state(tuple(parse_json(state["numpy_global"], finite=False)))
    version, internal, gauss = parse_json(state["python"], finite=False)
    random.setstate((version, tuple(internal), gauss))
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


def _remove_old(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for path in folder.glob("*.pt"):
            if time.time() - path.stat().st_mtime > KEPT_DAYS * 86400:
                path.unlink(missing_ok=True)
