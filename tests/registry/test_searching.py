"""Search: every filter, every order, and complete paging."""

from __future__ import annotations

import itertools
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.entities import BenchmarkScore, ModelCard
from zoo.errors import InvalidInput, UnknownTask
from zoo.registry import Registry, SearchQuery
from zoo.registry.searching.query import SORTS

IMAGE, TEXT = "image-classification", "text-classification"


def score(model: str, value: float, dataset: str = "ImageNet-1k", metric: str = "accuracy", **fields) -> BenchmarkScore:
    return BenchmarkScore(model, IMAGE, dataset, metric, value, **fields)


@pytest.fixture
def stocked(any_registry: Registry) -> Registry:
    registry = any_registry
    cards = [
        ModelCard(
            "hf:google/vit-base",
            "vision",
            (IMAGE,),
            "ViT",
            "transformers",
            "A vision transformer.",
            86_000_000,
            344_000_000,
            "Apache-2.0",
            downloads=1000,
            released="2020-10",
            tags=("imagenet",),
        ),
        ModelCard(
            "hf:timm/resnet18",
            "vision",
            (IMAGE,),
            "ResNet",
            "timm",
            None,
            11_700_000,
            46_800_000,
            "MIT",
            downloads=5000,
            likes=7,
            released="2015-12",
        ),
        ModelCard(
            "pkg:tiny-vit", "vision", (IMAGE, "feature-extraction"), "ViT", "timm", None, 5_000_000, 20_000_000, "MIT"
        ),
        ModelCard(
            "hf:dbmdz/german-bert",
            "language",
            (TEXT,),
            "BERT",
            "transformers",
            "Für deutsche Texte.",
            110_000_000,
            None,
            "MIT",
            ("de",),
            downloads=3000,
        ),
        ModelCard("hf:secret/unknown", "language", (TEXT,), gated=True),
    ]
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
    return [hit.card.id for hit in registry.search(SearchQuery(words, **filters)).models]


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
        ({"max_size": 20_000_000}, {"pkg:tiny-vit"}),
        ({"language": "de"}, {"hf:dbmdz/german-bert"}),
        ({"source": "pkg"}, {"pkg:tiny-vit"}),
        ({"library": "timm"}, {"hf:timm/resnet18", "pkg:tiny-vit"}),
        ({"min_score": {"imagenet-1k": 0.79}}, {"hf:google/vit-base", "pkg:tiny-vit"}),
        ({"min_score": {"imagenet-1k/top_5_accuracy": 0.9}}, {"hf:google/vit-base"}),
        ({"min_score": {"ImageNet-C": 40}}, {"hf:timm/resnet18"}),
        ({"words": "vit", "min_score": {"imagenet-1k": 0.8}}, {"hf:google/vit-base"}),
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
    page = stocked.search(SearchQuery(sort=sort))
    assert page.total == len(page.models)


def test_a_data_set_alone_means_its_most_used_metric(stocked):
    page = stocked.search(SearchQuery(sort="score:ImageNet-1k"))

    assert [hit.requested["ImageNet-1k"] for hit in page.models] == [0.84, 0.79, 0.70]


@pytest.fixture
def split_up(stocked: Registry) -> Registry:
    """Word error rates on two splits of one data set, and a data set in two languages."""
    stocked.add(
        [
            score("hf:google/vit-base", 0.05, "Speech", "wer", split="clean", higher_is_better=False),
            score("hf:google/vit-base", 0.12, "Speech", "wer", split="other", higher_is_better=False),
            score("hf:timm/resnet18", 0.04, "Speech", "wer", split="clean", higher_is_better=False),
            score("pkg:tiny-vit", 0.01, "Speech", "wer", split="easy/short", higher_is_better=False),
            score("pkg:tiny-vit", 0.8, "Intents (en)"),
            score("pkg:tiny-vit", 0.6, "Intents (ja)"),
        ]
    )
    return stocked


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("speech", [("hf:timm/resnet18", 0.04), ("hf:google/vit-base", 0.05)]),  # the split with most models
        ("Speech/wer", [("hf:timm/resnet18", 0.04), ("hf:google/vit-base", 0.05)]),
        ("Speech/other", [("hf:google/vit-base", 0.12)]),
        ("speech/OTHER/wer", [("hf:google/vit-base", 0.12)]),
        ("Speech/easy/short/wer", [("pkg:tiny-vit", 0.01)]),
        ("intents (ja)", [("pkg:tiny-vit", 0.6)]),
    ],
)
def test_a_name_means_one_split_of_a_data_set(split_up, name, expected):
    page = split_up.search(SearchQuery(min_score={name: 0.5}, sort=f"score:{name}"))
    assert [(hit.card.id, hit.requested[name]) for hit in page.models] == expected


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("intents", "Available: Intents (en); Intents (ja)."),
        ("Speech/clen", "Available: Speech/clean/wer; Speech/easy/short/wer; Speech/other/wer."),
        ("Speach", "Did you mean Speech"),
    ],
)
def test_a_name_that_means_no_benchmark_is_answered_with_those_that_are_there(split_up, name, hint):
    with pytest.raises(InvalidInput) as caught:
        split_up.search(SearchQuery(min_score={name: 0.5}))
    assert hint in str(caught.value.hint)


