"""A few samples of the data, to show what was measured on: images inside the page, texts as quotations."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.entities import Dataset

SHOWN = 12
SIDE = 160
"""Largest width and height of images in pixels, so that the page stays small."""

CHARACTERS = 240


def samples(dataset: Dataset) -> str:
    """The first sample of each class in turn, as a list in HTML; empty for other kinds of input."""
    chosen = _one_of_each(dataset)
    if dataset.input_kind == "image":
        items = "".join(_image(dataset, index) for index in chosen)
        return f'<ul class="samples">{items}</ul>'
    if dataset.input_kind == "text":
        items = "".join(_quotation(dataset, index) for index in chosen[: SHOWN // 2])
        return f'<ul class="quotes">{items}</ul>'
    return ""


def _one_of_each(dataset: Dataset) -> list[int]:
    """Positions: first samples of as many classes as possible, then the next ones; evenly spread without classes."""
    count = len(dataset)
    if dataset.targets is None or dataset.target_kind != "class":
        return [count * n // SHOWN for n in range(min(SHOWN, count))]
    by_class: dict[Any, list[int]] = {}
    for position, target in enumerate(dataset.targets):
        found = by_class.setdefault(target, [])
        if len(found) < SHOWN:
            found.append(position)
    return list(_in_turn([by_class[target] for target in sorted(by_class)]))[:SHOWN]


def _in_turn(groups: Sequence[Sequence[int]]) -> Iterator[int]:
    for place in range(SHOWN):
        yield from (group[place] for group in groups if len(group) > place)


def _image(dataset: Dataset, index: int) -> str:
    image = dataset.inputs[index].convert("RGB")
    tiny = max(image.size) < SIDE // 2
    width, height = image.size
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG" if tiny else "JPEG")
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    label = _label(dataset, index)
    kind, style = ("png", ' class="tiny"') if tiny else ("jpeg", "")
    words = escape(f"Sample {index}, {width} by {height} pixels" + (f", labelled {label}" if label else ""), quote=True)
    return f'<li><img{style} alt="{words}" src="data:image/{kind};base64,{data}">{escape(label)}</li>'


def _quotation(dataset: Dataset, index: int) -> str:
    text = " ".join(str(dataset.inputs[index]).split())
    cut = f"{text[:CHARACTERS]}\u2026" if len(text) > CHARACTERS else text
    label = _label(dataset, index)
    return f"<li><q>{escape(cut)}</q>{f' <strong>{escape(label)}</strong>' if label else ''}</li>"


def _label(dataset: Dataset, index: int) -> str:
    if dataset.targets is None or dataset.target_kind not in {"class", "number"}:
        return str(dataset.targets[index]) if dataset.targets is not None and dataset.target_kind == "text" else ""
    target = dataset.targets[index]
    return str(dataset.classes[int(target)]) if dataset.classes else f"{target:.6g}"
