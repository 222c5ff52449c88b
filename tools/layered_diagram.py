"""Draws boxes in rows, with arrows from upper to lower rows, as SVG."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

Node = tuple[str, int]
"""A box (its name and -1), or the lane of the arrows to a box through a row (the box's name and the row)."""

WIDTH, MARGIN, WIDEST, GAP, LANE, BETWEEN = 1200, 24, 250, 22, 4, 46
NARROW = 12
"""The gap between two lanes; ``GAP`` is the one next to a box."""

HEADING, LINE, PADDING = 20, 14.5, 8
LETTER = 6.2
"""Mean width of a letter of the text, in pixels."""

STYLE = """
  svg {
    --page: #ffffff; --box: #f6f8fa; --edge: #8c959f; --name: #1f2328;
    --text: #57606a; --arrow: #57606a; --mark: #0969da
  }
  @media (prefers-color-scheme: dark) {
    svg {
      --page: #0d1117; --box: #161b22; --edge: #565f6b; --name: #f0f6fc;
      --text: #a8b0ba; --arrow: #8b949e; --mark: #58a6ff
    }
  }
  .page { fill: var(--page) }
  .box { fill: var(--box); stroke: var(--edge) }
  .aside { stroke-dasharray: 4 3 }
  .mark { fill: var(--mark) }
  .arrow { fill: none; stroke: var(--arrow); stroke-width: 1.1 }
  .head { fill: var(--arrow) }
  text { font-family: system-ui, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 11px; fill: var(--text) }
  .name { font-size: 13px; font-weight: 600; fill: var(--name) }
  .caption { font-style: italic }
"""


@dataclass(frozen=True)
class Box:
    """One box.

    Attributes:
        marked: has a coloured bar at its left edge.
        aside: has a dashed edge.
    """

    name: str
    text: str
    marked: bool = False
    aside: bool = False


class Diagram:
    """Rows of boxes from the top down, ordered for few arrow crossings.

    Args:
        rows: from the top down.
        arrows: names of two boxes each, the first in a row above the second's.
        captions: text above a row, by its number.
        legend: lines below the drawing.
    """

    def __init__(
        self,
        rows: Sequence[Sequence[Box]],
        arrows: Iterable[tuple[str, str]],
        captions: Mapping[int, str],
        legend: Sequence[str],
    ) -> None:
        self.boxes: Mapping[Node, Box] = {(box.name, -1): box for row in rows for box in row}
        self.row = {node: number for number, row in enumerate(rows) for node in ((box.name, -1) for box in row)}
        self.rows: list[list[Node]] = [[(box.name, -1) for box in row] for row in rows]
        self.captions, self.legend = captions, legend
        self.lines = self._lanes(sorted(arrows))
        self._order()
        self.width = {node: self._box_width(row) if node[1] < 0 else LANE for row in self.rows for node in row}
        self.x = self._places()

    def svg(self, title: str, description: str) -> str:
        """The drawing as an SVG document."""
        text = {node: self._wrapped(node) for node in self.boxes}
        heights = [
            HEADING + 2 * PADDING + LINE * max((len(text[node]) for node in row if node in text), default=0)
            for row in self.rows
        ]
        tops = [2 * MARGIN + sum(heights[:number]) + BETWEEN * number for number in range(len(heights))]
        height = round(tops[-1] + heights[-1] + 2 * MARGIN + 18 * len(self.legend))
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
            'aria-labelledby="title description">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="description">{escape(description)}</desc>',
            f"<style>{STYLE}</style>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path class="head" d="M0 1 L8 4 L0 7 z"/></marker></defs>',
            f'<rect class="page" width="{WIDTH}" height="{height}"/>',
        ]
        parts += self._drawn_lines(tops, heights)
        for node in self.boxes:
            parts += self._drawn_box(node, text[node], tops[self.row[node]], heights[self.row[node]])
        for row, caption in self.captions.items():
            parts.append(f'<text class="caption" x="{MARGIN}" y="{tops[row] - 9:.1f}">{escape(caption)}</text>')
        for number, line in enumerate(self.legend):
            y = height - MARGIN - 18 * (len(self.legend) - 1 - number)
            parts.append(f'<text x="{MARGIN}" y="{y}">{escape(line)}</text>')
        return "\n".join([*parts, "</svg>", ""])

    def _lanes(self, arrows: Sequence[tuple[str, str]]) -> list[tuple[Node, Node]]:
        """Lines from row to row; arrows to the same box share a lane through the rows between."""
        lines: dict[tuple[Node, Node], None] = {}
        for start, end in arrows:
            here: Node = (start, -1)
            for row in range(self.row[here] + 1, self.row[end, -1]):
                lane = (end, row)
                if lane not in self.row:
                    self.row[lane] = row
                    self.rows[row].append(lane)
                lines[here, lane] = None
                here = lane
            lines[here, (end, -1)] = None
        return list(lines)

    def _order(self) -> None:
        """Sort each row by the mean place of its neighbours, up and down, and keep the order with fewest crossings."""
        best, fewest = [list(row) for row in self.rows], self._crossings()
        for sweep in range(24):
            numbers = range(len(self.rows)) if sweep % 2 else range(len(self.rows) - 1, -1, -1)
            for number in numbers:
                place = {node: at / max(len(row) - 1, 1) for row in self.rows for at, node in enumerate(row)}
                self.rows[number].sort(key=lambda node, place=place: self._mean(node, place))  # type: ignore[misc]
            if (crossings := self._crossings()) < fewest:
                best, fewest = [list(row) for row in self.rows], crossings
        self.rows = best

    def _mean(self, node: Node, place: Mapping[Node, float]) -> float:
        near = [place[end] for start, end in self.lines if start == node]
        near += [place[start] for start, end in self.lines if end == node]
        return sum(near) / len(near) if near else place[node]

    def _crossings(self) -> int:
        at = {node: place for row in self.rows for place, node in enumerate(row)}
        lines = [(self.row[start], at[start], at[end]) for start, end in self.lines]
        return sum(a[0] == b[0] and (a[1] - b[1]) * (a[2] - b[2]) < 0 for a in lines for b in lines)

    def _box_width(self, row: Sequence[Node]) -> float:
        boxes = sum(node[1] < 0 for node in row)
        gaps = sum(_gap(left, right) for left, right in pairwise(row))
        free = WIDTH - 2 * MARGIN - gaps - LANE * (len(row) - boxes)
        return min(WIDEST, free / max(boxes, 1))

    def _places(self) -> dict[Node, float]:
        """Where the middle of each node is: near to its neighbours and the middle of the page, as its row allows."""
        x = dict.fromkeys(self.row, WIDTH / 2)
        for row in self.rows:
            self._settle(row, [WIDTH * (at + 0.5) / len(row) for at in range(len(row))], x)
        for sweep in range(40):
            for row in self.rows if sweep % 2 else self.rows[::-1]:
                self._settle(row, [0.9 * self._mean(node, x) + 0.1 * WIDTH / 2 for node in row], x)
        return x

    def _settle(self, row: Sequence[Node], wanted: Sequence[float], x: dict[Node, float]) -> None:
        """Least squares with a gap between neighbours: pool adjacent violators, then keep within the page."""
        offsets = [0.0]
        for left, right in pairwise(row):
            offsets.append(offsets[-1] + (self.width[left] + self.width[right]) / 2 + _gap(left, right))
        blocks: list[list[float]] = []  # mean, weight, length
        for node, want, offset in zip(row, wanted, offsets, strict=True):
            blocks.append([want - offset, 1.0 if node[1] < 0 else 4.0, 1])
            while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
                mean, weight, length = blocks.pop()
                before = blocks[-1]
                before[0] = (before[0] * before[1] + mean * weight) / (before[1] + weight)
                before[1], before[2] = before[1] + weight, before[2] + length
        low = MARGIN + self.width[row[0]] / 2
        high = WIDTH - MARGIN - self.width[row[-1]] / 2 - offsets[-1]
        starts = [min(max(mean, low), max(high, low)) for mean, _, length in blocks for _ in range(int(length))]
        for node, start, offset in zip(row, starts, offsets, strict=True):
            x[node] = start + offset

    def _wrapped(self, node: Node) -> list[str]:
        return textwrap.wrap(self.boxes[node].text, int((self.width[node] - 20) / LETTER))

    def _drawn_box(self, node: Node, lines: Sequence[str], top: float, height: float) -> Iterable[str]:
        box, wide = self.boxes[node], self.width[node]
        left, kind = self.x[node] - wide / 2, "box aside" if box.aside else "box"
        place = f'x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{height:.1f}" rx="5"'
        yield f'<rect class="{kind}" {place}/>'
        if box.marked:
            place = f'x="{left:.1f}" y="{top + 6:.1f}" width="4" height="{height - 12:.1f}" rx="2"'
            yield f'<rect class="mark" {place}/>'
        yield f'<text class="name" x="{left + 12:.1f}" y="{top + HEADING:.1f}">{escape(box.name)}</text>'
        for number, line in enumerate(lines, 1):
            y = top + HEADING + PADDING / 2 + LINE * number
            yield f'<text x="{left + 12:.1f}" y="{y:.1f}">{escape(line)}</text>'

    def _drawn_lines(self, tops: Sequence[float], heights: Sequence[float]) -> Iterable[str]:
        lanes = sorted({node for line in self.lines for node in line if node[1] >= 0})
        for lane in lanes:
            x, row = self.x[lane], self.row[lane]
            yield f'<path class="arrow" d="M{x:.1f} {tops[row]:.1f} V{tops[row] + heights[row]:.1f}"/>'
        for start, end in self.lines:
            row = self.row[start]
            x0, y0 = self._port(start, end, leaving=True), tops[row] + heights[row]
            x1, y1 = self._port(end, start, leaving=False), tops[row + 1]
            middle = (y0 + y1) / 2
            head = ' marker-end="url(#head)"' if end[1] < 0 else ""
            yield (
                f'<path class="arrow" d="M{x0:.1f} {y0:.1f} C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} '
                f'{x1:.1f} {y1:.1f}"{head}/>'
            )

    def _port(self, node: Node, other: Node, *, leaving: bool) -> float:
        """Where a line leaves or enters a node: spread over the middle of a box in the order of the other ends."""
        if node[1] >= 0:
            return self.x[node]
        near = [end for start, end in self.lines if start == node] if leaving else []
        near = near or [start for start, end in self.lines if end == node]
        near.sort(key=lambda one: (self.x[one], one))
        return self.x[node] + (near.index(other) - (len(near) - 1) / 2) * min(26.0, self.width[node] / (len(near) + 1))


def _gap(left: Node, right: Node) -> int:
    return NARROW if left[1] >= 0 and right[1] >= 0 else GAP