def test_a_hit_carries_its_scores(stocked):
    (hit,) = stocked.search(SearchQuery("resnet18")).models

    assert {(s.dataset, s.value) for s in hit.scores} == {("ImageNet-1k", 0.70), ("ImageNet-C", 30.0)}
    assert hit.to_dict()["scores"][0]["metric"] == "accuracy"


@pytest.mark.parametrize(
    ("filters", "error", "text"),
    [
        ({"task": "image-clasification"}, UnknownTask, "image-classification"),
        ({"domain": "visio"}, InvalidInput, "vision"),
        ({"library": "tim"}, InvalidInput, "timm"),
        ({"min_score": {"imagenet1k": 0.5}}, InvalidInput, "ImageNet-1k"),
        ({"min_score": {"ImageNet-1k": float("nan")}}, InvalidInput, "finite"),
        ({"sort": "download"}, InvalidInput, "downloads"),
        ({"limit": 0}, InvalidInput, "at least one"),
        ({"after": "nonsense"}, InvalidInput, "not a valid cursor"),
    ],
)
def test_bad_queries_say_what_to_do(stocked, filters, error, text):
    with pytest.raises(error, match=text):
        stocked.search(SearchQuery(**filters))


def test_a_page_of_another_order_is_refused(stocked):
    page = stocked.search(SearchQuery(limit=1))
    with pytest.raises(InvalidInput, match="sorted by downloads"):
        stocked.search(SearchQuery(limit=1, sort="name", after=page.next))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def many(request, make_registry) -> Registry:
    """Models full of ties and gaps."""
    registry = make_registry(request.param)
    cards, scores = [], []
    for n, (downloads, parameters, word) in enumerate(
        itertools.product((None, 0, 5, 5_000_000_000), (None, 7, 10**12), ("vit", "vit small", "other"))
    ):
        cards.append(
            ModelCard(
                f"hf:some/{word.replace(' ', '-')}-{n}",
                "vision",
                (IMAGE,),
                description=word,
                parameters=parameters,
                downloads=downloads,
                released="2020" if n % 2 else None,
            )
        )
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
    whole = many.search(SearchQuery(words, sort=sort, reverse=reverse, limit=None))
    paged, after = [], None
    while True:
        page = many.search(SearchQuery(words, sort=sort, reverse=reverse, limit=limit, after=after))
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
    page = many.search(SearchQuery(words))
    assert page.total >= len(page.models)


def test_plain_orders_walk_an_index(registry):
    """The plan of each plain order walks an index instead of sorting the table."""
    from zoo.registry.database.connection import reading

    with reading(registry.path) as connection:
        for column in ("downloads", "likes", "parameters", "bytes"):
            sql = f"SELECT key, {column} FROM models WHERE {column} <= 5 ORDER BY {column} DESC, key LIMIT 5"
            plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
            assert "COVERING INDEX" in plan[0]["detail"], plan[0]["detail"]
            assert len(plan) == 1


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"min_parameters": 11_700_000, "max_parameters": 86_000_000}, {"hf:google/vit-base", "hf:timm/resnet18"}),
        ({"min_size": 46_800_001}, {"hf:google/vit-base"}),
        ({"min_downloads": 1001}, {"hf:timm/resnet18", "hf:dbmdz/german-bert"}),
        ({"max_likes": 10}, {"hf:timm/resnet18"}),
        ({"fits": 24_000_001}, {"pkg:tiny-vit"}),
        ({"fits": 528_000_000, "domain": "language"}, {"hf:dbmdz/german-bert"}),
        ({"fits": 527_999_999, "domain": "language"}, set()),
        ({"released_after": "2020"}, {"hf:google/vit-base"}),
        ({"released_before": "2015"}, {"hf:timm/resnet18"}),
        ({"released_before": "2015-11"}, set()),
        ({"tag": ("imagenet",)}, {"hf:google/vit-base"}),
        ({"gated": True}, {"hf:secret/unknown"}),
    ],
)
def test_ranges_tags_and_memory(stocked, filters, expected):
    assert set(found(stocked, **filters)) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ('"vision transformer"', {"hf:google/vit-base"}),
        ('"transformer vision"', set()),
        ('"vit base" google', {"hf:google/vit-base"}),
        ('"image classification" resnet', {"hf:timm/resnet18"}),
        ('"deutsche texte"', {"hf:dbmdz/german-bert"}),
    ],
)
def test_phrases_stand_word_by_word(stocked, words, expected):
    assert set(found(stocked, words, exact=True)) == expected


