"""A scaffolded plugin passes its own tests as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.cli import run
from zoo.errors import InvalidInput, StorageError
from zoo.testing import scaffolding


@pytest.mark.slow
def test_a_new_plugin_passes_its_own_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins", "new", "sea-shanty", "--folder", str(tmp_path)]) == 0
    root = tmp_path / "zoo-sea-shanty"
    assert str(root / "pyproject.toml") in capsys.readouterr().out
    information = tmp_path / "site" / "zoo_sea_shanty-0.1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-sea-shanty\nVersion: 0.1.0\n")
    (information / "entry_points.txt").write_text("[zoo]\nsea-shanty = zoo_sea_shanty\n")
    path = os.pathsep.join([str(root), str(tmp_path / "site"), *filter(None, sys.path)])

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "ZOO_HOME": str(tmp_path / "home")},
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout
    assert int(done.stdout.split(" passed")[0].split()[-1]) >= 18


@pytest.mark.parametrize("command", [("check",), ("format", "--check")])
def test_a_new_plugin_is_clean_by_its_own_settings(command: tuple[str, ...], tmp_path: Path) -> None:
    scaffolding.write("sea-shanty", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache"],
        cwd=tmp_path / "zoo-sea-shanty",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_project_file_names_the_plugin(tmp_path: Path) -> None:
    scaffolding.write("tides", tmp_path)
    text = (tmp_path / "zoo-tides" / "pyproject.toml").read_text()
    assert 'name = "zoo-tides"' in text
    assert 'tides = "zoo_tides"' in text
    everything = "".join(path.read_text() for path in (tmp_path / "zoo-tides").rglob("*") if path.is_file())
    assert "acme" not in everything


@pytest.mark.parametrize("name", ["", "Tides", "a b", "../x", "class", "1st", "language"])
def test_a_name_that_cannot_be_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        scaffolding.write(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "zoo-tides").mkdir()
    with pytest.raises(StorageError, match="exists"):
        scaffolding.write("tides", tmp_path)
    assert list((tmp_path / "zoo-tides").iterdir()) == []
