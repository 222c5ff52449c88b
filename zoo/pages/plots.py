"""Plots of pages as SVG, by hand: small kinds that follow the page's colours, light, dark and in print. Altair
with vl-convert would add 100 MB, with fixed colours and fonts, for the same circles and lines.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from zoo.answers import figure_text, interval_text

WIDTH = 480
"""Width in units; a plot stays readable down to 340 pixels."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 12, 46


@dataclass(frozen=True)
class Point:
    """A candidate in a plot.

    Attributes:
        rank: its number in the table, which marks it.
        x, y: position; low and high are the ends of the interval of y.
        front: whether no other point is better in both directions.
    """

    rank: int
    name: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    front: bool = False


def intervals(points: Sequence[Point], title: str, axis: str) -> str:
    """One row per candidate: its score as a dot, its interval as a line."""
    row, height = 40, 40 * len(points) + _TOP + _BOTTOM
    ends = [value for p in points for value in (p.low, p.high, p.y) if value is not None]
    across = _Linear(min(ends), max(ends), 12, WIDTH - _RIGHT)
    parts = list(_x_axis(across, height, axis))
    for place, point in enumerate(points):
        y = _TOP + row * place + 28
        parts.append(f'<text class="name" x="12" y="{y - 12}">{point.rank}. {escape(_short(point.name))}</text>')
        if point.low is not None and point.high is not None:
            low, high = across(point.low), across(point.high)
            parts.append(f'<line class="interval" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>')
            parts += [
                f'<line class="interval" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 4}" y2="{y + 4}"/>' for x in (low, high)
            ]
        parts.append(f'<circle class="dot" cx="{across(point.y):.1f}" cy="{y}" r="5"/>')
    summary = "; ".join(f"{p.rank}. {p.name} {_figure(p)}" for p in points)
    return _svg(height, title, f"{axis}, best first: {summary}.", parts)


def scatter(points: Sequence[Point], title: str, x_axis: str, y_axis: str) -> str:
    """Score against a cost on a logarithmic axis; a step line joins the Pareto front."""
    height = 320
    across = _Logarithmic(min(p.x for p in points), max(p.x for p in points), _LEFT + 14, WIDTH - _RIGHT - 14)
    up = _Linear(
        min(p.y if p.low is None else p.low for p in points),
        max(p.y if p.high is None else p.high for p in points),
        height - _BOTTOM,
        _TOP,
    )
    parts = [*_x_axis(across, height, x_axis), *_y_axis(up, height, y_axis)]
    best = sorted((p for p in points if p.front), key=lambda p: p.x)
    if len(best) > 1:
        steps = [f"M{across(best[0].x):.1f} {up(best[0].y):.1f}"]
        steps += [f"H{across(p.x):.1f}V{up(p.y):.1f}" for p in best[1:]]
        parts.append(f'<path class="front" d="{"".join(steps)}"/>')
    for point in points:
        x = across(point.x)
        if point.low is not None and point.high is not None:
            parts.append(
                f'<line class="whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{up(point.low):.1f}" y2="{up(point.high):.1f}"/>'
            )
    for point in reversed(points):
        x, y, kind = across(point.x), up(point.y), "on-front" if point.front else "behind"
        parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="10"/>')
        parts.append(f'<text class="{kind}" x="{x:.1f}" y="{y + 4:.1f}">{point.rank}</text>')
    front = ", ".join(f"{p.rank}. {p.name}" for p in best)
    summary = "; ".join(f"{p.rank}. {p.name}: {x_axis} {p.x:.4g}, {_figure(p)}" for p in points)
    return _svg(height, title, f"{summary}. The Pareto front: {front}.", parts)


def curves(
    lines: Sequence[tuple[int, str, Sequence[tuple[float, float]]]], title: str, y_axis: str, x_axis: str = "samples"
) -> str:
    """Curves over samples, one line per candidate (rank, name, points), with the rank at its end."""
    height = 300
    samples = [x for _, _, points in lines for x, _ in points]
    scores = [y for _, _, points in lines for _, y in points]
    across = _Logarithmic(min(samples), max(samples), _LEFT + 14, WIDTH - _RIGHT - 24)
    up = _Linear(min(scores), max(scores), height - _BOTTOM, _TOP)
    parts = [*_x_axis(across, height, x_axis), *_y_axis(up, height, y_axis)]
    for rank, _, points in reversed(lines):
        drawn = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
        kind = "leader" if rank == 1 else "follower"
        parts.append(f'<polyline class="{kind}" points="{drawn}"/>')
        parts += [f'<circle class="{kind}" cx="{across(x):.1f}" cy="{up(y):.1f}" r="3"/>' for x, y in points]
        end_x, end_y = points[-1]
        parts.append(f'<text class="end" x="{across(end_x) + 7:.1f}" y="{up(end_y) + 4:.1f}">{rank}</text>')
    summary = "; ".join(
        f"{rank}. {name}: {', '.join(f'{y:.4g} on {x:,.0f}' for x, y in points)}" for rank, name, points in lines
    )
    return _svg(height, title, f"{summary}.", parts)


