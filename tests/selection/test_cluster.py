"""Measuring on a real Ray cluster of this machine: the same figures, whatever happens to a worker."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.engines.ray_connection import connect
from zoo.errors import InvalidInput, NetworkUnavailable

TOLERANCE = 1e-9


@pytest.mark.parametrize("address", ["", "here", "host", "host:", "host:0", "host:99999", "ray://host:10001", "a b:1"])
def test_what_is_malformed_is_refused(address):
    with pytest.raises(InvalidInput, match="is not the address of a cluster"):
        connect(address)


def test_an_address_that_does_not_answer_is_one_sentence(poetry, poems):
    import zoo

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(NetworkUnavailable, match=rf"The cluster at 127\.0\.0\.1:{port} does not answer"):
        zoo.recommend(str(poems), task="poem-classification", cluster=f"127.0.0.1:{port}")


def recommend(home: Path, packages: Path, data: Path, *options: str, kill: Path | None = None) -> dict:
    environment = {
        **os.environ,
        "ZOO_HOME": str(home),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(packages), *sys.path]),
        "POEMS_KILL_ONCE": str(kill or ""),
    }
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "zoo",
            "recommend",
            str(data),
            "--task",
            "poem-classification",
            "--layers",
            "all",
            "--json",
            *options,
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_cluster_whose_worker_is_killed_gives_the_figures_of_one_process(poetry, many_poems, tmp_path):
    packages, kill = tmp_path / "packages", tmp_path / "killed"
    alone = recommend(tmp_path / "alone", packages, many_poems)

    together = recommend(tmp_path / "together", packages, many_poems, "--cluster", "local", kill=kill)

    assert kill.exists(), "no worker was killed"
    assert figures(together).keys() == figures(alone).keys()
    for candidate, measured in figures(alone).items():
        assert figures(together)[candidate] == pytest.approx(measured, abs=TOLERANCE)
    assert [c["id"] for c in together["candidates"]] == [c["id"] for c in alone["candidates"]]
    assert [e["id"] for e in together["excluded"]] == ["poems:broken"]
    assert together["partial"] == ""


def figures(answer: dict) -> dict[tuple[str, str], dict[str, float]]:
    return {(c["id"], c["layer"]): c["measured"] for c in answer["candidates"]}
