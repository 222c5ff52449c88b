"""Scores with the same benchmark are comparable: one language subset, one split, one protocol."""

from __future__ import annotations

import csv
from collections import defaultdict

import pytest

from zoo import catalog
from zoo.catalog import reading

SHARED = {
    frozenset({"timm/imagenet-1k", "torchvision/imagenet-1k"}),
    frozenset({"coco-box/map", "torchvision/coco-box"}),
}
"""Keys of different tables for one benchmark: the same images, measured in the same way."""

SEVERAL_LANGUAGES = {
    "AmazonReviewsClassification",
    "BelebeleRetrieval",
    "MIRACLRetrievalHardNegatives",
    "MInDS14",
    "MTOPDomainClassification",
    "MTOPIntentClassification",
    "MassiveIntentClassification",
    "MassiveScenarioClassification",
    "STS17",
    "STS22",
    "STS22.v2",
}
"""MTEB's sets that have a subset a language."""


@pytest.fixture(scope="module")
def benchmarks_of() -> dict[str, dict[tuple[str, str, str], float]]:
    """(data set, split, metric) and value, by model."""
    return {
        model: {(score.dataset, score.split, score.metric): score.value for score in scores}
        for domain in catalog.domains()
        for model, scores in reading.scores(domain).items()
    }


def test_a_benchmark_has_one_key_unless_two_sources_measure_the_same() -> None:
    keys: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    for one in reading.benchmarks().values():
        keys[one.task, one.dataset.casefold(), one.split, one.metric].add(one.key)
    assert {frozenset(found) for found in keys.values() if len(found) > 1} == SHARED


def test_every_line_of_the_tables_of_benchmarks_has_its_own_key_and_a_score() -> None:
    lines = []
    for name in ("benchmarks.csv", "curated.benchmarks.csv"):
        with (reading.folder() / name).open("r", encoding="utf-8") as stream:
            lines += [line["key"] for line in csv.DictReader(stream)]
    assert len(lines) == len(set(lines))
    used = set()
    for domain in catalog.domains():
        for table in reading.tables(domain, "scores"):
            with table.open("r", encoding="utf-8") as stream:
                used |= {line["benchmark"] for line in csv.DictReader(stream)}
        for table in reading.tables(domain, "matrix"):
            with table.open("r", encoding="utf-8") as stream:
                used |= set(next(csv.reader(stream))[1:])
    assert set(lines) == used


def test_a_split_is_one_split() -> None:
    assert [one.key for one in reading.benchmarks().values() if "+" in one.split or not one.split] == []


def test_mteb_names_the_languages_of_a_set_that_has_several() -> None:
    for one in reading.benchmarks().values():
        if one.key.startswith("mteb/"):
            name, _, languages = one.dataset.partition(" (")
            assert bool(languages) == (name in SEVERAL_LANGUAGES), one.key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # English against Japanese, and against the mean of Danish, Norwegian and Swedish
        (("hf:intfloat/e5-base", "MassiveIntent", 0.666543), ("hf:cl-nagoya/ruri-base", "MassiveIntent", 0.703093)),
        (("hf:intfloat/e5-base", "MassiveIntent", 0.666543), ("hf:rasgaard/m2v-dfm-large", "MassiveIntent", 0.426519)),
        # Microsoft's development queries against those of TREC 2019
        (
            ("hf:intfloat/e5-base", "MSMARCO", 0.43138),
            ("hf:sentence-transformers/all-MiniLM-L6-v2", "MSMARCO", 0.63685),
        ),
        # boxes of persons against boxes of 80 classes
        (
            ("torchhub:pytorch/vision:keypointrcnn_resnet50_fpn", "COCO", 0.546),
            ("torchhub:pytorch/vision:maskrcnn_resnet50_fpn", "COCO", 0.379),
        ),
        # after Whisper's normalizer against as transcribed
        (("whisper:base", "LibriSpeech", 0.05), ("hf:facebook/wav2vec2-base-960h", "LibriSpeech", 0.034)),
        # a letter that is generated against the most likely of four
        (
            ("hf:meta-llama/Llama-3.1-8B-Instruct", "MMLU", 0.694),
            ("hf:meta-llama/Llama-3.1-8B", "MMLU", 0.667),
        ),
    ],
    ids=["ja", "scandinavian", "msmarco", "persons", "normalizer", "generated"],
)
def test_figures_of_different_subsets_splits_and_protocols_have_different_names(
    benchmarks_of: dict[str, dict[tuple[str, str, str], float]],
    one: tuple[str, str, float],
    other: tuple[str, str, float],
) -> None:
    keys = []
    for model, start, value in (one, other):
        [key] = [key for key, found in benchmarks_of[model].items() if key[0].startswith(start) and found == value]
        keys.append(key)
    assert keys[0] != keys[1]
    assert keys[0][2] == keys[1][2], "the metric is the same, so that only the name can tell them apart"


@pytest.mark.parametrize("model", ["hf:sentence-transformers/all-mpnet-base-v2", "hf:jinaai/jina-embedding-s-en-v1"])
def test_a_figure_whose_languages_are_not_known_is_left_out(
    benchmarks_of: dict[str, dict[tuple[str, str, str], float]], model: str
) -> None:
    assert [key for key in benchmarks_of[model] if key[0].partition(" (")[0] in SEVERAL_LANGUAGES] == []
