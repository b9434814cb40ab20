"""Arrays on disk in the open safetensors format: a length, a JSON table, the bytes of the arrays.

A file holds numbers and nothing that could be run. This reader trusts no word of it: sizes, types
and places are held against the file before an array is made.

    8 bytes: length n of the table, little-endian · n bytes: JSON {name: {dtype, shape,
    data_offsets: [first, last + 1]}} · the arrays, row by row, little-endian, without gaps

Format: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.errors import UsageError

DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "I64": "<i8",
    "I32": "<i4",
    "U8": "|u1",
    "BOOL": "|b1",
}
_NAMES = {np.dtype(code): name for name, code in DTYPES.items()}
LENGTH_BYTES = 8
MAX_TABLE_BYTES = 10_000_000


class _DamagedError(Exception):
    """What is wrong with a file, before it is known which."""


def to_bytes(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Return arrays as the content of a file; equal arrays give equal bytes.

    Raises:
        ValueError: an array is of a type that is not kept.
    """
    table: dict[str, Any] = {}
    parts: list[bytes] = []
    begin = 0
    for name in sorted(tensors):
        array = np.asarray(tensors[name])
        code = np.dtype(array.dtype).newbyteorder("<")
        if code not in _NAMES:
            raise ValueError(f"array `{name}` is of type {array.dtype}; kept are {list(DTYPES)}")
        parts.append(np.ascontiguousarray(array, dtype=code).tobytes())
        end = begin + len(parts[-1])
        shape = list(array.shape)
        table[name] = {"dtype": _NAMES[code], "shape": shape, "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % LENGTH_BYTES)
    return b"".join([len(text).to_bytes(LENGTH_BYTES, "little"), text, *parts])


def from_bytes(content: bytes, path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file's content.

    Args:
        content: the whole file.
        path: the file, for the error.

    Raises:
        UsageError: it is damaged or no such file.
    """
    try:
        return _arrays(content)
    except _DamagedError as problem:
        raise UsageError(f"{path} is damaged: {problem}") from None


def _arrays(content: bytes) -> dict[str, NDArray[Any]]:
    table, first = _table(content)
    arrays: dict[str, NDArray[Any]] = {}
    ends = [0]
    for name, row in table.items():
        if name == "__metadata__":
            continue
        code, shape, begin, end = _row(name, row)
        if first + end > len(content):
            raise _DamagedError(f"array `{name}` lies beyond the end of the file")
        flat = np.frombuffer(content[first + begin : first + end], dtype=code)
        arrays[name] = flat.reshape(shape).copy()
        ends.append(end)
    if first + max(ends) != len(content):
        raise _DamagedError(f"{len(content)} bytes, {first + max(ends)} expected")
    return arrays


def _table(content: bytes) -> tuple[dict[str, Any], int]:
    """The table and the place of the first array."""
    length = int.from_bytes(content[:LENGTH_BYTES], "little")
    first = LENGTH_BYTES + length
    if len(content) < LENGTH_BYTES or length > MAX_TABLE_BYTES or first > len(content):
        raise _DamagedError("it does not begin with a table of arrays")
    try:
        table = json.loads(content[LENGTH_BYTES:first])
    except (ValueError, RecursionError):
        raise _DamagedError("its table is not JSON") from None
    if not isinstance(table, dict):
        raise _DamagedError("its table is not a JSON object")
    return table, first


def _row(name: str, row: Any) -> tuple[str, list[int], int, int]:
    """Type, shape, first byte and last byte + 1 of an array."""
    keys = ("dtype", "shape", "data_offsets")
    if not isinstance(row, dict) or any(key not in row for key in keys):
        raise _DamagedError(f"array `{name}` lacks one of {', '.join(keys)}")
    kind, shape, offsets = (row[key] for key in keys)
    if not isinstance(kind, str) or kind not in DTYPES:
        raise _DamagedError(f"array `{name}` is of type {kind!r}; read are {', '.join(DTYPES)}")
    if not _counts(shape) or not _counts(offsets) or len(offsets) != 2:
        raise _DamagedError(f"shape or place of array `{name}` makes no sense")
    begin, end = offsets
    if end - begin != math.prod(shape) * np.dtype(DTYPES[kind]).itemsize:
        raise _DamagedError(f"array `{name}` has {end - begin} bytes, which is not its shape")
    return DTYPES[kind], shape, begin, end


def _counts(value: Any) -> bool:
    """Whether a value is a list of whole numbers that are not negative."""
    whole = isinstance(value, list) and all(type(each) is int for each in value)
    return whole and all(each >= 0 for each in value)
