"""Everything needed to repeat an extraction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from zoo.entities import Dataset, ModelCard
from zoo.provenance import revision_of


def provenance(
    card: ModelCard,
    dataset: Dataset,
    *,
    layer: str,
    device: str,
    dtype: str,
    seconds: float,
    revision: str | None,
    computed: int,
    versions: Mapping[str, str],
    compute: Mapping[str, Any],
) -> dict[str, Any]:
    """Model, revision, data, layer, device, versions, seconds, compute and time of an extraction, as plain JSON values.

    Args:
        computed: samples computed by a forward pass; the others were cached, or equal one of these.
        versions: of what computed the features.
        compute: of the extraction, for all layers together, see ``zoo.compute.Meter.record``.
    """
    return {
        "model": card.id,
        "revision": revision or revision_of(card),
        "data": dataset.name,
        "fingerprint": dataset.fingerprint,
        "samples": len(dataset),
        "computed": computed,
        "layer": layer,
        "device": device,
        "dtype": dtype,
        "seconds": round(seconds, 4),
        "versions": dict(versions),
        "compute": dict(compute),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
