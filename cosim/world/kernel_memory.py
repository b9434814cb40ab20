"""Handing compiled code its arrays: one table of addresses instead of eighty arguments.

To hand an array to compiled code takes Python about a tenth of a microsecond, and a world has some
eighty of them. So their addresses and shapes stand in one table; a compiled entry point takes that
table alone and makes its arrays from it, which costs nothing. Types and dimensions come from the
annotations of the records. Whoever fills a table keeps its arrays alive
(:mod:`cosim.world.memory`).
"""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np import arrayobj
from numba.np.numpy_support import from_dtype

from cosim.world.kernel_contract import Contract
from cosim.world.kernel_grid import Grid
from cosim.world.kernel_seat import Seat
from cosim.world.kernel_state import Farm, Rules

# the compiler's own functions carry no types
_make_array: Any = arrayobj.make_array
_populate_array: Any = arrayobj.populate_array
_named_tuple: Any = types.NamedTuple
_raw_memcpy: Any = cgutils.raw_memcpy

COLUMNS = 4  # address and up to three extents
RECORDS = (Farm, Rules, Grid, Seat, Contract)


def kinds(record: type[Any]) -> list[tuple[np.dtype[Any], int]]:
    """Element type and dimensions of each array of a record, from its annotations."""
    hints = get_type_hints(record, include_extras=True)
    found = []
    for name in record._fields:
        array, dimensions = get_args(hints[name])
        found.append((np.dtype(get_args(get_args(array)[1])[0]), int(dimensions)))
    return found


def first_row(record: type[Any]) -> int:
    """Where the arrays of a record begin in the table."""
    before = RECORDS[: RECORDS.index(record)]
    return sum(len(other._fields) for other in before)


KINDS = {record: kinds(record) for record in RECORDS}
FIRST_ROW = {record: first_row(record) for record in RECORDS}


def _reader(record: type[Any]) -> Any:
    """Make the function that takes a record's arrays from the table, for compiled code."""
    arrays = [types.Array(from_dtype(kind), n, "C") for kind, n in KINDS[record]]
    first = FIRST_ROW[record]

    @intrinsic
    def read(_typing: Any, memory: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            table = _make_array(signature.args[0])(context, builder, arguments[0]).data
            word = context.get_value_type(types.intp)

            def entry(row: int, column: int) -> Any:
                at = context.get_constant(types.intp, row * COLUMNS + column)
                return builder.load(builder.gep(table, [at]))

            def array(row: int, kind: types.Array) -> Any:
                made = _make_array(kind)(context, builder)
                shape = [entry(row, 1 + axis) for axis in range(kind.ndim)]
                item = context.get_abi_sizeof(context.get_data_type(kind.dtype))
                strides = [word(item)]
                for extent in reversed(shape[1:]):
                    strides.insert(0, builder.mul(strides[0], extent))
                data = builder.inttoptr(entry(row, 0), made.data.type)
                _populate_array(made, data, shape, strides, item, meminfo=None)
                return made._getvalue()

            values = [array(first + k, kind) for k, kind in enumerate(arrays)]
            return context.make_tuple(builder, signature.return_type, values)

        return _named_tuple(arrays, record)(memory), generate

    return read


read_farm = _reader(Farm)
read_rules = _reader(Rules)
read_grid = _reader(Grid)
read_seat = _reader(Seat)
read_contract = _reader(Contract)


def _copying(_typing: Any, to: Any, origin: Any, count: Any) -> Any:
    """Copy so many bytes from one address to another, for compiled code."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        byte = context.get_value_type(types.uint8).as_pointer()
        here, there = (builder.inttoptr(address, byte) for address in arguments[:2])
        _raw_memcpy(builder, here, there, arguments[2], 1)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), generate


copy_bytes: Any = intrinsic(_copying)
