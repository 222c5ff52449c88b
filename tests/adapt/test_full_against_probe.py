"""The committed records of fine-tuning against the linear probe, and what the guide quotes of them."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks" / "records" / "full_against_probe"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("full_against_probe")


def record(model: str, seed: int, tuned: float, probe: float, kept: str = "fine-tuned", **other: Any) -> dict[str, Any]:
    sides = {"fine_tuned": {"accuracy": tuned}, "probe": {"accuracy": probe}}
    gain = [tuned - probe, tuned - probe - 0.0196, tuned - probe + 0.0196]
    key = {"data": "d", "model": model, "seed": seed, "recipe": "r"}
    return {**key, "kept": kept, "gain_over_probe": gain, **sides, **other}


def test_every_record_is_whole_and_named_by_what_was_measured(benchmark: ModuleType) -> None:
    rows, paths = benchmark.rows(), sorted(FOLDER.glob("*.json"))
    assert len(rows) == 37
    assert paths
    for path in paths:
        found = json.loads(path.read_text(encoding="utf-8"))
        key = [found[name] for name in ("data", "model", "seed", "recipe")]
        assert path.stem == "_".join(str(part).replace(":", "-").replace("/", "-") for part in key)
        assert (found["data"], found["model"]) in rows
        assert found["samples"] == benchmark.SAMPLES[found["task"]]
        assert 0 <= found["fine_tuned"]["accuracy"] <= 1
        assert found["gain_over_probe"][0] == pytest.approx(benchmark.difference(found))
        assert found["kept"] in {"fine-tuned", "linear-probe"}
        assert found["test_samples"] == round(found["samples"] * benchmark.TEST)
        assert {"torch", "transformers", "scikit-learn"} <= found["versions"].keys()


def test_the_guide_quotes_the_report(benchmark: ModuleType) -> None:
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    lines = benchmark.report(found)
    start = next(number for number, line in enumerate(lines) if line.startswith("without the fallback"))

    guide = (ROOT / "docs" / "adapting.md").read_text(encoding="utf-8")

    assert "\n".join(lines[start:]) in guide


def test_the_report_averages_seeds_then_rows(benchmark: ModuleType) -> None:
    some = [
        record("a", 0, 0.9, 0.8),
        record("a", 1, 0.8, 0.8),
        record("b", 0, 0.7, 0.8, kept="linear-probe"),
        record("b", 1, 0.6, 0.8),
    ]

    lines = benchmark.report([*some, record("a", 0, 0.5, 0.8, recipe="old")], "r")

    assert "+0.0500 +- 0.0500" in lines[1]
    assert "-0.1500 +- 0.0500 -0.1000 +- 0.1000" in lines[2]
    assert "2 seeds, probe kept in 1" in lines[2]
    [without, first, with_it, second, other] = lines[3:]
    assert without.startswith("without the fallback: -0.0500, 95 % interval -0.")
    assert first.endswith("not met on these rows")
    assert with_it.startswith("with the fallback: -0.0250, ")
    assert second.endswith("standard error: met on these rows")  # -0.1 +- 0.1
    assert other == "fine-tuned model against recipe old: +0.4000 +- nan, 1 pairs"


def test_a_row_below_the_probe_beyond_its_error_misses_the_target(benchmark: ModuleType) -> None:
    lines = benchmark.report([record("b", seed, 0.7 + seed / 1000, 0.8) for seed in range(3)], "r")

    assert lines[-1].endswith("not met: b on d")


def test_a_single_seed_has_the_error_of_its_test(benchmark: ModuleType) -> None:
    lost, kept = record("a", 0, 0.78, 0.8), record("b", 0, 0.7, 0.8, kept="linear-probe")

    lines = benchmark.report([lost, kept], "r")

    assert "-0.0200 +- 0.0100 -0.0200 +- 0.0100" in lines[1]
    assert "-0.1000 +- 0.0100 +0.0000 +- 0.0000" in lines[2]


def test_the_interval_contains_the_mean_and_narrows_with_more_rows(benchmark: ModuleType) -> None:
    def width(rows: int) -> float:
        by_row = {
            ("d", str(row)): [record(str(row), seed, 0.8 + 0.02 * (-1) ** (row + seed), 0.8) for seed in range(4)]
            for row in range(rows)
        }
        mean, low, high = benchmark.over_rows(by_row, fallback=False)
        assert low < mean + 1e-12
        assert mean < high + 1e-12
        assert math.isclose(mean, 0, abs_tol=1e-12)
        return float(high - low)

    assert width(40) < width(2)
