"""Handing compiled code its arrays: one table of addresses instead of eighty arguments.

To hand an array to compiled code takes Python about a tenth of a microsecond, and a world has some
eighty of them. So their addresses and shapes stand in one table; a compiled entry point takes that
table alone and makes its arrays from it, which costs nothing. Types and dimensions come from the
annotations of the records. Whoever fills a table keeps its arrays alive
(:mod:`cosim.world.memory`).
"""

from __future__ import annotations

import operator
from typing import Any, cast, get_args, get_type_hints

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.imputils import lower_builtin, lower_getattr_generic
from numba.core.typing import templates
from numba.extending import intrinsic, register_model
from numba.np import arrayobj
from numba.np.numpy_support import from_dtype

from cosim.world.kernel_contract import Contract
from cosim.world.kernel_grid import Grid
from cosim.world.kernel_seat import Seat
from cosim.world.kernel_state import Farm, Rules

# the compiler's own functions carry no types
_primitive_model: Any = models.PrimitiveModel
_make_array: Any = arrayobj.make_array
_populate_array: Any = arrayobj.populate_array
_infer_getattr: Any = templates.infer_getattr
_lower_getattr_generic: Any = lower_getattr_generic
_register_model: Any = register_model
_getitem: Any = arrayobj.getitem_arraynd_intp
_getitem_tuple: Any = arrayobj.getitem_array_tuple
_setitem: Any = arrayobj.setitem_array
_lower: Any = lower_builtin
_unpack: Any = cgutils.unpack_tuple
_tuple: Any = types.Tuple
_raw_memcpy: Any = cgutils.raw_memcpy

COLUMNS = 4  # address and up to three extents
RECORDS = (Farm, Rules, Grid, Seat, Contract)


def fields(record: type[Any]) -> list[str]:
    """The arrays of a record: all but the address of the table itself."""
    return [name for name in record._fields if name != "memory"]


def kinds(record: type[Any]) -> list[tuple[np.dtype[Any], int]]:
    """Element type and dimensions of each array of a record, from its annotations."""
    hints = get_type_hints(record, include_extras=True)
    found = []
    for name in fields(record):
        array, dimensions = get_args(hints[name])
        found.append((np.dtype(get_args(get_args(array)[1])[0]), int(dimensions)))
    return found


def first_row(record: type[Any]) -> int:
    """Where the arrays of a record begin in the table."""
    before = RECORDS[: RECORDS.index(record)]
    return sum(len(fields(other)) for other in before)


KINDS = {record: kinds(record) for record in RECORDS}
FIRST_ROW = {record: first_row(record) for record in RECORDS}


class Column(types.Array):
    """An array of the table: its places count from the beginning, never back from the end.

    To ask of every index whether it is negative takes a tenth of the time that kernels run.
    """

    def __init__(self, kind: np.dtype[Any], dimensions: int) -> None:
        element = from_dtype(kind)
        name = f"column({element}, {dimensions}d)"
        super().__init__(element, dimensions, "C", name=name)


_register_model(Column)(models.ArrayModel)


def _unsigned(context: Any, builder: Any, kind: types.Type, index: Any) -> tuple[Any, Any]:
    """An index, or a tuple with such, as it is; whole numbers without their sign."""
    if isinstance(kind, types.Integer):
        return types.uintp, context.cast(builder, index, kind, types.intp)
    if not isinstance(kind, types.BaseTuple):
        return kind, index
    parts = zip(tuple(cast("Any", kind)), _unpack(builder, index, len(kind)), strict=True)
    found = [_unsigned(context, builder, *part) for part in parts]
    whole = _tuple([part for part, _ in found])
    return whole, context.make_tuple(builder, whole, [value for _, value in found])


