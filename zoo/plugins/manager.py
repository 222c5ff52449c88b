"""Finds, loads, isolates and reports plugins.

Each entry point of the group ``zoo`` is loaded in its own ``try`` and each hook is called plugin by plugin, so that one
broken plugin costs one line on the screen and nothing else.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pluggy

from zoo.contract import hooks as hookspecs
from zoo.errors import PluginError, PluginWarning, ZooError
from zoo.plugins.reports import PluginReport, article, names, outdated, sentence, taken
from zoo.tasks import Domain, Task

if TYPE_CHECKING:
    from zoo.contract.kind import Kind
    from zoo.contract.option import Option

GROUP = "zoo"
DEFAULTS = "defaults"
OWN_DISTRIBUTION = "foundation-zoo"

NAMING_HOOKS = (
    "zoo_domains",
    "zoo_kinds",
    "zoo_options",
    "zoo_sources",
    "zoo_readers",
    "zoo_metrics",
    "zoo_estimators",
    "zoo_strategies",
)
"""The hooks that only list things, which are cheap to call as a check."""


def _warn_user(line: str) -> None:
    warnings.warn(line, PluginWarning, stacklevel=2)


class Plugins:
    """The loaded plugins, other people's first, this distribution's own next, the core's defaults last.

    Attributes:
        warn: receives the line about a broken plugin; by default it issues a ``PluginWarning``.
    """

    def __init__(self, entry_points: list[metadata.EntryPoint] | None = None) -> None:
        self._pluggy = pluggy.PluginManager(GROUP)
        self._pluggy.add_hookspecs(hookspecs)
        self._reports: dict[str, PluginReport] = {}
        self._owners: dict[str, str] = {}
        self._seen_warnings: dict[str, None] = {}
        self._callers: dict[tuple[str, str], Any] = {}
        self.warn: Callable[[str], None] = _warn_user
        for entry_point in installed() if entry_points is None else entry_points:
            self._load(entry_point)

    @property
    def reports(self) -> list[PluginReport]:
        """Every plugin found, broken ones included, in the order in which they answer."""
        return list(self._reports.values())

    def check(self, kinds: Mapping[str, type] | None = None) -> list[PluginReport]:
        """The reports after calling every hook that only lists things, to find broken ones.

        Args:
            kinds: required type of a hook's items, by its name; hooks besides ``NAMING_HOOKS`` are called as well.
        """
        for hook in dict.fromkeys((*NAMING_HOOKS, *(kinds or {}))):
            for _ in self.items(hook, (kinds or {}).get(hook)):
                pass
        _ = self.kinds  # reports a kind that two plugins claim
        return self.reports

    def each(self, hook: str, only: str | None = None, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """Call a hook of each plugin in turn, or of the one called ``only``; yields (plugin name, result).

        A plugin whose hook raises is reported in one line and skipped. What ends the search instead:
        a ``ZooError`` from a hook of which only the first answer counts, because it is meant for the user; memory that
        ran out, which is not the plugin's fault; and Control-C.
        """
        once = _answers_once(hook)
        for name in self.implementing(hook):
            if only not in {None, name}:
                continue
            try:
                results = self._call(name, hook, arguments)
            except MemoryError:
                raise
            except (Exception, SystemExit) as error:
                if once and isinstance(error, ZooError):
                    raise
                self.report_failure(name, hook, error)
                continue
            for result in [results] if once else results:
                if result is not None:
                    yield name, result

    def items(self, hook: str, kind: Any = None, only: str | None = None, **arguments: Any) -> Iterator[Any]:
        """The items of all plugins for a hook that returns many, streamed; a plugin that raises ends early.

        Items that are not of ``kind`` (a type, or a tuple of types) are reported as that plugin's error.
        """
        for name, result in self.each(hook, only, **arguments):
            try:
                for item in result:
                    if kind is not None and not isinstance(item, kind):
                        raise _WrongItem(f"returned {article(type(item).__name__)} instead of {names(kind)}.")
                    yield item
            except MemoryError:
                raise
            except _WrongItem as error:
                self._report(name, f"its hook {hook} {error.message}")
            except (Exception, SystemExit) as error:
                self.report_failure(name, hook, error)

    def first(self, hook: str, **arguments: Any) -> Any:
        """The first answer that is not None, or None.

        An error that a plugin means for the user (``ZooError``) ends the search; any other is reported and the next
        plugin is asked.
        """
        for _, result in self.each(hook, **arguments):
            return result
        return None

    def ask(self, name: str, hook: str, **arguments: Any) -> Any:
        """The answer of the plugin called ``name`` to a hook, or None; raises whatever its hook raises."""
        return self._call(name, hook, arguments)

    @functools.cached_property
    def tasks(self) -> dict[str, Task]:
        """All tasks by name, the use cases first; of two of one name the first domain's counts."""
        tasks: dict[str, Task] = {}
        for domain in self.domains.values():
            for task in domain.tasks:
                tasks.setdefault(task.name, task)
        return dict(sorted(tasks.items(), key=lambda item: not item[1].use_case))

    @functools.cached_property
    def kinds(self) -> dict[str, Kind]:
        """All kinds by name; if two plugins claim a kind, the first gets it and the second is reported.

        This distribution's own come first, so that no other plugin takes ``image`` or ``class``.
        """
        from zoo.contract.kind import Kind

        found: dict[str, Kind] = {}
        for plugin in self._own_first("zoo_kinds"):
            for kind in self.items("zoo_kinds", Kind, plugin):
                first = self._owners.setdefault(kind.name, plugin)
                if first == plugin:
                    found[kind.name] = kind
                else:
                    self._report(plugin, f"claims the kind '{kind.name}', which '{first}' already has; rename it.")
        return found

    @functools.cached_property
    def options(self) -> dict[str, Option]:
        """The options that plugins add to commands, by name; if two share a name, the first is used."""
        from zoo.contract.option import Option

        found: dict[str, Option] = {}
        for option in self.items("zoo_options", Option):
            found.setdefault(option.name, option)
        return found

    @functools.cached_property
    def domains(self) -> dict[str, Domain]:
        """All domains by name, this distribution's own first; one that two plugins serve has what both give it."""
        domains: dict[str, Domain] = {}
        for plugin in self._own_first("zoo_domains"):
            for domain in self.items("zoo_domains", Domain, plugin):
                known = domains.get(domain.name)
                domains[domain.name] = known.with_those_of(domain) if known else domain
        return domains

    def _own_first(self, hook: str) -> list[str]:
        """The plugins that implement a hook, those of this distribution before others."""
        own = {report.name for report in self._reports.values() if report.distribution == OWN_DISTRIBUTION}
        return sorted(self.implementing(hook), key=lambda name: (name not in own, name != DEFAULTS))

    def implementing(self, hook: str) -> list[str]:
        """Names of the plugins that implement a hook, in the order in which they answer."""
        caller = getattr(self._pluggy.hook, hook)
        names = {impl.plugin_name for impl in caller.get_hookimpls()}
        return [name for name in self._reports if name in names]

    def _call(self, name: str, hook: str, arguments: dict[str, Any]) -> Any:
        caller = self._callers.get((name, hook))
        if caller is None:
            others = [found for other, found in self._pluggy.list_name_plugin() if other != name and found is not None]
            caller = self._callers[name, hook] = self._pluggy.subset_hook_caller(hook, others)
        return caller(**arguments)

    def _load(self, entry_point: metadata.EntryPoint) -> None:
        name = entry_point.name
        distribution = entry_point.dist
        report = PluginReport(
            name, distribution.name if distribution else "", distribution.version if distribution else ""
        )
        if name in self._reports:
            self._leave_out(f"{name} of {report.distribution}", report, taken(self._reports[name]))
            return
        try:
            plugin = entry_point.load()
            self._pluggy.register(plugin, name=name)
            self._pluggy.check_pending()
        except (Exception, SystemExit) as error:
            if self._pluggy.has_plugin(name):
                self._pluggy.unregister(name=name)
            self._leave_out(name, report, outdated(error) or sentence(error))
            return
        hooks = tuple(sorted(caller.name.removeprefix("zoo_") for caller in self._pluggy.get_hookcallers(plugin) or ()))
        self._reports[name] = dataclasses.replace(report, hooks=hooks)

    def _leave_out(self, key: str, report: PluginReport, cause: str) -> None:
        self._reports[key] = dataclasses.replace(report, error=cause)
        origin = f" of {report.distribution} {report.version}" if report.distribution else ""
        remedy = f"Update it (pip install -U {report.distribution}) or remove it." if report.distribution else ""
        self._warn(f"Plugin '{report.name}'{origin} was left out: {cause} {remedy}".strip())

    def report_kind(self, kind: str, error: BaseException) -> None:
        """Report a plugin whose kind cannot show an answer, in one line."""
        self._report(self._owners.get(kind, DEFAULTS), f"its kind '{kind}' cannot be shown: {sentence(error)}")

    def report_failure(self, name: str, hook: str, error: BaseException) -> None:
        """Report a plugin whose hook raised, or returned something unusable, in one line."""
        self._report(name, f"its hook {hook} raised {sentence(error)}")

    def _report(self, name: str, line: str) -> None:
        self._reports[name] = dataclasses.replace(self._reports[name], error=line)
        self._warn(f"Plugin '{name}': {line} See 'zoo plugins'.")

    def _warn(self, line: str) -> None:
        if line not in self._seen_warnings:
            self._seen_warnings[line] = None
            self.warn(line)

    def replay_warnings(self, warn: Callable[[str], None]) -> None:
        """Send the warnings so far, and all later ones, to ``warn``."""
        self.warn = warn
        for line in self._seen_warnings:
            warn(line)


class _WrongItem(PluginError):
    """A hook returned an item of the wrong type."""


def _answers_once(hook: str) -> bool:
    """Whether a hook returns a single result, which may itself be a list, instead of a list of results."""
    return bool(getattr(getattr(hookspecs, hook), "zoo_spec", {}).get("firstresult"))


def installed() -> list[metadata.EntryPoint]:
    """The entry points of the group ``zoo``: others' by name, then this distribution's, its defaults last."""

    def order(entry_point: metadata.EntryPoint) -> tuple[int, str, str]:
        distribution = entry_point.dist.name if entry_point.dist else ""
        if distribution != OWN_DISTRIBUTION:
            return (0, entry_point.name, distribution)
        return (2 if entry_point.name == DEFAULTS else 1, entry_point.name, distribution)

    return sorted(metadata.entry_points(group=GROUP), key=order)


@functools.lru_cache(maxsize=1)
def plugins() -> Plugins:
    """The plugins of this process, loaded at the first call."""
    importlib.invalidate_caches()
    return Plugins()
