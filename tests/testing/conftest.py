"""Installs plugins of one module for the time of a test."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Installs a plugin of that name and source, as a distribution of its own."""
    from zoo.plugins import plugins

    installed = []

    def make(name: str, source: str) -> None:
        information = tmp_path / f"zoo_{name}-1.0.dist-info"
        information.mkdir()
        (tmp_path / f"zoo_{name}.py").write_text(source)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: zoo-{name}\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[zoo]\n{name} = zoo_{name}\n")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
        monkeypatch.syspath_prepend(str(tmp_path))
        plugins.cache_clear()
        installed.append(f"zoo_{name}")

    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    yield make
    plugins.cache_clear()
    for module in installed:
        sys.modules.pop(module, None)
