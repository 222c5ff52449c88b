"""The cost of running architectures."""

from __future__ import annotations

import pytest

from zoo.catalog.costs import cost


def test_a_known_architecture_at_a_measured_size():
    found = cost("resnet50.a1_in1k", 224)

    assert (found.gmacs, found.activations) == (4.11, 11.11)
    assert found.cpu_ms == pytest.approx(1000 / 67.2, abs=1e-4)


def test_another_size_costs_in_proportion_to_its_pixels():
    assert cost("tf_efficientnet_lite0", 448).gmacs == pytest.approx(4 * cost("tf_efficientnet_lite0", 224).gmacs)


def test_torchvision_names_are_known_and_others_are_not():
    assert cost("mobilenet_v2", 224).architecture == "mobilenetv2_100"
    assert cost("nothing_of_the_kind", 224) is None
