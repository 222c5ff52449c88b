"""Audio encoders of transformers from a local folder: wav2vec 2.0, HuBERT, WavLM, AST, Whisper and similar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import UnsupportedModel, needs_extra

with needs_extra("audio", "load audio models of transformers"):
    import numpy as np
    import torch
    import transformers

from zoo.loading.published_config import architectures, published_config
from zoo.loading.transformers import load_model, load_part
from zoo_audio import recognition
from zoo_audio.audio_backbone import AudioBackbone, Batch, Trunk

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.contract.backbone import Learner
    from zoo.entities import LocalFiles, ModelCard

_UNTRAINED = ("masked_spec_embed", "pooler", "projector", "decoder")
"""Tensors that features do not use, so checkpoints may lack them."""

_LEAST_SECONDS = 0.1
_AT_ONCE = 16


class TransformersTrunk(Trunk):
    """An audio encoder; its layers are its hidden states, averaged over time.

    Waveforms of different length never share a padded batch, because some of these models attend to padding.

    Args:
        encoder: the model without head or decoder.
        extractor: its feature extractor.
    """

    def __init__(self, encoder: Any, extractor: Any) -> None:
        super().__init__()
        self.encoder, self.extractor = encoder, extractor
        self._input = encoder.main_input_name
        config = encoder.config
        count = int(getattr(config, "encoder_layers", None) or config.num_hidden_layers)
        self.layers = tuple(f"layer{number}.mean" for number in range(1, count + 1))
        self.embedding_dimension = int(config.hidden_size)
        self.sampling_rate = int(extractor.sampling_rate)
        self.spectrogram_axes = self._axes()

    def prepare(self, wave: np.ndarray) -> torch.Tensor:
        """The feature extractor's output for a waveform: samples, or a spectrogram of fixed size."""
        least = int(_LEAST_SECONDS * self.sampling_rate)
        # The first convolutions need a few hundred samples for one frame.
        padded = np.pad(wave, (0, max(0, least - len(wave))))
        values = self.extractor(padded, sampling_rate=self.sampling_rate, return_tensors="np")[self._input][0]
        return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))

    def _axes(self) -> tuple[int, int] | None:
        """The axes of time and frequencies of a spectrogram, by the size of the latter; None for waveforms."""
        shape = self.prepare(np.zeros(self.sampling_rate, dtype=np.float32)).shape
        sizes = {getattr(self.extractor, name, None) for name in ("num_mel_bins", "feature_size")}
        if len(shape) != 2:
            return None
        return next(((1 - axis, axis) for axis in (0, 1) if shape[axis] in sizes), None)

    def length(self, item: torch.Tensor) -> int:
        """Samples or frames."""
        return int(item.shape[0])

    def collate(self, items: Sequence[torch.Tensor]) -> Batch:
        """Padded at the end to the longest, with the length of each."""
        longest = max(len(item) for item in items)
        padded = [torch.nn.functional.pad(i, (*(0,) * (2 * (i.dim() - 1)), 0, longest - len(i))) for i in items]
        return {"values": torch.stack(padded), "lengths": torch.tensor([len(item) for item in items])}

    def at(self, batch: Batch, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """The means over time of hidden states, each batch x d."""
        places = [int(layer.removeprefix("layer").removesuffix(".mean")) for layer in layers]
        rows: list[Any] = [None] * len(batch["lengths"])
        for members in _of_one_length(batch["lengths"]):
            values = batch["values"][members, : int(batch["lengths"][members[0]])]
            outputs = self.encoder(**{self._input: values}, output_hidden_states=True)
            # The last layer is the model's own output, final norm included. In training some of the
            # others may be skipped (LayerDrop), and are then not among the states.
            last = len(self.layers)
            states = [outputs.last_hidden_state if at == last else outputs.hidden_states[at] for at in places]
            means = torch.stack([state.mean(dim=1) for state in states])
            for position, member in enumerate(members):
                rows[member] = means[:, position]
        stacked = torch.stack(rows, dim=1)
        return {layer: stacked[number] for number, layer in enumerate(layers)}


class TransformersBackbone(AudioBackbone):
    """An encoder with its published head or decoder.

    Attributes:
        model: the whole checkpoint; its encoder is the trunk's.
        processor: turns outputs into text; None if the checkpoint has none.
        writes_text: whether a decoder generates the text, token by token.
    """

    module: TransformersTrunk

    def __init__(
        self,
        card: ModelCard,
        trunk: TransformersTrunk,
        model: Any,
        processor: Any,
        *,
        device: str,
        dtype: str,
        classes: Sequence[str] = (),
    ) -> None:
        self.model, self.processor = model.to(device).eval(), processor
        self.writes_text = processor is not None and model.can_generate()
        super().__init__(
            card,
            trunk,
            device=device,
            dtype=dtype,
            classes=classes,
            classify=(lambda batch: _logits(model, trunk.encoder.main_input_name, batch)) if classes else None,
            transcribe=None
            if processor is None
            else lambda waves: recognition.greedy(model, processor, trunk.extractor, waves, device),
        )
        model.to(dtype=next(trunk.parameters()).dtype)

    def network_inputs(self, batch: Batch) -> dict[str, torch.Tensor]:
        """A collated batch with the network's own names of inputs, masked as in its training."""
        inputs = {self.module.encoder.main_input_name: batch["values"]}
        if batch["values"].dim() == 2 and getattr(self.module.extractor, "return_attention_mask", False):
            places = torch.arange(batch["values"].shape[1])
            inputs["attention_mask"] = (places < batch["lengths"][:, None]).long()
        return inputs

    def learner(self, task: str, classes: Sequence[str]) -> Learner | None:
        """A learner for speech recognition; None for other tasks."""
        return recognition.learner(self, task, classes)


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> AudioBackbone:
    """The backbone of a transformers folder, with its published classifier or ASR head.

    Raises:
        UnsupportedModel: the folder needs its own code, lacks weights, or is not an audio encoder.
    """
    folder = files.root
    kind, architecture = _kind(folder, card)
    extractor = load_part(transformers.AutoFeatureExtractor, card, folder)
    processor = load_part(transformers.AutoProcessor, card, folder) if _recognises(architecture) else None
    model = load_model(kind, card, folder, unneeded=_UNTRAINED)
    base = model.base_model
    encoder = base.get_encoder() if getattr(base.config, "is_encoder_decoder", False) else base
    if encoder.main_input_name not in {"input_values", "input_features"}:
        raise UnsupportedModel(f"'{card.id}' is not an audio encoder: it takes {encoder.main_input_name}.")
    classes: list[str] = []
    if kind is transformers.AutoModelForAudioClassification:
        classes = [str(model.config.id2label[index]) for index in range(model.config.num_labels)]
    return TransformersBackbone(
        card, TransformersTrunk(encoder, extractor), model, processor, device=device, dtype=dtype, classes=classes
    )


def _kind(folder: Path, card: ModelCard) -> tuple[Any, str]:
    """The class that loads the checkpoint with its own head, and the architecture in its configuration."""
    architecture = next(iter(architectures(published_config(folder, card))), "")
    if architecture.endswith(("ForSequenceClassification", "ForAudioClassification")):
        return transformers.AutoModelForAudioClassification, architecture
    if architecture.endswith("ForCTC"):
        return transformers.AutoModelForCTC, architecture
    if _recognises(architecture):
        return transformers.AutoModelForSpeechSeq2Seq, architecture
    return transformers.AutoModel, architecture


def _recognises(architecture: str) -> bool:
    return architecture.endswith(("ForCTC", "ForSpeechSeq2Seq", "ForSpeechToText")) or architecture in {
        "WhisperForConditionalGeneration",
        "MoonshineForConditionalGeneration",
    }


def _logits(model: Any, name: str, batch: Batch) -> torch.Tensor:
    """The classifier's outputs, recordings of one length at a time."""
    rows: list[Any] = [None] * len(batch["lengths"])
    for members in _of_one_length(batch["lengths"]):
        values = batch["values"][members, : int(batch["lengths"][members[0]])]
        for member, row in zip(members, model(**{name: values}).logits, strict=True):
            rows[member] = row
    return torch.stack(rows)


def _of_one_length(lengths: torch.Tensor) -> list[list[int]]:
    """Positions of recordings of the same length, a few at a time."""
    groups: dict[int, list[int]] = {}
    for position, length in enumerate(lengths.tolist()):
        groups.setdefault(length, []).append(position)
    return [group[at : at + _AT_ONCE] for group in groups.values() for at in range(0, len(group), _AT_ONCE)]
