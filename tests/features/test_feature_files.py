"""Files are written atomically and read back, and nothing is unpickled."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from zoo.entities import Features
from zoo.errors import DataError, InvalidInput, StorageError
from zoo.features.files import SUFFIXES, read_features, write_features

MATRICES = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=st.floats(width=32, allow_nan=False)
)


def some_features(values=None, targets=None, classes=("cat", "Käfer", "鳥")) -> Features:
    values = np.arange(12, dtype=np.float32).reshape(4, 3) if values is None else values
    return Features("pkg:m", "block1.mean", values, targets, classes, {"revision": "7", "seconds": 0.5, "n": None})


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(deadline=None, max_examples=15)
@given(values=MATRICES, kind=st.sampled_from(["none", "class", "number"]))
def test_round_trip(tmp_path_factory, suffix, values, kind) -> None:
    targets = {"none": None, "class": np.arange(len(values)), "number": np.arange(len(values)) / 3}[kind]
    path = tmp_path_factory.mktemp("round") / f"x{suffix}"
    written = some_features(values, targets)

    assert write_features(path, written) == path
    read = read_features(path)

    np.testing.assert_array_equal(read.values, values)
    assert read.values.dtype == np.float32
    if targets is None:
        assert read.targets is None
    else:
        np.testing.assert_array_equal(read.targets, targets)
        assert read.targets.dtype == targets.dtype
    assert (read.model, read.layer, read.classes) == ("pkg:m", "block1.mean", ("cat", "Käfer", "鳥"))
    assert read.provenance == written.provenance
    assert os.listdir(path.parent) == [path.name]


def test_the_safetensors_file_is_what_others_expect(tmp_path) -> None:
    from safetensors import safe_open

    path = write_features(tmp_path / "x.safetensors", some_features(targets=np.array([0, 1, 2, 0])))

    with safe_open(path, framework="numpy") as opened:
        assert sorted(opened.keys()) == ["features", "targets"]
        assert opened.get_tensor("features").shape == (4, 3)
        assert opened.metadata()["provenance"] == '{"n": null, "revision": "7", "seconds": 0.5}'


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("mask", "rights"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_has_the_rights_of_any_new_file(tmp_path, suffix, mask, rights) -> None:
    before = os.umask(mask)
    try:
        path = write_features(tmp_path / f"x{suffix}", some_features())
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == rights


@pytest.mark.parametrize("name", ["x", "x.pt", "x.npz.gz", ".npz"])
def test_other_suffixes_are_refused(tmp_path, name) -> None:
    with pytest.raises(InvalidInput, match=r"Use one of: \.safetensors, \.npz, \.parquet"):
        write_features(tmp_path / name, some_features())
    with pytest.raises(InvalidInput):
        read_features(tmp_path / name)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_folder(tmp_path, suffix) -> None:
    with pytest.raises(StorageError, match="Cannot write"):
        write_features(tmp_path / "nowhere" / f"x{suffix}", some_features())
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_old_file_stays_when_the_disk_is_full(tmp_path, suffix) -> None:
    path = tmp_path / f"x{suffix}"
    write_features(path, some_features())
    before = path.read_bytes()
    code = """
import resource, signal, sys
import numpy as np
from zoo.entities import Features
from zoo.errors import StorageError
from zoo.features.files import write_features
values = np.random.default_rng(0).normal(size=(1000, 100)).astype(np.float32)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_features(sys.argv[1], Features("pkg:m", "l", values))
except StorageError as error:
    print(error.message)
"""
    finished = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)

    assert finished.stdout.startswith("Cannot write"), finished.stdout
    assert "too large" in finished.stdout.lower()
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("damage", ["cut", "empty", "noise"])
def test_damaged_files(tmp_path, suffix, damage) -> None:
    path = write_features(tmp_path / f"x{suffix}", some_features())
    content = path.read_bytes()
    path.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "noise": b"\x93" * 500}[damage])

    with pytest.raises(DataError, match="is not a readable file of features"):
        read_features(path)


def test_nothing_is_unpickled(tmp_path) -> None:
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "exploded"),))

    np.savez(tmp_path / "x.npz", features=np.array([Bomb()], dtype=object))
    (tmp_path / "y.npz").write_bytes(pickle.dumps(Bomb()))

    for name in ("x.npz", "y.npz"):
        with pytest.raises(DataError):
            read_features(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    "arrays_",
    [{"features": np.zeros(3)}, {"features": np.zeros((3, 2)), "targets": np.zeros(2)}, {"other": np.zeros(1)}],
)
def test_files_of_another_shape(tmp_path, arrays_) -> None:
    np.savez(tmp_path / "x.npz", **arrays_)

    with pytest.raises(DataError):
        read_features(tmp_path / "x.npz")


def test_there_is_no_such_file(tmp_path) -> None:
    with pytest.raises(DataError, match="There is no file"):
        read_features(tmp_path / "x.npz")
