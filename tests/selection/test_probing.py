"""A closer look: latency, and how far the data are from what a model was pretrained on."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import zoo
from zoo.entities import Dataset
from zoo.errors import InvalidInput
from zoo.selection.measure.probing import domain_shift, latency


class Normalising:
    """A backbone with one batch normalisation, whose record is mean 0 and variance 1."""

    def __init__(self) -> None:
        self.module = nn.BatchNorm1d(4).eval()

    def preprocess(self, item):
        return torch.as_tensor(item)

    def collate(self, items):
        return torch.stack(items)

    def features(self, batch, layers):
        return {"out": self.module(batch)}


def data(mean: float, deviation: float) -> Dataset:
    rows = np.random.default_rng(0).normal(mean, deviation, (64, 4))
    rows = (rows - rows.mean(0)) / rows.std(0, ddof=1) * deviation + mean
    return Dataset("numbers", "numbers", list(rows.astype(np.float32)))


@pytest.mark.parametrize(("mean", "deviation"), [(0, 1), (2, 1), (0, 3), (1, 2)])
def test_the_shift_is_the_distance_of_two_normal_distributions(mean: float, deviation: float):
    model = SimpleNamespace(backbone=Normalising(), layers=("out",))

    assert domain_shift(model, data(mean, deviation)) == pytest.approx(math.hypot(mean, deviation - 1), abs=1e-3)


def test_a_model_without_a_record_has_no_shift():
    backbone = Normalising()
    backbone.module = nn.Linear(4, 4)

    assert domain_shift(SimpleNamespace(backbone=backbone, layers=("out",)), data(0, 1)) is None


def test_latency_is_measured_on_few_samples_too():
    model = SimpleNamespace(backbone=Normalising(), layers=("out",))

    assert latency(model, Dataset("one", "numbers", [np.zeros(4, np.float32)])) > 0


@pytest.mark.slow
def test_drawings_of_digits_are_further_from_photographs_than_photographs_are():
    from sklearn.datasets import load_sample_images

    images = [Image.fromarray(image) for image in load_sample_images().images]
    crops = [image.crop((x, 0, x + 224, 224)) for image in images for x in range(0, 400, 57)]
    model = zoo.load("pkg:mobilenet-v2")

    assert domain_shift(model, Dataset("photographs", "image", crops)) < domain_shift(
        model, zoo.read("sklearn:digits:16")
    )


def test_a_probe_gives_latencies_once_and_keeps_them(poetry, poems):
    first = zoo.recommend(str(poems), task="poem-classification", probe=True)
    second = zoo.recommend(str(poems), task="poem-classification", probe=True)

    assert all(candidate.latency > 0 for candidate in first.candidates)
    assert [c.latency for c in second.candidates] == [c.latency for c in first.candidates]
    assert first.candidates[0].latency_source == "measured here on cpu, one sample at a time"


def test_no_model_is_quick_enough_for_a_nanosecond(poetry, poems):
    with pytest.raises(InvalidInput, match="The fastest is poems:"):
        zoo.recommend(str(poems), task="poem-classification", max_latency=1e-6)
