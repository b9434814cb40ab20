"""What a learner's environment calls: one action in, one slot on, for many worlds at once.

The worlds stand in ``memories``, one table of addresses each (:mod:`cosim.world.kernel_memory`).
A call that cannot go on says which world is in the way; when room has been made, or the fault has
been told, it is called again from there.
"""

from __future__ import annotations

from cosim.world import kernel_calls, kernel_meter, kernel_view, kernel_wish
from cosim.world.compiled import compiled
from cosim.world.kernel_grid import BAD_BIN, HIGH_KW, LOW_KW
from cosim.world.kernel_memory import read_farm, read_grid, read_rules, read_seat
from cosim.world.kernel_seat import Views
from cosim.world.kernel_state import FULL, NEVER, REFUSED, Floats, Ints

DONE = -1
"""Answer of a call: all worlds have been seen to; else the number of a world."""

# columns of the status of a world
LAST_SLOT, OVER, BAD_ACTION, UNBALANCED = range(4)
STATUS_COLUMNS = 4


@compiled
def decode(
    memory: Ints,
    action: Floats,
    step_counts: Ints,
    clock_levels: Ints,
    low_kw: Floats,
    high_kw: Floats,
) -> bool:
    """Read an action into the wish of a seat (:func:`cosim.world.kernel_wish.decode`)."""
    seat = read_seat(memory)
    return bool(kernel_wish.decode(seat, action, step_counts, clock_levels, low_kw, high_kw))


@compiled
def act(
    memories: Ints,
    status: Ints,
    actions: Floats,
    clock_levels: Ints,
    first: int,
    now_ns: int,
    later_ns: int,
) -> int:
    """Put an action into force in every world that still runs.

    Args:
        memories: tables of addresses, shape (worlds, rows, 4).
        status: where each world stands, shape (worlds, STATUS_COLUMNS).
        actions: shape (worlds, coordinates).
        clock_levels: number of clock levels of each site.
        first: the world to begin with.
        now_ns: the slot edge.
        later_ns: the next one.

    Returns:
        DONE, or a world whose log of changes has to grow, or whose action is marked bad.
    """
    for world in range(first, len(memories)):
        if status[world, OVER] != 0:
            continue
        memory = memories[world]
        farm, grid, seat = read_farm(memory), read_grid(memory), read_seat(memory)
        if not kernel_meter.room(farm):
            return world
        seen = grid.seen
        if not kernel_wish.decode(
            seat, actions[world], grid.step_counts, clock_levels, seen[LOW_KW], seen[HIGH_KW]
        ):
            status[world, BAD_ACTION] = 1
            return world
        kernel_wish.fill(seat, read_rules(memory), grid, farm.service_site)
        held = kernel_calls.enforce(memory, now_ns, later_ns)
        kernel_view.note_held(farm, seat, held)
        if held > 0:
            kernel_calls.place_held(memory, now_ns)
        if status[world, LAST_SLOT] >= len(grid.price):
            kernel_calls.open_gates(memory, now_ns)
    return DONE


@compiled
def begin(memories: Ints, status: Ints, later_ns: int, views: Views) -> None:
    """Open the first slot of every world and look."""
    status[:] = 0
    for world in range(len(memories)):
        memory = memories[world]
        kernel_calls.open_slot(memory, 0, 0, True)
        kernel_calls.look(memory, 0)
        kernel_view.see(read_farm(memory), read_grid(memory), read_seat(memory), 0, views[world])


@compiled
def turn(
    memories: Ints,
    status: Ints,
    first: int,
    now_ns: int,
    later_ns: int,
    views: Views,
    money: Floats,
) -> int:
    """Close the slot that ends in every world, count what it brought, and open the next.

    After the window slots go on until everything has ended, as in
    :class:`cosim.world.world.World`; the views stay those of the window's end.

    Args:
        memories: tables of addresses, shape (worlds, rows, 4).
        status: where each world stands, shape (worlds, STATUS_COLUMNS).
        first: the world to begin with.
        now_ns: the slot edge.
        later_ns: the next one.
        views: what is seen, shape (worlds, columns).
        money: what the slot brought, shape (worlds, MONEY).

    Returns:
        DONE, or a world whose log of changes or whose ledger has to grow, or which is marked
        unbalanced.
    """
    for world in range(first, len(memories)):
        if status[world, OVER] != 0:
            continue
        memory = memories[world]
        farm, grid, seat = read_farm(memory), read_grid(memory), read_seat(memory)
        slots, slot = len(grid.price), status[world, LAST_SLOT] + 1
        if slot >= len(grid.rows) or kernel_calls.play(memory, now_ns) == FULL:
            return world
        kernel_calls.close_slot(memory, slot > slots)
        kernel_view.count(farm, grid, seat, now_ns, money[world])
        if grid.clock[BAD_BIN] != NEVER:
            status[world, UNBALANCED] = 1
            return world
        if slot == slots:
            kernel_calls.look(memory, now_ns)
            kernel_view.see(farm, grid, seat, slot, views[world])
        told = grid.told_jobs.sum()
        if slot >= slots and told + farm.world[REFUSED] == len(farm.arrival_ns):
            status[world, OVER] = 1
            continue
        status[world, LAST_SLOT] = slot
        kernel_calls.open_slot(memory, slot, now_ns, slot < slots)
        kernel_calls.look(memory, now_ns)
        if slot < slots:
            kernel_view.see(farm, grid, seat, slot, views[world])
    return DONE
