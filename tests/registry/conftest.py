"""An empty registry of its own for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from zoo.registry import Registry, opening


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with all tables and nothing in them, to copy."""
    path = tmp_path_factory.mktemp("empty") / "registry.db"
    opening.create(path, empty=True)
    return path


@pytest.fixture
def registry(tmp_path: Path, empty_registry: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry with all tables and nothing in them."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    path = tmp_path / "registry.db"
    shutil.copyfile(empty_registry, path)
    return Registry(path)
