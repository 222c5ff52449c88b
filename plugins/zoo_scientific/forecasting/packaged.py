"""Time series that statsmodels ships, all in the public domain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from zoo.contract.reader import ReadOptions
from zoo.data.shipped import Shipped
from zoo.entities import Dataset
from zoo.errors import DataError, needs_extra, suggest
from zoo_scientific.forecasting.horizon import horizon_of
from zoo_scientific.forecasting.series import KIND, Series, windows
from zoo_scientific.forecasting.steps import regular


def read(name: str, options: ReadOptions) -> Dataset:
    """The windows of its series, see ``zoo_scientific.forecasting.series.windows``; raises as ``series_of``."""
    found = series_of(name, options)
    return windows(name, found, (), options, {"target": ", ".join(one.name for one in found)})


def series_of(name: str, options: ReadOptions) -> list[Series]:
    """Its series to their ends.

    Raises:
        DataError: it lacks a column in ``target_column``.
        MissingExtra: statsmodels is not installed.
    """
    with needs_extra("forecasting", f"read {name}"):
        from statsmodels import datasets
    frame = SERIES[name](datasets)
    wanted = [part.strip() for part in (options.target_column or "").split(",") if part.strip()]
    for column in wanted:
        if column not in frame.columns:
            raise DataError(
                f"'{name}' has no series '{column}'; there are {', '.join(frame.columns)}.",
                suggest(column, frame.columns),
            )
    times = frame.index.to_numpy()
    times = times.astype("float64" if times.dtype.kind in "fi" else "datetime64[s]")
    steps = regular(name, times, horizon_of(options))
    return [
        Series(column, frame[column].to_numpy(dtype="float64"), steps.times, steps.period, steps.horizon)
        for column in wanted or frame.columns
    ]


def _co2(datasets: Any) -> Any:
    return datasets.co2.load_pandas().data


def _sunspots(datasets: Any) -> Any:
    return datasets.sunspots.load_pandas().data.set_index("YEAR").rename(columns={"SUNACTIVITY": "sunspots"})


def _nile(datasets: Any) -> Any:
    return datasets.nile.load_pandas().data.set_index("year")


def _elnino(datasets: Any) -> Any:
    import pandas as pd

    table = datasets.elnino.load_pandas().data.set_index("YEAR")
    months = pd.date_range(f"{int(table.index[0])}-01-01", periods=table.size, freq="MS")
    return pd.DataFrame({"temperature": table.to_numpy().ravel()}, index=months)


def _economy(datasets: Any) -> Any:
    import pandas as pd

    table = datasets.macrodata.load_pandas().data
    quarters = pd.date_range(f"{int(table['year'].iloc[0])}-01-01", periods=len(table), freq="QS")
    return table.drop(columns=["year", "quarter"]).set_index(quarters)


SERIES: Mapping[str, Callable[[Any], Any]] = {
    "statsmodels:co2": _co2,
    "statsmodels:sunspots": _sunspots,
    "statsmodels:nile": _nile,
    "statsmodels:elnino": _elnino,
    "statsmodels:economy": _economy,
}
"""How each data set of the package becomes a table with times as its index."""

_DESCRIPTIONS = {
    "statsmodels:co2": "Carbon dioxide in the air over Mauna Loa, 2,284 weeks from 1958 to 2001 with gaps, in ppm",
    "statsmodels:sunspots": "Sunspots of 309 years, 1700 to 2008",
    "statsmodels:nile": "The Nile at Aswan in 100 years, 1871 to 1970, in 10^8 cubic metres",
    "statsmodels:elnino": "Temperature of the Pacific's surface in 732 months, 1950 to 2010, in degrees Celsius",
    "statsmodels:economy": "Twelve series of the economy of the United States in 203 quarters, 1959 to 2009",
}

SHIPPED = tuple(
    Shipped(
        name,
        KIND,
        f"{description} (statsmodels, public domain).",
        "pip install 'foundation-zoo[forecasting]'",
        lambda: find_spec("statsmodels") is not None,
        read,
    )
    for name, description in _DESCRIPTIONS.items()
)
"""The descriptions for ``zoo profile --datasets``."""