@pytest.mark.parametrize(
    ("typed", "instead", "first"),
    [
        ("resnt18", "resnet18", "hf:timm/resnet18"),
        ("germna bert", "german bert", "hf:dbmdz/german-bert"),
        ("trasnformer", "transformer", "hf:google/vit-base"),
        ('"visoin transformer"', '"vision transformer"', "hf:google/vit-base"),
    ],
)
def test_similar_words_are_looked_for_where_nothing_matches(stocked, typed, instead, first):
    page = stocked.search(SearchQuery(typed))
    assert page.instead == instead
    assert page.models[0].card.id == first
    assert page.to_dict()["instead"] == instead
    assert stocked.search(SearchQuery(typed, exact=True)).total == 0
    assert stocked.search(SearchQuery("xylophone quartet")).instead is None


def test_facets_count_the_models_that_match(stocked):
    assert stocked.search(SearchQuery()).facets is None
    facets = stocked.search(SearchQuery(license="mit", facets=True, limit=1)).facets
    assert facets["domain"] == {"vision": 2, "language": 1}
    assert facets["task"] == {IMAGE: 2, "feature-extraction": 1, TEXT: 1}
    assert facets["license"] == {"MIT": 3}
    assert stocked.search(SearchQuery(facets=True)).facets["gated"] == {"no": 4, "yes": 1}


def test_unknown_numbers_come_last_either_way(stocked):
    for reverse in (False, True):
        assert found(stocked, sort="parameters", reverse=reverse)[-1] == "hf:secret/unknown"


@given(st.text("abc", max_size=8), st.text("abc", max_size=8))
def test_the_distance_of_words_is_symmetrical_and_bounded(a, b):
    from zoo.registry.searching.similar import distance

    assert distance(a, b, 9) == distance(b, a, 9) <= max(len(a), len(b))
    assert (distance(a, b, 9) == 0) == (a == b)
    assert distance(a, b, 1) == min(distance(a, b, 9), 2)


@given(st.sets(st.integers(0, 65535), max_size=2000) | st.just(set(range(1000, 60000))))
@settings(deadline=None, max_examples=50)
def test_packed_sets_come_back(keys):
    from zoo.registry.index import bits

    packed = bits.packed_offsets(sorted(keys))
    assert set(bits.offsets(packed)) == keys
    assert bits.count(packed) == len(keys)
    assert bits.united([(2, packed)]) == bits.of_keys(key + 2 * bits.SPAN for key in keys)
    assert list(bits.keys(bits.united([(0, packed)]))) == sorted(keys)


@given(
    st.lists(st.none() | st.integers(0, 40) | st.integers(0, 2**62), min_size=1, max_size=60),
    st.integers(0, 45),
    st.integers(1, 70),
    st.booleans(),
)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_numbers_in_binary_compare_and_sort_as_numbers(
    tmp_path_factory, empty_registry, values, limit, want, descending
):
    path = tmp_path_factory.mktemp("numbers") / "registry.db"
    shutil.copyfile(empty_registry, path)
    registry = Registry(path)
    registry.add(ModelCard(f"hf:n/{n:03}", "vision", likes=value) for n, value in enumerate(values))

    within = {n for n, value in enumerate(values) if value is not None and value <= limit}
    assert set(found(registry, max_likes=limit, limit=None)) == {f"hf:n/{n:03}" for n in within}
    order = sorted(
        range(len(values)), key=lambda n: (values[n] is None, (-1 if descending else 1) * (values[n] or 0), n)
    )
    assert found(registry, sort="likes", reverse=not descending, limit=want) == [f"hf:n/{n:03}" for n in order[:want]]
    registry.close()
