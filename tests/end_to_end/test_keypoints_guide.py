"""The guide's plugin for keypoints, installed as it stands: a kind of target that zoo itself has never heard of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import commands
import pytest
from PIL import Image

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "zoo_keypoints.py"
DATA, TASK = "sports:poses", "pose-estimation"

Install = Callable[[str, str], None]
Run = Callable[..., CompletedProcess[str]]
Zoo = Callable[..., dict[str, Any]]


@pytest.fixture
def run(install: Install, tmp_path: Path) -> Run:
    """Runs a command of zoo with the plugin."""
    install("keypoints", EXAMPLE.read_text(encoding="utf-8"))
    return lambda *arguments: commands.zoo(*arguments, home=tmp_path / "home")


@pytest.fixture
def zoo(run: Run) -> Zoo:
    """Gives the JSON that a command prints."""

    def command(*arguments: str) -> dict[str, Any]:
        done = run(*arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return command


@pytest.fixture
def photo(tmp_path: Path) -> str:
    Image.new("RGB", (16, 16), (30, 60, 90)).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


def test_a_data_set_of_the_kind_is_profiled(zoo: Zoo) -> None:
    found = zoo("profile", DATA, "--task", TASK)
    assert (found["samples"], found["target_kind"], found["tasks"]) == (100, "keypoints", [TASK])


def test_a_model_is_evaluated_against_the_baseline(zoo: Zoo) -> None:
    found = zoo("evaluate", "pose:mean", DATA, "--task", TASK)
    assert 0 < found["metrics"]["pck"] < 0.2
    assert set(found["baseline"]) == {"pck"}


def test_a_model_with_a_learner_is_tuned_and_used(zoo: Zoo, tmp_path: Path, photo: str) -> None:
    folder = str(tmp_path / "tuned")
    found = zoo(
        "tune",
        "pose:pixels",
        DATA,
        "--task",
        TASK,
        "--strategy",
        "full",
        "-o",
        folder,
        "--epochs",
        "80",
        "--learning-rate",
        "0.003",
        "--patience",
        "80",
    )
    assert found["metrics"]["pck"] > 2 * found["baseline"]["pck"] + 0.1
    predictions = zoo("predict", f"file:{folder}", photo)["predictions"]
    assert len(predictions[0]["output"]["points"]) == 3


def test_a_model_without_a_learner_raises_a_clear_error(run: Run) -> None:
    done = run("tune", "pose:mean", DATA, "--task", TASK, "--strategy", "full")
    assert done.returncode == 1
    assert "'pose:mean' cannot be trained for pose-estimation" in done.stderr


def test_models_are_recommended(zoo: Zoo, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    found = zoo("recommend", DATA, "--task", TASK, "--report", str(report))
    assert {candidate["id"] for candidate in found["candidates"]} == {"pose:mean", "pose:pixels"}
    assert found["ranked_by"] == "evaluated"
    assert "pck" in report.read_text(encoding="utf-8")


def test_answers_are_shown_in_a_table_on_a_page_and_drawn(run: Run, tmp_path: Path, photo: str) -> None:
    assert "point 1 at 0.50, 0.50" in run("predict", "pose:mean", photo).stdout
    page = tmp_path / "page.html"
    assert run("predict", "pose:mean", photo, "-o", str(page)).returncode == 0
    assert "The image with keypoints: point 1 at 0.50, 0.50" in page.read_text(encoding="utf-8")
    drawn = tmp_path / "drawn.png"
    assert run("predict", "pose:mean", photo, "-o", str(drawn)).returncode == 0
    assert Image.open(drawn).size == (160, 160)


def test_it_conforms(zoo: Zoo) -> None:
    found = zoo("plugins", "check", "keypoints")
    assert found["passed"] is True
    assert any(check["check"] == "a-new-kind-is-understood" for check in found["checks"])


def test_a_kind_whose_show_raises_costs_one_line(run: Run, tmp_path: Path, photo: str) -> None:
    code = EXAMPLE.read_text(encoding="utf-8").replace(
        'return [(f"point', "raise ValueError('no ink')\n        return [(f\"point"
    )
    (tmp_path / "zoo_keypoints.py").write_text(code, encoding="utf-8")
    done = run("predict", "pose:mean", photo)
    assert done.returncode == 0
    assert "Pose(points=" in done.stdout
    assert done.stderr.count("no ink") == 1


def test_a_kind_that_two_plugins_claim_is_the_first_ones(run: Run, install: Install) -> None:
    other = (
        "from zoo import hookimpl\nfrom zoo.contract.kind import Kind\n\n"
        "@hookimpl\ndef zoo_kinds(): return [Kind('keypoints'), Kind('image')]\n"
    )
    install("rival", other)
    done = run("plugins")
    assert "Plugin 'rival': claims the kind 'keypoints', which 'keypoints' already has" in done.stderr
    assert "claims the kind 'image', which 'defaults' already has" in done.stderr


def test_a_plugin_of_the_earlier_contract_is_named_with_what_to_change(run: Run, install: Install) -> None:
    install("old", "from zoo.adapt.metrics import Metric\n")
    done = run("plugins")
    assert "'zoo.adapt.metrics' is now 'zoo.contract.metric'" in done.stderr
    assert done.stderr.count("Plugin 'old'") == 1
