"""Voices of transformers: a small SpeechT5 that learns here to speak in two voices, and the wave that VITS gives."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import torch
from transformers import (
    SpeechT5Config,
    SpeechT5FeatureExtractor,
    SpeechT5ForTextToSpeech,
    SpeechT5HifiGan,
    SpeechT5HifiGanConfig,
    SpeechT5Processor,
    SpeechT5Tokenizer,
    VitsConfig,
    VitsModel,
    VitsTokenizer,
)

import zoo
from zoo.cli import run
from zoo.data import read
from zoo.errors import DataError, UnsupportedModel
from zoo.kinds.audio import Recording
from zoo.kinds.metrics import metric
from zoo_audio.speech.utterances import SoundingText, VoicedText

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sources"))

from hub_server import HubServer

WORDS = ("see", "car", "moon", "dog")
VOICES = ("en-us", "en-us+f3")
DROPS = (
    "encoder_layerdrop",
    "decoder_layerdrop",
    "hidden_dropout",
    "attention_dropout",
    "activation_dropout",
    "positional_dropout",
    "speech_decoder_postnet_dropout",
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    # An ASR model trained on sentences recognises none of a small model's words, so that the sounds decide.
    monkeypatch.setenv("ZOO_ASR_MODEL", "off")


def saved(folder: Path, voice: int = 256) -> str:
    """A small SpeechT5 with random weights and a token for each character, as such models are published."""
    torch.manual_seed(0)
    folder.mkdir()
    (folder / "texts").write_text("\n".join(WORDS * 20))
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "texts"),
        model_prefix=str(folder / "characters"),
        model_type="char",
        vocab_size=16,
        hard_vocab_limit=False,
        bos_id=0,
        pad_id=1,
        eos_id=2,
        unk_id=3,
        minloglevel=2,
    )
    tokenizer = SpeechT5Tokenizer(str(folder / "characters.model"))
    SpeechT5Processor(SpeechT5FeatureExtractor(), tokenizer).save_pretrained(folder)
    config = SpeechT5Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        encoder_layers=1,
        encoder_attention_heads=4,
        encoder_ffn_dim=128,
        decoder_layers=1,
        decoder_attention_heads=4,
        decoder_ffn_dim=128,
        speech_decoder_prenet_units=64,
        speech_decoder_postnet_units=64,
        speech_decoder_postnet_layers=1,
        speaker_embedding_dim=voice,
        max_text_positions=30,
        max_speech_positions=400,
        encoder_max_relative_position=32,
        guided_attention_loss_num_heads=2,
        reduction_factor=4,
        initializer_range=0.12,
        **dict.fromkeys(DROPS, 0.0),
    )
    SpeechT5ForTextToSpeech(config).save_pretrained(folder)
    return f"file:{folder}"


def spoken(folder: Path, count: int, seed: int) -> Path:
    """Four words by two voices of espeak-ng at many speeds; another recording of the voice with each."""
    chance = random.Random(seed)
    folder.mkdir()
    rows = ["text,path,voice"]
    for number in range(count):
        word, voice = WORDS[number % 4], number // 4 % 2
        options = ["-v", VOICES[voice], "-s", str(chance.randint(160, 190)), "-w", str(folder / f"{number}.wav")]
        subprocess.run(["espeak-ng", *options, word], check=True)
        rows.append(f"{word},{number}.wav,{4 * voice + (number + 1) % 4}.wav")
    (folder / "said.csv").write_text("\n".join(rows))
    return folder / "said.csv"


@pytest.mark.slow
@pytest.mark.system_packages("espeak-ng")
def test_words_are_learnt_and_spoken_in_the_voice_of_a_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four words by two voices: each output is nearest to the right one of eight recordings; by chance one of eight is."""
    model, folder = saved(tmp_path / "speecht5"), str(tmp_path / "tuned")
    data, new = spoken(tmp_path / "data", 240, 0), spoken(tmp_path / "new", 8, 1)
    options = [
        "--strategy",
        "full",
        "--learning-rate",
        "5e-3",
        "--epochs",
        "24",
        "--patience",
        "24",
        "--batch-size",
        "8",
        "--validation",
        "0.03",
        "--test",
        "0.05",
    ]

    assert run(["tune", model, str(data), "--task", "text-to-speech", *options, "-o", folder]) == 0
    capsys.readouterr()
    assert run(["evaluate", f"file:{folder}", str(new), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert found["task"] == "text-to-speech"
    assert found["metrics"]["mel_cepstral_distortion"] < 0.8 * found["baseline"]["mel_cepstral_distortion"]
    test = read(new, task="text-to-speech")
    tuned = zoo.load(f"file:{folder}")
    distortion, likeness = (metric(name).compute for name in ("mel_cepstral_distortion", "speaker_similarity"))
    made = tuned.predict(list(test.inputs))
    nearest = [min(range(8), key=lambda at: distortion([test.targets[at]], [one])) for one in made]
    assert sum(at == number for number, at in enumerate(nearest)) >= 6
    own = likeness(test.targets, made)
    other = likeness([*test.targets[4:], *test.targets[:4]], made)
    assert own > other + 0.05
    # Without a recording it speaks in the mean voice of what it learnt from.
    assert tuned.predict(["moon"])[0].seconds > 0.2


def test_what_cannot_be_spoken_is_an_error(tmp_path: Path) -> None:
    model = zoo.load(saved(tmp_path / "speecht5", voice=100))
    assert model.card.tasks == ("text-to-speech",)
    assert model.card.input["kind"] == "text"
    with pytest.raises(DataError, match="needs a recording of a voice, and none was given"):
        model.predict(["see"])
    noise = Recording((0.1 * np.random.default_rng(0).standard_normal(16_000)).astype(np.float32), 16_000)
    learner = model.backbone.learner("text-to-speech", ())
    with pytest.raises(
        UnsupportedModel, match="takes speaker vectors of length 100, but 'pkg:resemblyzer' returns 256"
    ):
        learner.example("see", SoundingText("see", [noise]))
    with pytest.raises(DataError, match="trained on recordings"):
        learner.example("see", SoundingText("see"))
    with pytest.raises(DataError, match="text to speak is empty"):
        model.backbone.tokens(" ")
    assert model.backbone.learner("automatic-speech-recognition", ()) is None


def test_padding_does_not_count_in_the_loss(tmp_path: Path) -> None:
    """The spectrogram's loss of a batch is that of its frames, whatever they share it with."""
    backbone = zoo.load(saved(tmp_path / "speecht5")).backbone
    learner = backbone.learner("text-to-speech", ())
    generator = np.random.default_rng(0)
    waves = [(0.1 * generator.standard_normal(count)).astype(np.float32) for count in (8_000, 12_000)]
    examples = [learner.example("see", SoundingText("see", [Recording(wave, 16_000)])) for wave in waves]
    batch = learner.collate(examples)
    assert [len(example["spectrogram"]) % 4 for example in examples] == [0, 0]
    shorter = len(examples[0]["spectrogram"])
    assert (batch["labels"][0, shorter:] == -100).all()
    torch.testing.assert_close(batch["labels"][0, :shorter], examples[0]["spectrogram"])
    assert learner.module(batch).shape == (2, 1)


def test_a_spectrogram_becomes_its_sound_again(tmp_path: Path) -> None:
    """Without a vocoder by Griffin and Lim: the wave has the spectrogram that it was made from, nearly."""
    backbone = zoo.load(saved(tmp_path / "speecht5")).backbone
    time = np.arange(16_000) / 16_000
    wave = sum(0.2 * np.sin(2 * np.pi * pitch * time * (1 + 0.2 * time)) for pitch in (200, 400, 900))
    recording = Recording(wave.astype(np.float32), 16_000)
    made = Recording(backbone.wave(backbone.spectrogram(recording)), 16_000)
    assert metric("mel_cepstral_distortion").compute([SoundingText("", [recording])], [made]) < 1.5


def test_a_vocoder_in_the_folder_is_used(tmp_path: Path) -> None:
    name = saved(tmp_path / "speecht5")
    config = SpeechT5HifiGanConfig(
        upsample_initial_channel=16, resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1]]
    )
    vocoder = SpeechT5HifiGan(config).eval()
    vocoder.save_pretrained(tmp_path / "speecht5" / "vocoder")
    spectrogram = torch.linspace(-3, 0, 40 * 80).reshape(40, 80)
    with torch.inference_mode():
        expected = vocoder(spectrogram).numpy()
    np.testing.assert_allclose(zoo.load(name).backbone.wave(spectrogram), expected, atol=1e-5)


