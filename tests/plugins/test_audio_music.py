"""MusicGen of transformers: a small one, on a small EnCodec, that learns here what its words sound like."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from sklearn.cluster import KMeans
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    EncodecConfig,
    EncodecModel,
    GenerationConfig,
    MusicgenConfig,
    MusicgenForConditionalGeneration,
    PreTrainedTokenizerFast,
)

import zoo
from zoo.cli import run
from zoo.data import read
from zoo.errors import DataError
from zoo.kinds.audio import Recording
from zoo.kinds.metrics import metric
from zoo_audio.music import delayed
from zoo_audio.options import FRECHET_MODEL
from zoo_audio.speech.utterances import SoundingText

RATE, SAMPLES = 2_000, 500
KINDS = ("low beeps", "high beeps", "rising siren")
CODES, BANDWIDTH, PADDING = 64, 2.4, 64


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_CLAP_MODEL", raising=False)


def sound(name: str, generator: np.random.Generator) -> np.ndarray:
    """A quarter of a second at 2 kHz, each time another."""
    time = np.arange(SAMPLES) / RATE
    if name == "rising siren":
        turns, loudness = generator.uniform(110, 125) * time + generator.uniform(1000, 1050) * time**2, 1.0
    else:
        turns = time * (generator.uniform(550, 600) if name == "high beeps" else generator.uniform(100, 115))
        loudness = (time * generator.uniform(8, 9)) % 1 < 0.5
    return (0.5 * loudness * np.sin(2 * np.pi * turns + generator.uniform(0, 1))).astype(np.float32)


def codec(steps: tuple[int, int] = (0, 0)) -> EncodecModel:
    """A small EnCodec of two codebooks: trained without them, then they are found by k-means, then its decoder again."""
    torch.manual_seed(0)
    model = EncodecModel(
        EncodecConfig(
            target_bandwidths=[BANDWIDTH],
            sampling_rate=RATE,
            hidden_size=32,
            codebook_dim=32,
            codebook_size=CODES,
            num_filters=16,
            upsampling_ratios=[5, 2],
            num_lstm_layers=1,
        )
    )
    generator = np.random.default_rng(0)
    waves = torch.tensor(np.stack([sound(KINDS[number % 3], generator) for number in range(96)]))[:, None]
    learn(model, waves, model.parameters(), steps[0], model.encoder, 4e-3)
    with torch.no_grad():
        rest = model.encoder(waves).transpose(1, 2).reshape(-1, 32)
        for layer in model.quantizer.layers:
            means = KMeans(CODES, n_init=1, random_state=0).fit(rest[::5].numpy()).cluster_centers_
            layer.codebook.embed.copy_(torch.tensor(means))
            rest = rest - layer.codebook.embed[torch.cdist(rest, layer.codebook.embed).argmin(dim=1)]
    learn(model, waves, model.decoder.parameters(), steps[1], lambda given: quantised(model, given), 2e-3)
    return model.eval()


def quantised(model: EncodecModel, waves: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model.quantizer.decode(model.quantizer.encode(model.encoder(waves), BANDWIDTH))


def learn(model: EncodecModel, waves: torch.Tensor, parameters: object, steps: int, code: object, rate: float) -> None:
    optimizer = torch.optim.AdamW(parameters, lr=rate)
    for _ in range(steps):
        given = waves[torch.randint(0, len(waves), (12,))]
        made = model.decoder(code(given))[..., : given.shape[-1]]
        loss = (made - given).abs().mean()
        for size in (64, 256):
            real, found = (magnitudes(wave, size) for wave in (given, made))
            loss = loss + (found - real).abs().mean() / size**0.5
            loss = loss + 0.1 * ((found + 1e-3).log() - (real + 1e-3).log()).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def magnitudes(waves: torch.Tensor, size: int) -> torch.Tensor:
    return torch.stft(waves[:, 0], size, size // 4, window=torch.hann_window(size), return_complex=True).abs()


def saved(folder: Path, encodec: EncodecModel) -> str:
    """A small MusicGen with random weights over an EnCodec, with a word a token, as such models are published."""
    torch.manual_seed(0)
    words = sorted({word for name in KINDS for word in name.split()})
    vocabulary = {token: at for at, token in enumerate(["<pad>", "</s>", "<unk>", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    fast.save_pretrained(folder)
    model = MusicgenForConditionalGeneration(
        MusicgenConfig(
            text_encoder={
                "model_type": "t5",
                "vocab_size": len(vocabulary),
                "d_model": 32,
                "d_kv": 8,
                "d_ff": 64,
                "num_layers": 1,
                "num_heads": 4,
                "dropout_rate": 0.0,
            },
            audio_encoder=encodec.config.to_dict(),
            decoder={
                "vocab_size": CODES,
                "max_position_embeddings": 256,
                "num_hidden_layers": 2,
                "ffn_dim": 256,
                "num_attention_heads": 4,
                "hidden_size": 96,
                "dropout": 0.0,
                "num_codebooks": 2,
                "pad_token_id": PADDING,
                "bos_token_id": PADDING,
            },
        )
    )
    model.audio_encoder.load_state_dict(encodec.state_dict())
    model.generation_config = GenerationConfig(
        do_sample=True, guidance_scale=3.0, pad_token_id=PADDING, bos_token_id=PADDING, decoder_start_token_id=PADDING
    )
    model.save_pretrained(folder)
    return f"file:{folder}"


def described(folder: Path, count: int, seed: int) -> Path:
    generator = np.random.default_rng(seed)
    folder.mkdir()
    rows = ["description,path"]
    for number in range(count):
        name = KINDS[number % 3]
        soundfile.write(folder / f"{number}.wav", sound(name, generator), RATE)
        rows.append(f"{name},{number}.wav")
    (folder / "sounds.csv").write_text("\n".join(rows))
    return folder / "sounds.csv"


@pytest.mark.slow
def test_what_words_sound_like_is_learnt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The distance to real sounds falls to far below that of noise, and of the same model before; words are heeded."""
    model, folder = saved(tmp_path / "musicgen", codec((150, 100))), str(tmp_path / "tuned")
    data, new = described(tmp_path / "data", 480, 0), described(tmp_path / "new", 24, 1)
    options = [
        "--strategy",
        "full",
        "--learning-rate",
        "4e-3",
        "--epochs",
        "14",
        "--patience",
        "14",
        "--batch-size",
        "16",
        "--validation",
        "0.04",
        "--test",
        "0.05",
    ]

    found = {}
    assert run(["tune", model, str(data), "--task", "text-to-audio", *options, "-o", folder]) == 0
    for name in (model, f"file:{folder}"):
        capsys.readouterr()
        assert run(["evaluate", name, str(new), "--json"]) == 0
        found[name] = json.loads(capsys.readouterr().out)

    before, after = (found[name]["metrics"]["frechet_audio_distance"] for name in (model, f"file:{folder}"))
    noise = found[model]["baseline"]["frechet_audio_distance"]
    assert after < 0.75 * before
    assert after < 0.5 * noise
    test, tuned = read(new, task="text-to-audio"), zoo.load(f"file:{folder}")
    made = tuned.predict(list(test.inputs))
    assert {round(piece.seconds, 2) for piece in made} == {0.25}
    real, heard = (FRECHET_MODEL.embed(sounds) for sounds in ([target.recording for target in test.targets], made))
    low, high = real[0::3].mean(axis=0), real[1::3].mean(axis=0)
    lower = np.linalg.norm(heard - low, axis=1) < np.linalg.norm(heard - high, axis=1)
    assert lower[0::3].sum() + (~lower[1::3]).sum() >= 12, "of 16; 8 by chance"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(tmp_path_factory.mktemp("music") / "musicgen", codec())


