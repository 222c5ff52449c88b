"""A registry's content as one Parquet file, one row per item, for tools that read tables.

The column ``kind`` holds the kind of the item; the other columns are the fields of all kinds. Lists of texts are lists,
mappings and files are JSON text, and missing values are null.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from zoo.atomic import replacing
from zoo.entities import Entity
from zoo.errors import DataError, needs_extra
from zoo.exchange.formats import KINDS
from zoo.untrusted import parse_json

BATCH = 5000
_NUMBERS = {int: "int64", float: "float64", bool: "bool"}


def write(items: Iterable[Entity], target: str) -> Iterator[Entity]:
    """Write items to a file in constant memory and yield each after it is written; the file is written atomically.

    Raises:
        StorageError: the file cannot be written; an existing file of that name stays unchanged.
        MissingExtra: pyarrow is not installed.
    """
    with needs_extra("data", "write Parquet files"):
        import pyarrow as pa
        from pyarrow import parquet
    schema = pa.schema([("kind", pa.string()), *((name, _arrow(form)) for name, form in _columns().items())])
    stream = iter(items)
    with (
        replacing(Path(target).expanduser()) as place,
        parquet.ParquetWriter(place, schema, compression="zstd") as writer,
    ):
        while batch := list(islice(stream, BATCH)):
            writer.write_table(pa.Table.from_pylist([_row(item) for item in batch], schema=schema))
            yield from batch


def read(source: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The kind, the fields and the position of each row.

    Raises:
        DataError: it is not a Parquet file, or has no column ``kind``.
        MissingExtra: pyarrow is not installed.
    """
    with needs_extra("data", "read Parquet files"):
        import pyarrow as pa
        from pyarrow import parquet
    columns = _columns()
    number = 0
    try:
        with parquet.ParquetFile(Path(source).expanduser()) as file:
            if "kind" not in file.schema_arrow.names:
                raise DataError(f"{source} has no column 'kind'.", "It must be a file written by 'zoo export'.")
            for batch in file.iter_batches(BATCH):
                for row in batch.to_pylist():
                    number += 1
                    place = f"{source}, row {number}"
                    kind = row.pop("kind")
                    yield str(kind), {k: _value(k, v, columns, place) for k, v in row.items() if v is not None}, place
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:150]
        raise DataError(f"{source} cannot be read as Parquet: {reason}.", "Check the path and the file.") from error


def _row(item: Entity) -> dict[str, Any]:
    kind = next(name for name, one in KINDS.items() if isinstance(item, one))
    columns = _columns()
    row: dict[str, Any] = {"kind": kind}
    for field in dataclasses.fields(item):  # type: ignore[arg-type]
        value = item.to_dict()[field.name] if columns[field.name] == "json" else getattr(item, field.name)
        if columns[field.name] == "json":
            row[field.name] = json.dumps(value, ensure_ascii=False, sort_keys=True) if value else None
        else:
            row[field.name] = list(value) if isinstance(value, tuple) else value
    return row


def _value(name: str, value: Any, columns: Mapping[str, str], place: str) -> Any:
    if columns.get(name) != "json":
        return value
    try:
        return parse_json(value)
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{place}: the column '{name}' is not JSON.", "Export the registry again.") from error


def _columns() -> dict[str, str]:
    """The storage type of the fields of all kinds, by name: a number, ``text``, ``texts`` or ``json``."""
    found: dict[str, str] = {}
    for kind in KINDS.values():
        hints = typing.get_type_hints(kind)
        for field in dataclasses.fields(kind):  # type: ignore[arg-type]
            form = _form(hints[field.name])
            # If two kinds store a field differently, both store it as JSON.
            found[field.name] = form if found.get(field.name, form) == form else "json"
    return found


def _form(hint: Any) -> str:
    arguments = typing.get_args(hint)
    kind = next(one for one in arguments if one is not type(None)) if type(None) in arguments else hint
    if kind in _NUMBERS:
        return _NUMBERS[kind]
    if kind is str:
        return "text"
    return "texts" if typing.get_args(kind)[:1] == (str,) and typing.get_origin(kind) is tuple else "json"


def _arrow(form: str) -> Any:
    import pyarrow as pa

    if form == "texts":
        return pa.list_(pa.string())
    return pa.string() if form in {"text", "json"} else getattr(pa, form.replace("bool", "bool_"))()
