"""Reads time series of fields over the globe from NetCDF: weather, ocean, climate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.reader import ReadOptions
from zoo.entities import Dataset
from zoo.errors import DataError, needs_extra, suggest
from zoo.kinds.fingerprint import fingerprint
from zoo_scientific.weather.fields import HISTORY, Field, Grid, Histories, History, climatology

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = frozenset({".nc", ".cdf", ".nc4", ".netcdf"})

LEAST_TIMES = 24
"""Minimum times in a file for its own climatology."""

PRESSURES = frozenset({"level", "lev", "plev", "pressure", "pressure_level", "isobaricinhpa"})
"""Names of axes of pressure, in lower case; in hPa, or in Pa if that is their unit."""

_MONTH = (27.0, 32.0)
_HOURS = {"hour": 1.0, "day": 24.0, "minute": 1 / 60, "month": 730.5, "second": 1 / 3600, "year": 8766.0}


class GridReader:
    """NetCDF files whose variables have a time, a latitude and a longitude."""

    name = "grids (NetCDF)"
    datasets: Sequence[str] = ()

    def accepts(self, reference: str) -> bool:
        """A file name with such a suffix."""
        path = Path(reference).expanduser()
        return path.suffix.lower() in SUFFIXES and not path.is_dir()

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """Each state after the first three as the target of the three before it.

        ``target_column`` names comma-separated variables; the default is all with the unit of the first. A variable on
        pressure levels counts as one per level.

        Raises:
            DataError: the file is missing or damaged, has no such variables, or too few times.
        """
        path = Path(reference).expanduser()
        if not path.is_file():
            raise DataError(f"There is no file '{path}'.")
        return read_grid(reference, path, options)


def read_grid(name: str, path: Path, options: ReadOptions) -> Dataset:
    """The series in a file; raises as ``GridReader.read``."""
    import numpy as np

    states, names, _, grid = _series(name, path, options)
    inputs = Histories(states, names, grid)
    digests = (_digest(np.stack([field.values for field in inputs[at].fields])) for at in range(len(inputs)))
    following = [_digest(state.values).hex() for state in states[HISTORY:]]
    return Dataset(
        name,
        "grid",
        inputs,
        states[HISTORY:],
        (),
        fingerprint("grid", digests, following),
        "grid",
        {"target": ", ".join(names)},
    )


def latest(path: Path, variables: Sequence[str] = (), least: int = LEAST_TIMES) -> History:
    """The last states of a file, from which the time after its end is forecast; raises as ``GridReader.read``.

    Args:
        variables: those to read; empty for all with the unit of the first.
        least: minimum times in the file; a forecaster without a climatology needs few.
    """
    options = ReadOptions(target_column=",".join(variables) or None)
    states, names, period, grid = _series(str(path), path, options, least)
    return History(tuple(states[-HISTORY:]), states[len(states) - min(period, len(states))].climatology, names, grid)


def _series(
    name: str, path: Path, options: ReadOptions, least: int = LEAST_TIMES
) -> tuple[list[Field], tuple[str, ...], int, Grid]:
    """All states, the names of their variables, the times per year, and the grid."""
    import numpy as np

    with needs_extra("climate", "read NetCDF"):
        import xarray
    try:
        with xarray.open_dataset(path, decode_times=False) as file:
            file.load()
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise DataError(f"'{path}' cannot be read as NetCDF: {reason}.", "Download the file again.") from error
    time, latitude, longitude, layers = _axes(file, name, options)
    values = np.stack([layer.transpose(time, latitude, longitude).values for layer in layers.values()], axis=1).astype(
        np.float32
    )
    if len(values) < least:
        raise DataError(f"'{name}' has {len(values)} times, but a forecast needs at least {least}.")
    values[~np.isfinite(values)] = np.nan
    latitudes = np.asarray(file[latitude].values, dtype=np.float64)
    period, hours = min(_period(file[time]), len(values)), _hours(file, time)
    usual = climatology(values, period)
    states = [Field(values[at], usual[at], latitudes, float(hours[at])) for at in range(len(values))]
    static = {
        str(key): np.asarray(variable.values, dtype=np.float32)
        for key, variable in file.data_vars.items()
        if variable.dims == (latitude, longitude)
    }
    grid = Grid(np.asarray(file[longitude].values, dtype=np.float64), static, float(np.median(np.diff(hours))))
    return states, tuple(layers), period, grid


def _hours(file: Any, time: str) -> np.ndarray:
    """Hours of all times since the beginning of 1970; NaN if the file's calendar is not a real one."""
    import numpy as np
    import xarray

    try:
        decoded = xarray.decode_cf(xarray.Dataset(coords={time: file[time]}))[time].values
        return decoded.astype("datetime64[s]").astype(np.float64) / 3600
    except (ValueError, TypeError, KeyError, OverflowError):
        return np.full(file.sizes[time], np.nan)


def _axes(file: Any, name: str, options: ReadOptions) -> tuple[str, str, str, dict[str, Any]]:
    """The axes of time, latitude and longitude, and the variables to read by name, those on levels one by one."""
    fields = {str(key): variable for key, variable in file.data_vars.items() if _is_field(variable)}
    if not fields:
        raise DataError(
            f"'{name}' has no variable over time, latitude and longitude; it has {', '.join(map(str, file))}."
        )
    wanted = [part.strip() for part in (options.target_column or "").split(",") if part.strip()]
    for variable in wanted:
        if variable not in fields:
            raise DataError(
                f"'{name}' has no field '{variable}'; its fields are: {', '.join(fields)}.", suggest(variable, fields)
            )
    first = fields[wanted[0] if wanted else next(iter(fields))]
    place = _place(first)
    alike = [v for v, x in fields.items() if _place(x) == place and x.attrs.get("units") == first.attrs.get("units")]
    names = tuple(wanted or alike)
    if any(_place(fields[variable]) != place for variable in names):
        raise DataError(f"The fields {', '.join(names)} of '{name}' are not on the same grid.")
    time, latitude, longitude = place
    if latitude not in file.coords or abs(file[latitude].values).max() > 90.5:
        raise DataError(f"The second axis of '{names[0]}' in '{name}' is not a latitude.")
    layers: dict[str, Any] = {}
    for variable in names:
        if len(fields[variable].dims) == 3:
            layers[variable] = fields[variable]
            continue
        axis = str(fields[variable].dims[1])
        factor = 0.01 if str(file[axis].attrs.get("units", "")).strip().lower() == "pa" else 1.0
        for at, pressure in enumerate(file[axis].values if axis in file.coords else ()):
            layers[f"{variable}_{factor * float(pressure):g}"] = fields[variable].isel({axis: at})
    return time, latitude, longitude, layers


def _is_field(variable: Any) -> bool:
    """Whether its axes are time, latitude and longitude, or levels of pressure after the time."""
    return len(variable.dims) == 3 or (len(variable.dims) == 4 and str(variable.dims[1]).lower() in PRESSURES)


def _place(variable: Any) -> tuple[str, str, str]:
    return str(variable.dims[0]), str(variable.dims[-2]), str(variable.dims[-1])


def _period(time: Any) -> int:
    """12 for months, 365 for days, else 1."""
    import numpy as np

    unit = str(time.attrs.get("units", "")).split(" ")[0].rstrip("s").lower()
    days = float(np.median(np.diff(time.values))) * _HOURS.get(unit, 0.0) / 24
    if _MONTH[0] <= days <= _MONTH[1]:
        return 12
    return 365 if abs(days - 1) < 0.01 else 1


def _digest(values: np.ndarray) -> bytes:
    import hashlib

    return hashlib.sha256(values.tobytes()).digest()
