"""Many worlds under one clock: a learner's environment on the inside.

Worlds of one make (same sites, slots and layout, other jobs or another day) go through their
slots together. SimPy keeps the time: an edge is one of its events, at which the slot of every
world is closed and the next one opened. What else may happen between edges is an event of the same
environment. An action takes the place of a decision, a view that of an observation; both are
compiled for all worlds at once (:mod:`cosim.world.kernel_gym`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np
import simpy

from cosim.decision import Observation
from cosim.errors import PolicyError, UsageError
from cosim.world import kernel_calls, kernel_gym
from cosim.world.clockwork import Clockwork
from cosim.world.engine import Rewinds
from cosim.world.events import EDGE_PRIORITY, NsEnvironment, Tick
from cosim.world.faults import breakdowns
from cosim.world.kernel_grid import FACILITY_KW
from cosim.world.kernel_gym import ALL_WELL
from cosim.world.kernel_seat import MONEY, Seat
from cosim.world.kernel_state import FULL
from cosim.world.memory import Memory, Still
from cosim.world.plan import Plan

Inner = Callable[[int, Observation], None]


class Seated:
    """A plan laid out once, with a learner's seat in it; rewound in microseconds.

    Attributes:
        plan: what is played.
        seat: the learner's place.
        works: the clockwork; its books hold meters and ledger.
        table: addresses of all arrays.
    """

    def __init__(self, plan: Plan, seat: Seat, name: str) -> None:
        self.plan, self.seat, self._slots = plan, seat, plan.info.slots
        self.works = Clockwork(plan, name, "fast")
        assert isinstance(self.works.engine, Rewinds)
        self._engine = self.works.engine
        self.works.books.memory.put(seat)
        self.table = self.works.books.memory.table
        self._start = self.works.still()
        self._counted = Still([seat.cursor, seat.fines])

    def rewind(self, env: NsEnvironment) -> None:
        """Go back to the beginning, under another clock."""
        self.works.rewind(self._start, env)
        if self.plan.faults:
            env.process(breakdowns(env, self.works.engine, self.plan))
        self._counted.put_back()

    def open(self, slot: int, now_ns: int) -> None:
        """Begin to gather a slot and look at the sites."""
        self.works.books.open_slot(slot, now_ns)
        kernel_calls.look(self.table, now_ns)

    def look(self, now_ns: int) -> None:
        """Look at the sites."""
        kernel_calls.look(self.table, now_ns)

    def enforce(self, slot: int, now_ns: int, later_ns: int) -> None:
        """Put the tables of the slot into force and place the jobs that are held."""
        self._engine.make_room()
        if kernel_calls.enforce(self.table, now_ns, later_ns):
            kernel_calls.place_held(self.table, now_ns)
        if slot >= self._slots:
            kernel_calls.open_gates(self.table, now_ns)

    def close(self, slot: int, now_ns: int) -> None:
        """Play to the end of a slot and settle it."""
        while kernel_calls.play(self.table, now_ns) == FULL:
            self._engine.make_room()
        kernel_calls.close_slot(self.table, slot >= self._slots)
        self.works.books.close_slot()

    def measured(self) -> None:
        """Let the forecaster take note of the loads of the slot that ended."""
        self.works.forecaster.measured(self.works.books.grid.seen[FACILITY_KW].copy())


class Lockstep:
    """Worlds that are stepped together.

    Attributes:
        worlds: the worlds, one per row of the arrays below.
        actions: what is to be done, in [−1, 1], shape (worlds, coordinates); filled by the
            caller.
        views: what is seen, shape (worlds, columns).
        money: what the last slot brought, shape (worlds, MONEY) (see
            :data:`cosim.world.kernel_seat.MONEY`).
        total: the same, summed over the slots of the window so far.
        drained: the same, summed over the slots after the window.
        slot: the slot that waits for an action.
        slots: slots of the window.
    """

    def __init__(
        self, count: int, coordinates: int, columns: int, inner: Inner | None = None
    ) -> None:
        """Lay out the arrays.

        Args:
            count: worlds.
            coordinates: numbers of an action.
            columns: numbers of a view.
            inner: asked before every action with the number of a world and what is seen there;
                it writes clock levels and battery orders into the world's seat.
        """
        self.worlds: list[Seated] = []
        self.actions = np.zeros((count, coordinates))
        self.views = np.zeros((count, columns), dtype=np.float32)
        self.money, self.total, self.drained = np.zeros((3, count, len(MONEY)))
        self.slot = self.slots = 0
        self._inner = inner
        self._runs = np.ones(count, dtype=np.int64)
        self._memories = np.zeros((count, *Memory().table.shape), dtype=np.int64)

    def begin(self, worlds: Sequence[Seated]) -> None:
        """Put worlds back to their beginnings; the first slot waits for an action.

        Args:
            worlds: as many as there are rows, no one twice, alike in sites and slots.
        """
        self.worlds, info = list(worlds), worlds[0].plan.info
        self.slot, self.slots, self._slot_ns = -1, info.slots, info.slot_ns
        self._levels = info.top_level + 1
        self._env = NsEnvironment(initial_time=0)
        for world in self.worlds:
            world.rewind(self._env)
        self._running, self._runs[:] = list(enumerate(self.worlds)), 1
        for number, world in self._running:
            self._memories[number] = world.table
        self.total[:] = self.drained[:] = 0.0
        self._env.process(self._edges())
        self._run_to(0)

    @property
    def over(self) -> bool:
        """Whether the window has passed."""
        return self.slot >= self.slots

    def step(self) -> None:
        """Do what ``actions`` say and let the slot pass.

        Raises:
            UsageError: the window has passed.
            PolicyError: an action holds a NaN.
            BalanceError: a meter bin does not balance.
        """
        if self.slot >= self.slots:
            raise UsageError("the window has passed: reset the environment before the next step")
        self._act()
        self._run_to(self.slot + 1)

    def drain(self) -> None:
        """Let all work end that arrived in the window; the last action stays in force."""
        last = self.money.copy()
        while self._running:
            self._act()
            self._run_to(self.slot + 1)
        self.money[:] = last

    def observe(self, number: int) -> Observation:
        """What an operator sees in a world at this edge."""
        return self.worlds[number].works.observe()

    # the clock --------------------------------------------------------------------------

    def _run_to(self, slot: int) -> None:
        """Let time pass up to the edge at which a slot begins."""
        step = self._env.step
        while self.slot < slot:
            step()

    def _edges(self) -> Generator[simpy.Event, Any, None]:
        """The slot edges of all worlds; after the window they go on until all work has ended."""
        edge, env, slot_ns = Tick(self._env, EDGE_PRIORITY), self._env, self._slot_ns
        yield edge.after(0)
        self._open(0, 0)
        while True:
            yield edge.after(slot_ns)
            self._close(self.slot, env.now)
            self._open(self.slot + 1, env.now)

    def _open(self, slot: int, now_ns: int) -> None:
        """Open a slot in the worlds that run; the edge after the window is seen in all of them."""
        if slot >= self.slots:
            self._leave(slot, now_ns)
        for _, world in self._running:
            world.open(slot, now_ns)
        if slot <= self.slots:
            kernel_gym.see(self._memories, slot, self.views)
        self.slot = slot

    def _leave(self, slot: int, now_ns: int) -> None:
        """Let worlds rest in which all work has ended."""
        for number, world in self._running:
            if not world.works.engine.unfinished():
                self._runs[number] = 0
                if slot == self.slots:
                    world.look(now_ns)
        self._running = [(number, world) for number, world in self._running if self._runs[number]]

    def _close(self, slot: int, now_ns: int) -> None:
        """Close a slot and count what it brought."""
        for number, world in self._running:
            world.close(slot, now_ns)
            if slot >= self.slots:
                self._memories[number] = world.table  # its ledger may have grown
        total = self.total if slot < self.slots else self.drained
        wrong = kernel_gym.count(self._memories, self._runs, slot, now_ns, self.money, total)
        if wrong != ALL_WELL:
            self.worlds[wrong].works.books.check()
        if self._inner is not None and slot < self.slots:
            for world in self.worlds:
                world.measured()

    def _act(self) -> None:
        """Put the actions into force."""
        if self._inner is not None:
            for number, _ in self._running:
                self._inner(number, self.observe(number))
        wrong = kernel_gym.decide(
            self._memories, self._runs, self.actions, self._levels, self.slot >= self.slots
        )
        if wrong != ALL_WELL:
            at = int(np.flatnonzero(np.isnan(self.actions[wrong]))[0])
            said = f"NaN at coordinate {at} of world {wrong}"
            raise PolicyError(self.worlds[wrong].works.name, said, slot=self.slot, field="action")
        now_ns = self._env.now
        for _, world in self._running:
            world.enforce(self.slot, now_ns, now_ns + self._slot_ns)
