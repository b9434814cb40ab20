"""The table through which compiled code reads its arrays, and arrays that are put back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosim.run import staged
from cosim.scenario.load import load_scenario
from cosim.world import kernel_calls
from cosim.world.arena import farm_of
from cosim.world.books import Books
from cosim.world.compiled import compiled
from cosim.world.kernel_grid import BIN_END, SLOT, Grid
from cosim.world.kernel_memory import (
    COLUMNS,
    FIRST_ROW,
    KINDS,
    RECORDS,
    fields,
    read_farm,
    read_grid,
)
from cosim.world.kernel_state import Farm, Floats, Ints, Rules
from cosim.world.memory import Memory, Still

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"


@pytest.fixture(scope="module")
def plan():
    return staged(load_scenario(TINY)).plan(1)


@compiled
def look(memory: Ints, ints: Ints, floats: Floats) -> None:
    """Read arrays of several types and dimensions."""
    farm, grid = read_farm(memory), read_grid(memory)
    ints[0], ints[1], ints[2] = farm.timing.shape[0], farm.timing.shape[1], farm.timing.shape[2]
    ints[3], ints[4] = farm.timing[2, 1, 3], farm.images[7]
    ints[5], ints[6] = 1 if farm.movable[7] else 0, len(farm.stints)
    floats[0], floats[1] = grid.bins[3, 1, 2], grid.price[4, 1]
    grid.bins[5, 0, 1] = 2.5


def test_compiled_code_reads_and_writes_the_arrays_that_were_put(plan):
    memory = Memory()
    farm, grid = farm_of(plan, memory.table.ctypes.data), Books(plan).grid
    memory.put(farm)
    memory.put(grid)
    grid.bins[3, 1, 2] = 7.5
    ints, floats = np.zeros(7, dtype=np.int64), np.zeros(2)
    look(memory.table, ints, floats)
    assert tuple(ints[:3]) == farm.timing.shape
    assert ints[3] == farm.timing[2, 1, 3]
    assert ints[4:6].tolist() == [plan.jobs.images[7], plan.jobs.transferable[7]]
    assert ints[6] == 0  # nothing is interrupted in this plan
    assert floats.tolist() == [7.5, grid.price[4, 1]]
    assert grid.bins[5, 0, 1] == 2.5


def test_a_record_takes_the_place_of_the_former_one_of_its_type(plan):
    books = Books(plan)
    before, after = books.grid, books.grid._replace(clock=books.grid.clock.copy())
    kernel_calls.open_slot(books.memory.table, 2, 0, True)
    books.memory.put(after)
    kernel_calls.open_slot(books.memory.table, 3, 10, False)
    assert (before.clock[SLOT], after.clock[SLOT]) == (2, 3)
    assert before.clock[BIN_END] == plan.bin_ns < after.clock[BIN_END]


@pytest.mark.parametrize(
    ("field", "change", "said"),
    [
        (
            "levels",
            lambda a: a.astype(np.int32),
            "Grid.levels is int32 of 1 dim.*, not int64",
        ),
        ("levels", lambda a: a[:, None].copy(), "Grid.levels is int64 of 2 dim.*, not int64"),
        ("price", lambda a: a.astype(np.float32), "Grid.price is float32 of 2 dimensions"),
        ("price", lambda a: a.astype(">f8"), "Grid.price is >f8 of 2 dimensions"),
        ("rows", lambda a: a[:, :, ::2], "Grid.rows has gaps"),
        ("price", lambda a: np.asfortranarray(np.ones((3, 2))), "Grid.price has gaps"),
    ],
)
def test_an_array_of_another_kind_is_refused_and_the_table_stays(plan, field, change, said):
    books = Books(plan)
    before = books.memory.table.copy()
    wrong = books.grid._replace(**{field: change(getattr(books.grid, field))})
    with pytest.raises(TypeError, match=said):
        books.memory.put(wrong)
    assert np.array_equal(books.memory.table, before)


def test_all_wrong_arrays_are_told_at_once(plan):
    grid = Books(plan).grid
    with pytest.raises(TypeError, match=r"Grid\.speed.*; Grid\.told"):
        Memory().put(grid._replace(told=grid.told[0], speed=grid.speed.astype(np.int64)))


def test_types_and_dimensions_come_from_the_annotations():
    assert KINDS[Grid][Grid._fields.index("bins")] == (np.dtype(np.float64), 3)
    assert KINDS[Farm][fields(Farm).index("movable")] == (np.dtype(np.bool_), 1)
    assert KINDS[Farm][fields(Farm).index("queue")] == (np.dtype(np.int32), 2)
    assert KINDS[Rules][Rules._fields.index("known")] == (np.dtype(np.int32), 1)
    for record in RECORDS:
        assert len(KINDS[record]) == len(fields(record))
        assert all(1 <= dimensions < COLUMNS for _, dimensions in KINDS[record])


def test_each_array_has_its_own_row():
    ends = [FIRST_ROW[record] + len(fields(record)) for record in RECORDS]
    assert [FIRST_ROW[record] for record in RECORDS] == [0, *ends[:-1]]
    assert len(Memory().table) == ends[-1]


def test_what_was_still_is_put_back_into_the_same_arrays():
    one, other = np.arange(4), np.ones((2, 3))
    still = Still([one, other])
    one[2], other[:] = 9, 0.0
    still.put_back()
    one[0] = 5
    still.put_back()
    assert one.tolist() == [0, 1, 2, 3]
    assert (other == 1.0).all()
