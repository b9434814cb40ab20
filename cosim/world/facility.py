"""The electrical side of a site: in every meter bin the loads meet sun, wind, battery and grid.

Within a bin solar, wind and set-points are constant and JEMAS Eq. (10) holds,
P^G + P^C = D + R + G: what sun, wind and battery do not cover is imported, what is left over is
stored, sold or curtailed. Nothing nets across bins. If the import limit makes the balance
impossible, the battery helps out, and what remains is unserved energy on its own account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from cosim.ledger import FLOWS, METERS
from cosim.physics.battery import Battery, BatteryStep, advance, feasible_range_kw
from cosim.world.plan import SitePlan

ENERGY_COLUMNS = (*METERS, *FLOWS)
_AT = {name: i for i, name in enumerate(ENERGY_COLUMNS)}
_STORED = _AT["stored_kwh"]


DUST = 1e-12
"""Shares of a bin's energy below this are rounding, neither unserved nor curtailed."""


class BatteryOrder(NamedTuple):
    """What the battery is to do: a set-point and how far it may follow surplus and load [kW]."""

    power_kw: float = 0.0
    absorb_kw: float = 0.0
    cover_kw: float = 0.0


class Loads(NamedTuple):
    """Mean powers of a bin [kW]."""

    compute_kw: float
    idle_kw: float
    cooling_kw: float
    solar_kw: float
    wind_kw: float


@dataclass(frozen=True)
class BinBooks:
    """The closed books of one bin.

    Attributes:
        energy_kwh: one entry per column of ``ENERGY_COLUMNS`` [kWh].
        battery_kw: mean battery power, + discharging [kW].
        residual_kwh: worst disagreement between postings and meters [kWh].
    """

    energy_kwh: list[float]
    battery_kw: float
    residual_kwh: float

    def __getitem__(self, column: str) -> float:
        """Energy of one column [kWh]."""
        return self.energy_kwh[_AT[column]]


class Facility:
    """One site's connection, battery and meters.

    ``sells`` says whether surplus is sold: at a negative sale price it is curtailed instead.
    """

    def __init__(self, plan: SitePlan) -> None:
        self.plan = plan
        self.stored_kwh = plan.stored_kwh
        self.order = BatteryOrder()
        self.sells = True

    @property
    def soc(self) -> float:
        """State of charge as a share of capacity; 0 without a battery."""
        battery = self.plan.battery
        return self.stored_kwh / battery.capacity_kwh if battery else 0.0

    def range_kw(self, hours: float) -> tuple[float, float]:
        """Battery powers that can be held for so long [kW] (JEMAS Eq. 9)."""
        if self.plan.battery is None:
            return 0.0, 0.0
        return feasible_range_kw(self.plan.battery, self.stored_kwh, hours)

    def close(self, loads: Loads, hours: float) -> BinBooks:
        """Balance one bin, move the battery and post every joule once."""
        load_kw = loads.compute_kw + loads.idle_kw + loads.cooling_kw
        step = self._battery(load_kw - loads.solar_kw - loads.wind_kw, hours)
        before_kwh = self.stored_kwh
        if step is not None:
            self.stored_kwh = step.stored_kwh
        books = _post(self.plan, loads, step, hours, self._export_kw_max)
        books[_STORED] = self.stored_kwh
        residual = _residual(books, self.stored_kwh - before_kwh)
        return BinBooks(books, step.power_kw if step else 0.0, residual)

    @property
    def _export_kw_max(self) -> float:
        return self.plan.export_kw_max if self.sells else 0.0

    def _battery(self, residual_kw: float, hours: float) -> BatteryStep | None:
        battery = self.plan.battery
        if battery is None:
            return None
        return advance(battery, self.stored_kwh, self._power_kw(battery, residual_kw), hours)

    def _power_kw(self, battery: Battery, residual_kw: float) -> float:
        """The order followed within the bin and kept inside the grid's limits [kW]."""
        order, plan = self.order, self.plan
        power_kw = order.power_kw
        rest_kw = residual_kw - power_kw
        if rest_kw < 0.0:
            power_kw -= min(order.absorb_kw, -rest_kw)
        else:
            power_kw += min(order.cover_kw, rest_kw)
        # the battery neither pushes through the export limit nor leaves a load in the dark
        power_kw = min(power_kw, max(0.0, residual_kw + self._export_kw_max))
        power_kw = max(power_kw, residual_kw - plan.import_kw_max)
        return min(battery.discharge_kw_max, max(-battery.charge_kw_max, power_kw))


