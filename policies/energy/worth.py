"""What a battery does in a slot, by the worth of what it holds.

A plan over hours prices a kWh in the battery at ν at the end of the slot that begins. Within the
slot, meter bin by meter bin, that price decides better than a fixed power would: surplus is
absorbed where selling it brings less than η_c·ν, load is covered where buying costs more than
ν/η_d and wear. What the plan buys to store or gives to sell beyond that is a fixed power.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cosim.decision.info import FloatArray
from cosim.optimise import Outlook, Store
from policies.energy.common import BatteryOrder

NEAR = 1e-9
"""Energies and prices below this are the solver's rounding."""


@dataclass(frozen=True)
class FirstPeriod:
    """What a plan would have the batteries and the grid do first, shape (sites,) each.

    Attributes:
        charge_kwh: into the battery.
        give_kwh: out of it.
        buy_kwh: imports.
        sell_kwh: exports.
        stored_usd_kwh: worth ν of a kWh in the battery at the end.
        fill_kw: power with which a battery may be filled before imports cost more than their
            price, inf where they do not; NaN at sites without such a supply; None without any.
        off_kw: by how much net loads are off as a rule.
        cold_kwh: cold in the machine rooms at the end, shape (rooms,).
    """

    charge_kwh: FloatArray
    give_kwh: FloatArray
    buy_kwh: FloatArray
    sell_kwh: FloatArray
    stored_usd_kwh: FloatArray
    fill_kw: FloatArray | None = None
    off_kw: FloatArray | float = 0.0
    cold_kwh: FloatArray = field(default_factory=lambda: np.zeros(0))


def order_of(store: Store, seen: Outlook, plan: FirstPeriod) -> BatteryOrder:
    """Turn the first period of a plan into an order.

    Args:
        store: the batteries.
        seen: what the plan rests on.
        plan: what it would do first.
    """
    buy, sell = seen.buy_usd_kwh[:, 0], np.maximum(seen.sell_usd_kwh[:, 0], 0.0)
    has, hours = store.high_kwh > 0.0, max(float(seen.hours[0]), NEAR)
    taken = store.charge_efficiency * plan.stored_usd_kwh
    given = plan.stored_usd_kwh / store.give_efficiency + store.wear_usd_kwh
    buys = (plan.charge_kwh > NEAR) & (plan.buy_kwh > NEAR) & (taken >= buy - NEAR)
    sells = (plan.give_kwh > NEAR) & (plan.sell_kwh > NEAR) & (given <= sell + NEAR) & ~buys
    power = np.where(buys, -plan.charge_kwh, np.where(sells, plan.give_kwh, 0.0)) / hours
    absorb = np.where(has & ~sells & (taken >= sell - NEAR), np.inf, 0.0)
    cover = np.where(has & ~buys & (given <= buy + NEAR), np.inf, 0.0)
    order = BatteryOrder(np.where(has, power, 0.0), absorb, cover)
    return order if plan.fill_kw is None else _shaved(order, store, seen, plan)


def _shaved(order: BatteryOrder, store: Store, seen: Outlook, plan: FirstPeriod) -> BatteryOrder:
    """Where a kWh may be worth more than its price, the plan's own energies decide.

    A battery that carries part of the load to keep a peak down gives that part, and what loads are
    off by, so that it lasts; where what it holds is not scarce it follows the load. One that is
    filled from the grid leaves room for what is not foreseen.
    """
    assert plan.fill_kw is not None
    hours, buy = max(float(seen.hours[0]), NEAR), seen.buy_usd_kwh[:, 0]
    fills = (plan.charge_kwh > NEAR) & (plan.buy_kwh > NEAR)
    gives = (plan.give_kwh > NEAR) & (plan.sell_kwh <= NEAR) & ~fills
    given = plan.stored_usd_kwh / store.give_efficiency + store.wear_usd_kwh
    scarce = (plan.buy_kwh > NEAR) & (given > buy + NEAR)
    cover_kw = np.where(scarce, plan.give_kwh / hours + plan.off_kw, np.inf)
    here = (store.high_kwh > 0.0) & ~np.isnan(plan.fill_kw) & (fills | gives)
    power = np.where(fills, -np.fmin(plan.charge_kwh / hours, plan.fill_kw), 0.0)
    return BatteryOrder(
        np.where(here, power, order.power_kw),
        np.where(here & fills, np.inf, order.absorb_kw),
        np.where(here, np.where(fills, 0.0, cover_kw), order.cover_kw),
    )
