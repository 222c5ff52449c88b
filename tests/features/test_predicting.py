"""``zoo.predict`` with inputs as they are typed, and with decoded ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

import zoo
from zoo.adapt.saved.tuned import TunedBackbone
from zoo.contract.backbone import PreparesApart, PreparesTogether
from zoo.errors import DataError
from zoo.features.predicting import question

MODEL = "pkg:efficientnet-lite0"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.radial_gradient("L").convert("RGB").save(path)
    return path


def test_a_path_a_text_and_a_decoded_image_are_the_same_input(photo: Path) -> None:
    model = zoo.load(MODEL, device="cpu")
    decoded = Image.open(photo).convert("RGB")

    by_path, by_text, by_image = zoo.predict(model, [photo, str(photo), decoded])

    assert by_path == by_text == by_image
    [alone] = zoo.predict(MODEL, photo, device="cpu")
    assert [one.label for one in alone] == [one.label for one in by_path]
    assert by_path[0].score > 0


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no image file"):
        zoo.predict(MODEL, tmp_path / "missing.png", device="cpu")


def test_a_folder_is_called_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder, not one image file"):
        zoo.predict(MODEL, tmp_path, device="cpu")


def test_no_input_is_refused() -> None:
    with pytest.raises(DataError, match="There is no input to predict"):
        zoo.predict(MODEL, [])


def test_labels_are_a_list_or_a_text_with_commas() -> None:
    model = zoo.load(MODEL, device="cpu")

    assert question(model, None, "cat, dog", {}).labels == ("cat", "dog")
    assert question(model, None, ["cat", "dog"], {}).labels == ("cat", "dog")


def test_the_first_task_that_the_model_has_outputs_for_shows_them() -> None:
    model = zoo.load(MODEL, device="cpu")
    model.backbone.card = replace(model.card, tasks=("feature-extraction", "image-classification"))
    model.card = model.backbone.card

    asked = question(model, None, (), {})

    assert (asked.name, asked.outputs.name, asked.inputs.name) == ("image-classification", "class", "image")


def test_a_tuned_model_prepares_its_inputs_as_fast_as_its_base() -> None:
    base = zoo.load(MODEL, device="cpu").backbone
    tuned = TunedBackbone(base.card, base, {"classes": (), "task": "image-classification"}, lambda batch: batch)

    assert isinstance(tuned, PreparesTogether)
    assert isinstance(tuned, PreparesApart)
    assert tuned.prepares_apart == base.prepares_apart
