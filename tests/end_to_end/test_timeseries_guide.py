"""The guide's plugin for time series, installed as it stands: it conforms, and forecasts better than the mean."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "zoo_timeseries.py"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    information = tmp_path / "site" / "zoo_timeseries-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-timeseries\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[zoo]\ntimeseries = zoo_timeseries\n")
    shutil.copy(EXAMPLE, tmp_path / "site")
    path = os.pathsep.join([str(tmp_path / "site"), *filter(None, sys.path)])
    return {**os.environ, "PYTHONPATH": path, "ZOO_HOME": str(tmp_path / "home")}


def zoo(environment: dict[str, str], *arguments: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "zoo", *arguments, "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_it_is_short() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) < 160


def test_it_conforms(environment: dict[str, str]) -> None:
    found = zoo(environment, "plugins", "check", "timeseries", "--model", "rocket:128")
    assert found["passed"] is True
    passed = {check["check"] for check in found["checks"] if check["status"] == "passed"}  # type: ignore[attr-defined]
    assert {"is-batch-invariant", "is-deterministic", "imports-nothing-heavy", "explains-wrong-inputs"} <= passed


def test_it_forecasts_a_series(environment: dict[str, str], tmp_path: Path) -> None:
    chance = random.Random(0)
    lines = [f"{at / 200 + math.sin(at / 2) + 0.6 * math.sin(at / 7) + chance.gauss(0, 0.1):.4f}" for at in range(600)]
    (tmp_path / "waves.series.csv").write_text("\n".join(["value", *lines]))
    found = zoo(environment, "tune", "rocket:128", str(tmp_path / "waves.series.csv"), "--no-save-run")
    assert found["task"] == "next-value-forecasting"
    assert found["metrics"]["rmse"] < 0.4 * found["baseline"]["rmse"]  # type: ignore[index]
