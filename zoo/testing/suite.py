"""Binds the checks to a plugin and its models, and runs them one by one, or by pytest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.entities import Entity
from zoo.errors import MissingDependency, ZooError
from zoo.testing import answer_checks, kind_checks, model_checks, plugin_checks
from zoo.testing.subject import ModelSubject, Skipped, Subject, models


@dataclass(frozen=True)
class Outcome(Entity):
    """The result of a check.

    Attributes:
        check: its name: ``is-batch-invariant``.
        model: the tested model; empty for checks of the plugin itself.
        status: ``passed``, ``failed`` or ``skipped``.
        detail: what is wrong, or why it does not apply.
    """

    check: str
    model: str
    status: str
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class BoundCheck:
    """A check with its subject; calling it raises ``AssertionError`` with one sentence if it fails.

    Attributes:
        model: the model's id; empty for checks of the plugin itself.
        description: what it requires of a plugin.
    """

    name: str
    model: str
    description: str
    _function: Callable[[Any], None]
    _subject: Any

    def __str__(self) -> str:
        return f"{self.name}[{self.model}]" if self.model else self.name

    def __call__(self) -> None:
        """Run it."""
        self._function(self._subject)

    def outcome(self) -> Outcome:
        """Run it and return the result, whatever it raises."""
        started = time.perf_counter()
        status, detail = "passed", ""
        try:
            self()
        except Skipped as reason:
            status, detail = "skipped", str(reason)
        except model_checks.UNUSABLE as error:
            status, detail = "skipped", _unusable(error)
        except AssertionError as error:
            status, detail = "failed", str(error)
        except Exception as error:
            status, detail = "failed", f"{type(error).__name__}: {' '.join(str(error).split())}"
        return Outcome(self.name, self.model, status, detail, round(time.perf_counter() - started, 3))


def checks(plugin: str, names: Sequence[str] = (), every: bool = False) -> list[BoundCheck]:
    """The checks of a plugin itself, then those of its local models.

    Args:
        plugin: the entry point's name.
        names: ids of models to test, downloaded if necessary; none means the smallest local one of each kind.
        every: whether to test all local models of the plugin.

    Raises:
        ZooError: there is no such plugin, or a named model cannot be downloaded.
    """
    subject = Subject(plugin)
    found = [_bound(function, subject) for function in (*plugin_checks.CHECKS, *kind_checks.CHECKS)]
    for model in models(subject, names, every):
        found += [_bound(function, model, model.card.id) for function in (*model_checks.CHECKS, *answer_checks.CHECKS)]
    return found


def run(plugin: str, names: Sequence[str] = (), every: bool = False) -> Iterator[Outcome]:
    """Run all checks of a plugin, one after the other; see ``checks``."""
    for check in checks(plugin, names, every):
        yield check.outcome()


def parametrize_with_checks(plugin: str, names: Sequence[str] = ()) -> Callable[[Callable[..., Any]], Any]:
    """A decorator that calls a pytest function with each check of an installed plugin as its argument ``check``."""
    import pytest

    return pytest.mark.parametrize("check", [_as_test(check) for check in checks(plugin, names)], ids=str)


def _as_test(check: BoundCheck) -> BoundCheck:
    def run_or_skip(subject: Any) -> None:
        import pytest

        try:
            check()
        except Skipped as reason:
            pytest.skip(str(reason))
        except model_checks.UNUSABLE as error:
            pytest.skip(_unusable(error))

    return BoundCheck(check.name, check.model, check.description, run_or_skip, None)


def _unusable(error: ZooError) -> str:
    return (
        str(error)
        if isinstance(error, MissingDependency)
        else f"the model cannot be loaded on this machine: {error.message}"
    )


def _bound(function: Callable[[Any], None], subject: Subject | ModelSubject, model: str = "") -> BoundCheck:
    name = function.__name__.replace("_", "-")
    return BoundCheck(name, model, " ".join((function.__doc__ or "").split()), function, subject)
