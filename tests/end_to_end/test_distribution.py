"""What ``pip install .`` brings, and what works without any extra."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "torchvision", "transformers", "timm", "pandas", "sklearn", "PIL", "pyarrow", "onnxruntime", "scipy")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment whose Python finds none of the heavy packages."""
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys\nsys.modules.update(dict.fromkeys({HEAVY!r}))\n", encoding="utf-8"
    )
    return {**os.environ, "PYTHONPATH": str(tmp_path), "ZOO_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zoo", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_wheel_holds_the_core_the_plugins_and_the_shipped_registry(wheel: zipfile.ZipFile):
    names = wheel.namelist()

    for package in ("zoo", "zoo_vision", "zoo_language", "zoo_audio", "zoo_multimodal", "zoo_scientific"):
        assert f"{package}/__init__.py" in names
    assert "zoo/registry.db.example" in names
    assert "zoo/py.typed" in names
    assert any(name.startswith("zoo/registry/database/migrations/") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_each_plugin_has_an_entry_point(wheel: zipfile.ZipFile):
    [path] = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    text = wheel.read(path).decode()

    for name in ("vision", "language", "audio", "multimodal", "scientific"):
        assert f"{name} = zoo_{name}" in text
    assert "defaults = zoo.defaults" in text
    assert "zoo = zoo.cli:main" in text


def test_the_base_needs_nothing_heavy(wheel: zipfile.ZipFile):
    [path] = [name for name in wheel.namelist() if name.endswith("METADATA")]
    metadata = message_from_string(wheel.read(path).decode())
    base = {
        re.split(r"[^a-z0-9-]", requirement.lower())[0]
        for requirement in metadata.get_all("Requires-Dist", [])
        if "extra ==" not in requirement
    }

    assert base == {
        "alembic",
        "click",
        "filelock",
        "huggingface-hub",
        "license-expression",
        "numpy",
        "packaging",
        "platformdirs",
        "pluggy",
        "pyyaml",
        "rich",
        "sqlmodel",
        "tomli",  # Python 3.10 only
    }
    assert {"vision", "language", "audio", "multimodal", "scientific", "demo", "all", "dev"} <= set(
        metadata.get_all("Provides-Extra", [])
    )


LOOKING = (
    ("search", "efficientnet"),
    ("show", "pkg:efficientnet-lite0"),
    ("compare", "pkg:efficientnet-lite0", "pkg:efficientnet-lite1"),
    ("list",),
    ("stats",),
    ("plugins",),
    ("doctor",),
)


def test_looking_around_works_without_extras(bare: dict[str, str]):
    code = "import json, sys\nfrom zoo.cli import run\nfor one in json.loads(sys.argv[1]): run([*one, '--json'])"
    command = [sys.executable, "-c", code, json.dumps(LOOKING)]
    done = subprocess.run(command, env=bare, capture_output=True, text=True, timeout=120, check=False)

    decoder, documents, rest = json.JSONDecoder(), [], done.stdout.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        documents.append(document)
        rest = rest[end:].strip()
    assert len(documents) == len(LOOKING), done.stderr
    assert not any("error" in document for document in documents)
    assert "Error" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("recommend", "sklearn:digits", "--task", "image-classification"),
        ("features", "pkg:efficientnet-lite0", "sklearn:digits", "-o", "features.npz"),
    ],
)
def test_a_missing_extra_is_one_sentence_with_the_pip_command(bare: dict[str, str], arguments: tuple[str, ...]):
    done = run(bare, *arguments)

    assert done.returncode == 1
    assert re.fullmatch(r"Error: .*package .*pip install 'foundation-zoo\[\w+\]'\n", done.stderr)
