"""MTEB: embedding models of text, images and sound with their scores on the tasks that most of them were run on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from catalog_converters.languages import two_letter
from catalog_converters.writing import Row, benchmark, read, whole, write_matrix, write_models
from zoo.catalog.licenses import OTHER, spdx

SOURCE = "github:embeddings-benchmark/results@f4cc6c8b3"

_CLASSIFICATION, _STS, _EMBEDDING = "text-classification", "sentence-similarity", "feature-extraction"
_IMAGE, _ZERO_SHOT, _IMAGE_TEXT = "image-classification", "zero-shot-image-classification", "image-text-retrieval"
_AUDIO = "audio-classification"


def _tasks(task: str, metric: str, names: str) -> dict[str, tuple[str, str]]:
    return dict.fromkeys(names.split(), (task, metric))


CHOSEN: Mapping[str, tuple[str, str]] = {
    **_tasks(
        _CLASSIFICATION, "accuracy",
        "AmazonCounterfactualClassification AmazonPolarityClassification AmazonReviewsClassification "
        "Banking77Classification EmotionClassification ImdbClassification MTOPDomainClassification "
        "MTOPIntentClassification MassiveIntentClassification MassiveScenarioClassification "
        "ToxicConversationsClassification TweetSentimentExtractionClassification",
    ),
    **_tasks(_STS, "spearman", "BIOSSES SICK-R STS12 STS13 STS14 STS15 STS16 STS17 STS22 STS22.v2 STSBenchmark"),
    **_tasks(
        _EMBEDDING, "ndcg_at_10",
        "ArguAna CQADupstackGamingRetrieval CQADupstackUnixRetrieval ClimateFEVERHardNegatives DBPedia "
        "FEVERHardNegatives FiQA2018 HotpotQAHardNegatives MSMARCO NFCorpus NQ QuoraRetrieval SCIDOCS SciFact "
        "TRECCOVID Touche2020Retrieval.v3 MIRACLRetrievalHardNegatives BelebeleRetrieval StackOverflowQA",
    ),
    **_tasks(
        _EMBEDDING, "v_measure",
        "ArXivHierarchicalClusteringP2P ArXivHierarchicalClusteringS2S BiorxivClusteringP2P.v2 "
        "MedrxivClusteringP2P.v2 MedrxivClusteringS2S.v2 StackExchangeClustering.v2 StackExchangeClusteringP2P.v2 "
        "TwentyNewsgroupsClustering.v2",
    ),
    **_tasks(
        _IMAGE, "accuracy",
        "Birdsnap CIFAR10 CIFAR100 Caltech101 Country211 EuroSAT Food101Classification GTSRB Imagenet1k MNIST "
        "OxfordFlowersClassification RESISC45 STL10 SUN397 StanfordCars",
    ),
    **_tasks(
        _ZERO_SHOT, "accuracy",
        "BirdsnapZeroShot CIFAR10ZeroShot CIFAR100ZeroShot Caltech101ZeroShot EuroSATZeroShot Food101ZeroShot "
        "GTSRBZeroShot Imagenet1kZeroShot MNISTZeroShot RESISC45ZeroShot STL10ZeroShot SUN397ZeroShot "
        "StanfordCarsZeroShot",
    ),
    **_tasks(
        _IMAGE_TEXT, "ndcg_at_5",
        "VidoreArxivQARetrieval VidoreDocVQARetrieval VidoreInfoVQARetrieval VidoreShiftProjectRetrieval "
        "VidoreSyntheticDocQAAIRetrieval VidoreSyntheticDocQAEnergyRetrieval "
        "VidoreSyntheticDocQAGovernmentReportsRetrieval VidoreSyntheticDocQAHealthcareIndustryRetrieval "
        "VidoreTabfquadRetrieval VidoreTatdqaRetrieval",
    ),
    **_tasks(
        _AUDIO, "accuracy",
        "BeijingOpera FSDD GTZANGenre IEMOCAPGender MInDS14 MridinghamTonic NSynth SpeechCommands UrbanSound8k "
        "VoxCelebSA VoxPopuliGenderID VoxPopuliLanguageID",
    ),
}  # fmt: skip
"""The tasks that are kept, with zoo's task and the metric that MTEB reports as the main score of each."""

_SERVED = {"text": (_STS, _EMBEDDING), "image": (_IMAGE,), "audio": (_AUDIO,), "mixed": (_IMAGE_TEXT, _EMBEDDING)}
"""The tasks of a model by its modalities, before those that it has scores of."""

_MODALITIES_LEFT_OUT = ({"video"}, {"video", "text"})
"""No task of the taxonomy takes videos alone."""


