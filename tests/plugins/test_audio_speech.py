"""Voices and their metrics: a real VITS voice, a real Whisper's transcripts of it, its predicted quality."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

import zoo
from zoo.cli import run
from zoo.data import read
from zoo.entities import LocalFiles
from zoo.errors import DataError, MissingProgram, UnsupportedModel, ZooError
from zoo.kinds import audio
from zoo.kinds.known import kind_of
from zoo.kinds.metrics import metric
from zoo_audio.speech.utterances import SoundingText, VoicedText, parse

SENTENCES = ["The ship sailed at noon.", "My sister reads a new book.", "The old clock struck twelve."]
VOICE, ASR_MODEL = "pkg:piper-joe-medium", "pkg:whisper-tiny.en"


speaking = pytest.mark.system_packages("espeak-ng")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Sentences with recordings in another voice."""
    rows = ["text,path"]
    for number, sentence in enumerate(SENTENCES):
        subprocess.run(["espeak-ng", "-v", "en-us", "-w", str(tmp_path / f"{number}.wav"), sentence], check=True)
        rows.append(f"{sentence},{number}.wav")
    (tmp_path / "said.csv").write_text("\n".join(rows))
    return tmp_path / "said.csv"


@pytest.mark.slow
@speaking
def test_a_published_voice_says_what_it_is_given(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An ASR model transcribes the words; the baseline, one recording for all texts, gets almost all of them wrong."""
    assert run(["evaluate", VOICE, str(table), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert found["task"] == "text-to-speech"
    assert found["metrics"]["word_error_rate"] < 0.25
    assert found["baseline"]["word_error_rate"] > 0.6
    assert found["metrics"]["character_error_rate"] < 0.2 < found["baseline"]["character_error_rate"]
    assert found["metrics"]["predicted_mos"] > found["baseline"]["predicted_mos"]
    # The recordings are another's voice, and the baseline is one of them.
    assert 0.2 < found["metrics"]["speaker_similarity"] < found["baseline"]["speaker_similarity"]
    assert 2 < found["metrics"]["mel_cepstral_distortion"] < 10


@speaking
def test_what_is_spoken_is_written_played_and_recognised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", VOICE, SENTENCES[0], "-o", str(tmp_path / "spoken"), "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)["predictions"]
    assert answer["output"]["sampling_rate"] == 22_050
    recording = tmp_path / "spoken" / "01-the-ship-sailed-at-noon.wav"
    assert soundfile.info(recording).duration == pytest.approx(answer["output"]["seconds"], abs=0.01)
    assert recording.with_suffix(".png").is_file()

    assert run(["predict", VOICE, SENTENCES[0], "-o", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    assert 'src="data:audio/wav;base64,' in page
    assert "media-src data:" in page
    assert SENTENCES[0] in page

    capsys.readouterr()
    assert run(["predict", ASR_MODEL, str(recording), "--json"]) == 0
    [heard] = json.loads(capsys.readouterr().out)["predictions"]
    assert metric("word_error_rate").compute([SENTENCES[0]], [heard["output"]]) <= 0.4


@speaking
def test_what_a_voice_cannot_do_is_an_error() -> None:
    model = zoo.load(VOICE)
    with pytest.raises(DataError, match="has no words to speak"):
        model.predict(["..."])
    with pytest.raises(DataError, match="the maximum is 5,000"):
        model.predict(["a" * 5_001])
    assert model.predict(["\ud800 Hello\0"])[0].seconds > 0.2
    with pytest.raises(DataError, match="has one voice"):
        model.predict([VoicedText.of("Hello", [tone(1.0)])])
    with pytest.raises(UnsupportedModel, match="produces outputs only; it has no feature layers"):
        model.backbone.preprocess("Hello")


def test_without_the_program_for_phonemes_the_hint_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model = zoo.load(VOICE)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingProgram, match="'espeak-ng' is needed to turn texts into phonemes") as caught:
        model.predict(["Hello"])
    assert "apt-get install espeak-ng" in caught.value.hint


@speaking
@pytest.mark.parametrize("variable", ["ZOO_ASR_MODEL", pytest.param("ZOO_RECOGNISER", marks=pytest.mark.slow)])
def test_a_metric_model_that_is_misspelt_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Without its packaged model a metric is left out; a model that the user named has to exist."""
    (tmp_path / "texts.csv").write_text("text\nThe ship sailed at noon.\n")
    monkeypatch.setenv(variable, "off")
    assert set(zoo.evaluate(VOICE, str(tmp_path / "texts.csv")).metrics) == {"predicted_mos"}
    monkeypatch.setenv(variable, "pkg:whisper-tiny.eng")
    with pytest.raises(ZooError, match="whisper-tiny"):
        zoo.evaluate(VOICE, str(tmp_path / "texts.csv"))


@speaking
def test_noise_has_a_low_predicted_quality() -> None:
    generator = np.random.default_rng(0)
    noise = audio.Recording((0.05 * generator.standard_normal(48_000)).astype(np.float32), 16_000)
    [noisy] = zoo.load("pkg:dnsmos").predict([noise])
    [spoken] = zoo.load("pkg:dnsmos").predict(zoo.load(VOICE).predict([SENTENCES[0]]))
    assert 1 <= noisy < 1.5
    assert 2.5 < spoken <= 5


def test_features_of_a_packaged_whisper_do_not_depend_on_the_batch() -> None:
    backbone = zoo.load(ASR_MODEL).backbone
    items = [backbone.preprocess(tone(seconds)) for seconds in (0.5, 2.0)]
    together = backbone.features(backbone.collate(items), backbone.layers)["encoder.mean"]
    alone = [backbone.features(backbone.collate([item]), backbone.layers)["encoder.mean"][0] for item in items]
    assert together.shape == (2, 384)
    np.testing.assert_allclose(together, np.stack(alone), rtol=1e-3, atol=1e-3)
    assert not np.allclose(together[0], together[1], atol=0.1)


def tone(seconds: float, hertz: float = 440.0) -> audio.Recording:
    time = np.arange(round(16_000 * seconds)) / 16_000
    return audio.Recording((0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32), 16_000)


def test_mel_cepstra_are_compared_whatever_the_speed() -> None:
    """The same glide twice as slow is near; another sound is far; the same is at 0, however loud it is."""
    sweep = [glide(seconds, 300, 2_000) for seconds in (1.0, 2.0)]
    falling, quiet = glide(1.0, 2_000, 300), audio.Recording(0.5 * sweep[0].samples, 16_000)
    distortion = metric("mel_cepstral_distortion").compute
    target = [SoundingText("up", [sweep[0]])]
    assert distortion(target, [sweep[0]]) == 0
    assert distortion(target, [quiet]) < 0.1
    assert distortion(target, [sweep[1]]) < 0.5 * distortion(target, [falling])
    with pytest.raises(DataError, match="needs a real recording"):
        distortion([SoundingText("up")], [sweep[0]])
    with pytest.raises(DataError, match="needs recordings with their texts"):
        distortion(["up"], ["up"])


def glide(seconds: float, start: float, end: float) -> audio.Recording:
    time = np.arange(round(16_000 * seconds)) / 16_000
    phase = 2 * np.pi * (start * time + (end - start) * time**2 / (2 * seconds))
    noise = np.random.default_rng(0).standard_normal(len(time))
    return audio.Recording((0.3 * np.sin(phase) + 0.001 * noise).astype(np.float32), 16_000)


def test_error_rates_compare_what_a_target_hears_in_an_answer() -> None:
    """The metrics of texts know no recordings: a target says what was to be said, and what an answer says."""

    class Murmured:
        text = "one two"

        def heard(self, answer: str) -> str:
            return answer.lower()

    assert metric("word_error_rate").compute([Murmured()], ["ONE TWO"]) == 0
    assert metric("word_error_rate").compute([Murmured()], ["ONE"]) == 0.5
    with pytest.raises(DataError, match="equally many targets and predictions"):
        metric("word_error_rate").compute([Murmured(), "one"], ["one", "one"])


def test_a_generated_recording_is_summarised_and_named_after_its_text() -> None:
    kind, recording = kind_of("generated-audio"), tone(0.5)
    assert kind.to_json(recording) == {"seconds": 0.5, "sampling_rate": 16_000}
    assert kind.summary(recording) == [("0.50 s at 16,000 Hz", "")]
    assert kind.file_names(["The ship sailed at noon, they say.", "?"]) == ["01-the-ship-sailed-at-noon", "02-"]
    page = kind.html(VoicedText.of("Good <night>", [tone(0.25)]), recording)
    assert page.count("<audio controls") == 2
    assert "Good &lt;night&gt;" in page


def test_texts_with_recordings_are_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.5).samples, 16_000)
    soundfile.write(tmp_path / "b.wav", tone(1.0).samples, 16_000)
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    rows = [
        "sentence,audio,voice",
        "One.,a.wav,b.wav",
        "Two.,broken.wav,b.wav",
        ",a.wav,b.wav",
        "Three.,b.wav,a.wav",
        "...,a.wav,b.wav",
    ]
    (tmp_path / "said.csv").write_text("\n".join(rows))
    data = read(tmp_path / "said.csv", task="text-to-speech")
    assert (data.input_kind, data.target_kind, list(map(str, data.inputs))) == (
        "text",
        "generated-audio",
        ["One.", "Three."],
    )
    assert [target.text for target in data.targets] == ["One.", "Three."]
    assert [target.recording.seconds for target in data.targets] == [0.5, 1.0]
    assert [text.voice.seconds for text in data.inputs] == [1.0, 0.5]
    assert [problem.item for problem in data.problems] == ["line 3", "line 4", "line 6"]
    assert data.problems[2].reason == "has no word in column 'sentence'"
    assert data.problems[1].reason == "has no text in column 'sentence'"

    (tmp_path / "texts.csv").write_text("sentence\nOne.\n")
    bare = read(tmp_path / "texts.csv", task="text-to-speech")
    assert bare.targets[0].recording is None
    assert bare.fingerprint != data.fingerprint
    with pytest.raises(DataError, match="no column of texts"):
        read(tmp_path / "said.csv", task="text-to-speech", target_column="sentence")


