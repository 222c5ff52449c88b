"""MTEB: embedding models of text, images and sound with their scores on the tasks that most of them have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from catalog_converters.languages import two_letter
from catalog_converters.mteb_subsets import subset
from catalog_converters.writing import Row, benchmark, read, whole_number, write_matrix, write_models
from zoo.catalog.licenses import OTHER, spdx

SOURCE = "github:embeddings-benchmark/results@f4cc6c8b3"

_CLASSIFICATION, _STS, _EMBEDDING = "text-classification", "sentence-similarity", "feature-extraction"
_IMAGE, _ZERO_SHOT, _IMAGE_TEXT = "image-classification", "zero-shot-image-classification", "image-text-retrieval"
_AUDIO = "audio-classification"


class _Benchmark(NamedTuple):
    """A task of MTEB in some of its languages, on one of its splits."""

    name: str
    languages: str
    split: str

    @property
    def dataset(self) -> str:
        return f"{self.name} ({self.languages})" if self.languages else self.name

    @property
    def key(self) -> str:
        return f"mteb/{self.dataset}" if self.split == "test" else f"mteb/{self.dataset}/{self.split}"


def _tasks(task: str, metric: str, names: str) -> dict[str, tuple[str, str]]:
    return dict.fromkeys(names.split(), (task, metric))


CHOSEN: Mapping[str, tuple[str, str]] = {
    **_tasks(
        _CLASSIFICATION,
        "accuracy",
        "AmazonCounterfactualClassification AmazonPolarityClassification AmazonReviewsClassification "
        "Banking77Classification EmotionClassification ImdbClassification MTOPDomainClassification "
        "MTOPIntentClassification MassiveIntentClassification MassiveScenarioClassification "
        "ToxicConversationsClassification TweetSentimentExtractionClassification",
    ),
    **_tasks(_STS, "spearman", "BIOSSES SICK-R STS12 STS13 STS14 STS15 STS16 STSBenchmark"),
    **_tasks(
        _EMBEDDING,
        "ndcg_at_10",
        "ArguAna CQADupstackGamingRetrieval CQADupstackUnixRetrieval ClimateFEVERHardNegatives DBPedia "
        "FEVERHardNegatives FiQA2018 HotpotQAHardNegatives MSMARCO NFCorpus NQ QuoraRetrieval SCIDOCS SciFact "
        "TRECCOVID Touche2020Retrieval.v3 MIRACLRetrievalHardNegatives BelebeleRetrieval StackOverflowQA",
    ),
    **_tasks(
        _EMBEDDING,
        "v_measure",
        "ArXivHierarchicalClusteringP2P ArXivHierarchicalClusteringS2S BiorxivClusteringP2P.v2 "
        "MedrxivClusteringP2P.v2 MedrxivClusteringS2S.v2 StackExchangeClustering.v2 StackExchangeClusteringP2P.v2 "
        "TwentyNewsgroupsClustering.v2",
    ),
    **_tasks(
        _IMAGE,
        "accuracy",
        "Birdsnap CIFAR10 CIFAR100 Caltech101 Country211 EuroSAT Food101Classification GTSRB Imagenet1k MNIST "
        "OxfordFlowersClassification RESISC45 STL10 SUN397 StanfordCars",
    ),
    **_tasks(
        _ZERO_SHOT,
        "accuracy",
        "BirdsnapZeroShot CIFAR10ZeroShot CIFAR100ZeroShot Caltech101ZeroShot EuroSATZeroShot Food101ZeroShot "
        "GTSRBZeroShot Imagenet1kZeroShot MNISTZeroShot RESISC45ZeroShot STL10ZeroShot SUN397ZeroShot "
        "StanfordCarsZeroShot",
    ),
    **_tasks(
        _IMAGE_TEXT,
        "ndcg_at_5",
        "VidoreArxivQARetrieval VidoreDocVQARetrieval VidoreInfoVQARetrieval VidoreShiftProjectRetrieval "
        "VidoreSyntheticDocQAAIRetrieval VidoreSyntheticDocQAEnergyRetrieval "
        "VidoreSyntheticDocQAGovernmentReportsRetrieval VidoreSyntheticDocQAHealthcareIndustryRetrieval "
        "VidoreTabfquadRetrieval VidoreTatdqaRetrieval",
    ),
    **_tasks(
        _AUDIO,
        "accuracy",
        "BeijingOpera FSDD GTZANGenre IEMOCAPGender MInDS14 MridinghamTonic NSynth SpeechCommands UrbanSound8k "
        "VoxCelebSA VoxPopuliGenderID VoxPopuliLanguageID",
    ),
}
"""The tasks that are kept, with zoo's task and the metric that MTEB reports as the main score of each.

