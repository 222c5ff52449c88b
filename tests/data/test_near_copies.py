"""Near copies: edited texts, and images that were resized or encoded again, stay in one part of a split."""

from __future__ import annotations

import io
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_sample_images

import zoo
from zoo.data import copies, units
from zoo.data.identity import identical
from zoo.data.splitting import split
from zoo.entities import Dataset
from zoo.kinds import near
from zoo.kinds.near import SHORTEST_TEXT, near_images, near_texts, root

TEXT = "Transfer learning reuses a model trained on one task as the starting point for another, which saves labels."
OTHER = "The committee approved the revised budget for the coming year after a long debate about the cost of heating."


def photograph(number: int = 0) -> Image.Image:
    return Image.fromarray(load_sample_images().images[number])


def encoded(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def texts(inputs: list[str]) -> Dataset:
    return Dataset("texts", "text", inputs, [0] * len(inputs), ("a",))


@pytest.mark.parametrize(
    "edited",
    [TEXT.replace("saves", "spares"), f"{TEXT} Really!", TEXT.replace("reuses", "re-uses"), f">> {TEXT}"],
)
def test_an_edited_text_is_a_near_copy(edited: str) -> None:
    assert list(near_texts([OTHER, TEXT, edited])) == [(1, 2)]


def test_sentences_of_one_pattern_are_different_texts() -> None:
    pattern = "The train from platform {} to the coast leaves at {} and does not stop at {} on the way."
    places = [("one", "noon", "Ashford"), ("nine", "midnight", "Canterbury"), ("three", "half past six", "Dover")]
    assert not list(near_texts([pattern.format(*words) for words in places]))


def test_short_texts_are_compared_exactly() -> None:
    short = "Turn the light on in the kitchen"
    assert len(short) < SHORTEST_TEXT
    assert not list(near_texts([short, short.replace("on", "off")]))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=80), max_size=12))
def test_any_text_is_connected_with_its_copy_and_no_pair_closes_a_circle(found: list[str]) -> None:
    long = [text + TEXT for text in found]
    links = list(range(2 * len(long)))
    for one, other in near_texts([*long, *long]):
        assert 0 <= one < other < len(links)
        roots = root(links, one), root(links, other)
        assert roots[0] != roots[1]
        links[max(roots)] = min(roots)
    assert all(root(links, at) == root(links, at + len(long)) for at in range(len(long)))


def test_many_texts_of_one_template_take_few_comparisons() -> None:
    with mock.patch("zoo.kinds.near._jaccard", wraps=near._jaccard) as compared:
        pairs = list(near_texts([f"{TEXT} {OTHER} Number {number}." for number in range(300)]))
    assert len(pairs) == 299
    assert compared.call_count < 1000


def test_images_resized_encoded_again_or_cropped_a_little_are_near_copies() -> None:
    image = photograph()
    width, height = image.size
    variants = [
        encoded(image, 40),
        image.resize((width // 3, height // 3)),
        image.crop((6, 4, width - 6, height - 4)),
        encoded(image.resize((200, 133)), 30),
    ]
    pairs = set(near_images([image, *variants, photograph(1)]))
    assert {(0, at) for at in range(1, 5)} <= pairs
    assert not any(5 in pair for pair in pairs)


def test_parts_of_one_photograph_are_different_images() -> None:
    image = photograph()
    parts = [image.crop((x, y, x + 96, y + 96)) for x in range(0, 540, 32) for y in range(0, 330, 32)]
    assert not list(near_images(parts))


def test_small_images_and_images_without_contrast_are_compared_exactly() -> None:
    small = photograph().resize((28, 28))
    assert not list(near_images([small, encoded(small, 90)]))
    assert not list(near_images([Image.new("RGB", (64, 64), "white"), Image.new("RGB", (64, 64), "#fefefe")]))


def test_real_digits_have_no_near_copies() -> None:
    digits = zoo.read("sklearn:digits")
    assert units(digits) is None


def test_units_join_copies_and_near_copies_through_one_another() -> None:
    chain = [TEXT, OTHER, TEXT.replace("saves", "spares"), TEXT.upper(), f"{TEXT.replace('saves', 'spares')} Indeed."]
    data = texts(chain)
    found = units(data)
    assert found is not None
    assert found.tolist() == [0, 1, 0, 0, 0]
    exact = identical(data)
    assert exact is not None
    assert (copies(exact), copies(found)) == (1, 3)


@pytest.mark.parametrize("seed", range(5))
def test_near_copies_never_straddle_a_split(seed: int) -> None:
    import random

    chance = random.Random(seed)
    words = TEXT.split() + OTHER.split()
    inputs = []
    for _ in range(40):
        text = " ".join(chance.choices(words, k=20))
        inputs += [text, f"{text} Edited."]
    parts = split(texts(inputs), (0.6, 0.2, 0.2), seed)
    roots = [{text.removesuffix(" Edited.") for text in part.inputs} for part in parts]
    assert sum(len(part) for part in parts) == len(inputs)
    assert not roots[0] & roots[1]
    assert not roots[0] & roots[2]
    assert not roots[1] & roots[2]


def test_a_profile_names_what_would_have_leaked(tmp_path: Path) -> None:
    for number, (name, image) in enumerate(
        [
            ("cat", photograph()),
            ("dog", encoded(photograph(), 50)),
            ("cat", photograph(1)),
            ("dog", photograph(1).rotate(90)),
        ]
    ):
        (tmp_path / name).mkdir(exist_ok=True)
        image.save(tmp_path / name / f"{number}.png")
    found = zoo.profile(tmp_path)
    assert (found.repeated, found.near_copies) == (0, 1)
    assert set(found.near[0].items) == {"cat/0.png", "dog/1.png"}
    assert found.near[0].labels == ("cat", "dog")
    assert any("nearly the same as another, such as dog/1.png and cat/0.png" in warning for warning in found.warnings)


def test_a_run_records_near_copies(tmp_path: Path) -> None:
    table = tmp_path / "texts.csv"
    lines = [
        f'"{text} Number {number} of the {kind} kind in this long list.",{label}'
        for number in range(12)
        for label, kind, text in (("a", "first", TEXT[: 9 + number]), ("b", "other", OTHER[: 9 + number]))
    ]
    table.write_text("\n".join(["text,label", *lines, f'"{TEXT}",a', f'"{TEXT} Really!",a']) + "\n")
    run = zoo.tune("pkg:wordllama/64", str(table), save_run=False)
    assert run.plan["near_copies"] >= 1
