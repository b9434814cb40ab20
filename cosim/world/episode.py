"""An episode: a prepared world that somebody steps slot by slot, and rewinds in microseconds.

Learners see many days; to lay a day out takes a hundred times longer than to put its arrays back.
SimPy stays the clock: a step runs its events up to the next slot edge.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import simpy

from cosim.decision import Decision, Observation, SlotOutcome
from cosim.world.clockwork import Clockwork
from cosim.world.plan import Plan


class Episode:
    """One plan, played from outside with the fast engine.

    Attributes:
        plan: what is played.
        works: the clockwork; its books hold what a step has brought.
        slot: the slot that waits for a decision.
    """

    def __init__(self, plan: Plan, name: str = "episode") -> None:
        self.plan = plan
        self.works = Clockwork(plan, name, "fast")
        self._start = self.works.still()
        self.slot = -1

    @property
    def over(self) -> bool:
        """Whether the window has passed."""
        return self.slot >= self.plan.info.slots

    def reset(self) -> None:
        """Go back to the beginning; the first slot waits for a decision."""
        self.works.rewind(self._start)
        self.slot = -1
        self.works.env.process(self._slots())
        self._run_to(0)

    def step(self, decision: Decision) -> None:
        """Put a feasible decision into force and let the slot pass.

        Raises:
            ValueError: the window has passed.
        """
        if self.over:
            raise ValueError("the window has passed; reset the episode")
        self.works.enforce(decision)
        self._run_to(self.slot + 1)

    def observe(self) -> Observation:
        """What an operator sees at this edge."""
        return self.works.observe()

    def outcome(self) -> SlotOutcome:
        """What the slot that has passed brought."""
        return self.works.outcome(self.slot - 1)

    def _run_to(self, slot: int) -> None:
        step = self.works.env.step
        while self.slot < slot:
            step()

    def _slots(self) -> Generator[simpy.Event, Any, None]:
        yield self.works.first_edge()
        for slot in range(self.plan.info.slots):
            self.works.open_slot(slot)
            self.slot = slot
            yield from self.works.span()
            self.works.close_slot()
        self.slot = self.plan.info.slots
