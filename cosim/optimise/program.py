"""A linear program as sparse arrays, laid out block by block and never coefficient by coefficient.

A block of columns or rows is an array of numbers of any shape, so that a model is written with the
indexing and broadcasting of numpy:

    program = Layout()
    make = program.columns((3,), upper=4.0, gain=2.0)  # three products
    hours = program.rows((), upper=10.0)               # one machine
    program.add(hours, make, [1.0, 2.0, 3.0])          # hours of each

Programs are maximised. Numbers on a row's two sides and a column's range may be infinite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Shape = tuple[int, ...]
PLACE = 1.0
"""Stands for coefficients that are not known yet, so that their places exist."""


@dataclass(frozen=True)
class Program:
    """max gain·x subject to row_lower ≤ A x ≤ row_upper and lower ≤ x ≤ upper.

    Attributes:
        gain: worth of a unit of each column, shape (columns,).
        lower: least value of each column, same shape.
        upper: greatest value, same shape.
        whole: whether it must be a whole number, same shape.
        row_lower: least value of each row, shape (rows,).
        row_upper: greatest value, same shape.
        start: first entry of each row, shape (rows + 1,).
        index: column of each entry, shape (entries,).
        value: coefficient of each entry, shape (entries,).
    """

    gain: FloatArray
    lower: FloatArray
    upper: FloatArray
    whole: BoolArray
    row_lower: FloatArray
    row_upper: FloatArray
    start: IntArray
    index: IntArray
    value: FloatArray


class Layout:
    """Collects blocks of columns, rows and coefficients; :meth:`program` puts them together."""

    def __init__(self) -> None:
        self._columns: list[tuple[FloatArray, FloatArray, FloatArray, BoolArray]] = []
        self._rows: list[tuple[FloatArray, FloatArray]] = []
        self._entries: list[tuple[IntArray, IntArray, FloatArray]] = []
        self.n_columns = self.n_rows = 0

    def columns(
        self,
        shape: Shape,
        *,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = np.inf,
        gain: ArrayLike = 0.0,
        whole: bool = False,
    ) -> IntArray:
        """Add a block of columns and return their numbers, of that shape.

        Args:
            shape: shape of the block.
            lower: least values, broadcast to it.
            upper: greatest values.
            gain: worth of a unit.
            whole: whether they must be whole numbers.
        """
        size = int(np.prod(shape))
        parts = [_flat(part, shape) for part in (gain, lower, upper)]
        self._columns.append((parts[0], parts[1], parts[2], np.full(size, whole)))
        first, self.n_columns = self.n_columns, self.n_columns + size
        return np.arange(first, self.n_columns).reshape(shape)

    def rows(
        self, shape: Shape, *, lower: ArrayLike = -np.inf, upper: ArrayLike = np.inf
    ) -> IntArray:
        """Add a block of rows and return their numbers, of that shape."""
        self._rows.append((_flat(lower, shape), _flat(upper, shape)))
        first, self.n_rows = self.n_rows, self.n_rows + int(np.prod(shape))
        return np.arange(first, self.n_rows).reshape(shape)

    def equal(self, shape: Shape, value: ArrayLike = 0.0) -> IntArray:
        """Add a block of rows that must have a value."""
        return self.rows(shape, lower=value, upper=value)

    def add(self, rows: ArrayLike, columns: ArrayLike, values: ArrayLike) -> None:
        """Add coefficients; the three are broadcast together. Equal places add up."""
        row, column, value = np.broadcast_arrays(rows, columns, np.asarray(values, np.float64))
        self._entries.append((row.ravel(), column.ravel(), value.ravel()))

    def program(self) -> Program:
        """Put the blocks together."""
        gain, lower, upper = (_joined([c[k] for c in self._columns]) for k in range(3))
        row, column, value = (_joined([e[k] for e in self._entries]) for k in range(3))
        key, where = np.unique(
            row.astype(np.int64) * max(1, self.n_columns) + column.astype(np.int64),
            return_inverse=True,
        )
        summed = np.bincount(where, weights=value, minlength=len(key)).astype(np.float64)
        kept = summed != 0.0
        owner, index = np.divmod(key[kept], max(1, self.n_columns))
        return Program(
            gain=gain,
            lower=lower,
            upper=upper,
            whole=np.concatenate([c[3] for c in self._columns]),
            row_lower=_joined([r[0] for r in self._rows]),
            row_upper=_joined([r[1] for r in self._rows]),
            start=np.searchsorted(owner, np.arange(self.n_rows + 1)),
            index=index,
            value=summed[kept],
        )


def _flat(values: ArrayLike, shape: Shape) -> FloatArray:
    return np.broadcast_to(np.asarray(values, dtype=np.float64), shape).ravel()


def _joined(parts: Sequence[NDArray[np.generic]]) -> FloatArray:
    return np.concatenate([*parts, np.zeros(0)]).astype(np.float64)
