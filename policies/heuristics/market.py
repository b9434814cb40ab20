"""A market for GPU time: what is asked, and the prices at which no more is asked than there is.

Jobs are a fluid of images per second. At prices p each drop takes the (service, steps) pair of
the highest v_i(c) − p_i·t_i(c) − e_i·E_i(c) − transfer, which is the Lagrangian of serving them
under each site's GPU time; the prices are its multipliers, found by tâtonnement (a subgradient
method with shrinking steps, averaged over its second half).
"""

from __future__ import annotations

import numpy as np

from cosim.decision import Observation, WorldInfo
from cosim.decision.info import FloatArray
from policies.classes import typical_images

ROUNDS = 48


class Demand:
    """A running mean of what arrives: images per second of each home and class.

    Args:
        world: static facts.
        memory: weight of the past, in [0, 1).
    """

    def __init__(self, world: WorldInfo, memory: float) -> None:
        self.world, self.memory = world, memory
        self.jobs: FloatArray | None = None

    def update(self, observation: Observation) -> None:
        """Take in the arrivals of the last slot (there was none before slot 0)."""
        if observation.slot == 0:
            return
        seen = observation.arrivals.astype(np.float64)
        old = seen if self.jobs is None else self.jobs
        self.jobs = self.memory * old + (1.0 - self.memory) * seen

    def images_s(self) -> FloatArray:
        """Images per second, shape (sites, 2 · sizes).

        Of each size the first column is of those that stay home, the second of those that may
        move.
        """
        world = self.world
        doors = 2 * len(world.sizes)
        if self.jobs is None:
            return np.zeros((world.n_sites, doors))
        per_class = self.jobs * typical_images(world) / (world.slot_ns / 1e9)
        door_of = 2 * world.class_size + world.transferable
        return np.stack([per_class[:, door_of == k].sum(1) for k in range(doors)], axis=1)


def clearing_prices(
    world: WorldInfo,
    *,
    images_s: FloatArray,
    capacity_gpus: FloatArray,
    energy_usd_kwh: FloatArray,
    start_usd_s: FloatArray,
) -> FloatArray:
    """Return the prices of GPU time that clear the market of a slot [USD/s], shape (sites,).

    Args:
        world: static facts.
        images_s: images per second of each size that stay home or may move, shape (sites,
            2 · sizes), as ``Demand.images_s`` has them.
        capacity_gpus: full-speed GPUs that new work may use, shape (sites,).
        energy_usd_kwh: price of IT energy at each service, shape (services,).
        start_usd_s: prices to start from, shape (sites,).
    """
    gain = _gain_usd(world, energy_usd_kwh)
    time_s = world.image_s()
    ceiling = _ceiling_usd_s(world)
    prices = np.minimum(start_usd_s, ceiling)
    total, kept = np.zeros(world.n_sites), 0
    for turn in range(ROUNDS):
        asked = _asked_gpus(world, gain, time_s, prices, images_s)
        excess = np.clip(asked / capacity_gpus - 1.0, -1.0, 1.0)
        prices = np.clip(prices + ceiling * 0.25 / (1.0 + turn / 4.0) * excess, 0.0, ceiling)
        if turn >= ROUNDS // 2:
            total, kept = total + prices, kept + 1
    return total / kept


def _gain_usd(world: WorldInfo, energy_usd_kwh: FloatArray) -> FloatArray:
    """What an image earns before GPU time is paid, −inf where unreachable.

    Shape (sites, 2 · sizes, services, steps): home, size and may it move, where, with how many
    steps.
    """
    earned = world.revenue_usd - energy_usd_kwh[:, None] * world.image_kwh()
    own = np.where(world.steps_open, earned, -np.inf)
    moving = world.transfer_usd[:, world.service_site]
    movable = own[None] - moving[:, :, None]
    staying = np.where(world.at_home[:, :, None], movable, -np.inf)
    doors = [(served, gain) for served in world.size_served for gain in (staying, movable)]
    return np.stack([np.where(row[:, None], gain, -np.inf) for row, gain in doors], axis=1)


def _ceiling_usd_s(world: WorldInfo) -> FloatArray:
    """Most that a GPU-second can earn at each site [USD/s], shape (sites,)."""
    rate = np.where(world.steps_open, world.revenue_usd / world.image_s(), -np.inf)
    best = rate.max(axis=1)
    ceiling = np.zeros(world.n_sites)
    np.maximum.at(ceiling, world.service_site, best)
    return ceiling


def _asked_gpus(
    world: WorldInfo,
    gain: FloatArray,
    time_s: FloatArray,
    prices: FloatArray,
    images_s: FloatArray,
) -> FloatArray:
    """GPU-seconds per second asked of each site at given prices, shape (sites,)."""
    score = gain - prices[world.service_site][:, None] * time_s
    flat = score.reshape(*score.shape[:2], -1)
    best = flat.argmax(axis=2)
    service = best // len(world.steps)
    work = images_s * time_s.reshape(-1)[best]
    asked = np.zeros(world.n_sites)
    np.add.at(asked, world.service_site[service], work)
    return asked
