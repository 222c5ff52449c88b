"""Records of compute: sums of them, and what they say in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zoo.compute.meter import METHOD

Record = Mapping[str, Any]


def summed(records: Iterable[Record | None]) -> dict[str, Any]:
    """The sum of records as ``Meter.record`` makes them; what one of them lacks is not known for the sum."""
    every = list(records)
    found = [one for one in every if one]
    stages: dict[str, int | None] = {}
    for one in found:
        for name, flop in one.get("stages", {}).items():
            before = stages.get(name, 0)
            stages[name] = None if flop is None or before is None else before + flop
    flops = [operations(one) for one in every]
    total: dict[str, Any] = {
        "flop": None if not flops or None in flops else sum(flop or 0 for flop in flops),
        "stages": dict(sorted(stages.items())),
        "method": METHOD,
    }
    if cached := sum(one.get("cached", 0) for one in found):
        total["cached"] = cached
    if found and len(found) == len(every) and all("joules" in one for one in found):
        total["joules"] = round(sum(one["joules"] for one in found), 3)
    return total


def operations(record: Record | None) -> int | None:
    """Floating-point operations of a record; None if they are not known."""
    flop = (record or {}).get("flop")
    return round(flop) if isinstance(flop, (int, float)) and not isinstance(flop, bool) else None


def flop_text(record: Record | None) -> str:
    """Operations in words: ``3.1e+15 FLOP (estimated from one counted batch)``."""
    if record is None:
        return "not recorded"
    flop = operations(record)
    if flop is None:
        return f"not known ({_why(record)})"
    cached = record.get("cached", 0)
    if not flop and cached:
        return f"0 FLOP (the features of {cached:,} samples were cached)"
    also = f"; the features of {cached:,} samples were cached" if cached else ""
    return f"{amount(flop)} FLOP (estimated from {METHOD}{also})"


def energy_text(record: Record | None) -> str:
    """Energy in words: ``412 J``, or ``not measured``."""
    joules = (record or {}).get("joules")
    return "not measured" if joules is None else f"{joules:,.0f} J (RAPL; all processes of this machine)"


def amount(flop: float) -> str:
    """A number of operations with two digits: ``3.1e15``."""
    digits, _, exponent = f"{flop:.1e}".partition("e")
    return f"{digits}e{int(exponent)}"


def _why(record: Record) -> str:
    names = [name for name, flop in record.get("stages", {}).items() if flop is None]
    if not names:
        return "nothing ran on this machine that could be counted"
    return f"{' and '.join(names)}: the model does not run in torch, or by operations that cannot be counted"
