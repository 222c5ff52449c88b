"""Extracts features and writes them to files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.contract.backbone import Progress
from zoo.contract.reader import ReadOptions
from zoo.entities import Entity, Problem
from zoo.errors import StorageError
from zoo.features import load
from zoo.features.files import suffix_of, write_features
from zoo.features.reading import read_for


@dataclass(frozen=True)
class WrittenFeatures(Entity):
    """A file of features.

    Attributes:
        bytes: size of the file.
        seconds: duration of the extraction, for all layers together.
        samples_per_second: speed of the extraction.
        skipped: items of the data that could not be used, with the reason.
        columns: columns of a table, by their use.
        notes: notes on how the data were read, in sentences.
        compute: of the extraction, for all layers together, see ``zoo.compute.Meter.record``.
    """

    path: Path
    layer: str
    samples: int
    dimensions: int
    bytes: int
    seconds: float
    samples_per_second: float
    skipped: tuple[Problem, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    compute: Mapping[str, Any] = field(default_factory=dict)


def extract_to(
    path: str | Path,
    model: str,
    data: str,
    *,
    layers: Sequence[str] = (),
    batch_size: int | None = None,
    device: str | None = None,
    dtype: str = "auto",
    cache: bool = True,
    progress: Progress | None = None,
    read: ReadOptions | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[WrittenFeatures]:
    """Extract and write features, one file per layer: ``x.npz``, or with several layers ``x.LAYER.npz``.

    ``read`` and ``options`` are as in ``zoo.read``, with settings of the model, such as ``max_cost``. Without a task,
    the model decides how the data are read.

    Cached features are not computed again unless ``cache`` is False. An invalid path is reported before the model runs.

    Raises:
        ZooError: as ``zoo.features.load``, ``Model.extract`` and ``write_features``.
    """
    from zoo.config import configured
    from zoo.data import notes_on, read_with
    from zoo.data.arguments import read_options
    from zoo.plugins.options import settings_of
    from zoo.sources import resolve

    path, given = Path(path), read_options("features", data, read, options=options)
    suffix_of(path)
    if not path.absolute().parent.is_dir():
        raise StorageError(
            f"There is no folder '{path.parent}' to write '{path.name}' into.", f"mkdir -p {path.parent}"
        )
    dataset = read_with(data, given) if given.task else read_for(resolve(model), data, given)
    with configured(settings_of("features", options)):
        loaded = load(model, device=device, dtype=dtype, progress=progress, action="features")
        found = loaded.extract(dataset, layers, batch_size, progress, cache=cache)
    by_layer = found if isinstance(found, dict) else {found.layer: found}
    written = []
    for layer, features in by_layer.items():
        target = path if len(by_layer) == 1 else path.with_name(f"{path.stem}.{layer}{path.suffix}")
        write_features(target, features)
        samples, dimensions = features.values.shape
        seconds = float(features.provenance["seconds"])
        speed = round(samples / seconds, 2) if seconds else 0.0
        written.append(
            WrittenFeatures(
                target,
                layer,
                samples,
                dimensions,
                target.stat().st_size,
                seconds,
                speed,
                dataset.problems,
                dict(dataset.columns),
                notes_on(dataset),
                features.provenance["compute"],
            )
        )
    return written
