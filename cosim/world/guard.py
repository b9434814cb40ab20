"""The power guard: before a meter bin begins, keep the site inside what its supply can carry.

Where the import limit would make JEMAS Eq. (10) impossible: first the lowest clock, then
GPUs are paused at their next step boundary. What a step already begun still draws is booked as
unserved energy.
"""

from __future__ import annotations

from typing import NamedTuple

from cosim.world.plan import Plan, SitePlan


class GuardSetting(NamedTuple):
    """Clock level and number of GPUs that may run in the coming bin."""

    level: int
    enabled: int


class PowerGuard:
    """Keeps one site's worst-case power within its supply."""

    def __init__(self, plan: Plan, site: int) -> None:
        self.site: SitePlan = plan.sites[site]
        services = [plan.services[s] for s in self.site.services]
        self._busy_kw = [
            plan.info.replicas * max(service.most_mw(level) for service in services) / 1e6
            for level in range(self.site.levels)
        ]
        self._idle_kw = plan.info.replicas * self.site.idle_mw / 1e6
        self._server_kw = plan.info.replicas * self.site.server_mw / 1e6

    @property
    def active(self) -> bool:
        """Whether there is a limit at all."""
        return self.site.import_kw_max != float("inf")

    def setting(self, level: int, demand: int, supply_kw: float, pue: float) -> GuardSetting:
        """What may run.

        Args:
            level: clock level that the decision asks for.
            demand: GPUs that hold a job plus jobs in the queue.
            supply_kw: import limit, sun, wind and battery of the coming bin [kW].
            pue: facility power over IT power in the coming bin.
        """
        most = self._most(level, supply_kw, pue)
        if min(demand, self.site.gpus) > most:
            level = 0
            most = self._most(level, supply_kw, pue)
        return GuardSetting(level, most)

    def _most(self, level: int, supply_kw: float, pue: float) -> int:
        """How many GPUs may be busy at once."""
        gpus = self.site.gpus
        spare_kw = supply_kw / pue - gpus * (self._idle_kw + self._server_kw)
        each_kw = self._busy_kw[level] - self._idle_kw
        if each_kw <= 0.0 or spare_kw >= gpus * each_kw:
            return gpus
        return max(0, int(spare_kw / each_kw))
