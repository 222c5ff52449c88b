"""Series of a table or of a packaged data set, to their ends: what a forecast starts from."""

from __future__ import annotations

from pathlib import Path

from zoo.contract.reader import ReadOptions
from zoo.data.table_files import form_of, open_table
from zoo.entities import Problem
from zoo.errors import DataError
from zoo_scientific.forecasting import packaged, tables
from zoo_scientific.forecasting.series import Series


def all_series(reference: str, options: ReadOptions) -> tuple[list[Series], list[Problem]]:
    """All series to their ends, and what was left out.

    Raises:
        DataError: there is no such table or data set, or it has no series.
    """
    if reference in packaged.SERIES:
        return packaged.series_of(reference, options), []
    path = Path(reference).expanduser()
    if not path.is_file() or not form_of(path):
        raise DataError(
            f"There is no table '{reference}' of time series.",
            "Name a CSV, TSV, JSONL or Parquet file with a time column.",
        )
    found, problems, _ = tables.series_of(reference, open_table(path), options)
    return found, problems
