"""Fixtures: an empty registry of its own for each test, in SQLite or in PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import system_packages
from postgres_server import PostgresServer

from zoo.registry import Registry, creating
from zoo.registry.database.location import Server


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with all tables and nothing in them, to copy."""
    path = tmp_path_factory.mktemp("empty") / "registry.db"
    creating.create(path, empty=True)
    return path


@pytest.fixture
def registry(tmp_path: Path, empty_registry: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry with all tables and nothing in them, in SQLite."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    path = tmp_path / "registry.db"
    shutil.copyfile(empty_registry, path)
    return Registry(path)


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Iterator[PostgresServer]:
    """A running PostgreSQL."""
    system_packages.require(pytestconfig, "postgresql")
    folder = system_packages.server_programs()
    assert folder is not None
    running = PostgresServer(folder)
    yield running
    running.remove()


@pytest.fixture(scope="session")
def empty_database(server: PostgresServer) -> str:
    """The name of a database with all tables and nothing in them, to copy."""
    from zoo.registry.migrating import upgrade

    url = server.database()
    upgrade(Server(url))
    return url.rpartition("/")[2]


@pytest.fixture(scope="session")
def make_registry(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, empty_registry: Path
) -> Callable[[str], Registry]:
    """Makes an empty registry in one of the two databases."""

    def make(kind: str) -> Registry:
        if kind == "postgresql":
            server = request.getfixturevalue("server")
            return Registry(Server(server.database(request.getfixturevalue("empty_database"))))
        path = tmp_path_factory.mktemp("registry") / "registry.db"
        shutil.copyfile(empty_registry, path)
        return Registry(path)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def any_registry(request: pytest.FixtureRequest, make_registry: Callable[[str], Registry]) -> Iterator[Registry]:
    """An empty registry, once in each of the databases."""
    registry = make_registry(request.param)
    yield registry
    registry.close()
