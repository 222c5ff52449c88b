"""Data sets that packages ship, and saved ones."""

from __future__ import annotations

from pathlib import Path

import datasets as hub_datasets
import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.data import datasets, packaged_datasets
from zoo.errors import DataError, MissingDependency, MissingExtra

FACTS = {
    "sklearn:digits": ("image", 1797, 10, ()),
    "fashion-mnist": ("image", 70_000, 10, ("dataset-fashion-mnist",)),
    "tuxpaint:stamps": ("image", 600, 6, ("tuxpaint-stamps-default",)),
    "fortunes:topics": ("text", 5_000, 14, ("fortunes",)),
    "fortunes:languages": ("text", 40_000, 4, ("fortunes", "fortunes-de", "fortunes-es", "fortunes-it")),
    "fortunes:kinds-de": ("text", 10_000, 13, ("fortunes-de",)),
}
"""Kind of sample, least number of samples and of classes, and the Debian packages that bring them."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.system_packages(*fact[3])) for name, fact in FACTS.items()]
)
def test_packaged_data_sets_are_what_they_say(name: str) -> None:
    kind, least, classes, _ = FACTS[name]
    data = zoo.read(name)

    assert data.input_kind == kind
    assert len(data) >= least
    assert len(data.classes) >= classes
    assert set(data.targets) == set(range(len(data.classes)))
    assert data.fingerprint == zoo.read(name).fingerprint


def test_stamps_are_the_drawings_that_can_be_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path))
    for name, drawings in {"animals": 30, "people": 20, "town": 31}.items():
        folder = tmp_path / "tuxpaint" / "stamps" / name
        folder.mkdir(parents=True)
        for number in range(drawings):
            Image.new("RGB", (4, 4), (number, len(name), 0)).save(folder / f"{number}.png")
            (folder / f"{number}.svg").write_text("<svg/>")

    data = zoo.read("tuxpaint:stamps")

    assert (data.classes, len(data), data.problems) == (("animals", "town"), 61, ())


def test_digits_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    data, bunch = zoo.read("sklearn:digits"), load_digits()
    assert list(data.targets) == bunch.target.tolist()
    np.testing.assert_allclose(np.asarray(data.inputs[3])[..., 0] / 255 * 16, bunch.images[3], atol=0.04)


@pytest.mark.system_packages("dataset-fashion-mnist")
def test_fashion_labels_fit_their_images() -> None:
    """The first image of the training part is an ankle boot: empty above, filled at the sole."""
    data = zoo.read("fashion-mnist")
    boot = np.asarray(data.inputs[0].convert("L")).astype(float)
    assert data.classes[data.targets[0]].lower().startswith("ankle")
    assert boot[:3].sum() == 0
    assert boot[18:24].mean() > 100


@pytest.mark.system_packages("fortunes")
def test_no_text_appears_twice_or_under_two_labels() -> None:
    data = zoo.read("fortunes:topics")
    assert len(set(data.inputs)) == len(data)


@pytest.mark.system_packages("fortunes")
def test_a_part_is_stratified_and_the_same_each_time() -> None:
    first, second = zoo.read("fortunes:topics:500"), zoo.read("fortunes:topics:500")
    whole = zoo.read("fortunes:topics")

    assert first.fingerprint == second.fingerprint
    assert len(first) == 500
    shares = np.bincount(first.targets, minlength=14) / 500 - np.bincount(whole.targets, minlength=14) / len(whole)
    assert np.abs(shares).max() < 0.005
    with pytest.raises(DataError, match="no samples"):
        zoo.read("fortunes:topics:0")


def test_a_package_that_is_missing_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("zoo.data.packaged._shared", lambda relative: tmp_path / relative)
    monkeypatch.setattr("zoo.data.packaged.find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as missing:
        zoo.read("sklearn:digits")
    assert str(missing.value) == (
        "The package that ships 'sklearn:digits' is not installed. Run: pip install 'foundation-zoo[data]'"
    )
    with pytest.raises(MissingDependency, match="Run: apt-get install fortunes") as missing:
        zoo.read("fortunes:topics")
    assert missing.type is MissingDependency
    known = {dataset.name: dataset for dataset in packaged_datasets()}
    assert not known["fortunes:topics"].available
    assert not known["sklearn:digits"].available
    assert set(known) == set(datasets())


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match="sklearn:digits"):
        zoo.read("sklearn:digts")


@pytest.fixture
def table() -> hub_datasets.Dataset:
    features = hub_datasets.Features(
        {"text": hub_datasets.Value("string"), "label": hub_datasets.ClassLabel(names=["neg", "pos"])}
    )
    rows = {"text": [f"text number {n}" for n in range(10)], "label": [n % 2 for n in range(9)] + [-1]}
    return hub_datasets.Dataset.from_dict(rows, features=features)


def test_a_saved_data_set_is_read_with_its_class_names(tmp_path: Path, table: hub_datasets.Dataset) -> None:
    table.save_to_disk(str(tmp_path / "saved"))
    data = zoo.read(tmp_path / "saved")
    assert data.classes == ("neg", "pos")
    assert list(data.inputs)[:2] == ["text number 0", "text number 1"]
    assert [problem.item for problem in data.problems] == ["row 10"]


def test_the_splits_of_a_saved_data_set_are_put_together(tmp_path: Path, table: hub_datasets.Dataset) -> None:
    hub_datasets.DatasetDict({"train": table, "test": table.select(range(4))}).save_to_disk(str(tmp_path / "saved"))
    assert len(zoo.read(tmp_path / "saved")) == 13


def test_saved_images_are_decoded(tmp_path: Path) -> None:
    from PIL import Image

    for n in range(4):
        Image.new("RGB", (6, 5), (n * 9, 0, 0)).save(tmp_path / f"{n}.png")
    features = hub_datasets.Features(
        {"image": hub_datasets.Image(), "label": hub_datasets.ClassLabel(names=["a", "b"])}
    )
    rows = {
        "image": [{"path": None, "bytes": (tmp_path / f"{n}.png").read_bytes()} for n in range(4)],
        "label": [0, 1, 0, 1],
    }
    hub_datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "saved"))
    data = zoo.read(tmp_path / "saved")
    assert (data.input_kind, len(data), data.inputs[2].getpixel((0, 0))) == ("image", 4, (18, 0, 0))


def test_a_damaged_saved_data_set_is_refused(tmp_path: Path, table: hub_datasets.Dataset) -> None:
    table.save_to_disk(str(tmp_path / "saved"))
    (arrow,) = (tmp_path / "saved").glob("*.arrow")
    arrow.write_bytes(arrow.read_bytes()[:100])
    with pytest.raises(DataError):
        zoo.read(tmp_path / "saved")
