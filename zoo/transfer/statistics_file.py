"""Statistics as a safetensors file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from zoo.errors import DataError, needs_extra, storage_errors
from zoo.transfer.statistics import Statistics

FORMAT = "zoo-statistics-2"


def write(statistics: Statistics, path: Path) -> None:
    """Write ``statistics`` under a temporary name beside ``path``, then put it in place.

    Raises:
        StorageError: the file cannot be written.
    """
    with needs_extra("torch", "save statistics"):
        from safetensors.numpy import save
    tensors, header = statistics.to_tensors()
    content = save({name: np.array(value, order="C") for name, value in tensors.items()}, {"format": FORMAT, **header})
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with storage_errors(path):
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def read(path: Path) -> Statistics:
    """Read what ``write`` wrote.

    Raises:
        StorageError: the file cannot be read.
        DataError: it holds something else, was cut short, or is of another version.
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
    return Statistics.from_tensors(tensors, header)
