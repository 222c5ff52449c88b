"""An empty registry of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.registry import Registry, opening


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry with all tables and nothing in them."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    path = tmp_path / "registry.db"
    opening.create(path, empty=True)
    return Registry(path)
