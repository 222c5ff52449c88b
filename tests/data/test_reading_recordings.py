"""Folders and tables of recordings: decoding, resampling, and what is wrong with broken ones."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

import zoo
from zoo.cli import run
from zoo.errors import DataError
from zoo.kinds import audio
from zoo.kinds.audio import Recording
from zoo.kinds.recordings import Recordings


def tone(path: Path, hertz: float, rate: int = 8000, seconds: float = 0.25, channels: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)
    soundfile.write(path, np.repeat(wave[:, None], channels, axis=1), rate)
    return path


@pytest.fixture
def tones(tmp_path: Path) -> Path:
    root = tmp_path / "tones"
    for number in range(3):
        tone(root / "high" / f"{number}.wav", 2000 + number)
        tone(root / "low" / f"{number}.flac", 200 + number, channels=2)
    return root


def test_a_recording_cut_in_its_header_prints_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", printed.append)
    content = tone(tmp_path / "tone.aiff", 440, 16000, 4).read_bytes()[:44]
    reason = audio.inspect_content(content)
    assert isinstance(reason, str)
    assert reason.startswith("cannot be decoded")
    assert printed == []


def test_class_folders_of_recordings(tones: Path) -> None:
    data = zoo.read(tones)

    assert (data.input_kind, data.classes, list(data.targets)) == ("audio", ("high", "low"), [0, 0, 0, 1, 1, 1])
    stereo = data.inputs[3]
    assert stereo.samples.shape == (2000,)
    assert stereo.samples.dtype == np.float32
    assert stereo.sampling_rate == 8000
    assert np.abs(stereo.samples).max() == pytest.approx(0.5, abs=0.01)


def test_broken_recordings_are_listed_and_the_others_are_read(tones: Path) -> None:
    (tones / "high" / "empty.wav").write_bytes(b"")
    (tones / "high" / "words.wav").write_text("These are words.")
    soundfile.write(tones / "low" / "nothing.wav", np.zeros(0), 8000)
    soundfile.write(tones / "low" / "long.wav", np.zeros(100 * 3 * 3600, dtype=np.int16), 100, subtype="PCM_U8")

    data = zoo.read(tones)

    problems = {Path(problem.item).name: problem.reason for problem in data.problems}
    assert len(data) == 6
    assert problems["empty.wav"] == "is empty (0 bytes)"
    assert problems["words.wav"].startswith("cannot be decoded: ")
    assert problems["nothing.wav"] == "has no samples"
    assert problems["long.wav"] == "lasts 180 minutes; the limit is 10, so split it"
    with pytest.raises(DataError, match="4 items that cannot be used"):
        zoo.read(tones, on_problem="fail")


def test_a_table_names_recordings_or_holds_them(tones: Path, tmp_path: Path) -> None:
    (tones / "list.csv").write_text("recording,label\nhigh/0.wav,high\nlow/0.flac,low\nlow/gone.wav,low\n")
    table = arrow.table(
        {
            "audio": [{"bytes": (tones / name).read_bytes(), "path": None} for name in ("high/0.wav", "low/0.flac")],
            "label": ["high", "low"],
        }
    )
    parquet.write_table(table, tmp_path / "held.parquet")

    named, held = zoo.read(tones / "list.csv"), zoo.read(tmp_path / "held.parquet")

    assert named.input_kind == held.input_kind == "audio"
    assert [problem.item for problem in named.problems] == ["line 4 (low/gone.wav)"]
    assert named.fingerprint == held.fingerprint
    np.testing.assert_array_equal(named.inputs[1].samples, held.inputs[1].samples)


def test_the_same_content_elsewhere_has_the_same_fingerprint(tones: Path, tmp_path: Path) -> None:
    before = zoo.read(tones).fingerprint
    tones.rename(tmp_path / "moved")

    assert zoo.read(tmp_path / "moved").fingerprint == before


@given(st.integers(300, 3000), st.sampled_from([8000, 16000, 22050, 44100, 48000]))
def test_resampling_keeps_the_pitch_and_the_length(hertz: int, rate: int) -> None:
    time = np.arange(rate // 2) / rate
    recording = Recording(np.sin(2 * np.pi * hertz * time).astype(np.float32), rate)

    resampled = recording.at(16000)

    assert resampled.dtype == np.float32
    assert len(resampled) == pytest.approx(8000, abs=2)
    spectrum = np.abs(np.fft.rfft(resampled))
    assert spectrum.argmax() * 16000 / len(resampled) == pytest.approx(hertz, abs=3)


def typed(path: str | Path) -> Recording:
    """The recording of a file that is named on the command line."""
    model: Any = None
    [recording] = Recordings().read_typed([str(path)], {}, model).items
    return recording


def test_a_recording_on_the_command_line(tones: Path) -> None:
    assert typed(tones / "high" / "0.wav").seconds == pytest.approx(0.25)
    (tones / "no.wav").write_text("no")
    for text, message in (("gone.wav", "no recording file"), (str(tones / "no.wav"), "cannot be read as a recording")):
        with pytest.raises(DataError, match=message):
            typed(text)


@pytest.mark.system_packages("klettres-data")
def test_spoken_letters_of_the_system_by_language() -> None:
    data = zoo.read("klettres:languages")

    assert {"de", "en", "fr", "it"} <= set(data.classes)
    assert len(data) > 1000
    assert data.problems == ()
    assert 0.3 < data.inputs[0].seconds < 10


def test_recordings_with_transcripts_need_no_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(4):
        tone(tmp_path / f"{number}.wav", 300 + 100 * number)
    table = tmp_path / "speech.csv"
    rows = [f"{number}.wav,this is number {number}" for number in range(4)]
    table.write_text("\n".join(["audio,transcript", *rows]) + "\n")

    with pytest.raises(DataError, match="has the labels"):
        zoo.read(table)
    data = zoo.read(table, unlabelled=True)
    assert (data.input_kind, data.target_kind, data.targets) == ("audio", "none", None)
    assert run(["features", "pkg:resemblyzer", str(table), "-o", str(tmp_path / "f.npz")]) == 0
    assert "No label column was found" in capsys.readouterr().err
    assert set(np.load(tmp_path / "f.npz")) >= {"features"}
    assert "targets" not in np.load(tmp_path / "f.npz")
    assert run(["profile", str(table)]) == 0
    shown = capsys.readouterr()
    assert "4 audio recordings" in shown.out
    assert "name one with --target-column" in shown.err


def test_of_two_columns_that_could_be_labels_one_is_asked_for(tmp_path: Path) -> None:
    for number in range(6):
        tone(tmp_path / f"{number}.wav", 300 + 100 * number)
    rows = [f"{number}.wav,{'ab'[number % 2]},{'xy'[number // 3]}" for number in range(6)]
    (tmp_path / "two.csv").write_text("\n".join(["audio,first,second", *rows]) + "\n")
    with pytest.raises(DataError, match="'first' and 'second' could each be"):
        zoo.read(tmp_path / "two.csv", unlabelled=True)


def encoded(container: str, subtype: str | None = None, seconds: float = 2.0) -> bytes:
    """Two tones as a file of a form."""
    time = np.arange(int(16000 * seconds)) / 16000
    buffer = io.BytesIO()
    wave = 0.3 * np.sin(2 * np.pi * 440 * time) + 0.2 * np.sin(2 * np.pi * 1234 * time)
    soundfile.write(buffer, wave, 16000, format=container, subtype=subtype)
    return buffer.getvalue()


def test_a_cut_mp3_is_left_out_with_the_length_it_has(tones: Path) -> None:
    whole = encoded("MP3")
    (tones / "high" / "whole.mp3").write_bytes(whole)
    (tones / "high" / "half.mp3").write_bytes(whole[: len(whole) // 2])
    held = len(audio.decode(whole[: len(whole) // 2]).samples) / 16000

    reads = [zoo.read(tones) for _ in range(3)]

    assert 0.5 < held < 1.5
    problem = ("high/half.mp3", f"ends after {held:.2f} s of the 2.00 s it announces")
    assert [(found.item, found.reason) for found in reads[0].problems] == [problem]
    assert len({data.fingerprint for data in reads}) == 1
    with pytest.raises(DataError, match="ends after"):
        typed(tones / "high" / "half.mp3")


FORMS = [
    ("MP3", None),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("FLAC", None),
    ("WAV", None),
    ("AIFF", None),
    ("CAF", None),
]


@pytest.mark.parametrize(("container", "subtype"), FORMS)
@given(share=st.floats(0.05, 1))
@settings(max_examples=8)
def test_only_what_was_decoded_counts_however_a_file_is_cut(container: str, subtype: str | None, share: float) -> None:
    content = encoded(container, subtype)
    cut = content[: int(len(content) * share)]

    facts = audio.inspect_content(cut)

    if isinstance(facts, str):
        assert share < 1
        assert facts.startswith(("ends after", "cannot be decoded", "has no samples"))
        return
    samples = audio.decode(cut).samples
    assert facts.seconds == len(samples) / 16000
    assert facts.seconds <= 2 * share + 0.3  # the header is a part of the file, and loud parts take more of it
    assert np.array_equal(samples, audio.decode(cut).samples)
    assert np.abs(samples).max(initial=0) < 1


@pytest.mark.parametrize(
    ("name", "container", "subtype"),
    [("a.opus", "OGG", "OPUS"), ("a.aifc", "AIFF", None), ("a.w64", "W64", None), ("a.SND", "AU", None)],
)
def test_whatever_libsndfile_decodes_is_read(tones: Path, name: str, container: str, subtype: str | None) -> None:
    (tones / "more").mkdir()
    (tones / "more" / name).write_bytes(encoded(container, subtype, 0.2))
    data = zoo.read(tones)
    assert (data.classes, data.problems, data.passed_over) == (("high", "low", "more"), (), ())


def test_recordings_that_cannot_be_decoded_here_are_named_with_their_class(tones: Path) -> None:
    for number in range(3):
        (tones / "low" / f"{number}.m4a").write_bytes(b"\0\0\0\x20ftypM4A ")
        (tones / "voice").mkdir(exist_ok=True)
        (tones / "voice" / f"{number}.aac").write_bytes(b"\xff\xf1\x50\x80")
    found = zoo.profile(zoo.read(tones))
    assert {(group.suffix, group.count) for group in found.left_out} == {("", 1), (".m4a", 3), (".aac", 3)}
    assert found.problems[0].item == "voice/"
    assert list(found.classes) == ["high", "low"]
