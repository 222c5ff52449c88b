"""Compute that a run uses: operations counted on one batch of each kind, and energy where it can be measured."""

from __future__ import annotations

from zoo.compute.meter import Meter, counted, current, metering
from zoo.compute.records import energy_text, flop_text, operations, summed

__all__ = ["Meter", "counted", "current", "energy_text", "flop_text", "metering", "operations", "summed"]
