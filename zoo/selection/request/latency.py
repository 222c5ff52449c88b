"""Published latencies of models."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.entities import Entity, ModelCard


@dataclass(frozen=True)
class Latency(Entity):
    """A published latency; ``machine`` is where it was measured, ``source`` the publication."""

    milliseconds: float
    machine: str
    source: str


def reported(card: ModelCard, device: str) -> Latency | None:
    """The published milliseconds per image on a machine like ``device``; None if there is none.

    CPU figures are for a desktop processor, accelerator figures for a large GPU; on other machines only the order of
    magnitude applies.
    """
    from zoo.catalog import costs
    from zoo.selection.request.memory import image_size

    found = costs.cost(str(card.loader.get("architecture", "")), image_size(card))
    if found is None:
        return None
    milliseconds, machine = (found.cpu_ms, costs.CPU) if device == "cpu" else (found.gpu_ms, costs.GPU)
    return None if milliseconds is None else Latency(milliseconds, machine, costs.SOURCE)
