"""Read a user's data set, look at it, check it against a task, split it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from zoo.data.arguments import read_options
from zoo.data.checking import check, fitting_tasks, task_for
from zoo.data.identity import copies, identities, stored, units
from zoo.data.listing import notes_on
from zoo.data.profiling import Profile, profile_dataset
from zoo.data.scaffolds import scaffold_split
from zoo.data.splitting import sample, split, stratified_order
from zoo.entities import Dataset
from zoo.errors import DataError, suggest
from zoo.keywords import explains_keywords
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
    "identities",
    "notes_on",
    "packaged_datasets",
    "profile",
    "read",
    "sample",
    "scaffold_split",
    "split",
    "stored",
    "stratified_order",
    "task_for",
    "units",
]

FORMS = (
    "a folder of class folders, a CSV, TSV, JSONL or Parquet file, a FASTA or SMILES file, files of crystals or of "
    "proteins, a saved `datasets` data set, or a packaged name"
)
_PART = re.compile(r"(?P<name>.+):(?P<count>\d+)\Z")


def builtin_readers() -> Sequence[Reader]:
    """The core's readers, the more particular ones first."""
    from zoo.data.boxes import BoxReader
    from zoo.data.crystal_files import CrystalReader
    from zoo.data.folder import FolderReader
    from zoo.data.grids import GridReader
    from zoo.data.masks import MaskReader
    from zoo.data.packaged import PackagedReader
    from zoo.data.questions import QuestionReader
    from zoo.data.saved import SavedReader
    from zoo.data.sequence_files import SequenceReader
    from zoo.data.structures import StructureReader
    from zoo.data.table import TableReader
    from zoo.data.tagged import TaggedReader

    return [
        PackagedReader(),
        QuestionReader(),
        BoxReader(),
        TaggedReader(),
        TableReader(),
        SequenceReader(),
        StructureReader(),
        CrystalReader(),
        GridReader(),
        MaskReader(),
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
    horizon: int | None = None,
    unlabelled: bool = False,
    languages: Sequence[str] = (),
    read: ReadOptions | None = None,
) -> Dataset:
    """The data set that ``reference`` names: a packaged name, a table or a folder.

    ``NAME:N`` is a stratified part of N samples of a packaged data set, the same one every time.

    Args:
        reference: a packaged name, or the path of a file or folder.
        task: the task that the data are for, which decides how ambiguous columns and files are read.
        input_column, target_column: columns of a table; guessed where they are None.
        on_problem: ``skip`` items that cannot be used and list them in ``Dataset.problems``, or ``fail``.
        horizon: steps that forecasts of time series reach; None takes what is usual for their step.
        unlabelled: read a table of which no column looks like labels without any, instead of refusing it.
        languages: source and target of pairs of texts, for models of many languages; empty takes the names of the
            columns, where those are languages.
        read: the same options in one object, see ``zoo.contract.reader.ReadOptions``; the arguments above take
            precedence.

    Raises:
        DataError: there is no such data set, or it cannot be read.
        InvalidInput: an option has an invalid value.
        UnknownTask: there is no such task.
    """
    options = read_options(
        "read",
        reference,
        read,
        input_column=input_column,
        target_column=target_column,
        on_problem=on_problem,
        task=task,
    )
    return read_with(
        reference,
        replace(
            options,
            horizon=options.horizon if horizon is None else horizon,
            unlabelled=options.unlabelled or unlabelled,
            languages=tuple(languages) or options.languages,
        ),
    )


@explains_keywords
def profile(
    data: str | os.PathLike[str] | Dataset,
    *,
    task: str | None = None,
    input_column: str | None = None,
    target_column: str | None = None,
    on_problem: str = "skip",
    read: ReadOptions | None = None,
) -> Profile:
    """What a data set consists of, and what to watch out for.

    Args:
        data: a data set, or what names one: a folder, a table, a packaged name. Without a task, a table of which no
            column looks like labels is read without any.
        task, input_column, target_column, on_problem, read: as in ``zoo.read``.

    Raises:
        ZooError: as ``zoo.read``.
    """
    options = read_options(
        "profile", data, read, input_column=input_column, target_column=target_column, on_problem=on_problem, task=task
    )
    if not isinstance(data, Dataset):
        data = read_with(data, replace(options, unlabelled=options.unlabelled or options.task is None))
    return profile_dataset(data)


def read_with(reference: str | os.PathLike[str], options: ReadOptions) -> Dataset:
    """``read`` with all its options in one object; raises as it does."""
    task, horizon, languages = options.task, options.horizon, options.languages
    wanted = None
    if task is not None:
        from zoo.plugins import plugins

        wanted = find_task(task, plugins().tasks)
    dataset = _named(os.fspath(reference), options)
    if horizon is not None and dataset.target_kind != "series":
        raise DataError(
            f"'{dataset.name}' was not read as time series, which alone have a horizon.",
            "Add --task time-series-forecasting, or leave --horizon out.",
        )
    if languages and (dataset.input_kind, dataset.target_kind) != ("text", "text"):
        raise DataError(
            f"'{dataset.name}' was not read as pairs of texts, which alone have two languages.",
            "Add --task translation, or leave --languages out.",
        )
    if languages:
        return replace(dataset, languages=languages)
    if wanted is not None and wanted.target == "image":
        from zoo.data.prompts import as_prompts

        return as_prompts(dataset, wanted.name)
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
            raise DataError(f"'{name}' asks for no samples.", f"Ask for some: {part['name']}:1000")
        return replace(sample(packaged[part["name"]].read(part["name"], options), int(part["count"])), name=name)
    for reader in readers:
        if reader.accepts(name):
            return reader.read(name, options)
    raise _unknown(name, list(packaged))


def datasets() -> list[str]:
    """Names of the data sets that installed packages and plugins ship, or could."""
    return sorted({name for reader in _readers() for name in reader.datasets})


def packaged_datasets() -> list[PackagedDataset]:
    """What is known of each packaged data set, by name, with the command that brings it where it is not here."""
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
        return DataError(f"'{name}' is a file of a form that zoo does not read.", f"It reads {FORMS}.")
    part = _PART.match(name)
    near = suggest(part["name"] if part else name, packaged)
    return DataError(
        f"There is no file, folder or packaged data set '{name}'.",
        f"{near} zoo reads {FORMS}; 'zoo profile --datasets' lists the packaged ones.".strip(),
    )
