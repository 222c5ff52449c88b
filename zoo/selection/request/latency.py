"""Published latencies of models."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.entities import Entity, ModelCard


@dataclass(frozen=True)
class Latency(Entity):
    """A published latency; ``machine`` is where it was measured, ``source`` who reports it."""

    milliseconds: float
    machine: str
    source: str


def reported(card: ModelCard, device: str) -> Latency | None:
    """The published milliseconds per image on a machine like ``device``; None where there are none.

    A CPU's figure is that of a desktop processor, an accelerator's that of a large card: the order of magnitude holds
    elsewhere, the figure does not.
    """
    from zoo.catalog import costs
    from zoo.selection.request.memory import image_size

    found = costs.cost(str(card.loader.get("architecture", "")), image_size(card))
    if found is None:
        return None
    milliseconds, machine = (found.cpu_ms, costs.CPU) if device == "cpu" else (found.gpu_ms, costs.GPU)
    return None if milliseconds is None else Latency(milliseconds, machine, costs.SOURCE)
