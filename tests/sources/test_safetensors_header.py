"""The strict header parser, against the reference writer and against malformed files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from zoo.errors import IntegrityError
from zoo.sources.files.safetensors_header import MAX_HEADER_BYTES, parse_header, read_header

TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def header(**tensors: object) -> bytes:
    return json.dumps(tensors).encode()


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"),
        st.tuples(
            st.sampled_from(["float32", "float16", "int64", "uint8", "bool"]), st.lists(st.integers(0, 4), max_size=3)
        ),
        max_size=5,
    )
)
def test_what_the_reference_writer_writes_is_read(shapes: dict[str, tuple[str, list[int]]]) -> None:
    arrays = {name: np.zeros(shape, dtype=dtype) for name, (dtype, shape) in shapes.items()}
    content = save(arrays)
    length = int.from_bytes(content[:8], "little")
    parsed = parse_header(content[8 : 8 + length], len(content) - 8 - length)
    assert {name: entry.shape for name, entry in parsed.tensors.items()} == {n: a.shape for n, a in arrays.items()}
    assert parsed.parameters == sum(array.size for array in arrays.values())


@given(st.binary(max_size=300))
def test_any_bytes_are_either_read_or_refused(content: bytes) -> None:
    try:
        parsed = parse_header(content, 16)
    except IntegrityError:
        return
    assert sum(entry.end - entry.start for entry in parsed.tensors.values()) == 16


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_changed_byte_is_read_as_the_reference_reads_it_or_refused(position: int, value: int) -> None:
    content = bytearray(save({"a": np.zeros(3, np.float32), "b": np.ones((2, 2), np.float16)}))
    content[position % len(content)] = value
    length = int.from_bytes(content[:8], "little")
    if length > len(content):
        return
    try:
        parsed = parse_header(bytes(content[8 : 8 + length]), len(content) - 8 - length)
    except IntegrityError:
        return
    if all(entry.dtype in {"F32", "F16", "I32", "U32", "I16", "U16", "U8", "I8"} for entry in parsed.tensors.values()):
        assert {n: a.shape for n, a in load(bytes(content)).items()} == {n: e.shape for n, e in parsed.tensors.items()}


@pytest.mark.parametrize(
    ("content", "data", "message"),
    [
        (b"", 0, "JSON"),
        (b"[]", 0, "JSON"),
        (b'{"a": NaN}', 0, "NaN"),
        (b'{"a": 1, "a": 2}', 0, "twice"),
        (b'{"a": {"dtype": "F32", "dtype": "F32", "shape": [], "data_offsets": [0, 4]}}', 4, "twice"),
        (b"{" + b'"a":{' * 5000, 0, "JSON"),
        (b"\xff\xfe{}", 0, "JSON"),
        (b'{"a": ' + b"9" * 6000 + b"}", 0, "JSON"),
        (header(__metadata__={"a": 1}), 0, "__metadata__"),
        (header(__metadata__=[]), 0, "__metadata__"),
        (header(a=[]), 0, "exactly"),
        (header(a={**TENSOR, "more": 1}), 8, "exactly"),
        (header(a={**TENSOR, "dtype": "F31"}), 8, "unknown dtype"),
        (header(a={**TENSOR, "dtype": ["F32"]}), 8, "unknown dtype"),
        (header(a={**TENSOR, "shape": [-2]}), 8, "shape"),
        (header(a={**TENSOR, "shape": [True, 2]}), 8, "shape"),
        (header(a={**TENSOR, "shape": [2.0]}), 8, "shape"),
        (header(a={**TENSOR, "shape": [2**62, 2**62]}), 8, "takes 8 bytes"),
        (header(a={**TENSOR, "shape": [2**62] * 5000}), 8, "takes 8 bytes"),
        (header(a={**TENSOR, "data_offsets": [0]}), 8, "positions"),
        (header(a={**TENSOR, "data_offsets": [8, 0]}), 8, "takes -8 bytes"),
        (header(a={**TENSOR, "data_offsets": [0, 4]}), 8, "takes 4 bytes"),
        (header(a={"dtype": "F4", "shape": [3], "data_offsets": [0, 1]}), 1, "need 12 bits"),
        (header(a={**TENSOR, "data_offsets": [4, 12]}), 12, "gap"),
        (header(a=TENSOR, b={**TENSOR, "data_offsets": [4, 12]}), 12, "overlaps"),
        (header(a=TENSOR), 4, "need 8 bytes"),
        (header(a=TENSOR), 9, "belong to no tensor"),
    ],
)
def test_malformed_headers_are_refused(content: bytes, data: int, message: str) -> None:
    with pytest.raises(IntegrityError, match=message):
        parse_header(content, data)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "fewer than the 8"),
        ((MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b"{}", "more than"),
        ((2**64 - 1).to_bytes(8, "little") + b"{}", "more than"),
        ((100).to_bytes(8, "little") + b"{}", "claims 100 bytes"),
    ],
)
def test_a_length_that_lies_is_refused_before_anything_is_read(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=message):
        read_header(path)


def test_a_files_header_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(save({"a": np.zeros((2, 3), np.float32)}, metadata={"format": "np"}))
    assert read_header(path).parameters == 6
    assert read_header(path).metadata == {"format": "np"}
