"""Finds, loads, isolates and reports plugins.

Each entry point of the group ``zoo`` is loaded in its own ``try`` and each hook is called plugin by plugin, so that one
broken plugin costs one line on the screen and nothing else.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import pluggy

from zoo import hookspecs
from zoo.entities import Entity
from zoo.errors import PluginError, ZooError
from zoo.tasks import TASKS, Domain, Task

GROUP = "zoo"
DEFAULTS = "defaults"
OWN_DISTRIBUTION = "foundation-zoo"


@dataclass(frozen=True)
class PluginReport(Entity):
    """What ``zoo plugins`` shows of a plugin.

    Attributes:
        name: the entry point's name.
        hooks: the hooks that it implements, without the prefix ``zoo_``.
        error: why it was left out, or what its hook raised; empty while it is healthy.
    """

    name: str
    distribution: str
    version: str
    hooks: tuple[str, ...] = ()
    error: str = ""

    @property
    def healthy(self) -> bool:
        """Whether it loaded and no hook of it has failed so far."""
        return not self.error


class Plugins:
    """The loaded plugins, other people's first, this distribution's own next, the core's defaults last."""

    def __init__(self, entry_points: list[metadata.EntryPoint] | None = None) -> None:
        self._pluggy = pluggy.PluginManager(GROUP)
        self._pluggy.add_hookspecs(hookspecs)
        self._reports: dict[str, PluginReport] = {}
        self._seen_warnings: set[str] = set()
        self.warn: Callable[[str], None] = lambda line: None
        for entry_point in installed() if entry_points is None else entry_points:
            self._load(entry_point)

    @property
    def reports(self) -> list[PluginReport]:
        """Every plugin found, broken ones included, in the order in which they answer."""
        return list(self._reports.values())

    def check(self) -> list[PluginReport]:
        """The reports after calling every hook that only names things, so that a broken one shows."""
        for hook in ("zoo_domains", "zoo_sources", "zoo_readers", "zoo_metrics", "zoo_estimators", "zoo_strategies"):
            for _ in self.items(hook):
                pass
        return self.reports

    def each(self, hook: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """Call a hook of each plugin in turn; yields (plugin name, result) where there is one.

        A plugin whose hook raises is reported in one line and left out; the rest goes on.
        """
        for name in self._implementing(hook):
            try:
                results = self._call(name, hook, arguments)
            except ZooError:
                raise
            except Exception as error:
                self._report_failure(name, hook, error)
                continue
            for result in [results] if _answers_once(hook) else results:
                if result is not None:
                    yield name, result

    def items(self, hook: str, kind: type | None = None, **arguments: Any) -> Iterator[Any]:
        """All items that all plugins give for a hook which returns many, streamed; a plugin that raises is cut short.

        Items that are not of ``kind`` are reported as that plugin's mistake.
        """
        for name, result in self.each(hook, **arguments):
            try:
                for item in result:
                    if kind is not None and not isinstance(item, kind):
                        raise PluginError(f"it gave a {type(item).__name__} where the hook gives {kind.__name__}.")
                    yield item
            except GeneratorExit:
                raise
            except Exception as error:
                self._report_failure(name, hook, error)

    def first(self, hook: str, **arguments: Any) -> Any:
        """The first answer that is not None, or None.

        An error that a plugin means for the user (``ZooError``) ends the search; any other is reported and the next
        plugin is asked.
        """
        for _, result in self.each(hook, **arguments):
            return result
        return None

    @functools.cached_property
    def tasks(self) -> dict[str, Task]:
        """The core's tasks and those that plugins add, by name."""
        tasks = dict(TASKS)
        for domain in self.items("zoo_domains", Domain):
            tasks.update({task.name: task for task in domain.tasks})
        return tasks

    @functools.cached_property
    def domains(self) -> dict[str, Domain]:
        """All domains by name."""
        return {domain.name: domain for domain in self.items("zoo_domains", Domain)}

    def _implementing(self, hook: str) -> list[str]:
        caller = getattr(self._pluggy.hook, hook)
        names = {impl.plugin_name for impl in caller.get_hookimpls()}
        return [name for name in self._reports if name in names]

    def _call(self, name: str, hook: str, arguments: dict[str, Any]) -> Any:
        others = [plugin for other, plugin in self._pluggy.list_name_plugin() if other != name and plugin is not None]
        return self._pluggy.subset_hook_caller(hook, others)(**arguments)

    def _load(self, entry_point: metadata.EntryPoint) -> None:
        name = entry_point.name
        distribution = entry_point.dist
        report = PluginReport(
            name, distribution.name if distribution else "", distribution.version if distribution else ""
        )
        if name in self._reports:
            first = self._reports[name].distribution
            self._warn(f"Plugin '{name}' of {report.distribution} was left out: {first} already has that name.")
            return
        try:
            plugin = entry_point.load()
            self._pluggy.register(plugin, name=name)
            self._pluggy.check_pending()
        except Exception as error:
            if self._pluggy.has_plugin(name):
                self._pluggy.unregister(name=name)
            self._reports[name] = _with_error(report, _sentence(error))
            self._warn(f"Plugin '{name}' was left out: {_sentence(error)} See 'zoo plugins'.")
            return
        hooks = tuple(sorted(caller.name.removeprefix("zoo_") for caller in self._pluggy.get_hookcallers(plugin) or ()))
        self._reports[name] = PluginReport(report.name, report.distribution, report.version, hooks)

    def _report_failure(self, name: str, hook: str, error: Exception) -> None:
        line = f"its hook {hook} raised {_sentence(error)}"
        self._reports[name] = _with_error(self._reports[name], line)
        self._warn(f"Plugin '{name}': {line} See 'zoo plugins'.")

    def _warn(self, line: str) -> None:
        if line not in self._seen_warnings:
            self._seen_warnings.add(line)
            self.warn(line)

    def replay_warnings(self, warn: Callable[[str], None]) -> None:
        """Send the warnings so far, and all later ones, to ``warn``."""
        self.warn = warn
        for line in sorted(self._seen_warnings):
            warn(line)


def installed() -> list[metadata.EntryPoint]:
    """The entry points of the group ``zoo``: others' by name, then this distribution's, its defaults last."""

    def order(entry_point: metadata.EntryPoint) -> tuple[int, str]:
        if entry_point.dist is None or entry_point.dist.name != OWN_DISTRIBUTION:
            return (0, entry_point.name)
        return (2 if entry_point.name == DEFAULTS else 1, entry_point.name)

    return sorted(metadata.entry_points(group=GROUP), key=order)


@functools.lru_cache(maxsize=1)
def plugins() -> Plugins:
    """The plugins of this process, loaded at the first call."""
    importlib.invalidate_caches()
    return Plugins()


def _answers_once(hook: str) -> bool:
    """Whether a hook gives one result, which may itself be a list, and not a list of results."""
    return bool(getattr(getattr(hookspecs, hook), "zoo_spec", {}).get("firstresult"))


def _with_error(report: PluginReport, error: str) -> PluginReport:
    return PluginReport(report.name, report.distribution, report.version, report.hooks, error)


def _sentence(error: BaseException) -> str:
    text = " ".join(str(error).split()) or "no message"
    return f"{type(error).__name__}: {text}" + ("" if text.endswith((".", "!", "?")) else ".")
