"""The page of a model's predictions: self-contained, with everything also given as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zoo.cli import run
from zoo.kinds.audio import Recording
from zoo.kinds.classes import Labels
from zoo.kinds.known import kind_of
from zoo.pages import save
from zoo.pages.colours import DIVERGING, UNKNOWN, paint
from zoo.pages.predictions import page
from zoo_scientific.materials.crystals import Crystal
from zoo_scientific.materials.forces import EnergyAndForces
from zoo_scientific.proteins.design_metrics import Design
from zoo_scientific.proteins.structures import Structure
from zoo_scientific.weather.fields import Field, Forecast, History
from zoo_vision.detection.boxes import Box, Boxes
from zoo_vision.segmentation.masks import Mask

IMAGE = Image.new("RGB", (40, 30), (90, 120, 90))
BOXES = Boxes((Box("disc", 0.91, (2.0, 3.0, 20.0, 22.0)), Box("square", 0.2, (1.0, 1.0, 9.0, 9.0))))
MASK = Mask(np.repeat([[0, 0, 0, 3]], 30, axis=0).repeat(10, axis=1).astype(np.uint8), {"sky": 0.75, "tree": 0.25})


class Reader(HTMLParser):
    """Collects tags, and checks that they close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def shown(kind: str, asked: str, items: list[object], answers: list[object], names: list[str]) -> str:
    sections = kind_of(kind).sections(names, items, answers, kind_of(asked))
    return page("file:model", "Some task", sections, len(items))


def read(item: object, answer: object, kind: str, asked: str = "image", name: str = "input") -> Reader:
    text = shown(kind, asked, [item], [answer], [name])
    assert not re.search(r"<script|https?://", text)
    return Reader(text)


def images(found: Reader) -> list[dict[str, str | None]]:
    return [attributes for tag, attributes in found.tags if tag == "img"]


def test_a_saved_page_holds_no_control_characters_and_no_credentials(tmp_path: Path) -> None:
    labels = Labels.of(["https://u:pw@h"], [1.0])
    text = shown("class", "text", ["<b>\x9b"], [labels], ["evil\x1b[2J\u202e"])
    written = save(text, tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", written)
    assert r"evil\x1b[2J\u202e" in written
    assert "u:pw" not in written


def test_boxes_are_drawn_and_listed() -> None:
    found = read(IMAGE, BOXES, "boxes", name="photos/street.jpg")
    assert images(found)[0]["alt"] == "The image with boxes: disc 0.91."
    assert "street.jpg" in found.words
    assert "0.910" in found.words
    assert "0.200" not in found.words
    assert "Nothing was found" in read(IMAGE, Boxes(), "boxes").words


def test_a_mask_has_a_legend() -> None:
    found = read(IMAGE, MASK, "mask")
    assert images(found)[0]["alt"] == "The image with a mask: sky 75%, tree 25%."
    swatches = [a["style"] for tag, a in found.tags if tag == "span" and a.get("class") == "swatch"]
    assert swatches[0] == "background:transparent"
    assert len(swatches) == 2


def test_maps_tell_their_range_and_lie_with_the_north_above() -> None:
    latitudes = np.array([-60.0, 0.0, 60.0])
    field = np.zeros((1, 3, 4), dtype=np.float32)
    field[0, 2, 1] = 7
    state = Field(field, field * 0, latitudes)
    found = read(History((state,) * 3, field * 0 - 1, ("wind",)), Forecast(("wind",), field), "grid", "grid")
    words = [str(image["alt"]) for image in images(found)]
    assert words[0] == "Forecast of wind: from 0 to 7, mean 0.583; the largest is 7 at latitude 60."
    assert words[1].startswith("Departure from the climatology of wind: from 1 to 8")


def test_a_map_shows_zero_white_and_the_unknown_grey() -> None:
    painted = np.asarray(paint(np.array([[-1.0, 0.0, np.nan, 1.0]]), -1, 1, DIVERGING))
    step = painted.shape[1] // 4
    assert [tuple(painted[0, step * at]) for at in range(4)] == [DIVERGING[0], DIVERGING[2], UNKNOWN, DIVERGING[4]]


def test_energies_and_forces_are_a_table() -> None:
    crystal = Crystal(np.array([29]), np.zeros((1, 3)), np.eye(3) * 3.6)
    found = read(crystal, EnergyAndForces(-3.5, np.array([[0.0, 3.0, 4.0]])), "forces", "crystal")
    assert "-3.5000 eV per atom" in found.words
    assert "5.0000" in found.words
    tiny = read(crystal, EnergyAndForces(-3.5, np.array([[-1e-9, 1e-9, -0.2]])), "forces", "crystal")
    assert "-0.0000" not in tiny.words
    assert "-0.2000" in tiny.words


def test_a_recording_is_drawn_beside_what_was_heard() -> None:
    tone = np.sin(np.arange(16_000) / 10).astype(np.float32)
    found = read(Recording(tone, 16_000), "one long tone", "text", "audio")
    assert "one long tone" in found.words
    assert "The spectrogram of 1.0 seconds." in {about.get("alt") for _, about in found.tags}


@given(st.text(max_size=60), st.text(max_size=20))
def test_whatever_is_written_stays_text(text: str, label: str) -> None:
    read(text, Labels.of([label], [0.5]), "class", "text")
    read(text, label, "text", "text")


def test_a_page_that_cannot_be_written_is_refused_before_the_model_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["predict", "file:/no/such/model", "text", "-o", str(tmp_path / "none" / "page.html")]) == 1
    assert "There is no folder" in capsys.readouterr().err


def test_numbers_have_six_digits_and_nothing_is_said_to_be_nothing() -> None:
    assert ">0.999999<" in shown("number", "text", ["CCO"], [0.9999987638431884], ["CCO"])
    assert "The answer is empty" in shown("text", "text", ["C"], [""], ["C"])
    assert kind_of("number").summary(0.9999987638431884) == [("0.999999", "")]
    assert kind_of("text").summary("") == [("(empty)", "")]


def test_both_sequences_of_a_design_can_be_reached_and_named() -> None:
    places = np.cumsum(np.full((4, 3), 2.0), axis=0)
    item = Structure("MKTA", places, np.repeat(places[:, None].astype(np.float32), 4, axis=1), np.arange(1, 5))
    design = Design("MKSA", 4.2, "MKTA", recovery=0.75, confidence=0.5)
    (about,) = [about for tag, about in read(item, design, "residues", "protein-structure").tags if tag == "pre"]
    assert (about["role"], about["tabindex"], about["aria-label"]) == ("region", "0", "Both sequences")
