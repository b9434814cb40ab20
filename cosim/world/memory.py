"""The table of addresses by which Python hands its arrays to compiled code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.world.compiled import link_pieces
from cosim.world.kernel_calls import put_back
from cosim.world.kernel_memory import COLUMNS, FIRST_ROW, KINDS, RECORDS, fields


class Memory:
    """Where the arrays of a world stand; keeps them alive.

    Attributes:
        table: address and extents of each array, shape (arrays, 4); zeros where none was put.
    """

    def __init__(self) -> None:
        link_pieces()
        self.table = np.zeros((sum(len(fields(r)) for r in RECORDS), COLUMNS), dtype=np.int64)
        self._kept: dict[type[Any], Any] = {}

    def put(self, record: Any) -> None:
        """Enter a record, in the place of the former one of its type.

        Raises:
            TypeError: arrays are not what their annotations say; to read them would be to read
                anything. The table stays as it was.
        """
        kind = type(record)
        if wrong := list(_unlike(record)):
            raise TypeError("; ".join(wrong))
        for row, name in enumerate(fields(kind), start=FIRST_ROW[kind]):
            array = getattr(record, name)
            self.table[row, 0] = array.ctypes.data
            self.table[row, 1 : 1 + array.ndim] = array.shape
        self._kept[kind] = record


def _unlike(record: Any) -> Iterator[str]:
    """What is wrong with the arrays of a record, one sentence each."""
    kind = type(record)
    for name, (dtype, dimensions) in zip(fields(kind), KINDS[kind], strict=True):
        array = getattr(record, name)
        if array.dtype != dtype or array.ndim != dimensions:
            said = f"{kind.__name__}.{name} is {array.dtype} of {array.ndim} dimensions"
            yield f"{said}, not {dtype} of {dimensions}"
        elif not array.flags.c_contiguous:
            yield f"{kind.__name__}.{name} has gaps; copy it"


class Still:
    """Arrays as they stood at one instant."""

    def __init__(self, arrays: Iterable[NDArray[Any]]) -> None:
        """Copy the arrays.

        Raises:
            TypeError: one has gaps, or may not be written.
        """
        self._pairs = [(array, array.copy()) for array in arrays]
        for array, _ in self._pairs:
            if not array.flags.carray:
                raise TypeError("an array that is to be put back must be writable, without gaps")
        rows = [(array.ctypes.data, then.ctypes.data, then.nbytes) for array, then in self._pairs]
        self._copies = np.array(rows, dtype=np.int64).reshape(-1, 3)

    def put_back(self) -> None:
        """Make the arrays what they were."""
        put_back(self._copies)