def test_each_codebook_is_a_step_behind_the_one_before() -> None:
    codes = torch.tensor([[1, 5, 9], [2, 6, 10], [3, 7, 11]])
    assert delayed(codes, 0).T.tolist() == [[1, 2, 3, 0, 0], [0, 5, 6, 7, 0], [0, 0, 9, 10, 11]]


def test_the_loss_is_that_of_the_librarys_own_labels(small: str) -> None:
    """A piece's loss is the mean over its codes, whatever it shares a batch with."""
    learner = zoo.load(small).backbone.learner("text-to-audio", ())
    generator = np.random.default_rng(0)
    recordings = [Recording(sound("low beeps", generator)[:length], RATE) for length in (500, 300)]
    examples = [learner.example("", SoundingText("low beeps", [recording])) for recording in recordings]
    learner.module.eval()
    with torch.no_grad():
        together = learner.module(learner.collate(examples))
        alone = torch.cat([learner.module(learner.collate([example])) for example in examples])
        batch = learner.collate(examples[:1])
        learner.backbone.model.config.decoder.decoder_start_token_id = PADDING
        own = learner.backbone.model(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=batch["codes"]
        ).loss
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
    assert float(own) == pytest.approx(float(alone[0]), rel=1e-3)


def test_a_piece_is_the_same_every_time_and_as_long_as_asked(small: str) -> None:
    model = zoo.load(small)
    assert model.card.tasks == ("text-to-audio",)
    assert model.card.input["kind"] == "text"
    first, again = (model.backbone.outputs(["low beeps", "high beeps"], 30) for _ in range(2))
    assert [piece.seconds for piece in first] == [0.15, 0.15]
    np.testing.assert_array_equal(first[0].samples, again[0].samples)
    assert not np.array_equal(first[0].samples, first[1].samples)
    with pytest.raises(DataError, match="The description is empty"):
        model.predict([" "])
    with pytest.raises(DataError, match="trained on recordings"):
        model.backbone.learner("text-to-audio", ()).example("", SoundingText("hum"))


def test_the_distance_is_between_sets_of_sounds() -> None:
    generator = np.random.default_rng(0)
    sounds = {name: [Recording(sound(name, generator), RATE) for _ in range(6)] for name in KINDS[:2]}
    targets = [SoundingText("low", [one]) for one in sounds["low beeps"]]
    distance = metric("frechet_audio_distance").compute
    assert distance(targets, sounds["low beeps"]) == pytest.approx(0, abs=1e-6)
    assert distance(targets, sounds["low beeps"][::-1]) == pytest.approx(0, abs=1e-6)
    assert distance(targets, sounds["high beeps"]) > 0.3
