"""Devices are chosen, checked and measured."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from zoo.errors import InvalidInput, UnsupportedModel
from zoo.features.device import best_device, free_memory, memory_of


def test_the_best_device_is_one_that_torch_can_use() -> None:
    torch.zeros(1, device=best_device())


@pytest.mark.parametrize("name", ["cpu", "CPU", " cpu "])
def test_a_cpu_is_always_there(name) -> None:
    assert best_device(name) == "cpu"


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "", "cpu:0", "cuda:-1", "tpu"])
def test_names_that_are_not_devices(name) -> None:
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


def test_free_memory_is_part_of_all_and_knows_the_limit_of_a_process() -> None:
    free, whole = free_memory("cpu"), memory_of("cpu")
    assert free is not None
    assert whole is not None
    assert 0 < free <= whole

    script = (
        "import resource\n"
        "from zoo.features.device import free_memory\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "print(free_memory('cpu'))\n"
    )
    limited = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert 0 < int(limited.stdout) < 1 << 30


def test_weights_that_do_not_fit_are_refused_before_they_are_read(monkeypatch, tmp_path) -> None:
    from zoo.entities import ModelCard
    from zoo.features import _check_room

    monkeypatch.setattr("zoo.features.device.free_memory", lambda device: 3_000_000_000)
    large = ModelCard("hf:a/large", "language", parameters=1_000_000_000)

    with pytest.raises(UnsupportedModel, match=r"take 4\.0 GB of memory in float32, and cpu has 3\.0 GB free"):
        _check_room(large, "cpu", "float32")
    _check_room(large, "cpu", "bfloat16")
    _check_room(ModelCard("hf:a/unknown", "language"), "cpu", "float32")
