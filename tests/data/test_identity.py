"""Which samples are the same: texts but for case and white space, equal pixels and waveforms, spellings of a molecule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import zoo
from zoo.cli import run
from zoo.contract.kind import Kind
from zoo.data import copies, identities, profile, stored, units
from zoo.entities import Dataset
from zoo.kinds.folding import folded_text as folded
from zoo.plugins import plugins
from zoo_language.answers.questions import Question
from zoo_vision.generation.prompts import as_prompts


def of(kind: str, *inputs: object) -> list[int]:
    """The number of each input, by which equal ones are known."""
    found = units(Dataset("some", kind, list(inputs)))
    return list(range(len(inputs))) if found is None else found.tolist()


def test_texts_are_the_same_but_for_case_white_space_and_compatibility_forms() -> None:
    assert of("text", "The  Fine film", "the fine\n film ", "the fine films") == [0, 0, 1]
    assert of("text", "the \ufb01ne film", "THE FINE FILM", "stra\u00dfe", "STRASSE") == [0, 0, 1, 1]
    assert of("text", "cafe\u0301", "caf\u00e9") == [0, 0]


def test_texts_are_the_same_but_for_invisible_characters_and_the_shape_of_quotes_and_dashes() -> None:
    assert of(
        "text",
        'It\'s "so" - well',
        "It\u2019s \u201cso\u201d \u2013 well",
        "\ufeffIt's\u200b \u00abso\u00bb \u2014 we\u00adll",
    ) == [0, 0, 0]
    assert of("text", "its", "it's") == [0, 1]


def test_tuples_of_texts_are_the_same_where_each_text_is() -> None:
    assert of("text", ("One", "two"), ("one ", "Two"), ("one", "three"), ("onetwo", "")) == [0, 0, 1, 2]
    assert of("question", Question("Who?", "It was I."), Question("WHO?", "it was  I."), Question("Who", "?")) == [
        0,
        0,
        1,
    ]


@given(st.text(), st.sampled_from(["lower", "title", "upper"]))
def test_folding_is_settled(text: str, case: str) -> None:
    once = folded(text)
    assert folded(once) == once
    assert folded(f"  {text}\n") == once


def test_molecules_are_the_same_however_they_are_spelled_and_never_by_case() -> None:
    assert of("molecule", "OCC", "CCO", "C1=CC=CC=C1", "c1ccccc1", "CO", "[Co]") == [0, 0, 1, 1, 2, 3]
    assert of("molecule", "OCC>>CC=O", "CCO>>O=CC", "CCO>O>CC=O") == [0, 0, 1]
    assert of("molecule", "no molecule", "no molecule", "NO MOLECULE") == [0, 0, 1]


def test_proteins_are_the_same_in_capitals_and_without_gaps() -> None:
    assert of("protein", "MKTAYIAK", "mktayiak", "MKTAY-IAK*", "MKTAYIAL") == [0, 0, 0, 1]


def test_kinds_without_a_form_of_a_domain_are_identified_by_their_content() -> None:
    assert of("smell", "Rose", "rose", "Rose") == [0, 1, 0]
    assert of("smell", np.arange(3), np.arange(3), np.arange(3.0)) == [0, 0, 1]


def test_a_kind_gives_the_canonical_form_of_its_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    def form(smell: str) -> str:
        return smell.split(":")[1]

    class Smells(Kind):
        name = "smell"

        def canonical(self, item: str) -> str:
            return form(item)

    monkeypatch.setitem(plugins().kinds, "smell", Smells())

    assert of("smell", "one:rose", "two:rose", "two:tar") == [0, 0, 1]
    assert of("smell", "rose", "rose", "Rose") == [0, 0, 1]  # the form fails, and the content tells


def test_what_has_no_known_content_cannot_be_told_apart() -> None:
    assert identities(Dataset("some", "smell", [object(), object()])) is None
    assert units(Dataset("some", "smell", [object(), object()])) is None


def images(root: Path) -> Path:
    """Two classes of two images each; one of them in two formats and with other metadata."""
    chance = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (root / name).mkdir(parents=True)
        for number in range(2):
            pixels = chance.integers(0, 256, (24, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    Image.open(root / "cats" / "0.png").save(root / "dogs" / "again.bmp")
    Image.open(root / "cats" / "1.png").save(root / "cats" / "large.tiff", dpi=(300, 300))
    return root


def test_images_are_the_same_by_their_pixels_whatever_the_file(tmp_path: Path) -> None:
    data = zoo.read(str(images(tmp_path)))

    found = units(data)

    assert found is not None
    names = [path.name for path in data.inputs.paths]
    assert copies(found) == 2
    assert found[names.index("again.bmp")] == found[0]
    assert found[names.index("large.tiff")] == found[names.index("1.png")]
    assert units(data.subset([0, 1])) is None


def test_images_in_memory_are_the_same_as_those_in_files(tmp_path: Path) -> None:
    data = zoo.read(str(images(tmp_path)))
    held = Dataset("held", "image", [image.copy() for image in data.inputs])

    assert identities(held).tolist() == identities(data).tolist()  # type: ignore[union-attr]


def test_recordings_are_the_same_by_their_waveform_whatever_the_file(tmp_path: Path) -> None:
    wave = np.round(np.sin(np.arange(800) / 9) * 20_000).astype(np.int16)
    for name in ("low", "high"):
        (tmp_path / name).mkdir()
    soundfile.write(tmp_path / "low" / "a.wav", wave, 16_000)
    soundfile.write(tmp_path / "high" / "a.flac", wave, 16_000)
    soundfile.write(tmp_path / "high" / "b.wav", wave, 8_000)

    found = units(zoo.read(str(tmp_path)))

    assert found is not None
    assert copies(found) == 1


def test_what_is_to_be_generated_is_the_image_and_not_its_numbered_prompt(tmp_path: Path) -> None:
    data = zoo.read(str(images(tmp_path)))

    found = units(as_prompts(data, "unconditional-image-generation"))

    assert copies(found) == 2


def test_recordings_to_be_generated_from_one_text_are_apart_unless_they_sound_alike(tmp_path: Path) -> None:
    waves = np.random.default_rng(0).normal(0, 0.1, (3, 800)).astype(np.float32)
    for number, wave in enumerate((waves[0], waves[1], waves[0])):
        soundfile.write(tmp_path / f"{number}.wav", wave, 8_000)
    rows = ["text,path", "rain,0.wav", "rain,1.wav", "Rain,2.wav", "wind,0.wav"]
    (tmp_path / "table.csv").write_text("\n".join(rows))

    found = units(zoo.read(str(tmp_path / "table.csv"), task="text-to-audio"))

    assert found is not None
    assert found.tolist() == [0, 1, 0, 2]


def test_what_is_stored_stays_the_same_when_a_library_reads_it_otherwise(tmp_path: Path) -> None:
    data = zoo.read(str(images(tmp_path)))
    assert stored(data).tolist() == [known.digest[:16] for known in data.inputs.known]  # type: ignore[union-attr]
    spelled = stored(Dataset("some", "molecule", ["OCC", "CCO", "OCC"]))
    assert spelled is not None
    assert spelled[0] == spelled[2] != spelled[1]
    assert stored(Dataset("some", "text", ["a"])) is None


def test_the_same_data_are_digested_once(tmp_path: Path) -> None:
    data = zoo.read(str(images(tmp_path)))
    first = identities(data)
    for path in data.inputs.paths:
        path.unlink()

    assert identities(data.subset([1, 0])).tolist() == [first[1], first[0]]  # type: ignore[union-attr,index]


def test_a_profile_counts_texts_that_differ_in_case_alone_and_their_contradictions() -> None:
    data = Dataset("some", "text", ["A day", "a  DAY", "night"], [0, 1, 0], ("a", "b"), "f")

    found = profile(data)

    assert (found.repeated, found.by_files, found.conflicting) == (1, False, 1)
    assert any("never splits copies" in warning for warning in found.warnings)


def test_a_profile_says_that_it_compared_files_by_their_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["profile", str(images(tmp_path))]) == 0
    assert "by file content; the same sample in another format is not detected" in capsys.readouterr().out
