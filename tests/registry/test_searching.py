"""Search: every filter, every order, and pages that together are the whole."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.entities import BenchmarkScore, ModelCard
from zoo.errors import InvalidInput, UnknownTask
from zoo.registry import Registry, SearchQuery, opening
from zoo.registry.query import SORTS

IMAGE, TEXT = "image-classification", "text-classification"


def score(model: str, value: float, dataset: str = "ImageNet-1k", metric: str = "accuracy", **fields) -> BenchmarkScore:
    return BenchmarkScore(model, IMAGE, dataset, metric, value, **fields)


@pytest.fixture
def stocked(registry: Registry) -> Registry:
    cards = [
        ModelCard("hf:google/vit-base", "vision", (IMAGE,), "ViT", "transformers", "A vision transformer.", 86_000_000,
                  344_000_000, "Apache-2.0", downloads=1000, released="2020-10", tags=("imagenet",)),
        ModelCard("hf:timm/resnet18", "vision", (IMAGE,), "ResNet", "timm", None, 11_700_000, 46_800_000, "MIT",
                  downloads=5000, likes=7, released="2015-12"),
        ModelCard("pkg:tiny-vit", "vision", (IMAGE, "feature-extraction"), "ViT", "timm", None, 5_000_000, 20_000_000, "MIT"),
        ModelCard("hf:dbmdz/german-bert", "language", (TEXT,), "BERT", "transformers", "Für deutsche Texte.",
                  110_000_000, None, "MIT", ("de",), downloads=3000),
        ModelCard("hf:secret/unknown", "language", (TEXT,), gated=True),
    ]  # fmt: skip
    scores = [
        score("hf:google/vit-base", 0.84),
        score("hf:google/vit-base", 0.97, metric="top_5_accuracy"),
        score("hf:timm/resnet18", 0.70),
        score("pkg:tiny-vit", 0.79),
        score("hf:timm/resnet18", 30.0, dataset="ImageNet-C", metric="mce", higher_is_better=False),
        score("hf:google/vit-base", 60.0, dataset="ImageNet-C", metric="mce", higher_is_better=False),
    ]
    registry.add([*cards, *scores])
    return registry


def found(registry: Registry, words: str = "", **filters) -> list[str]:
    return [hit.card.id for hit in registry.search(SearchQuery.of(words, **filters)).models]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("vit", {"hf:google/vit-base", "pkg:tiny-vit"}),
        ("VIT goog", {"hf:google/vit-base"}),
        ("transformer", {"hf:google/vit-base"}),
        ("imagenet", {"hf:google/vit-base"}),
        ("fur deutsche", {"hf:dbmdz/german-bert"}),
        ("vit bert", set()),
        ('"quoted" OR *', set()),
        ("google/vit-base", {"hf:google/vit-base"}),
    ],
)
def test_words_begin_words_of_the_card(stocked, words, expected):
    assert set(found(stocked, words)) == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"domain": "language"}, {"hf:dbmdz/german-bert", "hf:secret/unknown"}),
        ({"task": "feature-extraction"}, {"pkg:tiny-vit"}),
        ({"license": "mit", "task": IMAGE}, {"hf:timm/resnet18", "pkg:tiny-vit"}),
        ({"max_parameters": 11_700_000}, {"hf:timm/resnet18", "pkg:tiny-vit"}),
        ({"max_bytes": 20_000_000}, {"pkg:tiny-vit"}),
        ({"language": "de"}, {"hf:dbmdz/german-bert"}),
        ({"source": "pkg"}, {"pkg:tiny-vit"}),
        ({"library": "timm"}, {"hf:timm/resnet18", "pkg:tiny-vit"}),
        ({"min_scores": {"imagenet-1k": 0.79}}, {"hf:google/vit-base", "pkg:tiny-vit"}),
        ({"min_scores": {"imagenet-1k/top_5_accuracy": 0.9}}, {"hf:google/vit-base"}),
        ({"min_scores": {"ImageNet-C": 40}}, {"hf:timm/resnet18"}),
        ({"words": "vit", "min_scores": {"imagenet-1k": 0.8}}, {"hf:google/vit-base"}),
    ],
)
def test_filters(stocked, filters, expected):
    assert set(found(stocked, **filters)) == expected


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("downloads", "hf:timm/resnet18"),
        ("likes", "hf:timm/resnet18"),
        ("parameters", "hf:dbmdz/german-bert"),
        ("size", "hf:google/vit-base"),
        ("released", "hf:google/vit-base"),
        ("name", "hf:dbmdz/german-bert"),
        ("score:imagenet-1k", "hf:google/vit-base"),
        ("score:ImageNet-C/mce", "hf:timm/resnet18"),
    ],
)
def test_orders(stocked, sort, first):
    assert found(stocked, sort=sort)[0] == first
    page = stocked.search(SearchQuery.of(sort=sort))
    assert page.total == len(page.models)


def test_a_data_set_alone_means_its_most_used_metric(stocked):
    page = stocked.search(SearchQuery.of(sort="score:ImageNet-1k"))

    assert [hit.sought["ImageNet-1k"] for hit in page.models] == [0.84, 0.79, 0.70]


def test_a_hit_carries_its_scores(stocked):
    (hit,) = stocked.search(SearchQuery.of("resnet18")).models

    assert {(s.dataset, s.value) for s in hit.scores} == {("ImageNet-1k", 0.70), ("ImageNet-C", 30.0)}
    assert hit.to_dict()["scores"][0]["metric"] == "accuracy"


@pytest.mark.parametrize(
    ("filters", "error", "text"),
    [
        ({"task": "image-clasification"}, UnknownTask, "image-classification"),
        ({"domain": "visio"}, InvalidInput, "vision"),
        ({"library": "tim"}, InvalidInput, "timm"),
        ({"min_scores": {"imagenet1k": 0.5}}, InvalidInput, "ImageNet-1k"),
        ({"min_scores": {"ImageNet-1k": float("nan")}}, InvalidInput, "finite"),
        ({"sort": "download"}, InvalidInput, "downloads"),
        ({"limit": 0}, InvalidInput, "at least one"),
        ({"colour": "red"}, InvalidInput, "colour"),
        ({"after": "nonsense"}, InvalidInput, "not a place"),
    ],
)
def test_bad_queries_say_what_to_do(stocked, filters, error, text):
    with pytest.raises(error, match=text):
        stocked.search(SearchQuery.of(**filters))


def test_a_page_of_another_order_is_refused(stocked):
    page = stocked.search(SearchQuery.of(limit=1))
    with pytest.raises(InvalidInput, match="sorted by downloads"):
        stocked.search(SearchQuery.of(limit=1, sort="name", after=page.next))


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Registry:
    """Models full of ties and gaps."""
    path: Path = tmp_path_factory.mktemp("many") / "registry.db"
    opening.create(path, empty=True)
    registry = Registry(path)
    cards, scores = [], []
    for n, (downloads, parameters, word) in enumerate(
        itertools.product((None, 0, 5, 5_000_000_000), (None, 7, 10**12), ("vit", "vit small", "other"))
    ):
        cards.append(ModelCard(f"hf:some/{word.replace(' ', '-')}-{n}", "vision", (IMAGE,), description=word,
                               parameters=parameters, downloads=downloads, released="2020" if n % 2 else None))  # fmt: skip
        if n % 3:
            scores.append(score(cards[-1].id, (n % 5) / 7))
    registry.add([*cards, *scores])
    return registry


@given(
    sort=st.sampled_from([*SORTS, "score:ImageNet-1k"]),
    reverse=st.booleans(),
    limit=st.integers(1, 40),
    words=st.sampled_from(["", "vit", "vit small", "zzz"]),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_are_the_whole_in_order(many, sort, reverse, limit, words):
    whole = many.search(SearchQuery.of(words, sort=sort, reverse=reverse, limit=None))
    paged, after = [], None
    while True:
        page = many.search(SearchQuery.of(words, sort=sort, reverse=reverse, limit=limit, after=after))
        assert page.total == whole.total == len(whole.models)
        paged += page.models
        if page.next is None:
            break
        assert len(page.models) == limit
        after = page.next
    assert [hit.card.id for hit in paged] == [hit.card.id for hit in whole.models]


@given(st.text(max_size=40))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_words_can_be_searched_for(many, words):
    page = many.search(SearchQuery.of(words))
    assert page.total >= len(page.models)


def test_plain_orders_walk_an_index(registry):
    """The plan of each plain order walks an index instead of sorting the table."""
    from zoo.registry.connection import reading

    with reading(registry.path) as connection:
        for column in ("downloads", "likes", "parameters", "bytes"):
            sql = f"SELECT key, {column} FROM models WHERE {column} <= 5 ORDER BY {column} DESC, key LIMIT 5"
            plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
            assert "COVERING INDEX" in plan[0]["detail"], plan[0]["detail"]
            assert len(plan) == 1
