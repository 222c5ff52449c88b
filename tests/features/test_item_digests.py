"""Equal content, equal digest; whatever differs in value, type or shape has another."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from PIL import Image

from zoo.entities import Subset
from zoo.features.item_digests import item_digests
from zoo.kinds.content import content_digest
from zoo.kinds.items import PixelImages


@dataclass(frozen=True)
class Recording:
    samples: np.ndarray
    rate: int


def plain_image(colour, mode="RGB", size=(2, 3)):
    return Image.new(mode, size, colour)


def palette(*colours):
    image = Image.new("P", (2, 2), 0)
    image.putpalette(colours)
    return image


DIFFERENT = [
    "a",
    "b",
    "",
    "1",
    1,
    1.0,
    True,
    None,
    b"a",
    ["a"],
    ["a", "b"],
    ["ab"],
    {"a": 1},
    {"a": "1"},
    np.zeros(4, np.float32),
    np.zeros(4, np.int32),
    np.zeros((2, 2), np.float32),
    np.zeros(2, np.float64),
    plain_image((0, 0, 0)),
    plain_image((0, 0, 1)),
    plain_image((0, 0, 0), size=(3, 2)),
    plain_image(0, "L"),
    palette(0, 0, 0),
    palette(255, 0, 0),
    Recording(np.zeros(4, np.float32), 8000),
    Recording(np.zeros(4, np.float32), 16000),
]


def test_different_items_have_different_digests() -> None:
    for one, other in itertools.combinations(DIFFERENT, 2):
        assert content_digest(one) != content_digest(other), (one, other)


def test_equal_items_have_equal_digests() -> None:
    assert content_digest("law") == content_digest("l" + "aw")
    assert content_digest(plain_image((1, 2, 3))) == content_digest(plain_image((1, 2, 3)))
    assert content_digest(np.arange(6)[::2]) == content_digest(np.array([0, 2, 4]))


def test_an_unknown_type_has_no_digest() -> None:
    assert content_digest(object()) is None
    assert content_digest(np.array([object()])) is None
    assert content_digest([1, object()]) is None
    assert item_digests(["a", object()]) is None


def test_the_items_of_subsets_keep_their_digests() -> None:
    words = ["a", "b", "a", "c"]
    whole, part = item_digests(words), item_digests(Subset(Subset(words, [3, 2, 0]), [2, 0]))

    assert part.tolist() == [whole[0], whole[3]]
    assert whole[0] == whole[2]


def test_what_is_known_without_decoding_is_asked() -> None:
    pixels = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4)

    class NeverDecoded(PixelImages):
        def __getitem__(self, index):
            raise AssertionError("decoded")

    assert len(set(item_digests(NeverDecoded(pixels)).tolist())) == 2
