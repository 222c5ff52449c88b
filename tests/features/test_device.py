"""Devices are chosen, checked and measured."""

from __future__ import annotations

import os

import pytest
import torch

from zoo.errors import InvalidInput
from zoo.features.device import best_device, memory_of


def test_the_best_device_is_one_that_torch_can_use() -> None:
    torch.zeros(1, device=best_device())


@pytest.mark.parametrize("name", ["cpu", "CPU", " cpu "])
def test_a_cpu_is_always_there(name) -> None:
    assert best_device(name) == "cpu"


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "", "cpu:0", "cuda:-1", "tpu"])
def test_names_that_are_no_device(name) -> None:
    with pytest.raises(InvalidInput, match="is not a device"):
        best_device(name)


def test_a_device_that_is_not_here() -> None:
    with pytest.raises(InvalidInput, match=r"There is no (xpu device|device 'xpu:99')"):
        best_device("xpu:99")


def test_the_memory_of_the_cpu_is_at_most_the_machines() -> None:
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    memory = memory_of("cpu")

    assert memory is not None
    assert 2**26 < memory <= physical
