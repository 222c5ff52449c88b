"""An empty registry of its own for each test, in SQLite or in PostgreSQL, and people who act."""

from pathlib import Path

import people
import pytest
from registries import any_registry, empty_database, empty_registry, make_registry, registry, server

__all__ = ["any_registry", "empty_database", "empty_registry", "make_registry", "registry", "server"]


@pytest.fixture
def be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> people.Become:
    """Makes the next calls those of someone."""
    become = people.become(monkeypatch, tmp_path)
    become(people.ANA)
    return become
