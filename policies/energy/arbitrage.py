"""When to fill a battery from the grid and when to use it: price against the coming day's prices.

Everything known of the future comes from the forecasts of the observation, over at most a day
and at most as far as they reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.decision import Notice, Observation, WorldInfo
from cosim.decision.info import BoolArray, FloatArray
from cosim.errors import PolicyError
from policies.energy.common import BatteryOrder, unlimited_kw
from policies.options import number


@dataclass(frozen=True)
class Outlook:
    """The coming prices of each site, all in USD/kWh and of shape (sites,).

    Attributes:
        now: purchase price of the slot that begins.
        low: lower quantile of the coming prices.
        high: upper quantile.
        cheap: mean of the prices up to the lower quantile.
        dear: mean of the prices from the upper quantile on.
    """

    now: FloatArray
    low: FloatArray
    high: FloatArray
    cheap: FloatArray
    dear: FloatArray


@dataclass(frozen=True)
class Thresholds:
    """The options of price arbitrage.

    Attributes:
        q_low: quantile of coming prices below which the battery is filled, in [0, 1].
        q_high: quantile above which it is used, in [q_low, 1].
        hours: how far the coming prices are looked at [h].
    """

    q_low: float
    q_high: float
    hours: float

    def __post_init__(self) -> None:
        number("q_low", self.q_low, 0.0, 1.0)
        number("q_high", self.q_high, 0.0, 1.0)
        number("hours", self.hours, 0.25, 168.0)
        if self.q_low > self.q_high:
            raise ValueError(f"option `q_low` {self.q_low:g} exceeds `q_high` {self.q_high:g}")


def outlook(world: WorldInfo, observation: Observation, limits: Thresholds, name: str) -> Outlook:
    """Sum up the forecast prices of the coming hours.

    Args:
        world: static facts.
        observation: what is known at the slot edge.
        limits: quantiles and how far to look.
        name: the policy's name for an error message.

    Raises:
        PolicyError: the forecast holds no slot at all.
    """
    slots = max(1, round(limits.hours / world.slot_h))
    coming = observation.forecast.price.values[:, :slots]
    if coming.shape[1] == 0:
        raise PolicyError(name, "needs a price forecast of at least one slot", field="forecast")
    low, high = np.quantile(coming, [limits.q_low, limits.q_high], axis=1)
    return Outlook(
        now=observation.price_usd_kwh,
        low=low,
        high=high,
        cheap=_mean_where(coming, coming <= low[:, None]),
        dear=_mean_where(coming, coming >= high[:, None]),
    )


def _mean_where(values: FloatArray, mask: BoolArray) -> FloatArray:
    return np.asarray(np.where(mask, values, 0.0).sum(axis=1) / mask.sum(axis=1))


def charging_kw(world: WorldInfo, observation: Observation, when: BoolArray) -> FloatArray:
    """Charge as fast as battery, limit and caps allow where ``when`` [kW ≤ 0], shape (sites,)."""
    room_kw = np.maximum(import_limit_kw(world, observation) - net_load_kw(observation), 0.0)
    power = np.minimum(np.maximum(observation.battery_low_kw, -room_kw), 0.0)
    return np.where(when, power, 0.0)


def calls_now(world: WorldInfo, observation: Observation) -> list[Notice]:
    """Calls to use less, and peaks of the system, that fall into the slot that begins."""
    end_ns = observation.time_ns + world.slot_ns
    notices = observation.grid.notices
    return [call for call in notices if call.kind != "limit" and call.begin_ns < end_ns]


def import_limit_kw(world: WorldInfo, observation: Observation) -> FloatArray:
    """Import limit in force, caps called for this slot, 0 in a system's peak [kW], (sites,)."""
    limit_kw = observation.grid.import_kw_max.copy()
    for call in calls_now(world, observation):
        most_kw = 0.0 if call.kind == "peak" else call.import_kw_max
        limit_kw[call.site] = min(limit_kw[call.site], most_kw)
    return limit_kw


def net_load_kw(observation: Observation) -> FloatArray:
    """Facility load foreseen for this slot minus renewable power foreseen [kW], shape (sites,)."""
    foreseen = observation.forecast
    renewable = foreseen.solar.values[:, 0] + foreseen.wind.values[:, 0]
    return np.asarray(foreseen.load.values[:, 0] - renewable)


def trade(
    world: WorldInfo, observation: Observation, charge: BoolArray, discharge: BoolArray
) -> BatteryOrder:
    """Charge where told, cover the load where told, absorb surplus anywhere.

    A site told to do both does neither.
    """
    power = charging_kw(world, observation, charge & ~discharge)
    cover = np.where(discharge & ~charge, np.inf, 0.0)
    return BatteryOrder(power, unlimited_kw(world), cover)
