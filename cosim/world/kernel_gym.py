"""What a learner's environment calls: actions in, views and money out, for many worlds at once.

The worlds stand in ``memories``, one table of addresses each (:mod:`cosim.world.kernel_memory`).
What happens between an action and the next view is the engine's own calls
(:mod:`cosim.world.kernel_calls`).
"""

from __future__ import annotations

from cosim.world import kernel_view, kernel_wish
from cosim.world.compiled import compiled
from cosim.world.kernel_grid import BAD_BIN, HIGH_KW, LOW_KW
from cosim.world.kernel_memory import read_farm, read_grid, read_rules, read_seat
from cosim.world.kernel_seat import Views
from cosim.world.kernel_state import HELD, NEVER, Floats, Ints

ALL_WELL = -1
"""Answer of a call; else the number of a world in which something is wrong."""


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
def decide(memories: Ints, runs: Ints, actions: Floats, clock_levels: Ints, closing: bool) -> int:
    """Fill the tables of the slot from the action of every world that runs.

    Args:
        memories: tables of addresses, shape (worlds, rows, 4).
        runs: 1 where work has not ended yet, shape (worlds,).
        actions: shape (worlds, coordinates).
        clock_levels: number of clock levels of each site.
        closing: whether the window has passed, so that nobody waits any more.

    Returns:
        ALL_WELL, or a world whose action holds a NaN.
    """
    for world in range(len(memories)):
        if runs[world] == 0:
            continue
        memory = memories[world]
        farm, grid, seat = read_farm(memory), read_grid(memory), read_seat(memory)
        seen = grid.seen
        if not kernel_wish.decode(
            seat, actions[world], grid.step_counts, clock_levels, seen[LOW_KW], seen[HIGH_KW]
        ):
            return world
        if closing:
            kernel_wish.hold_nobody(seat)
        kernel_wish.fill(seat, read_rules(memory), grid, farm.service_site)
        kernel_view.note_held(farm, seat, farm.world[HELD])
    return ALL_WELL


@compiled
def see(memories: Ints, slot: int, views: Views) -> None:
    """Write the view of a slot edge of every world.

    Args:
        memories: tables of addresses, shape (worlds, rows, 4).
        slot: the slot that begins.
        views: what is seen, shape (worlds, columns).
    """
    for world in range(len(memories)):
        memory = memories[world]
        farm, grid, seat = read_farm(memory), read_grid(memory), read_seat(memory)
        kernel_view.see(farm, grid, seat, slot, views[world])


@compiled
def count(memories: Ints, runs: Ints, slot: int, now_ns: int, money: Floats, total: Floats) -> int:
    """Count what the slot that ended has brought in every world that runs.

    Args:
        memories: tables of addresses, shape (worlds, rows, 4).
        runs: 1 where work had not ended when the slot began, shape (worlds,).
        slot: the slot that ended.
        now_ns: when it ended.
        money: what it brought, shape (worlds, MONEY).
        total: to which that is added, same shape.

    Returns:
        ALL_WELL, or a world in which a meter bin does not balance.
    """
    for world in range(len(memories)):
        if runs[world] == 0:
            continue
        memory = memories[world]
        farm, grid, seat = read_farm(memory), read_grid(memory), read_seat(memory)
        kernel_view.count(farm, grid, seat, slot, now_ns, money[world])
        for k in range(money.shape[1]):
            total[world, k] += money[world, k]
        if grid.clock[BAD_BIN] != NEVER:
            return world
    return ALL_WELL
