"""For all tests: a home of their own, patience with a busy machine, and what a machine may not have or allow."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import system_packages
from hypothesis import HealthCheck, settings
from isolation import OwnHome

HOME = OwnHome()
HOME.enter()

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options by which CI makes sure that nothing is skipped, and nothing runs twice."""
    parser.addoption(
        system_packages.OPTION, action="store_true", help="Fail where a Debian package is missing instead of skipping."
    )
    parser.addoption(
        system_packages.SKIPPED, action="store_true", help="Run what the last run skipped for a missing Debian package."
    )


RECORD = "zoo/skipped-for-system-packages"
"""Where pytest's cache keeps the names of the tests that were skipped for a missing package."""

lacking: set[str] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the tests that are skipped for a missing package."""
    if report.skipped and isinstance(report.longrepr, tuple) and system_packages.LACKING in report.longrepr[2]:
        lacking.add(report.nodeid)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that the last run skipped for a missing package, if they are asked for."""
    if not config.getoption(system_packages.SKIPPED):
        return
    cache = getattr(config, "cache", None)
    known = cache.get(RECORD, None) if cache else None
    if not known:
        raise pytest.UsageError(f"{system_packages.SKIPPED}: no earlier run skipped a test. Leave the option out.")
    left_out = [item for item in items if item.nodeid not in set(known)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item.nodeid in set(known)]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Ask for the packages that a test names, before its fixtures are made."""
    for marker in item.iter_markers("system_packages"):
        system_packages.require(item.config, *marker.args)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run that wrote into the user's home has failed, whatever its tests say."""
    if hasattr(session.config, "workerinput"):
        return
    cache = getattr(session.config, "cache", None)
    if cache and not session.config.getoption(system_packages.SKIPPED):
        cache.set(RECORD, sorted(lacking))
    if HOME.written():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was written into the user's home."""
    if written := HOME.written():
        terminalreporter.section("written into the home folder of the user", red=True)
        for path in written:
            terminalreporter.line(str(path))
        terminalreporter.line("No test may write there. If another program did meanwhile, run the tests again.")


def pytest_unconfigure() -> None:
    """Delete what the tests left in their own home."""
    HOME.remove()


@pytest.fixture
def make_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Makes a disk of a size such as ``1m``, to be filled; the test is skipped where mounting is not allowed."""
    disk = tmp_path / "disk"

    def make(size: str) -> Path:
        disk.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
        if os.getuid() != 0 or subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode != 0:
            pytest.skip("a small file system can be mounted by root alone, and not in every container")
        return disk

    yield make
    if disk.is_mount():
        subprocess.run(["umount", str(disk)], check=True)


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


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry file without a card, to be copied."""
    from zoo.registry.creating import create

    path = tmp_path_factory.mktemp("empty") / "registry.db"
    create(path, empty=True)
    return path
