"""Many worlds under one clock: a learner's environment on the inside.

Worlds of one make (same sites, slots and layout, other jobs or another day) go through their
slots together. SimPy keeps the time: an edge is one of its events, at which one compiled call
closes the slot of every world and opens the next. What else may happen between edges is an event
of the same environment.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from cosim.decision import Observation
from cosim.errors import PolicyError, UsageError
from cosim.world import kernel_gym
from cosim.world.clockwork import Clockwork
from cosim.world.engine import Rewinds
from cosim.world.events import EDGE_PRIORITY, NsEnvironment, Tick
from cosim.world.faults import breakdowns
from cosim.world.kernel_grid import FACILITY_KW
from cosim.world.kernel_gym import BAD_ACTION, DONE, LAST_SLOT, OVER, STATUS_COLUMNS, UNBALANCED
from cosim.world.kernel_seat import MONEY, Seat
from cosim.world.memory import Still
from cosim.world.plan import Plan

Inner = Callable[[int, Observation], None]


class Seated:
    """A plan laid out once, with a learner's seat in it; rewound in microseconds.

    Attributes:
        plan: what is played.
        seat: the learner's place.
        works: the clockwork; its books hold meters and ledger.
    """

    def __init__(self, plan: Plan, seat: Seat, name: str) -> None:
        self.plan, self.seat = plan, seat
        self.works = Clockwork(plan, name, "fast")
        assert isinstance(self.works.engine, Rewinds)
        self._engine = self.works.engine
        self.works.books.memory.put(seat)
        self._start = self.works.still()
        self._counted = Still([seat.cursor, seat.fines])

    @property
    def table(self) -> NDArray[np.int64]:
        """Addresses of all arrays."""
        return self.works.books.memory.table

    def rewind(self, env: NsEnvironment) -> None:
        """Go back to the beginning, under another clock."""
        self.works.rewind(self._start, env)
        env.process(breakdowns(env, self.works.engine, self.plan))
        self._counted.put_back()

    def observe(self, slot: int) -> Observation:
        """What an operator sees at the edge at which a slot was opened."""
        self.works.books.slot = slot
        return self.works.observe()

    def measured(self) -> None:
        """Let the forecaster take note of the loads of the slot that ended."""
        self.works.forecaster.measured(self.works.books.grid.seen[FACILITY_KW].copy())

    def make_room(self, slot: int) -> None:
        """Let what is full grow."""
        self._engine.make_room()
        self.works.books.make_room(slot)


class Lockstep:
    """Worlds that are stepped together.

    Attributes:
        worlds: the worlds, one per row of the arrays below.
        actions: what is to be done, in [−1, 1], shape (worlds, coordinates); filled by the
            caller.
        views: what is seen, shape (worlds, columns).
        money: what the last slot brought, shape (worlds, MONEY) (see
            :data:`cosim.world.kernel_seat.MONEY`).
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
        self.money = np.zeros((count, len(MONEY)))
        self.drained = np.zeros((count, len(MONEY)))
        self.slot = self.slots = 0
        self._inner = inner
        self._status = np.zeros((count, STATUS_COLUMNS), dtype=np.int64)

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
        self._memories = np.array([world.table for world in self.worlds])
        self.drained[:] = 0.0
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
        while not self._status[:, OVER].all():
            runs = self._status[:, OVER] == 0
            self._act()
            self._run_to(self.slot + 1)
            self.drained[runs] += self.money[runs]
        self.money[:] = last

    # the clock --------------------------------------------------------------------------

    def _run_to(self, slot: int) -> None:
        step = self._env.step
        while self.slot < slot:
            step()

    def _edges(self) -> Generator[simpy.Event, Any, None]:
        """The slot edges of all worlds."""
        edge = Tick(self._env, EDGE_PRIORITY)
        yield edge.after(0)
        kernel_gym.begin(self._memories, self._status, self._slot_ns, self.views)
        self.slot = 0
        while True:
            yield edge.after(self._slot_ns)
            self._turn(self._env.now)
            self.slot += 1

    # calls ------------------------------------------------------------------------------

    def _act(self) -> None:
        """Put the actions into force."""
        if self._inner is not None:
            for number, world in self._running():
                self._inner(number, world.observe(self.slot))
        now_ns, first = self._env.now, 0
        while first != DONE:
            first = kernel_gym.act(
                self._memories,
                self._status,
                self.actions,
                self._levels,
                first,
                now_ns,
                now_ns + self._slot_ns,
            )
            if first != DONE:
                self._help(first)

    def _turn(self, now_ns: int) -> None:
        """Close the slot and open the next."""
        closing, first = list(self._running()) if self._inner is not None else [], 0
        while first != DONE:
            first = kernel_gym.turn(
                self._memories,
                self._status,
                first,
                now_ns,
                now_ns + self._slot_ns,
                self.views,
                self.money,
            )
            if first != DONE:
                self._help(first)
        if self.slot < self.slots:
            for _, world in closing:
                world.measured()

    def _running(self) -> list[tuple[int, Seated]]:
        return [
            (number, world)
            for number, world in enumerate(self.worlds)
            if not self._status[number, OVER]
        ]

    def _help(self, number: int) -> None:
        """See to a world that cannot go on."""
        world, status = self.worlds[number], self._status[number]
        if status[BAD_ACTION]:
            status[BAD_ACTION] = 0
            at = int(np.flatnonzero(np.isnan(self.actions[number]))[0])
            said = f"NaN at coordinate {at} of world {number}"
            raise PolicyError(world.works.name, said, slot=self.slot, field="action")
        if status[UNBALANCED]:
            world.works.books.slot = int(status[LAST_SLOT])
            world.works.books.check()
        world.make_room(int(status[LAST_SLOT]) + 1)
        self._memories[number] = world.table
