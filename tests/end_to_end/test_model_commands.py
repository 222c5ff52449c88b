"""``zoo profile``, ``features``, ``tune``, ``runs`` and ``predict`` as a user types them, on packaged weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import commands
import numpy as np
import pytest
from safetensors import safe_open

STATIC = "pkg:wordllama/64"


class Folder:
    """A folder to work in, with reviews to learn from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        rows = [
            f"a {word} film number {n},{label}"
            for n in range(30)
            for word, label in (("great", "good"), ("poor", "bad"))
        ]
        (path / "reviews.csv").write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")

    def zoo(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        result = commands.zoo(*arguments, home=self.path / "home", folder=self.path)
        assert result.returncode == code, result.stderr + result.stdout
        return result

    def process(self, *arguments: str) -> str:
        """What a command prints that runs in a process of its own, as a user starts it."""
        environment = {**os.environ, "ZOO_HOME": str(self.path / "home"), "HF_HUB_OFFLINE": "1"}
        return subprocess.run(
            [sys.executable, "-m", "zoo", *arguments],
            cwd=self.path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def json(self, *arguments: str) -> dict:
        return json.loads(self.zoo(*arguments, "--json").stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("commands"))


def test_features_hold_rows_targets_and_where_they_come_from(folder: Folder) -> None:
    folder.zoo("features", STATIC, "reviews.csv", "-o", "x.safetensors")

    with safe_open(folder.path / "x.safetensors", framework="np") as file:
        features, targets, metadata = file.get_tensor("features"), file.get_tensor("targets"), file.metadata()
    assert (features.shape, features.dtype, targets.shape) == ((60, 64), np.float32, (60,))
    assert STATIC in json.dumps(metadata)


def test_what_is_kept_is_shown_cleared_and_computed_again(folder: Folder) -> None:
    folder.json("cache", "clear")
    assert folder.json("cache")["models"] == []

    folder.zoo("features", STATIC, "reviews.csv", "-o", "kept.npz")
    (kept,) = folder.json("cache", "list")["models"]
    assert (kept["model"], kept["layers"], kept["rows"]) == (STATIC, ["tokens.mean"], 60)
    assert STATIC in folder.zoo("cache").stdout

    folder.zoo("features", STATIC, "reviews.csv", "-o", "again.npz")
    folder.zoo("features", STATIC, "reviews.csv", "-o", "fresh.npz", "--no-cache")
    first, again, fresh = (np.load(folder.path / f"{name}.npz") for name in ("kept", "again", "fresh"))
    np.testing.assert_array_equal(first["features"], again["features"])
    np.testing.assert_array_equal(first["features"], fresh["features"])
    computed = [json.loads(str(x["metadata"]))["provenance"] for x in (first, again, fresh)]
    assert [json.loads(c)["computed"] if isinstance(c, str) else c["computed"] for c in computed] == [60, 0, 60]

    assert folder.json("cache", "clear", STATIC)["freed"] >= kept["bytes"]
    assert folder.json("cache")["models"] == []


@pytest.mark.parametrize("name", ["x.npz", "x.parquet"])
def test_features_in_other_formats(folder: Folder, name: str) -> None:
    (written,) = folder.json("features", STATIC, "reviews.csv", "-o", name)["files"]
    assert (written["samples"], written["dimensions"]) == (60, 64)
    assert (folder.path / name).stat().st_size == written["bytes"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("features", "pkg:wordlama/64", "reviews.csv", "-o", "y.npz"), "pkg:wordllama/64"),
        (("features", STATIC, "review.csv", "-o", "y.npz"), "reviews.csv"),
        (("features", STATIC, "reviews.csv", "-o", "y.docx"), ".safetensors"),
        (("features", STATIC, "reviews.csv", "-o", "none/y.npz"), "none"),
        (("features", STATIC, "sklearn:digits", "-o", "y.npz"), "image"),
        (("features", STATIC, "reviews.csv", "-o", "y.npz", "--layer", "tokens.max"), "tokens.mean"),
        (("tune", STATIC, "reviews.csv", "--strategy", "ful"), "full"),
        (("tune", STATIC, "reviews.csv", "--target-column", "stars"), "stars"),
        (("predict", "file:nowhere", "a text"), "nowhere"),
        (("predict", "pkg:efficientnet-lite0", "flower.jpg"), "flower.jpg"),
        (("predict", STATIC, "a text"), "zoo tune"),
        (("runs", "show", "nothing"), "nothing"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(folder: Folder, arguments: tuple[str, ...], text: str) -> None:
    before = sorted(path.name for path in folder.path.iterdir())
    error = folder.zoo(*arguments, code=1).stderr.strip().splitlines()[-1]

    assert error.startswith("Error: ")
    assert text in error
    assert sorted(path.name for path in folder.path.iterdir() if path.name != "home") == [
        n for n in before if n != "home"
    ]


def test_from_tuning_to_predicting_and_the_history(folder: Folder) -> None:
    run = folder.json("tune", STATIC, "reviews.csv", "-o", "tuned")
    shown = folder.zoo("tune", STATIC, "reviews.csv", "--seed", "1").stdout
    answer = folder.json("predict", "file:tuned", "a great film", "a poor film")
    listed = folder.json("runs")

    assert run["metrics"]["accuracy"] > run["baseline"]["accuracy"]
    assert "accuracy" in shown
    assert "Gain over the baseline" in shown
    assert [p["output"][0]["label"] for p in answer["predictions"]] == ["good", "bad"]
    assert [r["seed"] for r in listed["runs"]] == [1, 0]
    assert run["id"] in folder.zoo("runs", "show", run["id"]).stdout
    folder.zoo("runs", "export", "runs.json")
    folder.zoo("runs", "export", "results.csv", "--task", "text-classification")
    assert folder.json("runs", "import", "runs.json")["imported"] == 2
    assert len(folder.json("runs", "list")["runs"]) == 2
    assert (folder.path / "results.csv").read_text().startswith("model,dataset,metric,value")


def test_a_photograph_is_classified(folder: Folder) -> None:
    from PIL import Image
    from sklearn.datasets import load_sample_image

    Image.fromarray(load_sample_image("flower.jpg")).save(folder.path / "photo.png")

    (prediction,) = folder.json("predict", "pkg:efficientnet-lite0", "photo.png")["predictions"]

    assert prediction["output"][0]["label"] == "daisy"
    assert "daisy" in folder.process("predict", "pkg:efficientnet-lite0", "photo.png")
