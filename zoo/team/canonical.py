"""Canonical JSON: one text for one value, so that a digest of it can be computed again anywhere.

Source: RFC 8785 (JSON Canonicalization Scheme); numbers as in ECMAScript 2015, section 7.1.12.1.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from zoo.errors import InvalidInput

LARGEST = 2**53 - 1
"""Largest whole number that every JSON reader keeps exactly."""


def canonical(value: Any) -> str:
    """A value of JSON's types as canonical JSON.

    Raises:
        InvalidInput: it holds NaN, an infinite or too large number, a lone surrogate, or a type that JSON lacks.
    """
    if value is None or isinstance(value, (bool, str)):
        return _text(value) if isinstance(value, str) else json.dumps(value)
    if isinstance(value, int):
        if abs(value) > LARGEST:
            raise InvalidInput(f"{value} is too large for canonical JSON.", "Write it as text.")
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(canonical, value))}]"
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        # Names are sorted by their UTF-16 code units, not by code points.
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return f"{{{','.join(f'{_text(name)}:{canonical(value[name])}' for name in names)}}}"
    raise InvalidInput(f"A {type(value).__name__} cannot be written as canonical JSON.")


def digest(value: Any) -> str:
    """The SHA-256 of a value as canonical JSON, in hex; raises as ``canonical``."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"The text {ascii(value)[:80]} is not valid Unicode.") from None
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise InvalidInput(f"{value} cannot be written as JSON.")
    if value == 0:
        return "0"
    _, parts, power = Decimal(repr(abs(value))).normalize().as_tuple()
    assert isinstance(power, int)
    digits = "".join(map(str, parts))
    sign, point = "-" if value < 0 else "", len(digits) + power
    if len(digits) <= point <= 21:
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"
