"""Converts histories of fields to the states of Aurora's library, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from zoo.errors import DataError, needs_extra

with needs_extra("aurora", "run Aurora"):
    import aurora
    import numpy as np
    import torch
    from aurora.normalisation import level_to_str, locations, scales

from zoo_scientific.weather.fields import History

NAMES = {
    "t2m": "2t",
    "u10": "10u",
    "v10": "10v",
    "2m_temperature": "2t",
    "10m_u_component_of_wind": "10u",
    "10m_v_component_of_wind": "10v",
    "mean_sea_level_pressure": "msl",
    "geopotential": "z",
    "u_component_of_wind": "u",
    "v_component_of_wind": "v",
    "temperature": "t",
    "specific_humidity": "q",
    "land_sea_mask": "lsm",
    "soil_type": "slt",
    "geopotential_at_surface": "static_z",
    "z_surface": "static_z",
    "zs": "static_z",
}
"""Names of the variables in files of ERA5, with the model's own names."""

SMALLEST_MEAN = 0.01
"""Degrees from the equator; the library's position encoding allows 0, but nothing between."""

FINEST = 4096
"""Steps per degree that latitudes around the equator are rounded to."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Variables:
    """The variables of a model: at the surface, on pressure levels, and static."""

    surface: tuple[str, ...]
    levels: tuple[str, ...]
    static: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """One history, ready for a batch.

    Attributes:
        values: times x variables x latitudes x longitudes, north first and east from 0 degrees.
        static: variables that do not change x latitudes x longitudes, in the model's order.
        hours: since the beginning of 1970, of the last time.
        names: of the variables, as the file has them.
    """

    values: torch.Tensor
    static: torch.Tensor
    latitudes: torch.Tensor
    longitudes: torch.Tensor
    hours: float
    names: tuple[str, ...]


def own_name(name: str) -> tuple[str, float | None]:
    """The model's name of a variable, and its pressure in hPa if it is on a level: ``z_500`` is ``("z", 500.0)``."""
    base, mark, pressure = name.rpartition("_")
    if mark and pressure.replace(".", "", 1).isdigit():
        return NAMES.get(base, base), float(pressure)
    return NAMES.get(name, name), None


def state_of(model: str, item: Any, variables: Variables, times: int, step_hours: float | None) -> State:
    """A history with the variables of the model; unknown cells have the usual value, or 0 if there is none.

    Raises:
        DataError: it is not a history of fields, lacks variables, does not have the model's step, or its longitudes do
            not go around the globe.
    """
    if not isinstance(item, History) or item.grid is None:
        raise DataError(f"'{model}' takes histories of fields on a grid, not {type(item).__name__}.")
    static = {NAMES.get(name, name): values for name, values in item.grid.static.items()}
    _check_variables(model, item, variables, static)
    step = float(item.grid.step_hours)
    if step_hours is not None and not abs(step - step_hours) < 0.05 * step_hours:
        raise DataError(f"'{model}' needs states {step_hours:g} hours apart, but these are {step:g} hours apart.")
    hours = float(item.fields[-1].hours)
    if not np.isfinite(hours):
        raise DataError(f"'{model}' needs the date of each time, which this file lacks.")
    last = item.fields[-times:]
    values = np.stack([np.where(np.isfinite(field.values), field.values, field.climatology) for field in last])
    latitudes, longitudes = item.fields[-1].latitudes, item.grid.longitudes
    ground = np.stack([_static(static, name) for name in variables.static])
    return State(
        turned(np.nan_to_num(values), latitudes, longitudes),
        turned(np.nan_to_num(ground), latitudes, longitudes),
        torch.from_numpy(np.sort(latitudes)[::-1].astype(np.float32)),
        torch.from_numpy(np.sort(longitudes % 360).astype(np.float32)),
        hours,
        tuple(item.names),
    )


def centred(latitudes: torch.Tensor, patch: int) -> torch.Tensor:
    """Latitudes whose patch on the equator is symmetric about it without rounding, so that its mean is exactly 0.

    The library refuses patches with a mean latitude between 0 and ``SMALLEST_MEAN``, which only rounding can cause.
    """
    found = latitudes.clone()
    for start in range(0, len(found) - patch + 1, patch):
        rows = latitudes[start : start + patch].double()
        if abs(float(rows.mean())) < SMALLEST_MEAN:
            half = (rows - rows.flip(0)) / 2
            # Multiples of a power of two, whose sums are exact.
            found[start : start + patch] = (half * FINEST).round() / FINEST
    return found


def turned(fields: np.ndarray, latitudes: np.ndarray, longitudes: np.ndarray) -> torch.Tensor:
    """Fields, the last two axes latitudes and longitudes, north first and east from 0 degrees, as float32."""
    found = fields[..., np.argsort(-latitudes), :][..., np.argsort(longitudes % 360)]
    return torch.from_numpy(np.ascontiguousarray(found, dtype=np.float32))


