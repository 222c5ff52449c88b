"""Writes features to .safetensors, .npz and .parquet files and reads them back, without pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.atomic import replacing
from zoo.entities import Features
from zoo.errors import DataError, InvalidInput, needs_extra
from zoo.untrusted import parse_json

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = (".safetensors", ".npz", ".parquet")
"""The formats, by suffix."""


def write_features(path: str | Path, features: Features) -> Path:
    """Write ``features`` (n x d, float32), ``targets`` if there are any, and the provenance; returns the path.

    The file is written atomically.

    Raises:
        InvalidInput: the suffix is not one of ``SUFFIXES``.
        StorageError: the folder is missing or read-only, or the disk is full.
        MissingExtra: the package for this format is not installed.
    """
    path = Path(path)
    write = {".safetensors": _write_safetensors, ".npz": _write_npz, ".parquet": _write_parquet}[suffix_of(path)]
    with replacing(path) as place:
        write(place, features)
    return path


def read_features(path: str | Path) -> Features:
    """The features that ``write_features`` wrote.

    Raises:
        InvalidInput: the suffix is not one of ``SUFFIXES``.
        DataError: there is no such file, or it holds no features.
        MissingExtra: the package for this format is not installed.
    """
    path = Path(path)
    read = {".safetensors": _read_safetensors, ".npz": _read_npz, ".parquet": _read_parquet}[suffix_of(path)]
    if not path.is_file():
        raise DataError(f"There is no file '{path}'.")
    try:
        return read(path)
    except (DataError, MemoryError, ModuleNotFoundError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise DataError(
            f"'{path}' is not a readable file of features: {reason}.",
            "Write it again with: zoo features MODEL DATA -o FILE",
        ) from error


def suffix_of(path: Path) -> str:
    """The suffix in lower case, one of ``SUFFIXES``; raises ``InvalidInput`` for any other."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidInput(
            f"'{path.name}' does not have the suffix of a feature format.", f"Use one of: {', '.join(SUFFIXES)}."
        )
    return suffix


def _metadata(features: Features) -> dict[str, str]:
    return {
        "format": "zoo.features/1",
        "model": features.model,
        "layer": features.layer,
        "classes": json.dumps(list(features.classes), ensure_ascii=False),
        "provenance": json.dumps(dict(features.provenance), ensure_ascii=False, sort_keys=True),
    }


def _features(values: np.ndarray, targets: np.ndarray | None, metadata: Mapping[str, str]) -> Features:
    import numpy as np

    if values.ndim != 2 or (targets is not None and (targets.ndim not in {1, 2} or len(targets) != len(values))):
        raise DataError(f"The features have the shape {values.shape}; expected n x d, with n targets or none.")
    return Features(
        model=metadata.get("model", ""),
        layer=metadata.get("layer", ""),
        values=np.ascontiguousarray(values, dtype=np.float32),
        targets=targets,
        classes=tuple(parse_json(metadata.get("classes", "[]"), finite=False)),
        provenance=parse_json(metadata.get("provenance", "{}"), finite=False),
    )


def _tensors(features: Features) -> dict[str, np.ndarray]:
    import numpy as np

    tensors = {"features": np.ascontiguousarray(features.values, dtype=np.float32)}
    if features.targets is not None:
        tensors["targets"] = np.ascontiguousarray(features.targets)
    return tensors


def _write_safetensors(path: Path, features: Features) -> None:
    with needs_extra("torch", "write .safetensors files"):
        from safetensors import SafetensorError
        from safetensors.numpy import save_file
    path.touch()
    usual = path.stat().st_mode
    try:
        save_file(_tensors(features), path, metadata=_metadata(features))
        path.chmod(usual)  # safetensors makes its files readable by the owner only, whatever the umask
    except SafetensorError as error:
        # For a full disk or a missing folder the library raises its own error.
        raise OSError(" ".join(str(error).split()).rstrip(".")) from error


def _read_safetensors(path: Path) -> Features:
    with needs_extra("torch", "read .safetensors files"):
        from safetensors import safe_open
    with safe_open(path, framework="numpy") as opened:
        names = set(opened.keys())
        targets = opened.get_tensor("targets") if "targets" in names else None
        return _features(opened.get_tensor("features"), targets, opened.metadata() or {})


def _write_npz(path: Path, features: Features) -> None:
    import numpy as np

    with path.open("xb") as handle:
        np.savez(handle, **_tensors(features), metadata=np.array(json.dumps(_metadata(features))))  # type: ignore[arg-type]


def _read_npz(path: Path) -> Features:
    import numpy as np

    with np.load(path, allow_pickle=False) as opened:
        metadata = parse_json(str(opened["metadata"]), finite=False) if "metadata" in opened else {}
        return _features(opened["features"], opened.get("targets"), metadata)


def _write_parquet(path: Path, features: Features) -> None:
    with needs_extra("data", "write .parquet files"):
        import pyarrow as pa
        import pyarrow.parquet as pq
    tensors = _tensors(features)
    width = tensors["features"].shape[1]
    columns: dict[str, Any] = {
        "features": pa.FixedSizeListArray.from_arrays(pa.array(tensors["features"].ravel()), width)
    }
    if "targets" in tensors:
        targets = tensors["targets"]
        columns["targets"] = (
            pa.array(targets)
            if targets.ndim == 1
            else pa.FixedSizeListArray.from_arrays(pa.array(targets.ravel()), targets.shape[1])
        )
    table = pa.table(columns).replace_schema_metadata(_metadata(features))
    with path.open("xb") as handle:
        pq.write_table(table, handle)


def _read_parquet(path: Path) -> Features:
    import numpy as np

    with needs_extra("data", "read .parquet files"):
        import pyarrow.parquet as pq
    with path.open("rb") as handle:
        table = pq.read_table(handle)
    column = table["features"].combine_chunks()
    width = column.type.list_size
    values = np.asarray(column.flatten()).reshape(-1, width)
    targets = None
    if "targets" in table.column_names:
        found = table["targets"].combine_chunks()
        wide = hasattr(found.type, "list_size")
        targets = np.asarray(found.flatten()).reshape(-1, found.type.list_size) if wide else np.asarray(found)
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    return _features(values, targets, metadata)