def convert(upstream: Path, output: Path, scored_only: bool = False) -> list[Row]:
    """Write ``mteb.models.csv`` and ``mteb.matrix.csv`` of each domain; returns the benchmarks."""
    scores = _scores(upstream / "mteb" / "scores.csv.gz")
    cards: dict[str, list[dict[str, Any]]] = {}
    figures: dict[str, dict[str, dict[str, float]]] = {}
    splits: dict[str, set[str]] = {name: set() for name in CHOSEN}
    for line in read(upstream / "mteb" / "models.csv"):
        identity = _id(line)
        modalities = set((line["modalities"] or "text").split("|"))
        own = scores.get(line["name"], {})
        if identity is None or modalities in _MODALITIES_LEFT_OUT or (scored_only and not own):
            continue
        domain = _domain(modalities)
        served = _SERVED["mixed" if len(modalities & {"text", "image"}) == 2 else _leading(modalities)]
        tasks = dict.fromkeys((*served, *(CHOSEN[name][0] for name in sorted(own))))
        cards.setdefault(domain, []).append(_card(identity, line, tuple(tasks), modalities))
        figures.setdefault(domain, {})[identity] = {f"mteb/{name}": value for name, (_, value) in own.items()}
        for name, (split, _) in own.items():
            splits[name].add(split)
    keys = [f"mteb/{name}" for name in CHOSEN]
    for domain, rows in cards.items():
        write_models(output / domain / "mteb.models.csv", rows)
        write_matrix(output / domain / "mteb.matrix.csv", figures[domain], keys)
    return [
        benchmark(f"mteb/{name}", task, name, "+".join(sorted(splits[name])), metric, source=SOURCE)
        for name, (task, metric) in CHOSEN.items()
        if splits[name]
    ]


def _scores(path: Path) -> dict[str, dict[str, tuple[str, float]]]:
    """Split and value by model and task; where a task has several splits, that of its test split."""
    found: dict[str, dict[str, tuple[str, float]]] = {}
    for line in read(path):
        if line["task"] in CHOSEN:
            own = found.setdefault(line["model"], {})
            if line["task"] not in own or line["split"] == "test":
                own[line["task"]] = (line["split"], float(line["score"]))
    return found


def _id(line: Mapping[str, str]) -> str | None:
    """``hf:`` where the weights are open, ``openai:`` for OpenAI's; None where no known platform has the model."""
    owner, _, name = line["name"].partition("/")
    if owner == "openai" and "API" in line["framework"]:
        return f"openai:{name}"
    closed = line["open_weights"] == "False" or "API" in line["framework"].split("|")
    unstated = line["open_weights"] != "True" and not line["framework"]
    made_up = owner in {"mteb", "baseline"}
    return None if closed or made_up or (unstated and not line["license"]) else f"hf:{line['name']}"


def _domain(modalities: set[str]) -> str:
    if modalities & {"image", "video"}:
        return "vision" if modalities == {"image"} else "multimodal"
    return "audio" if "audio" in modalities else "language"


def _leading(modalities: set[str]) -> str:
    return next(kind for kind in ("image", "audio", "text") if kind in modalities)


def _card(identity: str, line: Mapping[str, str], tasks: Iterable[str], modalities: set[str]) -> dict[str, Any]:
    license_ = line["license"]
    parameters = whole(line["n_parameters"])
    base = line["adapted_from"]
    return {
        "id": identity,
        "tasks": tasks,
        "library": _library(line["framework"].split("|")),
        "parameters": parameters,
        "bytes": _bytes(line["memory_usage_mb"], parameters),
        "license": OTHER if license_.startswith("http") else spdx(license_),
        "languages": two_letter(line["languages"].split("|") if line["languages"] else ()),
        "pretraining": sorted(name for name in line["training_datasets"].split("|") if name),
        "input": {"kind": _leading(modalities), "max_tokens": whole(line["max_tokens"])},
        "embedding_dimension": whole(line["embed_dim"]),
        "released": line["release_date"],
        "base_model": f"hf:{base}" if "/" in base and "|" not in base else "",
        "revision": line["revision"] if identity.startswith("hf:") and len(line["revision"]) == 40 else "",
        "tags": ("instructions",) if line["use_instructions"] == "True" else (),
        "source": SOURCE,
    }


def _bytes(megabytes: str, parameters: int | None) -> int | None:
    """Size in bytes; None where it cannot belong to that many parameters, at half a byte to sixteen bytes each."""
    size = round(float(megabytes or 0) * 2**20)
    believable = not parameters or parameters / 2 <= size <= parameters * 16
    return size if size and believable else None


def _library(frameworks: list[str]) -> str:
    if "Sentence Transformers" in frameworks:
        return "sentence-transformers"
    if "API" in frameworks:
        return "api"
    return "transformers" if {"PyTorch", "Transformers", "transformers"} & set(frameworks) else ""
