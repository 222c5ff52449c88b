"""Compares answers up to rounding: numbers, texts, images, arrays, and containers of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

FEW = 0.01
"""Fraction of the pixels, or of the classes in a mask, that rounding may change."""

LEVELS = 2
"""Maximum difference of a pixel, out of 255."""

NOISE = 1e-5
"""Difference of array values that rounding explains even if all others are near 0, as with forces."""


def difference(found: Any, expected: Any, tolerance: float = 1e-3) -> str:
    """Where and how an answer differs from the expected one; empty if it does not.

    Args:
        tolerance: relative to the larger number, and at least to 1; of arrays, to their norm.
    """
    import numpy as np

    found, expected = _plain(found), _plain(expected)
    if isinstance(expected, Mapping):
        return _of_mappings(found, expected, tolerance)
    if isinstance(expected, (list, tuple)):
        return _of_lists(found, expected, tolerance)
    if isinstance(expected, np.ndarray):
        return _of_arrays(found, expected, tolerance)
    if isinstance(expected, str):
        return _of_texts(found, expected, tolerance)
    if isinstance(expected, (int, float)) and isinstance(found, (int, float)):
        allowed = tolerance * max(1.0, abs(expected))
        return "" if abs(found - expected) <= allowed or found == expected else f"{found:g} instead of {expected:g}"
    return "" if found == expected else f"{found!r:.60} instead of {expected!r:.60}"


def numbers(answer: Any) -> Iterator[Any]:
    """All numbers of an answer, as arrays."""
    import numpy as np

    answer = _plain(answer)
    if isinstance(answer, Mapping):
        for value in answer.values():
            yield from numbers(value)
    elif isinstance(answer, (list, tuple)):
        for value in answer:
            yield from numbers(value)
    elif isinstance(answer, (int, float, np.ndarray)):
        yield np.asarray(answer)


def shape(answer: Any) -> Any:
    """The structure of an answer without its values: the name of its type, or of each of its fields."""
    answer = _plain(answer)
    if isinstance(answer, Mapping):
        return {name: type(_plain(value)).__name__ for name, value in answer.items()}
    return type(answer).__name__


def _plain(answer: Any) -> Any:
    """Images and tensors as arrays, dataclasses as mappings of their fields."""
    import numpy as np

    if hasattr(answer, "convert") and hasattr(answer, "size"):
        return np.asarray(answer.convert("RGB"))
    if is_dataclass(answer) and not isinstance(answer, type):
        return {field.name: getattr(answer, field.name) for field in fields(answer)}
    if hasattr(answer, "detach"):
        return answer.detach().float().cpu().numpy()
    return answer.item() if isinstance(answer, np.generic) else answer


def _of_mappings(found: Any, expected: Mapping[Any, Any], tolerance: float) -> str:
    if not isinstance(found, Mapping) or set(found) != set(expected):
        return f"it contains {sorted(map(str, found)) if isinstance(found, Mapping) else type(found).__name__}"
    for name, value in expected.items():
        if told := difference(found[name], value, tolerance):
            return f"{name}: {told}"
    return ""


def _of_lists(found: Any, expected: Sequence[Any], tolerance: float) -> str:
    if not isinstance(found, (list, tuple)) or len(found) != len(expected):
        return f"{len(found) if isinstance(found, (list, tuple)) else type(found).__name__} instead of {len(expected)}"
    found, expected = list(map(_plain, found)), list(map(_plain, expected))
    if expected and all(isinstance(one, Mapping) and "score" in one for one in expected):
        return _of_scored(found, expected, tolerance)
    for number, (one, other) in enumerate(zip(found, expected, strict=True), start=1):
        if told := difference(one, other, tolerance):
            return f"number {number}: {told}"
    return ""


def _of_scored(found: Sequence[Any], expected: Sequence[Any], tolerance: float) -> str:
    """In any order among equal scores: each has its own counterpart."""
    left = list(found)
    for one in expected:
        at = next((at for at, other in enumerate(left) if not difference(other, one, tolerance)), None)
        if at is None:
            return f"'{one.get('label', one)}' with the score {one['score']:.4g} is missing"
        del left[at]
    return ""


def _of_arrays(found: Any, expected: Any, tolerance: float) -> str:
    import numpy as np

    if not isinstance(found, np.ndarray) or found.shape != expected.shape:
        return f"the shape {getattr(found, 'shape', None)} instead of {expected.shape}"
    if expected.dtype.kind in "iub":
        image = expected.dtype == np.uint8 and expected.ndim == 3
        apart = np.abs(found.astype(np.int64) - expected.astype(np.int64)) > (LEVELS if image else 0)
        return "" if apart.size == 0 or apart.mean() <= FEW else f"{apart.mean():.1%} of the values differ"
    apart = np.abs(np.nan_to_num(found) - np.nan_to_num(expected))
    if apart.max(initial=0) <= NOISE:
        return ""
    scale = max(float(np.linalg.norm(np.nan_to_num(expected))), 1e-6)
    distance = float(np.linalg.norm(apart)) / scale
    return "" if distance <= tolerance else f"relative distance {distance:.2g} > {tolerance:g}"


def _of_texts(found: Any, expected: str, tolerance: float) -> str:
    """Equal but for the last digit of numbers, such as the coordinates of a structure."""
    if found == expected:
        return ""
    told = f"{found!r:.60} instead of {expected!r:.60}"
    words, others = str(found).split(), expected.split()
    if not isinstance(found, str) or len(words) != len(others):
        return told
    for word, other in zip(words, others, strict=True):
        if word == other:
            continue
        try:
            near = "." in other and abs(float(word) - float(other)) <= tolerance * max(1.0, abs(float(other)))
        except ValueError:
            return told
        if not near:
            return told
    return ""
