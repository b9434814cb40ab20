"""The contract as a controller sees it: what one more kWh or kW costs, now and ahead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.physics.billing_energy import export_price, purchase_price
from cosim.physics.billing_records import Floats
from cosim.physics.local_time import LocalTime, mask_of
from cosim.physics.tariff_records import Tariff


class PriceView(NamedTuple):
    """Prices ahead, shape (steps,), for an optimiser: every charge in its first block [USD/kWh].

    Attributes:
        price_usd_kwh: of import.
        sale_usd_kwh: of export.
        demand_active: for each demand charge whether the step's power counts, (charges, steps).
    """

    price_usd_kwh: Floats
    sale_usd_kwh: Floats
    demand_active: NDArray[np.bool_]


def price_view(tariff: Tariff, local: LocalTime, series: Mapping[str, Floats]) -> PriceView:
    """Return the prices of coming steps as far as they do not depend on the meter."""
    active = [mask_of(charge.when, local) for charge in tariff.demand]
    return PriceView(
        purchase_price(tariff, local, series),
        export_price(tariff, local, series),
        np.array(active, dtype=np.bool_).reshape(len(active), local.count),
    )


def arbitrage_steps(view: PriceView) -> int:
    """Return in how many steps export would earn more than import costs (buying to sell)."""
    return int(np.sum(view.sale_usd_kwh > view.price_usd_kwh + 1e-12))


class DemandView(NamedTuple):
    """One demand charge at an instant.

    Attributes:
        name: name of the charge.
        active: whether power counts now.
        billed_kw: power of this month that is billed already: peak so far, minimum, ratchet [kW].
        usd_kw: price of the next kW above it [USD/kW].
    """

    name: str
    active: bool
    billed_kw: float
    usd_kw: float


class MarginalView(NamedTuple):
    """The contract at an instant.

    Attributes:
        price_usd_kwh: price of the next imported kWh.
        sale_usd_kwh: price of the next exported kWh.
        block_left_kwh: import until one of the charges in force changes its block; inf if none.
        demand: the demand charges.
    """

    price_usd_kwh: float
    sale_usd_kwh: float
    block_left_kwh: float
    demand: tuple[DemandView, ...]
