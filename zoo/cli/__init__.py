"""The command line: its commands, and the one place where errors are reported.

Commands are imported when called, and contain no logic: they parse options, call the library and show the result.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from zoo.cli.gate import ReaderGone, gates
from zoo.cli.output import Output
from zoo.errors import (
    CostNotice,
    Interrupted,
    LockNotice,
    PlatformNotice,
    PluginWarning,
    PolicyNotice,
    StandardNotice,
    StorageError,
    WeightsNotice,
    ZooError,
)

COMMANDS: dict[str, tuple[str, str]] = {
    "recommend": ("zoo.cli.choose.recommend", "Measure which pretrained model suits your data best."),
    "search": ("zoo.cli.find.search", "Search the registry for models by words and filters."),
    "show": ("zoo.cli.find.show", "Show a model's card, lineage and benchmark scores."),
    "compare": ("zoo.cli.find.compare", "Compare models: their cards and shared benchmarks."),
    "list": ("zoo.cli.find.listing", "List the models on this machine."),
    "stats": ("zoo.cli.find.stats", "Show statistics of the registry."),
    "pull": ("zoo.cli.models.pull", "Download a model and verify its files."),
    "verify": ("zoo.cli.models.verify", "Verify local files against their published hashes."),
    "remove": ("zoo.cli.models.remove", "Delete a model's files from this machine."),
    "profile": ("zoo.cli.choose.profile", "Inspect a data set: classes, balance, sizes, problems."),
    "features": ("zoo.cli.models.features", "Extract the features of a data set to a file."),
    "cache": ("zoo.cli.system.cache", "List or clear the cached features."),
    "tune": ("zoo.cli.models.tune", "Adapt a model to your data and measure the gain."),
    "predict": ("zoo.cli.models.predict", "Run a model on inputs."),
    "evaluate": ("zoo.cli.models.evaluate", "Evaluate a model's own outputs on your labelled data."),
    "runs": ("zoo.cli.stores.runs", "List, show, compare, import and export runs."),
    "sync": ("zoo.cli.stores.sync", "Add a platform's models to the registry."),
    "benchmark": ("zoo.cli.choose.benchmark", "Evaluate recommendations, on recorded results or on this machine."),
    "import": ("zoo.cli.stores.import_", "Add models, scores and runs from a file."),
    "export": ("zoo.cli.stores.export", "Write models, scores and runs to a file."),
    "registry": ("zoo.cli.stores.registry", "Create, upgrade, check, copy and build registries."),
    "policy": ("zoo.cli.team.policy", "Write, show, check and explain policies: rules on which models may be used."),
    "standard": ("zoo.cli.team.standard", "Agree on the models to use: propose, approve and list standards."),
    "lock": ("zoo.cli.team.lock", "Lock the exact models of a project in zoo.lock, and check them."),
    "check": ("zoo.cli.team.check", "Check a project for CI: are the models in its code pinned, locked and allowed?"),
    "audit": ("zoo.cli.team.audit", "List, verify and export the audit of the registry."),
    "user": ("zoo.cli.team.user", "Add, remove and list the users of the registry."),
    "token": ("zoo.cli.team.token", "Create, list and revoke tokens, which identify users."),
    "plugins": ("zoo.cli.system.plugins", "List plugins and their status, check one, or create a new one."),
    "doctor": ("zoo.cli.system.doctor", "Check this installation."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is called."""

    def list_commands(self, context: click.Context) -> list[str]:
        """zoo's own commands in the order of a typical workflow, then those of plugins."""
        return [*COMMANDS, *sorted(set(self._plugin_commands()) - set(COMMANDS))]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command called ``name``, or None."""
        if name in COMMANDS:
            return importlib.import_module(COMMANDS[name][0]).command
        return self._plugin_commands().get(name)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing zoo's own."""
        plugin_commands = self._plugin_commands()
        rows = [(name, help_text) for name, (_, help_text) in COMMANDS.items()]
        rows += [(n, c.get_short_help_str()) for n, c in sorted(plugin_commands.items()) if n not in COMMANDS]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a command as click does, and suggest similar names for an unknown one."""
        try:
            return super().resolve_command(context, args)
        except click.UsageError as error:
            from zoo.errors import suggest

            hint = suggest(args[0], self.list_commands(context))
            raise click.UsageError(f"{error.message.rstrip('.')}. {hint}".strip(), context) from None

    def _plugin_commands(self) -> dict[str, click.Command]:
        from zoo.plugins import plugins

        found = plugins()
        if getattr(self, "_asked", None) is not found:
            collected = click.Group("plugins")
            for _ in found.each("zoo_commands", cli=collected):
                pass
            self._asked, self._from_plugins = found, dict(collected.commands)
        return self._from_plugins


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="foundation-zoo", prog_name="zoo")
@click.option("--traceback", is_flag=True, help="Show the whole traceback of an error.")
@click.pass_obj
def cli(output: Output, traceback: bool) -> None:
    """Pick the pretrained model to start from: search, measure on your data, adapt, prove the gain.

    \b
    Start here:
      zoo recommend sklearn:digits --task image-classification
      zoo search vit --task image-classification --max-parameters 100M
    """
    output.traceback = output.traceback or traceback


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 success, 1 error, 2 wrong usage, 130 interrupted."""
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit code."""
    output = Output()
    with gates(arguments), _plugin_warnings(output):
        code = _run(output, arguments)
        try:
            sys.stdout.flush()
        except ReaderGone:
            return 0
        except ZooError as error:
            return _fail(output, error)
        return code


def _run(output: Output, arguments: list[str]) -> int:
    try:
        result: Any = cli.main(arguments, prog_name="zoo", standalone_mode=False, obj=output)
        return result if isinstance(result, int) else 0
    except click.UsageError as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt) as error:
        told = error.__cause__ if isinstance(error, click.Abort) else error
        output.note(str(told) if isinstance(told, Interrupted) else "Interrupted. Finished work is kept.")
        return 130
    except ReaderGone:
        return 0
    except ZooError as error:
        return _fail(output, error)
    except RecursionError as error:
        return _fail(
            output, ZooError("The input is nested too deeply to be read.", "Show where with --traceback."), error
        )
    except MemoryError as error:
        return _fail(output, ZooError("This machine ran out of memory.", "Choose a smaller model or batch."), error)
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None and error.strerror:
            sentence = f"'{error.filename}' cannot be used: {error.strerror[:1].lower()}{error.strerror[1:]}."
            return _fail(output, StorageError(sentence, "Check the name; --traceback shows where it is used."), error)
        sentence = " ".join(f"{type(error).__name__}: {error}".split())
        return _fail(
            output, ZooError(f"Unexpected error: {sentence}", "Run again with --traceback for details."), error
        )


@contextmanager
def _plugin_warnings(output: Output) -> Iterator[None]:
    """Show plugin warnings in one line each, regardless of other warning filters."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", PluginWarning)
        warnings.simplefilter("always", WeightsNotice)
        warnings.simplefilter("always", CostNotice)
        warnings.simplefilter("always", PlatformNotice)
        warnings.simplefilter("always", PolicyNotice)
        warnings.simplefilter("always", StandardNotice)
        warnings.simplefilter("always", LockNotice)
        shown = warnings.showwarning

        def show(message: Any, category: type[Warning], *args: Any, **kwargs: Any) -> None:
            if issubclass(category, (PluginWarning, LockNotice, PolicyNotice, StandardNotice, WeightsNotice)):
                output.warn(str(message))
            elif issubclass(category, (CostNotice, PlatformNotice)):
                output.note(str(message))
            else:
                shown(message, category, *args, **kwargs)

        warnings.showwarning = show
        yield


def _fail(output: Output, error: ZooError, cause: BaseException | None = None) -> int:
    if output.traceback:
        import traceback

        traceback.print_exception(cause or error)
    output.error(error)
    return output.failure
