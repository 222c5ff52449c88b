"""Statistics as a safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zoo.atomic import replacing
from zoo.errors import DataError, needs_extra, storage_errors

FORMAT = "zoo-statistics-2"


def write(tensors: Mapping[str, np.ndarray], header: Mapping[str, str], path: Path) -> None:
    """Write under a temporary name beside ``path``, then rename.

    Raises:
        StorageError: the file cannot be written.
    """
    with needs_extra("torch", "save statistics"):
        from safetensors.numpy import save
    content = save({name: np.array(value, order="C") for name, value in tensors.items()}, {"format": FORMAT, **header})
    with replacing(path) as place:
        place.write_bytes(content)


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Tensors and header of a file written by ``write``.

    Raises:
        StorageError: the file cannot be read.
        DataError: it holds something else, is truncated, or has another format version.
    """
    with needs_extra("torch", "load statistics"):
        from safetensors import SafetensorError, safe_open
    with storage_errors(path, "read"):
        path.open("rb").close()
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise DataError(f"{path} does not hold statistics: {error}.", "Compute them again.") from error
    if header.get("format") != FORMAT:
        found = header.get("format", "unknown")
        raise DataError(f"{path} does not hold statistics of the format {FORMAT}, but {found}.", "Compute them again.")
    return tensors, header
