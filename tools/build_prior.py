"""Build the shipped prior from others' published results.

    python tools/build_prior.py UPSTREAM [--output FILE]

UPSTREAM holds the records in folders named finetuning, timm, mteb and open_clip; see docs/catalog.md for the
repository, commit and licence of each. The models are described by their cards in the catalog. The same records and
catalog give the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo import catalog
from zoo.entities import ModelCard
from zoo.history.records import Record, history
from zoo.history.similarity import kind
from zoo.selection.prior.kriging import Prior
from zoo.selection.prior.shipped import numbers, terms
from zoo.selection.rank.ordering import weighted_tau

OUTPUT = Path(__file__).parent.parent / "zoo" / "selection" / "prior" / "shipped.json"
FEWEST = 3
"""Minimum number of models with a term for it to be used."""

PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0)

FINE_TUNED = "github:zLizy/transferability_graph@9c22047"
TIMM = "github:huggingface/pytorch-image-models@aa4b5850"
MTEB = "github:embeddings-benchmark/results@f4cc6c8b3"
OPEN_CLIP = "github:mlfoundations/open_clip@89fb801"
MTEB_TASKS = {
    "text-classification": ("NewClassification", ("classif",)),
    "sentence-similarity": ("NewSTS", ("sts",)),
    "feature-extraction": ("NewRetrieval", ("retriev", "cluster")),
}
"""Task, name for a typical data set of it, and the kinds of MTEB tasks that a model's scores must include."""

World = tuple[str, list[Record], str]
"""Source, results, and name for a typical data set."""


def main(arguments: list[str] | None = None) -> int:
    """Learn each task and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("upstream", type=Path, help="folder of the upstream records")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="file to write")
    options = parser.parse_args(arguments)
    cards = {
        entry.id: entry
        for domain in catalog.domains()
        for entry in catalog.cards(domain)
        if isinstance(entry, ModelCard)
    }
    learnt = {}
    for task, worlds in _worlds(options.upstream, cards).items():
        learnt[task] = _learn(worlds, cards)
        print(f"{task}: {learnt[task]['figures']}")
    options.output.write_text(json.dumps({"tasks": learnt}, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    return 0


def _worlds(upstream: Path, cards: Mapping[str, ModelCard]) -> dict[str, list[World]]:
    mteb = [
        Record("", _mteb_id(row["model"]), row["task"], "score", float(row["score"]))
        for row in _rows(upstream / "mteb" / "scores.csv.gz")
    ]
    runs = [
        Record("", f"hf:{row['model']}", row["dataset"], row["metric"], float(row["value"]))
        for row in _rows(upstream / "finetuning" / "vision_runs.csv")
    ]
    worlds: dict[str, list[World]] = {
        "image-classification": [
            (FINE_TUNED, runs, "new"),
            (TIMM, list(_timm(upstream / "timm", cards)), "new"),
        ],
        "zero-shot-image-classification": [
            (OPEN_CLIP, list(_open_clip(upstream / "open_clip" / "openclip_results.csv", 5)), "new")
        ],
        "image-text-retrieval": [
            (OPEN_CLIP, list(_open_clip(upstream / "open_clip" / "openclip_retrieval_results.csv", 5)), "new")
        ],
    }
    for task, (name, kinds) in MTEB_TASKS.items():
        with_such = {record.model for record in mteb if kind(record.dataset) in kinds}
        worlds[task] = [(MTEB, [record for record in mteb if record.model in with_such], name)]
    return worlds


def _timm(folder: Path, cards: Mapping[str, ModelCard]) -> Iterable[Record]:
    ids = {str(card.loader.get("architecture")): card.id for card in cards.values() if card.library == "timm"}
    for path in sorted(folder.glob("results-*.csv")):
        for row in _rows(path):
            if row["model"] in ids:
                yield Record("", ids[row["model"]], path.stem.removeprefix("results-"), "top1", float(row["top1"]))


def _open_clip(path: Path, first: int) -> Iterable[Record]:
    for row in _rows(path):
        for column in list(row)[first:]:
            if row[column]:
                model = f"openclip:{row['name']}/{row['pretrained']}"
                yield Record("", model, column, "score", float(row[column]))


def _mteb_id(name: str) -> str:
    return f"openai:{name.partition('/')[2]}" if name.startswith("openai/") else f"hf:{name}"


def _rows(path: Path) -> list[dict[str, str]]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


def _learn(worlds: list[World], cards: Mapping[str, ModelCard]) -> dict[str, Any]:
    """Each model's position on a typical data set, and a ridge regression of it on the models' descriptions."""
    models: list[str] = []
    places, doubts, world = [], [], []
    sources = []
    for number, (source, records, name) in enumerate(worlds):
        past = history(records)
        prediction = Prior(past, datasets=(name,)).predict(name, past.models)
        models += past.models
        places += list(prediction.mean - prediction.mean.mean())
        doubts += list(np.sqrt(prediction.variance))
        world += [number] * len(past.models)
        sources.append({"source": source, "models": len(past.models), "datasets": len(past.datasets)})
    described = [cards.get(model) or ModelCard(model, "unknown") for model in models]
    counts = Counter(term for card in described for term in set(terms(card)))
    vocabulary = sorted(term for term, count in counts.items() if count >= FEWEST)
    matrix = np.array([[list(terms(card)).count(term) for term in vocabulary] for card in described], dtype=float)
    features = np.column_stack([matrix, numbers(described)])
    free = np.eye(len(worlds))[world]
    weights, offsets, left_out, penalty = _ridge(features, free, np.array(places))
    aligned = np.array(places) - free @ (offsets - offsets[0])
    errors = left_out - np.array(places)
    tau = np.mean(
        [weighted_tau(left_out[np.array(world) == w], np.array(places)[np.array(world) == w]) for w in set(world)]
    )
    known: dict[str, list[float]] = {}
    for model, place, doubt in zip(models, aligned, doubts, strict=True):
        known.setdefault(model, [round(float(place), 3), round(float(doubt), 3)])
    size = len(vocabulary)
    kept = {term: round(float(w), 4) for term, w in zip(vocabulary, weights[:size], strict=True) if abs(w) >= 0.0005}
    return {
        "sources": sources,
        "known": dict(sorted(known.items())),
        "terms": kept,
        "numbers": [round(float(weight), 4) for weight in weights[size:]],
        "intercept": round(float(offsets[0]), 4),
        "deviation": round(float(np.sqrt(errors.var() + np.mean(np.square(doubts)))), 4),
        "figures": {
            "weighted_tau_of_models_left_out": round(float(tau), 3),
            "explained_of_models_left_out": round(float(1.0 - errors.var() / np.var(places)), 3),
            "penalty": penalty,
        },
    }


def _ridge(
    features: np.ndarray, free: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Weights, unpenalised offsets, and leave-one-out predictions, for the penalty that predicts best."""
    whole = np.column_stack([features, free])
    best: tuple[float, Any] = (np.inf, None)
    for penalty in PENALTIES:
        ridge = np.diag([penalty] * features.shape[1] + [1e-6] * free.shape[1])
        inverse = np.linalg.inv(whole.T @ whole + ridge)
        solution = inverse @ whole.T @ target
        leverage = np.einsum("ij,jk,ik->i", whole, inverse, whole)
        left_out = target - (target - whole @ solution) / (1.0 - leverage)
        error = float(np.mean((left_out - target) ** 2))
        if error < best[0]:
            best = (error, (solution[: features.shape[1]], solution[features.shape[1] :], left_out, penalty))
    return best[1]


if __name__ == "__main__":
    sys.exit(main())