def _take(lower: Any) -> Any:
    """Lowering of ``column[index]`` by that of arrays."""

    def take(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        column, kind = signature.args
        kind, index = _unsigned(context, builder, kind, arguments[1])
        return lower(context, builder, signature.return_type(column, kind), (arguments[0], index))

    return take


def _put(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Lowering of ``column[index] = value`` by that of arrays."""
    column, kind, value = signature.args
    kind, index = _unsigned(context, builder, kind, arguments[1])
    changed = signature.return_type(column, kind, value)
    return _setitem(context, builder, changed, (arguments[0], index, arguments[2]))


_lower(operator.getitem, Column, types.Integer)(_take(_getitem))
_lower(operator.getitem, Column, types.BaseTuple)(_take(_getitem_tuple))
_lower(operator.setitem, Column, types.Any, types.Any)(_put)


class Handle(types.Type):
    """A record in compiled code: the address of the table, from which each array is read.

    A tuple of fifty arrays would travel as four hundred words through every function that takes
    it, and to compile that takes minutes.
    """

    def __init__(self, name: str) -> None:
        self.record = name
        super().__init__(name=f"Handle({name})")


def _begin_model(self: Any, manager: Any, kind: Handle) -> None:
    _primitive_model.__init__(self, manager, kind, ir.IntType(64).as_pointer())


_HandleModel = type("HandleModel", (models.PrimitiveModel,), {"__init__": _begin_model})
_register_model(Handle)(_HandleModel)


def _type_of(_self: Any, kind: Handle, name: str) -> Any:
    """Type of one of a record's arrays, or of the address itself."""
    if name == "memory":
        return types.intp
    found = _ROWS[kind.record].get(name)
    return None if found is None else found[1]


_ATTRIBUTES = {"key": Handle, "generic_resolve": _type_of}
_infer_getattr(type("HandleAttributes", (templates.AttributeTemplate,), _ATTRIBUTES))


def _read_array(context: Any, builder: Any, kind: Handle, table: Any, name: str) -> Any:
    """One array of a record, or the address of the table.

    What the table holds does not change while compiled code runs.
    """
    if name == "memory":
        return builder.ptrtoint(table, context.get_value_type(types.intp))
    row, array = _ROWS[kind.record][name]

    def entry(column: int) -> Any:
        at = context.get_constant(types.intp, row * COLUMNS + column)
        word = builder.load(builder.gep(table, [at]))
        word.set_metadata("invariant.load", builder.module.add_metadata([]))
        return word

    made = _make_array(array)(context, builder)
    shape = [entry(1 + axis) for axis in range(array.ndim)]
    item = context.get_abi_sizeof(context.get_data_type(array.dtype))
    strides = [context.get_constant(types.intp, item)]
    for extent in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], extent))
    data = builder.inttoptr(entry(0), made.data.type)
    _populate_array(made, data, shape, strides, item, meminfo=None)
    return made._getvalue()


_lower_getattr_generic(Handle)(_read_array)


def _arrays(record: type[Any]) -> dict[str, tuple[int, types.Array]]:
    """Row in the table and type of each array of a record."""
    rows = zip(fields(record), KINDS[record], strict=True)
    return {
        name: (FIRST_ROW[record] + k, Column(kind, n)) for k, (name, (kind, n)) in enumerate(rows)
    }


_ROWS = {record.__name__: _arrays(record) for record in RECORDS}


def _reader(record: type[Any]) -> Any:
    """Make the function that finds a record by the table, for compiled code."""
    kind = Handle(record.__name__)

    @intrinsic
    def read(_typing: Any, memory: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            origin, word = signature.args[0], ir.IntType(64).as_pointer()
            if isinstance(origin, types.Integer):
                return builder.inttoptr(arguments[0], word)
            return _make_array(origin)(context, builder, arguments[0]).data

        return kind(memory), generate

    return read


read_farm = _reader(Farm)
read_rules = _reader(Rules)
read_grid = _reader(Grid)
read_seat = _reader(Seat)
read_contract = _reader(Contract)


def _addressing(_typing: Any, memory: Any) -> Any:
    """Where the table of addresses itself stands, for compiled code."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        table = _make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(table, context.get_value_type(types.intp))

    return types.intp(memory), generate


address: Any = intrinsic(_addressing)


def _copying(_typing: Any, to: Any, origin: Any, count: Any) -> Any:
    """Copy so many bytes from one address to another, for compiled code."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        byte = context.get_value_type(types.uint8).as_pointer()
        here, there = (builder.inttoptr(address, byte) for address in arguments[:2])
        _raw_memcpy(builder, here, there, arguments[2], 1)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), generate


copy_bytes: Any = intrinsic(_copying)
