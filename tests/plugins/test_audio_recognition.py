"""Speech recognition by CTC and by a decoder, with models of transformers that are trained here on spoken digits."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest
import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    GenerationConfig,
    HubertConfig,
    HubertModel,
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2Processor,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

import zoo
from zoo.cli import run
from zoo.errors import UnsupportedModel
from zoo.kinds.known import kind_of

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
START, TRANSCRIBE, QUIET = "<|startoftranscript|>", "<|transcribe|>", "<|notimestamps|>"
LANGUAGES = ["<|en|>", "<|de|>"]
"""Special tokens that Whisper's transcripts begin by."""

SMALL = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "conv_dim": (32, 64, 64),
    "conv_stride": (16, 5, 4),
    "conv_kernel": (32, 8, 8),
    "feat_extract_norm": "layer",
    "conv_bias": True,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "layerdrop": 0.0,
    "do_stable_layer_norm": True,
    "hidden_dropout": 0.0,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "feat_proj_dropout": 0.0,
    "final_dropout": 0.0,
    "apply_spec_augment": False,
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def saved(folder: Path) -> str:
    """A small wav2vec 2.0 with a head for capital letters, as such models are published."""
    torch.manual_seed(0)
    letters = sorted({letter.upper() for word in DIGITS for letter in word})
    vocabulary = {token: index for index, token in enumerate(["<pad>", "<unk>", "|", *letters])}
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    tokenizer = Wav2Vec2CTCTokenizer(
        str(folder / "vocab.json"), pad_token="<pad>", unk_token="<unk>", bos_token=None, eos_token=None
    )
    extractor = Wav2Vec2FeatureExtractor(return_attention_mask=True)
    Wav2Vec2Processor(feature_extractor=extractor, tokenizer=tokenizer).save_pretrained(folder)
    config = Wav2Vec2Config(**SMALL, vocab_size=len(vocabulary), pad_token_id=0)
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    return f"file:{folder}"


def spoken(folder: Path, count: int, seed: int) -> Path:
    """Digits by espeak-ng in two voices, at many speeds and pitches; a table of paths and what is said."""
    chance = random.Random(seed)
    folder.mkdir()
    rows = ["path,transcription"]
    for number in range(count):
        word, voice = DIGITS[number % 10], chance.choice(("en", "en-us"))
        options = ["-v", voice, "-s", str(chance.randint(150, 200)), "-p", str(chance.randint(35, 65))]
        subprocess.run(["espeak-ng", *options, "-w", str(folder / f"{number}.wav"), word], check=True)
        rows.append(f"{number}.wav,{word}")
    (folder / "digits.csv").write_text("\n".join(rows))
    return folder / "digits.csv"


