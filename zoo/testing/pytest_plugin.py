"""Collects the conformance suite in pytest: ``pytest -p zoo.testing.pytest_plugin --zoo-plugin NAME``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zoo.testing.suite import BoundCheck, _as_test, checks


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that name what to test."""
    group = parser.getgroup("zoo")
    group.addoption("--zoo-plugin", action="append", default=[], help="Test this zoo plugin (repeatable).")
    group.addoption("--zoo-model", action="append", default=[], help="Test this model of the plugin (repeatable).")


class CheckItem(pytest.Item):
    """One check as a pytest item."""

    def __init__(self, *, check: BoundCheck, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.check = check

    def runtest(self) -> None:
        """Run the check."""
        self.check()

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """One line for a failed check; the usual traceback for anything else."""
        return str(excinfo.value) if excinfo.errisinstance(AssertionError) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The name in the report."""
        return self.path, None, f"{self.parent.name if self.parent else ''}: {self.check}"


class Suite(pytest.Collector):
    """All checks of one plugin."""

    def collect(self) -> Iterator[pytest.Item]:
        """The checks."""
        for check in checks(self.name, self.config.getoption("--zoo-model")):
            yield CheckItem.from_parent(self, name=str(check), check=_as_test(check))


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the checks of the named plugins to those that pytest has collected."""
    for name in config.getoption("--zoo-plugin"):
        items.extend(item for item in Suite.from_parent(session, name=name).collect() if isinstance(item, pytest.Item))
