"""Schedules that let tolerant jobs wait at home for cheap or green hours.

Between two looks at the price (or at the grid's carbon) nothing is decided: a job of a class whose
tolerated delay spans several slots is held while the signal is high, and placed as
``price-aware`` would once it is low or the job's time runs short. The idea is that of temporal
shifting in Wiesner et al., "Let's wait awhile" (Middleware 2021, arXiv 2110.13234).
"""

from __future__ import annotations

import numpy as np

from cosim.decision import (
    DispatchRule,
    HeldJob,
    Observation,
    PerJobRule,
    ScoreRule,
    WorldInfo,
)
from cosim.decision.info import BoolArray, FloatArray, IntArray
from policies.classes import typical_images
from policies.heuristics.common import Schedule, pue
from policies.heuristics.utility import GreedyUtility, PriceAware
from policies.options import choice, number

PLACING: dict[str, type[GreedyUtility]] = {
    "price-aware": PriceAware,
    "greedy-utility": GreedyUtility,
}
SIGNALS, FORMS = ("price", "carbon"), ("quantile", "threshold")


class Defer(Schedule):
    """Holds tolerant jobs while power is dear against what is foreseen; else as price-aware.

    Dear is what lies above a quantile of the forecast over the time that the class can wait.

    Args:
        signal: ``price`` or ``carbon``, per kWh of IT energy at the best site.
        form: ``quantile`` of the forecast, or a fixed ``threshold``.
        quantile: share of the foreseen slots that count as cheap, in [0, 1].
        threshold: what counts as cheap [USD/kWh, or g/kWh for carbon].
        fill: share of the GPU time idle now that held work may be going to take, in [0, 10].
        guard_s: time that a held job keeps to its deadline beyond a slot and its own work [s].
        place: who places the jobs that run, ``price-aware`` or ``greedy-utility``.
    """

    name = "defer"
    signal = "price"

    def __init__(
        self,
        signal: str | None = None,
        form: str = "quantile",
        quantile: float = 0.25,
        threshold: float = 0.05,
        fill: float = 0.5,
        guard_s: float = 120.0,
        place: str = "price-aware",
    ) -> None:
        self.placing = PLACING[choice("place", place, tuple(PLACING))]()
        self.signal = choice("signal", signal or self.signal, SIGNALS)
        self.form = choice("form", form, FORMS)
        self.quantile = number("quantile", quantile, 0.0, 1.0)
        self.threshold = number("threshold", threshold, -1e6)
        self.fill = number("fill", fill, 0.0, 10.0)
        self.guard_s = number("guard_s", guard_s, 0.0)

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run: how many slots each class can wait and still be served on time."""
        super().reset(world, rng)
        self.placing.reset(world, rng)
        self.slot_s = world.slot_ns / 1e9
        self.image_s = float(
            world.image_s()[np.arange(world.n_services), world.default_column].max()
        )
        work_s = typical_images(world) * self.image_s
        spare_s = np.array([c.delay_lo_s for c in world.classes]) - work_s - self.guard_s
        self.wait_slots = np.maximum(np.floor(spare_s / self.slot_s), 0.0).astype(np.int64)

    def rule(self, observation: Observation) -> DispatchRule:
        """Hold the classes that can wait for a better slot; place held jobs whose time is up."""
        plain = self.placing.rule(observation)
        held = self.dear(observation)
        if not held.any() or not self.has_room(observation):
            return plain
        floor_usd = np.where(held, np.inf, -np.inf)
        waiting = ScoreRule(**{**vars(plain), "hold_below_usd": floor_usd})
        urgent = self.due(observation)
        return self.placed(urgent, observation, plain, waiting) if urgent else waiting

    def dear(self, observation: Observation) -> BoolArray:
        """Whether each class had better wait, shape (classes,)."""
        now = float(self.now(observation).min())
        if self.form == "threshold":
            return np.asarray((self.wait_slots > 0) & (now > self.threshold), dtype=np.bool_)
        foreseen = self.foreseen(observation)
        limits = [
            np.quantile(foreseen[: slots + 1], self.quantile) if slots else np.inf
            for slots in self.wait_slots.tolist()
        ]
        return np.asarray(now > np.array(limits), dtype=np.bool_)

    def now(self, observation: Observation) -> FloatArray:
        """The signal at each site, per kWh of IT energy, shape (sites,)."""
        return self.published(observation) * pue(self.world, observation)

    def published(self, observation: Observation) -> FloatArray:
        """What the grid says of a kWh that it gives, shape (sites,)."""
        by_price = self.signal == "price"
        return observation.price_usd_kwh if by_price else observation.carbon_g_kwh

    def foreseen(self, observation: Observation) -> FloatArray:
        """The signal at the best site in this slot and those to come, shape (horizon,)."""
        forecast = observation.forecast
        values = (forecast.price if self.signal == "price" else forecast.carbon).values.copy()
        values[:, 0] = self.published(observation)
        return np.asarray((values * pue(self.world, observation)[:, None]).min(axis=0))

    def has_room(self, observation: Observation) -> bool:
        """Whether idle GPUs could run all that is held within the time that it can wait."""
        idle_gpus = float(((1.0 - observation.busy_share) * self.world.gpus).sum())
        held_gpu_s = sum(job.images for job in observation.held) * self.image_s
        spare_gpu_s = idle_gpus * self.slot_s * int(self.wait_slots.max())
        return held_gpu_s < self.fill * spare_gpu_s

    def due(self, observation: Observation) -> list[HeldJob]:
        """Held jobs that have to be placed in this slot."""
        keep_s = self.slot_s + self.guard_s
        return [j for j in observation.held if j.slack_s < keep_s + j.images * self.image_s]

    def placed(
        self,
        jobs: list[HeldJob],
        observation: Observation,
        plain: ScoreRule,
        otherwise: ScoreRule,
    ) -> PerJobRule:
        """Place these jobs as the plain rule would, by the backlogs at the slot's edge."""
        world = self.world
        flat = self.scores(jobs, observation, plain).reshape(len(jobs), -1).argmax(axis=1)
        services, columns = np.divmod(flat, len(world.steps))
        steps: IntArray = np.asarray(world.steps, dtype=np.int64)[columns]
        numbers = np.array([job.job for job in jobs], dtype=np.int64)
        return PerJobRule(numbers, services.astype(np.int64), steps, otherwise)

    def scores(
        self, jobs: list[HeldJob], observation: Observation, plain: ScoreRule
    ) -> FloatArray:
        """Score of each service and step count for each job [USD], (jobs, services, steps)."""
        world, site = self.world, self.world.service_site
        home = np.array([job.home for job in jobs])
        kind = np.array([job.class_id for job in jobs])
        images = np.array([job.images for job in jobs], dtype=np.float64)[:, None, None]
        slack_s = np.array([job.slack_s for job in jobs])[:, None, None]
        wait_s = (observation.backlog_gpu_s / world.gpus)[site]
        start_s = np.maximum(wait_s, world.transfer_s[home][:, site])[:, :, None]
        on_time = start_s + images * world.image_s() + plain.margin_s <= slack_s
        late_usd = -plain.late_weight * world.late_penalty_usd[:, None]
        earned = np.where(on_time, plain.revenue_weight * world.revenue_usd, late_usd)
        spent = plain.energy_usd_kwh[:, None] * world.image_kwh()
        spent = spent + plain.gpu_usd_s[:, None] * world.image_s()
        moving_usd = world.transfer_usd[home][:, site][:, :, None]
        usable = world.reachable[home, kind][:, :, None] & world.steps_open
        return np.where(usable, images * (earned - spent - moving_usd), -np.inf)


class WaitAwhile(Defer):
    """Holds tolerant jobs while the grid is dirty against what is foreseen; else as price-aware.

    As ``defer``, by the carbon intensity of the best site instead of its price.
    """

    name = "wait-awhile"
    signal = "carbon"
