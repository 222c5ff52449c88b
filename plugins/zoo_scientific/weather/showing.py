"""Maps of forecast fields, as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from zoo.pages import parts
from zoo.pages.colours import DIVERGING, SEQUENTIAL, paint
from zoo_scientific.weather.fields import Forecast, History

if TYPE_CHECKING:
    import numpy as np


def maps(item: History, answer: Forecast) -> str:
    """The forecast of each variable, and its departure from the climatology, north on top."""
    import numpy as np

    values = np.asarray(answer.values, dtype=np.float64)
    usual = np.asarray(item.next_climatology, dtype=np.float64)
    latitudes = np.asarray(item.fields[-1].latitudes)
    southward = len(latitudes) > 1 and latitudes[0] < latitudes[-1]
    pieces = []
    for name, field, mean in zip(answer.names, values, usual, strict=True):
        shown = []
        for title, of in (("Forecast", field), ("Departure from the climatology", field - mean)):
            shown.append(_map(of[::-1] if southward else of, name, title, latitudes))
        pieces.append(f'<h3>{escape(name)}</h3><div class="plots">{"".join(shown)}</div>')
    return "".join(pieces)


def _map(field: np.ndarray, name: str, title: str, latitudes: np.ndarray) -> str:
    import numpy as np

    if not np.isfinite(field).any():
        return f"<p>{escape(title)}: no value is known.</p>"
    low, high = float(np.nanmin(field)), float(np.nanmax(field))
    both = low < 0 < high
    edge = max(-low, high)
    bounds, scale = ((-edge, edge), DIVERGING) if both else ((low, high), SEQUENTIAL)
    row, column = np.unravel_index(int(np.nanargmax(np.abs(field))), field.shape)
    north = sorted(latitudes.tolist(), reverse=True)[int(row)]
    words = (
        f"{title} of {name}: from {low:.3g} to {high:.3g}, mean {float(np.nanmean(field)):.3g}; the largest is "
        f"{float(field[row, column]):.3g} at latitude {north:.0f}."
    )
    stops = ", ".join(f"rgb{colour}" for colour in scale)
    legend = (
        f'<p class="scale"><span>{bounds[0]:.3g}</span><span class="ramp" style="background:linear-gradient(to right, '
        f'{stops})"></span><span>{bounds[1]:.3g}</span></p>'
    )
    return f"<div>{parts.figure(paint(field, *bounds, scale), words, words, 'map')}{legend}</div>"
