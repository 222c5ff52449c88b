"""CLAP of transformers: a small one that is trained here on sounds with their names, and tells new ones apart by words."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conformance import outcomes_of_models
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, ClapProcessor, PreTrainedTokenizerFast

import zoo
from zoo.cli import run
from zoo.errors import DataError, InvalidInput
from zoo.kinds.audio import Recording
from zoo.kinds.metrics import metric
from zoo_audio.speech.utterances import SoundingText

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sources"))

from hub_server import HubServer

RATE = 8_000
SOUNDS = ("high beep", "low hum", "hiss", "rising siren")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def sound(name: str, generator: np.random.Generator) -> np.ndarray:
    """One second at 8 kHz, each time another."""
    time = np.arange(RATE) / RATE
    if name == "hiss":
        return generator.normal(0, generator.uniform(0.1, 0.3), RATE).astype(np.float32)
    if name == "rising siren":
        start = generator.uniform(300, 600)
        phase = start * time + generator.uniform(600, 900) * time**2
    else:
        phase = time * (generator.uniform(2200, 3200) if name == "high beep" else generator.uniform(100, 250))
    wave = generator.uniform(0.2, 0.5) * np.sin(2 * np.pi * phase + generator.uniform(0, 6)) + generator.normal(
        0, 0.01, RATE
    )
    return wave.astype(np.float32)


def untrained() -> tuple[ClapModel, ClapProcessor]:
    """A small CLAP that hears one second, with a word a token."""
    torch.manual_seed(0)
    words = sorted({word for name in SOUNDS for word in name.split()} | {"This", "is", "a", "sound", "of", "."})
    vocabulary = {token: at for at, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    extractor = ClapFeatureExtractor(
        feature_size=16,
        sampling_rate=RATE,
        hop_length=128,
        max_length_s=1,
        fft_window_size=512,
        frequency_max=4000,
        truncation="rand_trunc",
        padding="repeatpad",
    )
    config = ClapConfig(
        text_config={
            "vocab_size": len(vocabulary),
            "hidden_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "max_position_embeddings": 20,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
        },
        audio_config={
            "num_mel_bins": 16,
            "spec_size": 64,
            "patch_size": 4,
            "patch_stride": [4, 4],
            "window_size": 4,
            "depths": [1, 1],
            "num_attention_heads": [2, 4],
            "patch_embeds_hidden_size": 16,
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
        },
        projection_dim=16,
    )
    return ClapModel(config), ClapProcessor(extractor, fast)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after seconds of contrastive training, as such models are published."""
    folder = tmp_path_factory.mktemp("clap")
    model, processor = untrained()
    generator = np.random.default_rng(0)
    names = [SOUNDS[number % len(SOUNDS)] for number in range(160)]
    waves = [sound(name, generator) for name in names]
    values = processor.feature_extractor(waves, sampling_rate=RATE, return_tensors="pt")["input_features"]
    tokens = processor.tokenizer([f"This is a sound of {name}." for name in SOUNDS], padding=True, return_tensors="pt")
    targets = torch.tensor([SOUNDS.index(name) for name in names])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(12):
        for part in torch.randperm(len(waves)).split(32):
            sounds = model.get_audio_features(input_features=values[part]).pooler_output
            texts = model.get_text_features(tokens["input_ids"], tokens["attention_mask"]).pooler_output
            cosines = torch.nn.functional.cosine_similarity(sounds[:, None], texts[None], dim=2)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(10 * cosines, targets[part]).backward()
            optimizer.step()
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    generator = np.random.default_rng(1)
    for name in SOUNDS:
        (tmp_path / "sounds" / name).mkdir(parents=True)
        for number in range(10):
            soundfile.write(tmp_path / "sounds" / name / f"{number}.wav", sound(name, generator), RATE)
    return tmp_path / "sounds"


def test_new_sounds_are_told_apart_by_words(trained: Path, sounds: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = f"file:{trained}"
    for task in ("zero-shot-audio-classification", "audio-classification"):
        assert run(["evaluate", model, str(sounds), "--task", task, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["metrics"]["accuracy"] > 0.8
        assert found["baseline"]["accuracy"] == 0.25

    assert run(["predict", model, str(sounds / "hiss" / "0.wav"), "--labels", "hiss,low hum", "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)["predictions"]
    assert answer["output"][0]["label"] == "hiss"
    with pytest.raises(InvalidInput, match="at least 2 labels to choose from"):
        zoo.load(model).predict([Recording(np.zeros(RATE, dtype=np.float32), RATE)])


def test_it_is_pulled_from_a_hub(trained: Path, sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "ZOO_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with HubServer() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        files = {path.name: path.read_bytes() for path in trained.iterdir()}
        hub.add("zoo/clap", files, library_name="transformers", pipeline_tag="zero-shot-audio-classification")
        found = zoo.evaluate("hf:zoo/clap", str(sounds), task="zero-shot-audio-classification")
    assert found.metrics["accuracy"] > 0.8


def test_features_are_the_models_own(trained: Path) -> None:
    backbone = zoo.load(f"file:{trained}").backbone
    wave = sound("rising siren", np.random.default_rng(2))
    processor, model = ClapProcessor.from_pretrained(trained), ClapModel.from_pretrained(trained).eval()
    inputs = processor.feature_extractor(wave, sampling_rate=RATE, return_tensors="pt")
    with torch.inference_mode():
        expected = model.get_audio_features(input_features=inputs["input_features"]).pooler_output[0]
    found = backbone.features(backbone.collate([backbone.preprocess(Recording(wave, RATE))]), ("projected",))
    torch.testing.assert_close(found["projected"][0], expected / expected.norm(), rtol=1e-4, atol=1e-5)
    assert backbone.embed_texts(["hiss"]).shape == (1, 16)


def test_they_conform(trained: Path) -> None:
    outcomes = outcomes_of_models("audio", f"file:{trained}")
    assert [f"{o.check}: {o.detail}" for o in outcomes if o.status == "failed"] == []


def test_the_clap_score_is_of_the_right_words(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sounds fit their own names better than those of others."""
    generator = np.random.default_rng(3)
    sounds = [Recording(sound(name, generator), RATE) for name in SOUNDS]
    score = metric("clap_score").compute
    monkeypatch.delenv("ZOO_CLAP_MODEL", raising=False)
    with pytest.raises(DataError, match="ZOO_CLAP_MODEL"):
        score([SoundingText(name) for name in SOUNDS], sounds)
    monkeypatch.setenv("ZOO_CLAP_MODEL", f"file:{trained}")
    right = score([SoundingText(name) for name in SOUNDS], sounds)
    wrong = score([SoundingText(name) for name in (*SOUNDS[1:], SOUNDS[0])], sounds)
    assert right > wrong + 0.3
    monkeypatch.setenv("ZOO_CLAP_MODEL", "pkg:resemblyzer")
    with pytest.raises(DataError, match="no text features"):
        score([SoundingText("hiss")], sounds[:1])
