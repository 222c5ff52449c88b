"""Read a user's data set, look at it, check it against a task, split it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zoo.data.arguments import read_options
from zoo.data.checking import check, fitting_tasks, task_for
from zoo.data.identity import copies, identities, stored, units
from zoo.data.listing import notes_on
from zoo.data.profiling import Profile, profile_dataset
from zoo.data.splitting import group_split, sample, split, split_as, stratified_order
from zoo.entities import Dataset
from zoo.errors import DataError, InvalidInput, suggest
from zoo.keywords import explains_keywords
from zoo.kinds.known import kind_of
from zoo.plugins.options import check_fit, checked, options_of
from zoo.tasks import find_task

if TYPE_CHECKING:
    from zoo.contract.reader import PackagedDataset, Reader, ReadOptions

__all__ = [
    "Profile",
    "builtin_readers",
    "check",
    "copies",
    "datasets",
    "fitting_tasks",
    "group_split",
    "identities",
    "notes_on",
    "packaged_datasets",
    "profile",
    "read",
    "sample",
    "split",
    "split_as",
    "stored",
    "stratified_order",
    "task_for",
    "units",
]

_PART = re.compile(r"(?P<name>.+):(?P<count>\d+)\Z")


def builtin_readers() -> Sequence[Reader]:
    """The core's readers, the most specific ones first."""
    from zoo.data.folder import FolderReader
    from zoo.data.packaged import PackagedReader
    from zoo.data.saved import SavedReader
    from zoo.data.table import TableReader

    return [
        PackagedReader(),
        TableReader(),
        SavedReader(),
        FolderReader(),
    ]


@explains_keywords
def read(
    reference: str | os.PathLike[str],
    *,
    task: str | None = None,
    input_column: str | None = None,
    target_column: str | None = None,
    on_problem: str = "skip",
    unlabelled: bool = False,
    options: Mapping[str, Any] | None = None,
    read: ReadOptions | None = None,
) -> Dataset:
    """The data set that ``reference`` names: a packaged name, a table or a folder.

    ``NAME:N`` is a stratified sample of size N of a packaged data set, always the same one.

    Args:
        reference: a packaged name, or the path of a file or folder.
        task: the task that the data are for, which decides how ambiguous columns and files are read.
        input_column, target_column: columns of a table; guessed if they are None. Comma-separated target columns of 0
            and 1 are several labels for each sample.
        on_problem: ``skip`` items that cannot be used and list them in ``Dataset.problems``, or ``fail``.
        unlabelled: read a table without a column of labels as unlabelled, instead of raising an error.
        options: values of options that plugins add for their field, by name.
        read: the same in one object, see ``zoo.contract.reader.ReadOptions``; the arguments above take precedence.

    Raises:
        DataError: there is no such data set, or it cannot be read.
        InvalidInput: an option has an invalid value, or there is no such option.
        UnknownTask: there is no such task.
    """
    given = read_options("read", reference, read, input_column, target_column, on_problem, task, options)
    return read_with(reference, replace(given, unlabelled=given.unlabelled or unlabelled))


@explains_keywords
def profile(
    data: str | os.PathLike[str] | Dataset,
    *,
    task: str | None = None,
    input_column: str | None = None,
    target_column: str | None = None,
    on_problem: str = "skip",
    options: Mapping[str, Any] | None = None,
    read: ReadOptions | None = None,
) -> Profile:
    """What a data set consists of, and what to watch out for.

    Args:
        data: a data set, or what names one: a folder, a table, a packaged name. Without a task, a table without a
            column of labels is read as unlabelled.
        task, input_column, target_column, on_problem, options, read: as in ``zoo.read``.

    Raises:
        ZooError: as ``zoo.read``.
    """
    given = read_options("profile", data, read, input_column, target_column, on_problem, task, options)
    if not isinstance(data, Dataset):
        data = read_with(data, replace(given, unlabelled=given.unlabelled or given.task is None))
    return profile_dataset(data)


def read_with(reference: str | os.PathLike[str], options: ReadOptions) -> Dataset:
    """``read`` with all its options in one object; raises as it does."""
    task = options.task
    wanted = None
    if task is not None:
        from zoo.plugins import plugins

        wanted = find_task(task, plugins().tasks)
    options = replace(options, options=checked("read", options.options))
    dataset = _named(os.fspath(reference), options)
    if wanted is not None and dataset.input_kind not in wanted.inputs:
        dataset = kind_of(wanted.inputs[0]).from_dataset(dataset, wanted) or dataset
    for role, column, found in (
        ("group", options.group_column, dataset.groups),
        ("time", options.time_column, dataset.times),
    ):
        if column is not None and not found:
            raise InvalidInput(
                f"'{reference}' is not read as a table with one sample a row, so it has no column '{column}'.",
                f"Leave out --{role}-column.",
            )
    return _with_options(dataset, task, options.options)


def _with_options(dataset: Dataset, task: str | None, given: Mapping[str, Any]) -> Dataset:
    """The data set with the options of plugins taken into account.

    Raises:
        InvalidInput: one does not apply to such data.
    """
    held, targets = kind_of(dataset.input_kind).nouns, kind_of(dataset.target_kind).nouns
    with_targets = "" if dataset.targets is None else f" with {targets}"
    kinds = {dataset.input_kind, dataset.target_kind}
    check_fit(given, kinds, task, f"'{dataset.name}' was read as {held}{with_targets}")
    for name, option in options_of("read").items():
        if option.apply is not None:
            dataset = option.apply(dataset, task, given.get(name))
    return dataset


def _named(name: str, options: ReadOptions) -> Dataset:
    readers = _readers()
    # Plugins come before the core's own readers, and the first that ships a name answers for it.
    packaged = {known: reader for reader in reversed(readers) for known in reader.datasets}
    if name in packaged:
        return packaged[name].read(name, options)
    part = _PART.match(name)
    if part and part["name"] in packaged:
        if int(part["count"]) < 1:
            raise DataError(f"'{name}' requests no samples.", f"Request some: {part['name']}:1000")
        return replace(sample(packaged[part["name"]].read(part["name"], options), int(part["count"])), name=name)
    for reader in readers:
        if reader.accepts(name):
            return reader.read(name, options)
    raise _unknown(name, list(packaged))


def datasets() -> list[str]:
    """Names of all packaged data sets, installed or not."""
    return sorted({name for reader in _readers() for name in reader.datasets})


def packaged_datasets() -> list[PackagedDataset]:
    """Facts about each packaged data set, by name, with the command that installs it if it is missing."""
    from zoo.contract.reader import DescribingReader, PackagedDataset

    found = {}
    for reader in reversed(_readers()):
        for name in reader.datasets:
            found[name] = reader.describe(name) if isinstance(reader, DescribingReader) else PackagedDataset(name)
    return [found[name] for name in sorted(found)]


def _readers() -> list[Reader]:
    from zoo.plugins import plugins

    return list(plugins().items("zoo_readers"))


def _unknown(name: str, packaged: Sequence[str]) -> DataError:
    from pathlib import Path

    if Path(name).expanduser().is_file():
        return DataError(f"'{name}' is a file in a format that zoo does not read.", _forms())
    part = _PART.match(name)
    near = suggest(part["name"] if part else name, packaged)
    return DataError(
        f"There is no file, folder or packaged data set '{name}'.",
        f"{near} {_forms()} See 'zoo profile --datasets' for packaged ones.".strip(),
    )


def _forms() -> str:
    """What can be read, in a sentence."""
    return f"zoo reads: {'; '.join(dict.fromkeys(reader.name for reader in _readers()))}."