def _post(
    plan: SitePlan,
    loads: Loads,
    step: BatteryStep | None,
    hours: float,
    export_kw_max: float,
) -> list[float]:
    """Post the energies of one bin by the declared rule (see :mod:`cosim.ledger`)."""
    use = [loads.compute_kw * hours, loads.idle_kw * hours, loads.cooling_kw * hours]
    solar, wind = loads.solar_kw * hours, loads.wind_kw * hours
    charge, give = (step.charged_kwh, step.discharged_kwh) if step else (0.0, 0.0)
    charge_loss = _charge_loss(plan, charge)
    battery_loss = step.loss_kwh - charge_loss if step else 0.0
    load, renewable = sum(use), solar + wind
    net = load - renewable + charge - give
    bought = min(max(net, 0.0), plan.import_kw_max * hours)
    sold = min(max(-net, 0.0), export_kw_max * hours)
    unserved, curtailed = max(net, 0.0) - bought, max(-net, 0.0) - sold
    if unserved < DUST * load:
        bought, unserved = bought + unserved, 0.0
    if curtailed < DUST * renewable:
        sold, curtailed = sold + curtailed, 0.0
    served = load - unserved
    direct = min(renewable, served)
    from_battery = min(give, served - direct)
    stored_green = min(charge, renewable - direct)
    sold_battery = min(give - from_battery, sold)
    green = {
        "load": direct,
        "charge": stored_green,
        "export": sold - sold_battery,
        "curtailed": curtailed,
    }
    from_grid = {"load": served - direct - from_battery, "charge": charge - stored_green}
    books = [0.0] * len(ENERGY_COLUMNS)
    meters = (*use, solar, wind, bought, sold, curtailed, charge, give)
    books[: len(meters)] = meters
    books[_AT["loss_kwh"]] = charge_loss + battery_loss
    books[_AT["unserved_kwh"]] = unserved
    keep = 1.0 - (charge_loss / charge if charge else 0.0)
    shares = [part / load for part in use] if load else [0.0, 0.0, 0.0]
    solar_part = solar / renewable if renewable else 0.0
    _source(books, "grid", from_grid, 1.0, keep, shares)
    _source(books, "solar", green, solar_part, keep, shares)
    _source(books, "wind", green, 1.0 - solar_part, keep, shares)
    _source(books, "battery", {"load": from_battery, "export": sold_battery}, 1.0, 1.0, shares)
    books[_AT["battery_to_loss_kwh"]] += battery_loss
    return books


def _charge_loss(plan: SitePlan, charge_kwh: float) -> float:
    return charge_kwh * (1.0 - plan.battery.charge_efficiency) if plan.battery else 0.0


def _source(
    books: list[float],
    source: str,
    parts: dict[str, float],
    part: float,
    keep: float,
    shares: list[float],
) -> None:
    """Post what one source gave to the loads, to the battery, to the grid and to nobody."""
    at = _AT[f"{source}_to_compute_kwh"]
    served, charge = parts["load"] * part, parts.get("charge", 0.0) * part
    books[at : at + 7] = [
        served * shares[0],
        served * shares[1],
        served * shares[2],
        charge * (1.0 - keep),
        charge * keep,
        parts.get("export", 0.0) * part,
        parts.get("curtailed", 0.0) * part,
    ]


_SOURCES = {"grid": "import_kwh", "solar": "solar_kwh", "wind": "wind_kwh"}
_ROW = {name: _AT[f"{name}_to_compute_kwh"] for name in ("grid", "solar", "wind", "battery")}
_SOLD, _CURTAILED, _LOSS = _AT["export_kwh"], _AT["curtailed_kwh"], _AT["loss_kwh"]


def _residual(books: list[float], stored_kwh: float) -> float:
    """Worst disagreement of the postings with the meters and with the battery's content [kWh]."""
    rows = {name: books[at : at + 7] for name, at in _ROW.items()}
    wrong = [sum(rows[name]) - books[_AT[meter]] for name, meter in _SOURCES.items()]
    sinks = [sum(column) for column in zip(*rows.values(), strict=True)]
    served = books[0] + books[1] + books[2] - books[_AT["unserved_kwh"]]
    wrong += [
        sum(sinks[:3]) - served,
        sinks[3] - books[_LOSS],
        sinks[5] - books[_SOLD],
        sinks[6] - books[_CURTAILED],
        sinks[4] - sum(rows["battery"]) - stored_kwh,
    ]
    return max(abs(x) for x in wrong)