def test_the_fingerprint_of_texts_to_be_spoken_stays(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("text\nOne.\nTwo.\n")
    found = read(tmp_path / "texts.csv", task="text-to-speech").fingerprint
    assert found == "11066d391f24514d2383d09e2d6e5f86d0f5c91088c8e25e095d2342f684e473"


def test_a_text_may_follow_the_recording_of_a_voice(tmp_path: Path) -> None:
    path = tmp_path / "my voice.wav"
    soundfile.write(path, tone(0.5).samples, 16_000)
    found = parse(f"{path} Good night.")
    assert found == "Good night."
    assert found.voice.seconds == 0.5
    assert not hasattr(parse("Good night."), "voice")
    with pytest.raises(DataError, match="without a text after it"):
        parse(str(path))
    with pytest.raises(DataError, match="text to speak is empty"):
        parse("  ")


@pytest.mark.parametrize(
    ("model", "module"), [("pkg:dnsmos", "speech.quality"), ("pkg:piper-joe-medium", "speech.piper")]
)
def test_truncated_weights_are_an_error(tmp_path: Path, model: str, module: str) -> None:
    """onnxruntime has errors of its own for such files."""
    card = zoo.load(model).card
    whole = resolve_files(model)
    name = str(card.loader["weights"])
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes((whole / name).read_bytes()[:5000])
    if (whole / f"{name}.json").exists():
        shutil.copy(whole / f"{name}.json", tmp_path / f"{name}.json")

    with pytest.raises(UnsupportedModel, match=f"'{model}' "):
        importlib.import_module(f"zoo_audio.{module}").load(card, LocalFiles(tmp_path), "cpu")


def resolve_files(model: str) -> Path:
    """The folder of a packaged model."""
    from zoo.selection.request.candidates import located
    from zoo.sources import resolve

    files = located(resolve(model))
    assert files is not None
    return files.root
