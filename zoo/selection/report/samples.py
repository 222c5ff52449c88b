"""Shows a few samples of the data: embedded images, texts as quotations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from zoo.kinds.known import kind_of

if TYPE_CHECKING:
    from zoo.entities import Dataset

SHOWN = 12


def samples(dataset: Dataset) -> str:
    """The first sample of each class in turn, as a list in HTML; empty for kinds of input that cannot be shown."""
    kind = kind_of(dataset.input_kind)
    items = [kind.sample_html(dataset.inputs[at], at, _label(dataset, at)) for at in _one_of_each(dataset)]
    shown = "".join(items[: kind.samples_shown])
    return f'<ul class="{kind.samples_style}">{shown}</ul>' if shown else ""


def _one_of_each(dataset: Dataset) -> list[int]:
    """Positions: first samples of as many classes as possible, then the next ones; evenly spread without classes."""
    count = len(dataset)
    if dataset.targets is None or kind_of(dataset.target_kind).strata(dataset.targets) is None:
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


def _label(dataset: Dataset, index: int) -> str:
    if dataset.targets is None:
        return ""
    target = dataset.targets[index]
    if isinstance(target, float):
        return f"{target:.6g}"
    return kind_of(dataset.target_kind).target_text(target, dataset.classes)
