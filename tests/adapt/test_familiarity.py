"""Inputs that are unlike the training data are marked, in the saved model and in tables of predictions."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import commands
import numpy as np
import pytest
from safetensors.numpy import load_file

import zoo
from zoo.adapt.results.familiarity import QUANTILE, Familiarity, familiarity


def experiment(targets: np.ndarray) -> Any:
    return SimpleNamespace(classification=True, train="train", of=lambda part: targets)


def correlated(count: int, dimension: int, seed: int) -> np.ndarray:
    """Features whose directions have very different variances."""
    generator = np.random.default_rng(seed)
    return generator.normal(size=(count, dimension)) * np.geomspace(3, 0.1, dimension)


@pytest.mark.parametrize("dimension", [5, 300])
def test_as_many_new_samples_are_marked_as_the_quantile_says(dimension: int) -> None:
    targets = np.arange(2000) % 2
    shift = 5.0 * np.eye(2, dimension)
    train, validation, new = (correlated(2000, dimension, seed) + shift[targets] for seed in range(3))

    found = familiarity(experiment(targets), train, validation)

    assert found is not None
    assert found.unlike(validation).mean() == pytest.approx(1 - QUANTILE, abs=0.002)
    assert found.unlike(new).mean() < 0.03
    far = np.zeros((1, dimension))
    far[0, -1] = 10.0  # 100 standard deviations in the direction of the least variance
    assert found.unlike(shift[:1] + far).all()


def test_the_distance_is_that_of_the_whole_covariance_where_all_axes_are_kept() -> None:
    features = correlated(5000, 4, 0)
    found = familiarity(experiment(np.zeros(5000, dtype=int)), features, features[:200])
    assert found is not None

    inverse = np.linalg.inv(np.cov(features.T, bias=True))
    expected = np.sqrt([row @ inverse @ row for row in features - features.mean(axis=0)])

    assert np.allclose(found.distances(features), expected, rtol=0.1)


def test_too_few_validation_samples_give_no_threshold() -> None:
    features = correlated(300, 4, 0)
    assert familiarity(experiment(np.arange(300) % 2), features, features[:99]) is None


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    features = correlated(400, 6, 0)
    found = familiarity(experiment(np.arange(400) % 2), features, features)
    assert found is not None
    found.write(tmp_path / "f.safetensors")
    again = Familiarity.read(tmp_path / "f.safetensors")
    assert again is not None
    assert np.allclose(again.distances(features), found.distances(features), rtol=1e-4)
    assert Familiarity.read(tmp_path / "none.safetensors") is None


@pytest.mark.slow
def test_a_drawing_that_is_not_a_digit_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    tuned, folder = tmp_path / "tuned", tmp_path / "images"
    folder.mkdir()
    zoo.tune("pkg:mobilenet-v2", "sklearn:digits:700", output=str(tuned), save_run=False)
    digits = zoo.read("sklearn:digits")
    for at in range(3):
        digits.inputs[at].save(folder / f"digit{at}.png")
    noise = np.random.default_rng(0).integers(0, 256, size=(64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "noise.png")

    zoo.predict_table(f"file:{tuned}", folder, tmp_path / "out.csv")
    shown = commands.zoo(
        "predict",
        f"file:{tuned}",
        str(folder / "noise.png"),
        str(folder / "digit0.png"),
        "--json",
        home=tmp_path / "home",
    )

    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        marks = {row["file"]: row["unlike_training_data"] for row in csv.DictReader(file)}
    assert marks == {"digit0.png": "False", "digit1.png": "False", "digit2.png": "False", "noise.png": "True"}
    assert [one["unlike_training_data"] for one in json.loads(shown.stdout)["predictions"]] == [True, False]
    tensors = load_file(tuned / "familiarity.safetensors")
    assert tensors["means"].shape == (10, 1280)
    assert tensors["axes"].shape[0] <= 128