STS17 and STS22 are not: their scores are for English only or means over the pairs with English, and the records do not
    say which.
"""

_SERVED = {"text": (_STS, _EMBEDDING), "image": (_IMAGE,), "audio": (_AUDIO,), "mixed": (_IMAGE_TEXT, _EMBEDDING)}
"""The tasks of a model by its modalities, listed before those with scores."""

_MODALITIES_LEFT_OUT = ({"video"}, {"video", "text"})
"""No task of the taxonomy takes only videos."""


def convert(upstream: Path, output: Path, scored_only: bool = False) -> list[Row]:
    """Write ``mteb.models.csv`` and ``mteb.matrix.csv`` of each domain; returns the benchmarks."""
    scores = _scores(upstream / "mteb" / "scores.csv.gz")
    cards: dict[str, list[dict[str, Any]]] = {}
    figures: dict[str, dict[str, dict[str, float]]] = {}
    measured: set[_Benchmark] = set()
    for line in read(upstream / "mteb" / "models.csv"):
        identity = _id(line)
        modalities = set((line["modalities"] or "text").split("|"))
        run = scores.get(line["name"], {})
        own = _own(line, run)
        if identity is None or modalities in _MODALITIES_LEFT_OUT or (scored_only and not own):
            continue
        domain = _domain(modalities)
        served = _SERVED["mixed" if len(modalities & {"text", "image"}) == 2 else _leading(modalities)]
        tasks = dict.fromkeys((*served, *(CHOSEN[name][0] for name, _ in sorted(run) if name in CHOSEN)))
        cards.setdefault(domain, []).append(_card(identity, line, tuple(tasks), modalities))
        figures.setdefault(domain, {})[identity] = {one.key: value for one, value in own.items()}
        measured.update(own)
    places = {name: place for place, name in enumerate(CHOSEN)}
    ordered = sorted(measured, key=lambda one: (places[one.name], one))
    for domain, rows in cards.items():
        write_models(output / domain / "mteb.models.csv", rows)
        write_matrix(output / domain / "mteb.matrix.csv", figures[domain], [one.key for one in ordered])
    return [
        benchmark(one.key, CHOSEN[one.name][0], one.dataset, one.split, CHOSEN[one.name][1], source=SOURCE)
        for one in ordered
    ]


def _scores(path: Path) -> dict[str, dict[tuple[str, str], float]]:
    """Value by model, and by task and split."""
    found: dict[str, dict[tuple[str, str], float]] = {}
    for line in read(path):
        found.setdefault(line["model"], {})[line["task"], line["split"]] = float(line["score"])
    return found


def _own(line: Mapping[str, str], scores: Mapping[tuple[str, str], float]) -> dict[_Benchmark, float]:
    """A model's scores on the chosen tasks, without those of unknown languages."""
    run = {task for task, _ in scores}
    found = {}
    for (task, split), value in scores.items():
        if task in CHOSEN and (languages := subset(line["name"], line["revision"], task, run)) is not None:
            found[_Benchmark(task, languages, split)] = value
    return found


def _id(line: Mapping[str, str]) -> str | None:
    """``hf:`` if the weights are open, ``openai:`` for OpenAI's; None if no known platform has the model."""
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
    parameters = whole_number(line["n_parameters"])
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
        "input": {"kind": _leading(modalities), "max_tokens": whole_number(line["max_tokens"])},
        "embedding_dimension": whole_number(line["embed_dim"]),
        "released": line["release_date"],
        "base_model": f"hf:{base}" if "/" in base and "|" not in base else "",
        "revision": line["revision"] if identity.startswith("hf:") and len(line["revision"]) == 40 else "",
        "tags": ("instructions",) if line["use_instructions"] == "True" else (),
        "source": SOURCE,
    }


def _bytes(megabytes: str, parameters: int | None) -> int | None:
    """Size in bytes; None if implausible: under half a byte or over sixteen bytes per parameter."""
    size = round(float(megabytes or 0) * 2**20)
    believable = not parameters or parameters / 2 <= size <= parameters * 16
    return size if size and believable else None


def _library(frameworks: list[str]) -> str:
    if "Sentence Transformers" in frameworks:
        return "sentence-transformers"
    if "API" in frameworks:
        return "api"
    return "transformers" if {"PyTorch", "Transformers", "transformers"} & set(frameworks) else ""