@pytest.mark.slow
@pytest.mark.system_packages("espeak-ng")
def test_speech_is_learnt_by_ctc_and_recognised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From random weights to letters: unheard recordings have half as many wrong as the commonest word would."""
    model, folder = saved(tmp_path / "wav2vec2"), str(tmp_path / "tuned")
    data, new = spoken(tmp_path / "data", 240, 0), spoken(tmp_path / "new", 40, 1)
    options = [
        "--strategy",
        "full",
        "--learning-rate",
        "2e-3",
        "--epochs",
        "22",
        "--patience",
        "22",
        "--batch-size",
        "12",
    ]

    task = ["--task", "automatic-speech-recognition"]
    assert run(["tune", model, str(data), *task, *options, "-o", folder, "--json"]) == 0
    tuned = json.loads(capsys.readouterr().out)
    assert run(["evaluate", f"file:{folder}", str(new), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert tuned["baseline"]["character_error_rate"] > 0.7
    assert found["task"] == "automatic-speech-recognition"
    assert found["baseline"]["character_error_rate"] > 0.7
    assert found["metrics"]["character_error_rate"] < 0.5
    assert (
        run(["predict", f"file:{folder}", str(tmp_path / "new" / "3.wav"), "-o", str(tmp_path / "seen"), "--json"]) == 0
    )
    [answer] = json.loads(capsys.readouterr().out)["predictions"]
    assert set(answer["output"]) <= {letter.upper() for word in DIGITS for letter in word}


def saved_whisper(folder: Path) -> str:
    """A small Whisper of one second with its tokens and what it begins by, as such models are published."""
    torch.manual_seed(0)
    byte_pairs = ByteLevelBPETokenizer()
    byte_pairs.train_from_iterator(DIGITS, vocab_size=400, min_frequency=1, special_tokens=["<|endoftext|>"])
    folder.mkdir(parents=True)
    byte_pairs.save_model(str(folder))
    merges = [tuple(line.split()) for line in (folder / "merges.txt").read_text().splitlines()[1:]]
    tokenizer = WhisperTokenizer(
        json.loads((folder / "vocab.json").read_text()),
        merges,
        pad_token="<|endoftext|>",
        additional_special_tokens=[START, *LANGUAGES, TRANSCRIBE, QUIET],
    )
    start, task, quiet, end = tokenizer.convert_tokens_to_ids([START, TRANSCRIBE, QUIET, "<|endoftext|>"])
    WhisperProcessor(WhisperFeatureExtractor(feature_size=40, chunk_length=1), tokenizer).save_pretrained(folder)
    tokens = {"decoder_start_token_id": start, "bos_token_id": end, "eos_token_id": end, "pad_token_id": end}
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            d_model=64,
            encoder_layers=2,
            decoder_layers=1,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=128,
            decoder_ffn_dim=128,
            vocab_size=len(tokenizer),
            num_mel_bins=40,
            max_source_positions=50,
            max_target_positions=16,
            dropout=0.0,
            **tokens,
        )
    )
    model.generation_config = GenerationConfig(
        **tokens,
        max_length=16,
        no_timestamps_token_id=quiet,
        is_multilingual=True,
        task_to_id={"transcribe": task},
        lang_to_id={token: tokenizer.convert_tokens_to_ids(token) for token in LANGUAGES},
        forced_decoder_ids=None,
    )
    model.save_pretrained(folder)
    return f"file:{folder}"


def test_the_losses_of_whisper_are_independent_of_the_batch(tmp_path: Path) -> None:
    learner = zoo.load(saved_whisper(tmp_path / "whisper"), device="cpu").backbone.learner(
        "automatic-speech-recognition", ()
    )
    first, second, *_ = kind_of("audio").ordinary()
    examples = [learner.example(first, "five"), learner.example(second, "five five five")]
    learner.module.eval()
    with torch.no_grad():
        together = learner.module(learner.collate(examples))
        apart = torch.cat([learner.module(learner.collate([one])) for one in examples])
    assert learner.independent_losses
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.system_packages("espeak-ng")
def test_whisper_learns_to_write_and_leaves_its_special_tokens_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From random weights to words: most unheard recordings are right, where the commonest word is in a tenth."""
    model, folder = saved_whisper(tmp_path / "whisper"), str(tmp_path / "tuned")
    data, new = spoken(tmp_path / "data", 240, 0), spoken(tmp_path / "new", 40, 1)
    options = [
        "--strategy",
        "full",
        "--learning-rate",
        "2e-3",
        "--epochs",
        "12",
        "--patience",
        "12",
        "--batch-size",
        "12",
    ]

    learner = zoo.load(model).backbone.learner("automatic-speech-recognition", ())
    _, tokens = learner.example(kind_of("audio").ordinary()[0], "five")
    tokenizer = learner.backbone.processor.tokenizer
    language, *rest = tokenizer.convert_ids_to_tokens(tokens)
    assert language in LANGUAGES
    assert rest == [TRANSCRIBE, QUIET, "five", "<|endoftext|>"]

    assert run(["tune", model, str(data), "--task", "automatic-speech-recognition", *options, "-o", folder]) == 0
    capsys.readouterr()
    assert run(["evaluate", f"file:{folder}", str(new), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["baseline"]["word_error_rate"] == 0.9
    assert found["metrics"]["word_error_rate"] < 0.5
    assert run(["predict", f"file:{folder}", str(tmp_path / "new" / "3.wav"), "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)["predictions"]
    assert answer["output"] == "three"


def test_a_published_head_stays_where_it_has_the_characters(tmp_path: Path) -> None:
    backbone = zoo.load(saved(tmp_path / "wav2vec2")).backbone
    kept = backbone.learner("automatic-speech-recognition", tuple("fiv ,!E"))
    assert kept.module.head is None
    _, labels = kept.example(kind_of("audio").ordinary()[0], "Five, five!")
    vocabulary = json.loads((tmp_path / "wav2vec2" / "vocab.json").read_text())
    assert labels == [vocabulary[token] for token in ["F", "I", "V", "E", "|", "F", "I", "V", "E"]]

    new = backbone.learner("automatic-speech-recognition", tuple("fünf "))
    assert new.classes == (" ", "f", "n", "ü")
    assert new.example(kind_of("audio").ordinary()[0], "Fünf!")[1] == [2, 4, 3, 2]
    assert backbone.learner("automatic-speech-recognition", new.classes).classes == new.classes


def test_an_encoder_without_a_head_gets_one(tmp_path: Path) -> None:
    """Losses are those of the recordings alone, whatever they share a batch with."""
    torch.manual_seed(0)
    HubertModel(HubertConfig(**SMALL)).save_pretrained(tmp_path / "hubert")
    Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(tmp_path / "hubert")
    learner = zoo.load(f"file:{tmp_path / 'hubert'}").backbone.learner("automatic-speech-recognition", tuple("abc"))
    examples = [
        learner.example(item, text) for item, text in zip(kind_of("audio").ordinary(), ["ab", "c", "bca"], strict=False)
    ]
    learner.module.eval()
    with torch.no_grad():
        together = learner.module(learner.collate(examples))
        alone = torch.cat([learner.module(learner.collate([example])) for example in examples])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
    assert (together > 0).all()
    assert all(isinstance(text, str) for text in learner.predict(kind_of("audio").ordinary()))


def test_an_encoder_whose_frames_cannot_be_counted_is_refused(tmp_path: Path) -> None:
    from transformers import WhisperModel

    config = WhisperConfig(
        d_model=32,
        encoder_layers=1,
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
    WhisperModel(config).save_pretrained(tmp_path / "whisper")
    WhisperFeatureExtractor().save_pretrained(tmp_path / "whisper")
    backbone = zoo.load(f"file:{tmp_path / 'whisper'}").backbone
    with pytest.raises(UnsupportedModel, match="is not a waveform encoder"):
        backbone.learner("automatic-speech-recognition", tuple("abc"))