def test_a_voice_and_its_vocoder_are_pulled_from_a_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the hub's own client; what the vocoder makes of the pulled model's spectrogram is what it is known to make."""
    saved(tmp_path / "speecht5")
    config = SpeechT5HifiGanConfig(
        upsample_initial_channel=16, resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1]]
    )
    vocoder = SpeechT5HifiGan(config).eval()
    vocoder.save_pretrained(tmp_path / "hifigan")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "ZOO_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZOO_VOCODER", "hf:zoo/hifigan")
    with HubServer() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        for name, tag in (("speecht5", "text-to-speech"), ("hifigan", "")):
            files = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir() if path.name != "texts"}
            hub.add(f"zoo/{name}", files, library_name="transformers", pipeline_tag=tag or None)
        model = zoo.load("hf:zoo/speecht5")
    assert (model.card.tasks, model.card.domain) == (("text-to-speech",), "audio")
    spectrogram = torch.linspace(-3, 0, 40 * 80).reshape(40, 80)
    with torch.inference_mode():
        expected = vocoder(spectrogram).numpy()
    np.testing.assert_allclose(model.backbone.wave(spectrogram), expected, atol=1e-5)


def test_vits_gives_the_wave_of_its_own_library(tmp_path: Path) -> None:
    """The weights are random: what is shown is that they are loaded and run as transformers does."""
    torch.manual_seed(0)
    folder = tmp_path / "vits"
    folder.mkdir()
    vocabulary = {letter: at for at, letter in enumerate("_abcdefghijklmnopqrstuvwxyz ")}
    (folder / "vocab.json").write_text(json.dumps({**vocabulary, "<unk>": len(vocabulary)}))
    tokenizer = VitsTokenizer(str(folder / "vocab.json"), pad_token="_", phonemize=False, is_uroman=False)
    model = VitsModel(
        VitsConfig(
            vocab_size=len(vocabulary) + 1,
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            ffn_dim=64,
            flow_size=32,
            spectrogram_bins=33,
            upsample_initial_channel=32,
            upsample_rates=[8, 8],
            layerdrop=0.0,
            upsample_kernel_sizes=[16, 16],
            resblock_kernel_sizes=[3],
            resblock_dilation_sizes=[[1]],
            prior_encoder_num_flows=2,
            prior_encoder_num_wavenet_layers=1,
            duration_predictor_num_flows=2,
            depth_separable_num_layers=1,
            duration_predictor_flow_bins=4,
        )
    ).eval()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)

    voice = zoo.load(f"file:{folder}")
    [found] = voice.predict(["hello there"])
    torch.manual_seed(0)
    with torch.inference_mode():
        expected = model(**tokenizer("hello there", return_tensors="pt")).waveform[0].numpy()
    np.testing.assert_allclose(found.samples, expected.clip(-1, 1), atol=1e-5)
    assert (voice.card.tasks, found.sampling_rate) == (("text-to-speech",), 16_000)
    np.testing.assert_array_equal(voice.predict(["hello there"])[0].samples, found.samples)
    with pytest.raises(DataError, match="has one voice"):
        voice.predict([VoicedText.of("hello", [found])])
    assert voice.backbone.layers == ()