def lines(series: Sequence[tuple[str, Sequence[tuple[float, float]]]], title: str, x_axis: str, y_axis: str) -> str:
    """Values over values, both linear: one line per series, the first one in colour, each marked by its number."""
    height = 300
    points = [point for _, found in series for point in found]
    across = _Linear(min(x for x, _ in points), max(x for x, _ in points), _LEFT, WIDTH - _RIGHT - 16)
    up = _Linear(min(y for _, y in points), max(y for _, y in points), height - _BOTTOM, _TOP)
    parts = [*_x_axis(across, height, x_axis), *_y_axis(up, height, y_axis)]
    for number, (_, found) in reversed(list(enumerate(series, start=1))):
        kind = "leader" if number == 1 else "follower"
        drawn = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in found)
        parts.append(f'<polyline class="{kind}" points="{drawn}"/>')
        parts += [f'<circle class="{kind}" cx="{across(x):.1f}" cy="{up(y):.1f}" r="3"/>' for x, y in found]
        end_x, end_y = found[-1]
        parts.append(f'<text class="end" x="{across(end_x) + 7:.1f}" y="{up(end_y) + 4:.1f}">{number}</text>')
    summary = "; ".join(
        f"{number}. {name}: {', '.join(f'{y:.3g} at {x:.3g}' for x, y in found)}"
        for number, (name, found) in enumerate(series, start=1)
    )
    return _svg(height, title, f"{summary}.", parts)


def bars(counts: Sequence[tuple[str, int]], title: str) -> str:
    """Samples by class, one bar per class."""
    row, height = 24, 24 * len(counts) + 8
    most = max(count for _, count in counts)
    parts = []
    for place, (name, count) in enumerate(counts):
        y, width = 4 + row * place, max(1.0, (WIDTH - 220) * count / most)
        parts.append(f'<text class="class" x="140" y="{y + 15}">{escape(_short(name, 20))}</text>')
        parts.append(f'<rect class="bar" x="148" y="{y + 2}" width="{width:.1f}" height="17"/>')
        parts.append(f'<text class="count" x="{154 + width:.1f}" y="{y + 15}">{count:,}</text>')
    return _svg(height, title, "; ".join(f"{name}: {count:,}" for name, count in counts), parts)


@dataclass(frozen=True)
class _Linear:
    """Maps values from ``low`` to ``high``, with some margin, to positions from ``start`` to ``stop``."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        room = 0.06 * (self.high - self.low) or abs(self.high) * 0.1 or 1.0
        low, high = self.low - room, self.high + room
        return self.start + (self.stop - self.start) * (value - low) / (high - low)

    def ticks(self) -> list[float]:
        span = (self.high - self.low) or abs(self.high) * 0.1 or 1.0
        step = 10 ** math.floor(math.log10(span / 4))
        step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= 6)
        first = math.ceil(self.low / step - 1e-9)
        return [n * step for n in range(first, math.floor(self.high / step + 1e-9) + 1)] or [self.low]


@dataclass(frozen=True)
class _Logarithmic(_Linear):
    """The same in logarithms, for values above 0."""

    def __call__(self, value: float) -> float:
        low, high = math.log(self.low), math.log(self.high)
        if high - low < 1e-9:
            return (self.start + self.stop) / 2
        return self.start + (self.stop - self.start) * (math.log(value) - low) / (high - low)

    def ticks(self) -> list[float]:
        if self.high / self.low < 4:
            return super().ticks()
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        wide = self.high / self.low > 30
        every = [10.0**n * factor for n in decades for factor in ((1,) if wide else (1, 2, 3, 5))]
        inside = [value for value in every if self.low * 0.999 <= value <= self.high * 1.001]
        if len(inside) < 2:
            return sorted({self.low, self.high})
        return inside


def _x_axis(across: _Linear, height: int, title: str) -> Iterator[str]:
    bottom = height - _BOTTOM
    middle = (across.start + across.stop) / 2
    for value in across.ticks():
        x = across(value)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{bottom + 17}">{_number(value)}</text>'
    yield f'<text class="axis" x="{middle:.1f}" y="{height - 8}">{escape(title)}</text>'


def _y_axis(up: _Linear, height: int, title: str) -> Iterator[str]:
    for value in up.ticks():
        y = up(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="tick left" x="{_LEFT - 6}" y="{y + 4:.1f}">{_number(value)}</text>'
    middle = (height - _BOTTOM + _TOP) / 2
    yield f'<text class="axis" transform="translate(12 {middle:.1f}) rotate(-90)">{escape(title)}</text>'


def _svg(height: int, title: str, told: str, parts: Iterable[str]) -> str:
    """The drawing with a text for screen readers."""
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {height}" aria-labelledby="{name}-title {name}-told">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-told">{escape(told)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def _figure(point: Point) -> str:
    if point.low is None or point.high is None:
        return figure_text(point.y)
    return f"{figure_text(point.y)} ({interval_text((point.low, point.high))})"


def _number(value: float) -> str:
    """A short tick label: 0.95, 20, 5M."""
    for unit, scale in (("B", 1e9), ("M", 1e6), ("k", 1e4)):
        if abs(value) >= scale:
            return f"{value / (1e3 if unit == 'k' else scale):.4g}{unit}"
    return f"{value:.4g}".replace("-", "\u2212")


def _short(name: str, most: int = 52) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}\u2026"
