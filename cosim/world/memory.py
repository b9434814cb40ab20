"""The table of addresses by which Python hands its arrays to compiled code."""

from __future__ import annotations

from collections.abc import Iterable
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
            TypeError: an array is not what its annotation says; to read it would be to read
                anything.
        """
        kind = type(record)
        first = FIRST_ROW[kind]
        for k, (array, (dtype, dimensions)) in enumerate(zip(record, KINDS[kind], strict=True)):
            if array.dtype != dtype or array.ndim != dimensions or not array.flags.c_contiguous:
                name = f"{kind.__name__}.{kind._fields[k]}"
                raise TypeError(f"{name} is {array.dtype} of {array.ndim} dimensions")
            self.table[first + k, 0] = array.ctypes.data
            self.table[first + k, 1 : 1 + dimensions] = array.shape
        self._kept[kind] = record


class Still:
    """Arrays as they stood at one instant."""

    def __init__(self, arrays: Iterable[NDArray[Any]]) -> None:
        self._pairs = [(array, array.copy()) for array in arrays]

    def put_back(self) -> None:
        """Make the arrays what they were."""
        for array, then in self._pairs:
            array[...] = then
