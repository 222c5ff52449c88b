"""Small models of the three Chronos architectures in the published format, trained here on generated series."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from chronos import Chronos2Model, ChronosConfig
from chronos.chronos2.config import Chronos2CoreConfig
from chronos.chronos_bolt import ChronosBoltModelForForecasting

LEVELS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
CONTEXT, STEPS = 64, 16


def waves(generator: np.random.Generator, count: int, length: int) -> np.ndarray:
    """Waves of 6 to 18 steps with an overtone, drifting phase and strength, trends and noise; count x length."""
    steps, whole = np.arange(length), (count, 1)
    phase = 2 * np.pi * steps / np.exp(generator.uniform(np.log(6), np.log(18), whole))
    phase = phase + generator.uniform(0, 2 * np.pi, whole) + 0.1 * generator.normal(size=(count, length)).cumsum(axis=1)
    swing = 1 + 0.3 * np.sin(steps / generator.uniform(8, 40, whole) + generator.uniform(0, 2 * np.pi, whole))
    overtone = generator.uniform(0, 0.5, whole) * np.sin(2 * phase + generator.uniform(0, 2 * np.pi, whole))
    found = swing * (np.sin(phase) + overtone) * generator.uniform(0.3, 1.5, whole)
    found += generator.normal(0, 0.01, whole) * steps * (generator.random(whole) < 0.3)
    return found + generator.uniform(0, 0.4, whole) * generator.normal(size=found.shape)


def train(model: Any, loss: Callable[[Any, Any, Any], Any], steps: int, rate: float, batch: int) -> Any:
    """The model after some steps of AdamW on waves that never repeat."""
    generator = np.random.default_rng(0)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    model.train()
    for _ in range(steps):
        whole = torch.from_numpy(waves(generator, batch, CONTEXT + STEPS).astype(np.float32))
        optimiser.zero_grad()
        loss(model, whole[:, :CONTEXT], whole[:, CONTEXT:]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return model.eval()


def bolt(folder: Path, steps: int = 600) -> Path:
    """A Chronos-Bolt."""
    torch.manual_seed(0)
    config = transformers.T5Config(
        d_model=64,
        d_kv=16,
        d_ff=128,
        num_layers=2,
        num_decoder_layers=1,
        num_heads=4,
        dropout_rate=0.0,
        vocab_size=2,
        feed_forward_proj="relu",
        initializer_factor=0.2,
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
        is_encoder_decoder=True,
        chronos_pipeline_class="ChronosBoltPipeline",
        chronos_config={
            "context_length": CONTEXT,
            "prediction_length": STEPS,
            "input_patch_size": 16,
            "input_patch_stride": 16,
            "quantiles": LEVELS,
            "use_reg_token": True,
        },
    )
    model = ChronosBoltModelForForecasting(config)
    train(model, lambda own, context, target: own(context=context, target=target).loss, steps, 3e-3, 128)
    model.save_pretrained(folder)
    return folder


def second(folder: Path, steps: int = 600) -> Path:
    """A Chronos-2."""
    torch.manual_seed(0)
    config = Chronos2CoreConfig(
        d_model=64,
        d_kv=16,
        d_ff=128,
        num_layers=2,
        num_heads=4,
        dropout_rate=0.0,
        initializer_factor=0.2,
        chronos_pipeline_class="Chronos2Pipeline",
        chronos_config={
            "context_length": CONTEXT,
            "input_patch_size": 16,
            "input_patch_stride": 16,
            "quantiles": LEVELS,
            "output_patch_size": 16,
            "max_output_patches": 2,
            "use_reg_token": True,
            "use_arcsinh": True,
        },
    )
    model = Chronos2Model(config)
    train(model, lambda own, context, target: own(context=context, future_target=target).loss, steps, 3e-3, 128)
    model.save_pretrained(folder)
    return folder


def language(folder: Path, steps: int = 600) -> Path:
    """A first Chronos: a T5 with 126 bins."""
    torch.manual_seed(0)
    settings = {
        "tokenizer_class": "MeanScaleUniformBins",
        "tokenizer_kwargs": {"low_limit": -5.0, "high_limit": 5.0},
        "context_length": CONTEXT,
        "prediction_length": STEPS,
        "n_tokens": 128,
        "n_special_tokens": 2,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "use_eos_token": True,
        "model_type": "seq2seq",
        "num_samples": 20,
        "temperature": 1.0,
        "top_k": 50,
        "top_p": 1.0,
    }
    config = transformers.T5Config(
        d_model=64,
        d_kv=16,
        d_ff=128,
        num_layers=2,
        num_decoder_layers=1,
        num_heads=4,
        dropout_rate=0.0,
        vocab_size=128,
        initializer_factor=1.0,
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
        tie_word_embeddings=False,
        chronos_config=settings,
    )
    tokenizer = ChronosConfig(**settings).create_tokenizer()

    def loss(own: Any, context: torch.Tensor, target: torch.Tensor) -> Any:
        level = 3 * torch.rand(len(context), 1)  # its bins are those of series scaled by their mean size
        context, target = context + level, target + level
        words, mask, scale = tokenizer.context_input_transform(context)
        labels, _ = tokenizer.label_input_transform(target, scale)
        return own(input_ids=words, attention_mask=mask, labels=labels).loss

    model = transformers.T5ForConditionalGeneration(config)
    train(model, loss, steps, 3e-3, 64)
    model.save_pretrained(folder)
    return folder


def write_waves(path: Path, count: int = 400, period: float = 13.7) -> Path:
    """A table of one series with a period that is none of a calendar, a trend and noise, at equal hours."""
    generator = np.random.default_rng(7)
    steps = np.arange(count)
    values = 20 + 0.004 * steps + 4 * np.sin(2 * math.pi * steps / period) + generator.normal(0, 0.5, count)
    times = np.datetime64("2024-01-01T00") + np.arange(count).astype("timedelta64[h]")
    lines = [f"{time},{value:.4f}" for time, value in zip(times, values, strict=True)]
    path.write_text("\n".join(["time,load", *lines]) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":  # python tests/plugins/small_chronos.py FOLDER
    bolt(Path(sys.argv[1]), 450)
