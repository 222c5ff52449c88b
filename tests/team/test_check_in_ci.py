"""The workflow and the hooks of docs/check.md run as they are written, in a git repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from zoo.team.check.codes import CODES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
UNPINNED, PINNED = "T.from_pretrained('a/b')\n", f"T.from_pretrained('a/b', revision='{'0' * 40}')\n"


def blocks() -> Iterator[Any]:
    for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        yield yaml.safe_load(text)


WORKFLOW, REMOTE, LOCAL = blocks()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one file, and ``zoo`` of this tree and a ``pip`` without effect on the path."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "zoo").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m zoo "$@"\n')
    (programs / "pip").write_text('#!/bin/sh\necho "$@" > pip.txt\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.py").write_text(UNPINNED)
    run(folder, "git init -q && git add a.py")
    return folder


def run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    home = folder.parent / "home"
    environment = {
        **os.environ,
        "HOME": str(home),
        "ZOO_HOME": str(home / "zoo"),
        "PATH": f"{folder.parent / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")]),
    }
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_workflow_runs(repository: Path) -> None:
    steps = [step for step in WORKFLOW["jobs"]["check"]["steps"] if "run" in step]
    install, annotate, scan = [run(repository, step["run"]) for step in steps]
    assert install.returncode == 0
    assert (repository / "pip.txt").read_text() == "install foundation-zoo\n"
    assert annotate.returncode == 1
    assert annotate.stdout.startswith("::error file=a.py,line=1,col=1,title=zoo%3A unpinned-model::")
    assert scan.returncode == 0
    uploads = [
        step["with"]["sarif_file"] for step in WORKFLOW["jobs"]["check"]["steps"] if "sarif" in step.get("uses", "")
    ]
    assert [(repository / name).is_file() for name in uploads] == [True]
    assert not (repository.parent / "home").exists()
    (repository / "a.py").write_text(PINNED)
    assert [run(repository, step["run"]).returncode for step in steps] == [0, 0, 0]


def test_the_hooks_of_the_page_and_of_the_repository_agree() -> None:
    (own,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    (local,) = LOCAL["repos"][0]["hooks"]
    assert REMOTE["repos"][0]["hooks"] == [{"id": own["id"]}]
    assert {key: own[key] for key in local if key != "language"} == {
        key: local[key] for key in local if key != "language"
    }
    pattern = re.compile(own["files"])
    assert all(pattern.search(name) for name in ("a.py", "x/b.ipynb", "zoo.lock", "x/zoo-policy.toml"))
    assert not any(pattern.search(name) for name in ("README.md", "my-zoo.lock", "a.pyc"))


def test_the_hook_runs(repository: Path) -> None:
    """With pre-commit itself if it is installed, else its entry."""
    if shutil.which("pre-commit"):
        (repository / ".pre-commit-config.yaml").write_text(yaml.safe_dump(LOCAL))
        command = "pre-commit run --all-files"
    else:
        command = LOCAL["repos"][0]["hooks"][0]["entry"]
    result = run(repository, command)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "a.py:1:1 unpinned-model error: 'a/b' is loaded without a revision" in result.stdout
    (repository / "a.py").write_text(PINNED)
    result = run(repository, f"git add . && {command}")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_page_lists_all_codes_with_their_levels() -> None:
    listed = dict(re.findall(r"^\| `([\w-]+)` \| (error|warning) \|", PAGE, re.MULTILINE))
    assert listed == {code: about.level for code, about in CODES.items()}