def batch_of(states: Sequence[State], variables: Variables) -> Any:
    """The library's ``Batch``; the states have the same grid and variables.

    Raises:
        DataError: they do not.
    """
    first = states[0]
    if any(state.names != first.names or state.values.shape != first.values.shape for state in states):
        raise DataError("Histories on different grids, or of different variables, cannot share a batch.")
    values = torch.stack([state.values for state in states])
    places = {own_name(name): at for at, name in enumerate(first.names)}
    pressures = levels_of(first.names)
    surface = {name: values[:, :, places[name, None]] for name in variables.surface}
    levels = {name: values[:, :, [places[name, pressure] for pressure in pressures]] for name in variables.levels}
    when = tuple(_EPOCH + timedelta(hours=state.hours) for state in states)
    metadata = aurora.Metadata(
        lat=first.latitudes,
        lon=first.longitudes,
        time=when,
        atmos_levels=tuple(int(p) if p == int(p) else p for p in pressures),
    )
    static = {name: first.static[at] for at, name in enumerate(variables.static)}
    return aurora.Batch(surf_vars=surface, static_vars=static, atmos_vars=levels, metadata=metadata)


def fields_of(found: Any, state: State) -> torch.Tensor:
    """The library's forecast, batch x variables x latitudes x longitudes, as in ``State.values``.

    The library drops the southernmost latitude if there is one more than fits its patches.
    """
    pressures = list(found.metadata.atmos_levels)
    parts = []
    for name in state.names:
        own, pressure = own_name(name)
        part = (
            found.surf_vars[own][:, 0] if pressure is None else found.atmos_vars[own][:, 0, pressures.index(pressure)]
        )
        parts.append(part)
    return torch.stack(parts, dim=1)


def back(values: np.ndarray, item: Any) -> np.ndarray:
    """Fields in the order of a history's file; its last state at latitudes that the model drops."""
    rows, columns = np.argsort(-item.fields[-1].latitudes), np.argsort(item.grid.longitudes % 360)
    latest = item.fields[-1]
    known = np.nan_to_num(np.where(np.isfinite(latest.values), latest.values, latest.climatology))
    whole = known[:, rows][..., columns]
    whole[:, : values.shape[1]] = values
    found = np.empty_like(whole)
    found[np.ix_(np.arange(len(whole)), rows, columns)] = whole
    return found


def levels_of(names: Sequence[str]) -> list[float]:
    """The pressures in hPa that occur among variables, lowest first."""
    return sorted({pressure for _, pressure in map(own_name, names) if pressure is not None})


def mean(name: str) -> float:
    """The usual value of a variable, in its unit."""
    base, pressure = own_name(name)
    return float(locations[base if pressure is None else f"{base}_{level_to_str(pressure)}"])


def deviation(name: str, own: Mapping[str, tuple[float, float]]) -> float:
    """The standard deviation of a variable, in its unit; ``own`` has mean and deviation of those replaced."""
    base, pressure = own_name(name)
    if pressure is None:
        return float(own[base][1] if base in own else scales[base])
    return float(scales[f"{base}_{level_to_str(pressure)}"])


def _check_variables(model: str, item: Any, variables: Variables, static: Mapping[str, Any]) -> None:
    given = [own_name(name) for name in item.names]
    pressures = levels_of(item.names)
    lacking = [name for name in variables.surface if (name, None) not in given]
    lacking += [name for name in variables.levels if not pressures or any((name, p) not in given for p in pressures)]
    lacking += [
        f"{name} (unchanging)" for name in variables.static if name not in static and f"static_{name}" not in static
    ]
    if lacking:
        raise DataError(
            f"'{model}' needs {', '.join(dict.fromkeys((*variables.surface, *variables.levels, *variables.static)))}; "
            f"these fields lack {', '.join(lacking)}.",
            "If the file has them, name them with --target-column, separated by commas.",
        )
    more = [
        name
        for name, (own, pressure) in zip(item.names, given, strict=True)
        if own not in (variables.surface if pressure is None else variables.levels)
    ]
    if more:
        raise DataError(f"'{model}' does not forecast {', '.join(more)}.", "Name only the others with --target-column.")
    height, width = item.fields[-1].values.shape[1:]
    if not np.all(np.diff(np.sort(item.grid.longitudes % 360)) > 0) or min(height, width) < 2:
        raise DataError(f"'{model}' needs longitudes that go once around the globe.")


def _static(static: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    found: np.ndarray = static[f"static_{name}"] if f"static_{name}" in static else static[name]
    return found
