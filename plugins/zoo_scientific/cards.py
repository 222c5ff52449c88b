"""Cards of the scientific models that ship inside Python packages; sizes, hashes and counts are those of the files."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.entities import ModelCard, ModelFile

RXNMAPPER = ModelCard(
    id="pkg:rxnmapper",
    domain="scientific",
    tasks=("molecular-property-prediction", "molecule-classification"),
    architecture="ALBERT",
    library="transformers",
    description="ALBERT on chemical reactions: twelve times the same layer over SMILES; small, and quick.",
    parameters=701_824,
    bytes=3_219_041,
    license="MIT",
    pretraining=("USPTO reactions",),
    input={"kind": "molecule", "max_tokens": 512, "tokens": "atoms"},
    embedding_dimension=256,
    released="2020-08",
    revision="0.4.3",
    url="https://pypi.org/project/rxnmapper/",
    tags=("packaged", "reactions"),
    files=(
        ModelFile("config.json", 1219, "ea0f3144af1d13a5d5928cff01abd8e7c14ab831ff7b6d73a14d4162864a876f"),
        ModelFile("pytorch_model.bin", 3212952, "8541f3f500dae71abe678d546bd035ca946e2d1c819f6b2cf41a97faedd7e6a2"),
        ModelFile("special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
        ModelFile("tokenizer_config.json", 2, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
        ModelFile("vocab.txt", 3525, "399868a653e85549ce150af4a1f6cd2776240c6a3d951ced2120565f00f027fd"),
    ),
    loader={"root": "rxnmapper/models/transformers/albert_heads_8_uspto_all_1310k", "tokens": "atoms"},
    requires=("rxnmapper",),
)


def packaged() -> Iterator[ModelCard]:
    """Every packaged card."""
    yield RXNMAPPER
