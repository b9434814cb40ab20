"""Policies of the benchmark: they cost next to nothing, so that engines are measured."""

from __future__ import annotations

import numpy as np

from cosim.bench.sizes import STEPS
from cosim.decision import (
    CallbackRule,
    Decision,
    DispatchRule,
    JobView,
    Observation,
    Placement,
    QueueView,
    SplitRule,
    WorldInfo,
)


class Steady:
    """Equal shares for jobs that may move, clocks in turn, a battery that follows the load."""

    rule: DispatchRule

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Lay out the one dispatch rule."""
        self.rule = self._rule(world)
        self._cover_kw = np.full(world.n_sites, np.inf)
        self._levels = [len(levels) for levels in world.clock_speed]

    def levels(self, slot: int) -> list[int]:
        """Clock level of each site in a slot."""
        return [(slot + 2 * i) % count for i, count in enumerate(self._levels)]

    def decide(self, observation: Observation) -> Decision:
        """Return the rule and the clocks of the slot."""
        clocks = np.array(self.levels(observation.slot), dtype=np.int64)
        return Decision(self.rule, clocks, battery_cover_kw=self._cover_kw)

    def _rule(self, world: WorldInfo) -> DispatchRule:
        services, sites = world.n_services, world.n_sites
        shares = np.zeros((sites, len(world.classes), services + 2))
        steps = np.full((sites, len(world.classes), services), STEPS)
        steps[:, ::2] = STEPS + 10
        shares[:, :, :services] = 1.0 / services
        shares[:, ~world.transferable] = world.staying[:, ~world.transferable]
        return SplitRule(shares, steps)


class Shortest(Steady):
    """Python places each job where the estimated wait is shortest, the first of equals."""

    def _rule(self, world: WorldInfo) -> DispatchRule:
        services = world.home_service.tolist()
        steps = [STEPS + 10 if kind % 2 == 0 else STEPS for kind in range(len(world.classes))]
        answers = [[Placement(service, count) for count in steps] for service in services]

        def place(job: JobView, queues: QueueView) -> Placement:
            waits_ns = queues.wait_ns
            site = waits_ns.index(min(waits_ns)) if job.transferable else job.home
            return answers[site][job.class_id]

        return CallbackRule(place)
