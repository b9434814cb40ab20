"""A governor of GPU clocks: the lowest-energy level at which jobs still meet their deadlines.

What a level would do to delays is predicted from the last slot. With demand ρ (full-speed GPUs
kept busy, per GPU) and speed s the utilisation is u = ρ/s; service times stretch by 1/s and waits
grow like 1/(1 − u), the heavy-traffic law of multi-server queues. So the 95th percentile of
delay over tolerated delay, seen at level c, is expected to become

    r_l = r_c · (s_c / s_l) · (1 − u_c) / (1 − u_l)

at level l, with 1 − u floored so that a saturated slot does not divide by zero. ρ is a running
mean, because the busy share of a single instant is a rough guess where a site has few GPUs. Work
that is queued already must be done before the most urgent job's slack is used up.
"""

from __future__ import annotations

import numpy as np

from cosim.decision import Observation, WorldInfo
from cosim.decision.info import BoolArray, FloatArray, IntArray
from policies.classes import patience_s
from policies.energy.common import work_energy_w

BUSY_MAX = 0.95
HYSTERESIS = 0.1
MEMORY = 0.7


class ClockGovernor:
    """Chooses clock levels slot by slot: up at once when needed, down one level at a time.

    Args:
        world: static facts.
        margin: share of the tolerated delay to keep free, in [0, 1).
    """

    def __init__(self, world: WorldInfo, margin: float) -> None:
        self.world, self.limit = world, 1.0 - margin
        self.energy_w = work_energy_w(world)
        self.patience_s = patience_s(world)
        self.demand = np.full(world.n_sites, np.nan)  # nothing seen yet

    def levels(self, observation: Observation) -> IntArray:
        """Clock level of each site, shape (sites,); full speed before anything was seen."""
        if observation.slot == 0:
            return np.array([len(t) - 1 for t in self.world.clock_speed], dtype=np.int64)
        return np.array(
            [self._level(site, observation) for site in range(self.world.n_sites)], dtype=np.int64
        )

    def _level(self, site: int, observation: Observation) -> int:
        now = int(observation.clock_level[site])
        ratio = self._predicted_ratio(site, observation)
        wanted = self._cheapest(site, ratio <= self.limit)
        if wanted >= now:
            return wanted
        calm = ratio <= self.limit - HYSTERESIS
        return now - 1 if calm[now - 1] else now

    def _cheapest(self, site: int, meets: BoolArray) -> int:
        """Lowest-energy level among those that meet deadlines; the top one if none does."""
        if not meets.any():
            return len(meets) - 1
        return int(np.argmin(np.where(meets, self.energy_w[site], np.inf)))

    def _predicted_ratio(self, site: int, observation: Observation) -> FloatArray:
        """Predicted p95 of delay over tolerated delay at each level, inf where overloaded."""
        speeds = np.array(self.world.clock_speed[site])
        speed = speeds[int(observation.clock_level[site])]
        rho = self._demand(site, float(observation.busy_share[site]) * speed)
        load = rho / speeds
        free = 1.0 - np.minimum(load, BUSY_MAX)
        free_now = 1.0 - min(rho / speed, BUSY_MAX)
        ratio = float(observation.delay_p95_s[site]) * (speed / speeds) * free_now / free
        drain_s = observation.backlog_gpu_s[site] / self.world.gpus[site] * (speed / speeds)
        ratio = np.maximum(ratio, drain_s / self._slack_s(site, observation))
        return np.where((load > BUSY_MAX) & (speeds < speeds[-1]), np.inf, ratio)

    def _demand(self, site: int, seen: float) -> float:
        """Running mean of the full-speed GPUs kept busy, per GPU of the site."""
        old = seen if np.isnan(self.demand[site]) else self.demand[site]
        self.demand[site] = (1.0 - MEMORY) * seen + MEMORY * old
        return float(self.demand[site])

    def _slack_s(self, site: int, observation: Observation) -> float:
        """Time left to the most urgent queued job, or a typical impatient job's delay [s]."""
        slack_s = min(float(observation.oldest_slack_s[site]), self.patience_s)
        return max(slack_s, 1e-3)
