"""Copies of the process prepare what threads prepare, name what is wrong, and can die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch

from zoo.contract.backbone import SilentProgress
from zoo.entities import FeatureRequest
from zoo.errors import DataError
from zoo.features.batches import Limits, Preparation
from zoo.features.extraction import extract_shards
from zoo.features.processes import LEAST_SAMPLES, worthwhile

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies are made by fork, on Linux")


def prepared(backbone, dataset, processes: int) -> list:
    blocks = [range(start, min(start + 30, len(dataset))) for start in range(0, len(dataset), 30)]
    with closing(Preparation(backbone, dataset, 2, ahead=2, pinned=True, processes=processes)) as preparation:
        return list(preparation.batches(blocks, Limits(8)))


@pytest.mark.parametrize("sort", [True, False])
def test_batches_are_those_of_threads(backbone, unsorted, texts, sort) -> None:
    words = texts(["a" * (1 + 7 * number % 23) for number in range(100)])
    subject = backbone if sort else unsorted

    here, apart = (prepared(subject, words, processes) for processes in (0, 2))

    assert [list(batch.positions) for batch in apart] == [list(batch.positions) for batch in here]
    assert all(np.array_equal(a.collated, b.collated) for a, b in zip(here, apart, strict=True))


def test_the_work_is_done_by_copies(unsorted, texts) -> None:
    inner, parent = unsorted.preprocess, os.getpid()

    def preprocess(item):
        assert os.getpid() != parent, "it was done here"
        return inner(item)

    unsorted.preprocess = preprocess

    assert len(prepared(unsorted, texts(["ab"] * 50), processes=2)) == 7


def test_features_are_extracted_with_their_help(backbone, texts, monkeypatch) -> None:
    """As for a CUDA device, from preparing to putting features in order."""
    monkeypatch.setattr("zoo.features.extraction.worthwhile", lambda device, samples, backbone: 2)
    words = ["a" * (1 + 7 * number % 23) for number in range(3000)]

    shards = list(extract_shards(backbone, texts(words), FeatureRequest(device="cuda"), SilentProgress()))

    found = np.concatenate([shard.values["summary"] for shard in shards])
    assert found[:, 0].tolist() == [len(word) for word in words]


def test_tensors_come_back_in_shared_memory(unsorted, texts) -> None:
    inner = unsorted.collate
    unsorted.collate = lambda items: torch.from_numpy(np.repeat(inner(items), 50_000, axis=1))

    batches = prepared_unpinned(unsorted, texts(["ab"] * 50))

    assert all(batch.collated.shape[1] == 100_000 and batch.collated.is_shared() for batch in batches)
    assert all((batch.collated[:, :50_000] == ord("a")).all() for batch in batches)


def prepared_unpinned(backbone, dataset) -> list:
    with closing(Preparation(backbone, dataset, 2, ahead=2, processes=2)) as preparation:
        return list(preparation.batches([range(len(dataset))], Limits(8)))


@pytest.mark.parametrize("sort", [True, False])
def test_a_sample_that_cannot_be_prepared_is_named(backbone, unsorted, texts, sort) -> None:
    with pytest.raises(DataError, match=r"Sample 41 of "):
        prepared(backbone if sort else unsorted, texts([*["ab"] * 41, None, *["ab"] * 20]), processes=2)


def test_where_copies_die_the_work_continues_here(unsorted, texts) -> None:
    inner, parent = unsorted.preprocess, os.getpid()

    def preprocess(item):
        if item == "deadly" and os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return inner(item)

    unsorted.preprocess = preprocess
    words = ["ab"] * 50 + ["deadly"] + ["abc"] * 50

    batches = prepared(unsorted, texts(words), processes=2)

    assert [position for batch in batches for position in batch.positions] == list(range(101))


def test_copies_that_hang_are_given_up(unsorted, texts, monkeypatch) -> None:
    monkeypatch.setattr("zoo.features.processes.PATIENCE", 1.0)
    inner, parent, done_here = unsorted.preprocess, os.getpid(), []

    def preprocess(item):
        if os.getpid() == parent:
            done_here.append(item)
        elif item == "stuck":
            time.sleep(600)
        return inner(item)

    unsorted.preprocess = preprocess

    batches = prepared(unsorted, texts(["ab"] * 50 + ["stuck"] + ["abc"] * 50), processes=2)

    assert [position for batch in batches for position in batch.positions] == list(range(101))
    assert "stuck" in done_here


SCRIPT = """
import sys, time
from zoo.features.processes import Processes

class Worker:
    def wait(self, positions):
        time.sleep(60)

if __name__ == "__main__":
    processes = Processes(Worker(), 2)
    print(*processes._pool._processes, flush=True)
    processes.call("wait", [])
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_copies_end_with_their_parent(tmp_path: Path, end) -> None:
    script = tmp_path / "parent.py"
    script.write_text(SCRIPT, encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        copies = [int(number) for number in parent.stdout.readline().split()]
        assert len(copies) == 2
        if end == signal.SIGINT:
            os.kill(copies[0], signal.SIGINT)
            time.sleep(0.2)
            assert Path(f"/proc/{copies[0]}").exists(), "Ctrl-C is for the parent to handle"
        parent.kill()
    for _ in range(100):
        if not any(_runs(copy) for copy in copies):
            break
        time.sleep(0.1)
    assert not any(_runs(copy) for copy in copies)


def _runs(process: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False


def test_they_are_for_much_work_on_cuda_devices(backbone) -> None:
    assert worthwhile("cuda", LEAST_SAMPLES, backbone) == 0, "this backbone does not say that it can"
    backbone.prepares_apart = True
    assert worthwhile("cpu", LEAST_SAMPLES, backbone) == 0
    assert worthwhile("cuda", LEAST_SAMPLES - 1, backbone) == 0
    assert worthwhile("cuda:1", LEAST_SAMPLES, backbone) == (min(16, os.cpu_count() - 1) if os.cpu_count() > 2 else 0)
