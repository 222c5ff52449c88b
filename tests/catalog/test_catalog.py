"""The catalog is consistent: every score has a source, every id occurs once, every name is known."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import pairwise
from pathlib import Path
from runpy import run_path

import pytest

from zoo import catalog
from zoo.catalog import reading
from zoo.catalog.licenses import OTHER, SPDX, spdx
from zoo.entities import BenchmarkScore, ModelCard
from zoo.plugins import plugins

DOMAINS = ("audio", "language", "multimodal", "scientific", "vision")

UNBOUNDED = {
    "bleu",
    "cider",
    "fid",
    "frechet_audio_distance",
    "kappa_srme",
    "latitude_weighted_rmse",
    "mean_absolute_error",
    "mean_opinion_score",
    "perplexity",
    "rmse",
}
"""Metrics that are not fractions; all others are between -1 and 1."""


@pytest.fixture(scope="module")
def cards() -> dict[str, ModelCard]:
    return {item.id: item for domain in DOMAINS for item in catalog.cards(domain) if isinstance(item, ModelCard)}


@pytest.fixture(scope="module")
def scores() -> list[BenchmarkScore]:
    return [item for domain in DOMAINS for item in catalog.cards(domain) if isinstance(item, BenchmarkScore)]


def test_every_domain_has_tables() -> None:
    assert catalog.domains() == DOMAINS


def test_a_domain_without_tables_has_no_cards() -> None:
    assert list(catalog.cards("poetry")) == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_card_comes_before_its_scores_and_ids_are_sorted(domain: str) -> None:
    seen: list[str] = []
    for item in catalog.cards(domain):
        if isinstance(item, ModelCard):
            seen.append(item.id)
        else:
            assert item.model == seen[-1]
    assert seen == sorted(set(seen))


def test_every_score_belongs_to_a_card() -> None:
    for domain in DOMAINS:
        known = {card.id for card in reading.models(domain)}
        assert set(reading.scores(domain)) <= known


def test_an_id_is_in_one_domain_only() -> None:
    found = Counter(card.id for domain in DOMAINS for card in reading.models(domain))
    assert [identity for identity, count in found.items() if count > 1] == []


def test_there_are_three_thousand_models_and_two_thousand_of_them_have_a_score(
    cards: dict[str, ModelCard], scores: list[BenchmarkScore]
) -> None:
    assert len(cards) >= 3_000
    assert len({score.model for score in scores}) >= 2_000


@pytest.mark.parametrize("task", [task.name for task in plugins().tasks.values() if task.use_case])
def test_every_use_case_has_twelve_models_and_two_scored_benchmarks(
    task: str, cards: dict[str, ModelCard], scores: list[BenchmarkScore]
) -> None:
    assert sum(task in card.tasks for card in cards.values()) >= 12
    assert len({(score.dataset, score.metric) for score in scores if score.task == task}) >= 2


def test_the_page_says_what_the_tables_hold() -> None:
    write_coverage = run_path(str(Path(__file__).parents[2] / "tools" / "write_coverage.py"))
    assert write_coverage["page"]() == write_coverage["PAGE"].read_text(encoding="utf-8"), "run tools/write_coverage.py"


def test_tasks_are_known(cards: dict[str, ModelCard], scores: list[BenchmarkScore]) -> None:
    assert {task for card in cards.values() for task in card.tasks} <= set(plugins().tasks)
    assert all(card.tasks for card in cards.values())
    assert {score.task for score in scores} <= set(plugins().tasks)


def test_licences_are_spdx_or_other(cards: dict[str, ModelCard]) -> None:
    assert {card.license for card in cards.values()} <= SPDX | {OTHER, None}


def test_every_source_resolves_to_a_citation(scores: list[BenchmarkScore]) -> None:
    assert {score.source for score in scores} <= set(catalog.sources())
    assert all(score.date for score in scores)


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_card_names_its_source(domain: str) -> None:
    for table in reading.tables(domain, "models"):
        with table.open("r", encoding="utf-8") as stream:
            assert {line[reading.SOURCE_COLUMN] for line in csv.DictReader(stream)} <= set(catalog.sources())


def test_citations_are_complete_and_each_is_used() -> None:
    used = {score.source for domain in DOMAINS for found in reading.scores(domain).values() for score in found}
    for domain in DOMAINS:
        for table in reading.tables(domain, "models"):
            with table.open("r", encoding="utf-8") as stream:
                used |= {line["source"] for line in csv.DictReader(stream)}
    for key, citation in catalog.sources().items():
        assert citation.title, key
        assert citation.url.startswith("https://"), key
        assert citation.date, key
        assert key in used, key


def test_values_are_fractions_where_the_metric_is_one(scores: list[BenchmarkScore]) -> None:
    for score in scores:
        assert score.metric in UNBOUNDED or -1 <= score.value <= 1, score
        assert score.value >= 0 or score.metric in {"spearman", "r2"}, score


def test_the_direction_of_a_metric_agrees_with_the_task(scores: list[BenchmarkScore]) -> None:
    for score in scores:
        for metric in plugins().tasks[score.task].metrics:
            if metric.name == score.metric:
                assert score.higher_is_better == metric.higher_is_better, score


def test_a_model_has_one_figure_for_a_benchmark(scores: list[BenchmarkScore]) -> None:
    keys = Counter((s.model, s.task, s.dataset, s.split, s.metric) for s in scores)
    assert [key for key, count in keys.items() if count > 1] == []


def test_sizes_are_plausible(cards: dict[str, ModelCard]) -> None:
    for card in cards.values():
        if card.parameters and card.bytes:
            assert 0.2 < card.bytes / card.parameters < 16, card.id


def test_the_same_cards_come_in_the_same_order() -> None:
    assert list(catalog.cards("audio")) == list(catalog.cards("audio"))


@pytest.mark.parametrize("domain", DOMAINS)
def test_tables_are_sorted_so_that_a_change_is_a_short_diff(domain: str) -> None:
    for kind in ("models", "matrix", "scores"):
        for table in reading.tables(domain, kind):
            with table.open("r", encoding="utf-8") as stream:
                keys = [line[:2] if kind == "scores" else line[0] for line in list(csv.reader(stream))[1:]]
            assert all(one < other for one, other in pairwise(keys)), table.name


def test_well_known_figures() -> None:
    """Figures that can be looked up anywhere, as a guard against shifted columns."""
    found = {
        (s.model, s.dataset, s.metric, s.split): s
        for d in DOMAINS
        for s in catalog.cards(d)
        if isinstance(s, BenchmarkScore)
    }
    assert found["torchhub:pytorch/vision:resnet50", "ImageNet-1k", "accuracy", "validation"].value == 0.80858
    assert found["openclip:ViT-B-32/openai", "ImageNet 1k", "accuracy", "test"].value == pytest.approx(0.633, abs=5e-4)
    assert found["hf:facebook/detr-resnet-50", "COCO", "map", "val2017"].value == 0.42
    chgnet = found["github:CederGroupHub/chgnet/chgnet-0.3.0", "Matbench Discovery", "f1", "unique-prototypes"]
    assert chgnet.value == 0.613
    wer = found["whisper:tiny.en", "LibriSpeech", "word_error_rate", "test-clean, Whisper's normalizer"]
    assert (wer.value, wer.higher_is_better) == (0.056, False)


def test_whisper_weights_carry_their_published_hash(cards: dict[str, ModelCard]) -> None:
    [file] = cards["whisper:tiny"].files
    assert file.path == "tiny.pt"
    assert file.sha256 is not None
    assert len(file.sha256) == 64


def test_tables_fill_one_anothers_gaps(cards: dict[str, ModelCard]) -> None:
    """The curated table knows the architecture, the converted one the size of the files."""
    card = cards["hf:openai/whisper-tiny"]
    assert card.architecture == "Whisper"
    assert card.bytes
    assert card.tasks[0] == "automatic-speech-recognition"
    assert "audio-classification" in card.tasks


@pytest.mark.parametrize(
    ("name", "expected"),
    [("apache-2.0", "Apache-2.0"), ("GPL-3.0", "GPL-3.0-only"), ("gemma", "other"), ("unknown", ""), ("", "")],
)
def test_licence_names_map_to_spdx(name: str, expected: str) -> None:
    assert spdx(name) == expected
