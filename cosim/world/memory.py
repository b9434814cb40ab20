"""The table of addresses by which Python hands its arrays to compiled code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.world.kernel_memory import COLUMNS, FIRST_ROW, KINDS, RECORDS


class Memory:
    """Where the arrays of a world stand; keeps them alive.

    Attributes:
        table: address and extents of each array, shape (arrays, 4); zeros where none was put.
    """

    def __init__(self) -> None:
        self.table = np.zeros((sum(len(r._fields) for r in RECORDS), COLUMNS), dtype=np.int64)
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
        for row, array in enumerate(record, start=FIRST_ROW[kind]):
            self.table[row, 0] = array.ctypes.data
            self.table[row, 1 : 1 + array.ndim] = array.shape
        self._kept[kind] = record


def _unlike(record: Any) -> Iterator[str]:
    """What is wrong with the arrays of a record, one sentence each."""
    kind = type(record)
    for name, array, (dtype, dimensions) in zip(kind._fields, record, KINDS[kind], strict=True):
        if array.dtype != dtype or array.ndim != dimensions:
            said = f"{kind.__name__}.{name} is {array.dtype} of {array.ndim} dimensions"
            yield f"{said}, not {dtype} of {dimensions}"
        elif not array.flags.c_contiguous:
            yield f"{kind.__name__}.{name} has gaps; copy it"


class Still:
    """Arrays as they stood at one instant."""

    def __init__(self, arrays: Iterable[NDArray[Any]]) -> None:
        self._pairs = [(array, array.copy()) for array in arrays]

    def put_back(self) -> None:
        """Make the arrays what they were."""
        for array, then in self._pairs:
            array[...] = then
