"""The quantities that a learner sees of every site.

The list is that of the project's learning problem: backlog, utilisation, slack, stored energy,
clock, prices and renewable power now and ahead, arrivals, and the site's own make. Forecasts are
those of the scenario's forecaster at that edge; renewable power "now" and carbon are the last ones
measured. The temperature of the machine room is there in scenarios that model one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cosim.decision import Forecast, Observation, WorldInfo
from cosim.decision.info import FloatArray
from cosim.gym.families import Family, Read, between, soft
from cosim.gym.groups import Groups, patience_s
from cosim.quantities import NS_PER_HOUR, s_from_ns
from cosim.world.kernel_grid import (
    BACKLOG_S,
    BUSY_NOW,
    DELAY_P95,
    PRICE_NOW,
    ROOM_NOW,
    SLACK_S,
    SOC,
)
from cosim.world.kernel_seat import FROM_ARRIVALS, FROM_HELD, FROM_SEEN, FROM_SPEED

PRICE_CENTRE_USD_KWH = 0.05
PRICE_WIDTH_USD_KWH = 0.05
"""Day-ahead prices of 2018 to 2022 lie mostly between 0 and 0.1 USD/kWh; others stay distinct."""
CARBON_WIDTH_G_KWH = 300.0
"""About the European mix; from hydro and nuclear power to coal it is 10 to 1000 g/kWh."""
STEP_WIDTH_S = 0.1
"""Between a light and a heavy diffusion model on present GPUs (0.03 to 0.25 s a step)."""
PRICE_HOURS = (1, 3, 6)
RENEWABLE_HOURS = (1, 3)


class SiteFamilies:
    """Lists what is seen of each site of a world.

    Attributes:
        info: the world.
        groups: groups of job classes whose arrivals are told apart.
    """

    def __init__(self, info: WorldInfo, groups: Groups) -> None:
        self.info, self.groups = info, groups
        self._slot_s = s_from_ns(info.slot_ns)
        self._images = np.array([each.images_mean for each in info.classes])
        self._unit = (np.zeros(info.n_sites), np.ones(info.n_sites))

    def all(self, *, holds: bool) -> list[Family]:
        """Everything, in order; how many jobs are held only where they can be."""
        held = [self._held()] if holds else []
        held += [self._link()] if self.info.may_be_cut else []
        energy, outside = [*self._energy()], [*self._outside()]
        return [*self._queue(), *held, *energy, *outside, *self._arrivals(), *self._make()]

    # the queue --------------------------------------------------------------------------

    def _queue(self) -> Iterator[Family]:
        yield soft(
            "backlog",
            "GPU-s",
            "accepted, unfinished work at the present clock; width: all GPUs for a slot",
            np.asarray(self.info.gpus * self._slot_s, dtype=np.float64),
            lambda seen: seen.backlog_gpu_s,
            shared=True,
            live=(FROM_SEEN, BACKLOG_S),
        )
        yield between(
            "busy",
            "1",
            "share of GPUs that are busy",
            self._unit,
            lambda seen: seen.busy_share,
            live=(FROM_SEEN, BUSY_NOW),
        )
        yield soft(
            "slack",
            "s",
            "least time to a deadline in the queue, 1 if none waits; width: the patience of "
            "the least patient class",
            np.full(self.info.n_sites, patience_s(self.groups)),
            lambda seen: seen.oldest_slack_s,
            shared=True,
            live=(FROM_SEEN, SLACK_S),
        )
        yield soft(
            "delay",
            "1",
            "95th percentile of delay over tolerated delay among jobs that ended in the last slot",
            np.ones(self.info.n_sites),
            lambda seen: seen.delay_p95_s,
            shared=True,
            live=(FROM_SEEN, DELAY_P95),
        )

    def _held(self) -> Family:
        return soft(
            "held",
            "jobs",
            "jobs that wait at home for a decision; width: what the GPUs serve in a slot",
            self._jobs_a_slot(),
            self._count_held,
            live=(FROM_HELD, 0),
        )

    def _link(self) -> Family:
        return between(
            "link",
            "1",
            "whether the network reaches the site: 1, or −1 while it is cut off",
            self._unit,
            lambda seen: seen.links_up.astype(np.float64),
            shared=True,
        )

    def _count_held(self, seen: Observation) -> FloatArray:
        homes = [job.home for job in seen.held]
        return np.bincount(homes, minlength=self.info.n_sites).astype(np.float64)

    def _jobs_a_slot(self) -> FloatArray:
        """Jobs that each site could serve in a slot with the default steps, shape (sites,)."""
        info = self.info
        k = info.steps.index(info.default_steps)
        job_s = self._images.mean() * info.image_s()[info.home_service, k]
        return np.asarray(info.gpus * self._slot_s / job_s, dtype=np.float64)

    # energy -----------------------------------------------------------------------------

    def _energy(self) -> Iterator[Family]:
        yield between(
            "soc",
            "1",
            "state of charge of the battery, 0 without one",
            self._unit,
            lambda seen: seen.soc,
            live=(FROM_SEEN, SOC),
        )
        if self.info.room_kwh_k.any():
            yield self._room()
        slowest = np.array([min(table) for table in self.info.clock_speed])
        yield between(
            "clock",
            "1",
            "speed of the GPUs over full speed in the last slot",
            (slowest, np.ones(self.info.n_sites)),
            self._speed,
            live=(FROM_SPEED, 0),
        )

    def _room(self) -> Family:
        has = self.info.room_kwh_k > 0.0
        low_c = np.where(has, self.info.room_low_c, 0.0)
        high_c = np.where(has, self.info.room_high_c, 0.0)
        return between(
            "room",
            "°C",
            "temperature of the machine room in its band, the middle without one",
            (low_c, high_c),
            lambda seen: seen.room_c,
            live=(FROM_SEEN, ROOM_NOW),
        )

    def _speed(self, seen: Observation) -> FloatArray:
        pairs = zip(self.info.clock_speed, seen.clock_level.tolist(), strict=True)
        return np.array([table[level] for table, level in pairs])

    # what is outside --------------------------------------------------------------------

    def _outside(self) -> Iterator[Family]:
        said = "purchase price of the next kWh in the slot that begins"
        yield self._price("price", said, _now, live=(FROM_SEEN, PRICE_NOW))
        for hours in PRICE_HOURS:
            said = f"the same in {hours} h: public, or what the forecaster says"
            yield self._price(f"price_{hours}h", said, self._price_in(hours))
        width = self._full_kw()
        yield soft(
            "renewable",
            "kW",
            "solar and wind power as last measured; width: all GPUs at full load",
            width,
            lambda seen: seen.solar_kw + seen.wind_kw,
        )
        for hours in RENEWABLE_HOURS:
            said = f"the same in {hours} h, as the forecaster says"
            yield soft(f"renewable_{hours}h", "kW", said, width, self._renewable_in(hours))
        yield soft(
            "carbon",
            "g/kWh",
            "last published carbon intensity of the grid",
            np.full(self.info.n_sites, CARBON_WIDTH_G_KWH),
            lambda seen: seen.carbon_g_kwh,
            shared=True,
        )

    def _price(
        self, name: str, meaning: str, read: Read, live: tuple[int, int] | None = None
    ) -> Family:
        width, centre = np.full(self.info.n_sites, PRICE_WIDTH_USD_KWH), PRICE_CENTRE_USD_KWH
        return soft(name, "USD/kWh", meaning, width, read, centre=centre, shared=True, live=live)

    def _price_in(self, hours: int) -> Read:
        return lambda seen: self._ahead(seen.forecast.price, hours)

    def _renewable_in(self, hours: int) -> Read:
        def read(seen: Observation) -> FloatArray:
            return self._ahead(seen.forecast.solar, hours) + self._ahead(seen.forecast.wind, hours)

        return read

    def _ahead(self, forecast: Forecast, hours: int) -> FloatArray:
        """What is foreseen in some hours; beyond the horizon its last value."""
        at = round(hours * NS_PER_HOUR / self.info.slot_ns)
        return forecast.values[:, min(at, forecast.horizon - 1)]

    def _full_kw(self) -> FloatArray:
        """IT power of each site with all GPUs at work at full speed [kW], shape (sites,)."""
        info = self.info
        most_w = np.zeros(info.n_sites)
        np.maximum.at(most_w, info.service_site, info.step_w)
        return np.asarray(info.gpus * info.replicas * most_w / 1000.0, dtype=np.float64)

    # demand and make --------------------------------------------------------------------

    def _arrivals(self) -> Iterator[Family]:
        width = self._jobs_a_slot() * self._images.mean() / len(self.groups)
        for k, name in enumerate(self.groups.names):
            yield soft(
                f"asked[{name}]",
                "images",
                "images asked for in the last slot, by the mean of each class; width: what the "
                "GPUs serve in a slot, over the number of groups",
                width,
                self._asked_of(k),
                live=(FROM_ARRIVALS, k),
            )

    def _asked_of(self, group: int) -> Read:
        return lambda seen: self._asked(seen)[group]

    def _asked(self, seen: Observation) -> FloatArray:
        """Images asked for in the last slot, shape (groups, sites)."""
        asked = np.zeros((len(self.groups), self.info.n_sites))
        np.add.at(asked, self.groups.of_class, (seen.arrivals * self._images).T)
        return asked

    def _make(self) -> Iterator[Family]:
        info = self.info
        step_s, value_usd = np.full(info.n_sites, np.inf), np.zeros(info.n_sites)
        np.minimum.at(step_s, info.service_site, info.image_step_s)
        np.maximum.at(value_usd, info.service_site, info.revenue_usd.max(axis=1))
        best_usd = np.full(info.n_sites, value_usd.max())
        gpus = info.gpus / info.gpus.sum()
        yield between("gpus", "1", "share of all GPUs", self._unit, lambda _: gpus)
        yield soft(
            "step",
            "s",
            "time of a denoising step of the fastest model at full speed",
            np.full(info.n_sites, STEP_WIDTH_S),
            lambda _: step_s,
        )
        yield between(
            "value",
            "USD",
            "most that an image earns here; 1: as much as anywhere",
            (self._unit[0], best_usd),
            lambda _: value_usd,
        )


def _now(seen: Observation) -> FloatArray:
    return seen.price_usd_kwh
