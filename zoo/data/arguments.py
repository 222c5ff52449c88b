"""The arguments by which functions read their data: merged into ``ReadOptions``, rejected if they have no effect."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from zoo.contract.reader import ReadOptions
from zoo.entities import Dataset
from zoo.errors import InvalidInput
from zoo.plugins.options import checked, settings_of

DEFAULT = ReadOptions()


def read_options(  # noqa: PLR0917
    function: str,
    data: str | os.PathLike[str] | Dataset,
    read: ReadOptions | None = None,
    input_column: str | None = None,
    target_column: str | None = None,
    on_problem: str = DEFAULT.on_problem,
    task: str | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    group_column: str | None = None,
    time_column: str | None = None,
) -> ReadOptions:
    """How a function reads its data: ``read``, with the arguments that were given, which take precedence.

    Args:
        function: name of the function that was called.
        options: of plugins; those that are settings are left to ``zoo.plugins.options.settings_of``.

    Raises:
        InvalidInput: ``data`` is read already, so that an argument has no effect, or an option has none on the
            function; names it.
    """
    known = DEFAULT if read is None else read
    settings = settings_of(function, options)
    reading = {name: value for name, value in checked(function, options or {}).items() if name not in settings}
    checked(function, checked("read", known.options))
    if isinstance(data, Dataset):
        given = {
            "input_column": input_column is not None,
            "target_column": target_column is not None,
            "group_column": group_column is not None,
            "time_column": time_column is not None,
            "on_problem": on_problem != DEFAULT.on_problem,
            "options": bool(reading),
            "read": known != DEFAULT,
        }
        for name in (name for name, is_given in given.items() if is_given):
            raise InvalidInput(
                f"'{name}' has no effect on {function}() here: '{data.name}' is already a data set.",
                f"Leave {name} out, or pass it to zoo.read().",
            )
    return replace(
        known,
        input_column=known.input_column if input_column is None else input_column,
        target_column=known.target_column if target_column is None else target_column,
        group_column=known.group_column if group_column is None else group_column,
        time_column=known.time_column if time_column is None else time_column,
        on_problem=known.on_problem if on_problem == DEFAULT.on_problem else on_problem,
        task=known.task if task is None else task,
        options={**known.options, **reading},
    )
