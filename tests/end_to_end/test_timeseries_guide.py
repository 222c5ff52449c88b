"""The guide's plugin for time series, installed as it stands: it conforms, and forecasts better than the mean."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commands
import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "zoo_timeseries.py"


Zoo = Callable[..., dict[str, Any]]


@pytest.fixture
def zoo(install: Callable[[str, str], None], tmp_path: Path) -> Zoo:
    """Gives the JSON that a command of zoo prints with the plugin."""
    install("timeseries", EXAMPLE.read_text(encoding="utf-8"))

    def command(*arguments: str) -> dict[str, Any]:
        done = commands.zoo(*arguments, "--json", home=tmp_path / "home")
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return command


def test_it_is_short() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) < 160


def test_it_conforms(zoo: Zoo) -> None:
    found = zoo("plugins", "check", "timeseries", "--model", "rocket:128")
    assert found["passed"] is True
    passed = {check["check"] for check in found["checks"] if check["status"] == "passed"}
    assert {"is-batch-invariant", "is-deterministic", "imports-nothing-heavy", "explains-wrong-inputs"} <= passed


def test_it_forecasts_a_series(zoo: Zoo, tmp_path: Path) -> None:
    chance = random.Random(0)
    lines = [f"{at / 200 + math.sin(at / 2) + 0.6 * math.sin(at / 7) + chance.gauss(0, 0.1):.4f}" for at in range(600)]
    (tmp_path / "waves.series.csv").write_text("\n".join(["value", *lines]))
    found = zoo("tune", "rocket:128", str(tmp_path / "waves.series.csv"), "--no-save-run")
    assert found["task"] == "next-value-forecasting"
    assert found["metrics"]["rmse"] < 0.4 * found["baseline"]["rmse"]
