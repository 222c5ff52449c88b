"""Draws a series with its forecast: past values, the median, and the 80 % band."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from zoo_scientific.forecasting.series import Forecast, Series
from zoo_scientific.forecasting.steps import label

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

WIDTH, HEIGHT = 800, 360
"""Pixels of a drawing."""

LEAST_SHOWN, SEASONS, HORIZONS = 48, 3, 4
"""Minimum steps drawn before the forecast, also in seasons and in horizons."""

_FINER = 3
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 18, 30, 34
_PAPER, _GRID, _TEXT = (255, 255, 255), (222, 226, 231), (60, 66, 73)
_PAST, _BAND, _MEDIAN, _NOW = (70, 78, 87), (183, 208, 246), (11, 87, 208), (140, 147, 155)
_TICKS = 5


def draw_forecast(item: Series, answer: Forecast) -> Image:
    """A series and its forecast, drawn at a finer scale and reduced, for smooth lines."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    count = max(LEAST_SHOWN, SEASONS * item.period, HORIZONS * item.horizon)
    past = np.asarray(item.values[-count:], dtype=np.float64)
    low, middle, high = (answer.at(level) for level in (0.1, 0.5, 0.9))
    known = np.concatenate([past[np.isfinite(past)], low, high])
    ticks = _ticks(float(known.min()), float(known.max()))
    drawn = Image.new("RGB", (_FINER * WIDTH, _FINER * HEIGHT), _PAPER)
    pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(13 * _FINER)
    steps = len(past) + len(middle)

    def across(step: float) -> float:
        return _FINER * (_LEFT + (WIDTH - _LEFT - _RIGHT) * step / max(1, steps - 1))

    def up(value: float) -> float:
        part = (value - ticks[0]) / (ticks[-1] - ticks[0])
        return _FINER * (HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * part)

    for tick in ticks:
        pen.line((across(0), up(tick), across(steps - 1), up(tick)), _GRID, _FINER)
        pen.text((across(0) - 8 * _FINER, up(tick)), f"{tick:g}", _TEXT, font, anchor="rm")
    times = item.times[len(item.values) - len(past) :]
    for step in np.linspace(0, steps - 1, _TICKS).round().astype(int).tolist():
        anchor = "lm" if step == 0 else "rm" if step == steps - 1 else "mm"
        pen.line((across(step), up(ticks[0]), across(step), up(ticks[0]) + 4 * _FINER), _NOW, _FINER)
        pen.text((across(step), _FINER * (HEIGHT - _BOTTOM / 2)), label(times[step]), _TEXT, font, anchor=anchor)
    after = [len(past) + step for step in range(len(middle))]
    edge = [(across(at), up(value)) for at, value in zip(after, high, strict=True)]
    edge += [(across(at), up(value)) for at, value in reversed(list(zip(after, low, strict=True)))]
    if len(after) > 1:
        pen.polygon(edge, _BAND)
    else:
        pen.line((*edge[0], *edge[1]), _BAND, 8 * _FINER)
    border = across(len(past) - 0.5)
    for top in range(_FINER * _TOP, _FINER * (HEIGHT - _BOTTOM), 10 * _FINER):
        pen.line((border, top, border, top + 5 * _FINER), _NOW, _FINER)
    _line(pen, [(across(at), up(value)) if math.isfinite(value) else None for at, value in enumerate(past)], _PAST, 1.6)
    _line(pen, [(across(at), up(value)) for at, value in zip(after, middle, strict=True)], _MEDIAN, 2.8)
    pen.text((across(0), _FINER * _TOP / 2), item.name, _TEXT, font, anchor="lm")
    words = "forecast, with its quantiles 0.1 to 0.9"
    start = min(border + 6 * _FINER, across(steps - 1) - pen.textlength(words, font))
    pen.text((start, _FINER * _TOP / 2), words, _MEDIAN, font, anchor="lm")
    return drawn.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def _line(pen: Any, points: list[Any], colour: tuple[int, int, int], width: float) -> None:
    """A line through the points, interrupted where one is missing; a single point is a dot."""
    run: list[Any] = []
    for point in [*points, None]:
        if point is not None:
            run.append(point)
            continue
        if len(run) > 1:
            pen.line(run, colour, round(width * _FINER), joint="curve")
        for x, y in run if len(run) == 1 else ():
            radius = width * _FINER
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), colour)
        run = []


def _ticks(low: float, high: float) -> np.ndarray:
    """Round numbers from below the lowest to above the highest."""
    import numpy as np

    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / _TICKS))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10, 20) if factor * power * _TICKS >= span)
    first, last = math.floor(low / step), math.ceil(high / step)
    return np.arange(first, max(last, first + 1) + 1) * step
