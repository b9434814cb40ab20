"""What policies may know of a site's supply contract, calls, limits and generator."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cosim.decision.supply import Supply, Tier
from cosim.physics.backup import least_usd_kwh
from cosim.physics.billing_energy import billed_share
from cosim.physics.local_time import mask_of
from cosim.world.plan import SitePlan, SupplyContract

FloatArray = NDArray[np.float64]


def supplies(
    sites: tuple[SitePlan, ...], slots: int, carbon_usd_kg: float
) -> tuple[Supply | None, ...]:
    """The supply of every site beyond prices per slot; empty where no site has anything of it."""
    found = tuple(_supply(site, slots, carbon_usd_kg) for site in sites)
    return found if any(found) else ()


def _supply(site: SitePlan, slots: int, carbon_usd_kg: float) -> Supply | None:
    contract = site.contract
    if not (contract or site.calls or site.grid_events or site.backup):
        return None
    demand = contract.tariff.demand if contract else ()
    return Supply(
        metering=contract.tariff.metering if contract else "net_billing",
        keep=contract.keep if contract else 1.0,
        month=contract.local.month_no if contract else np.zeros(slots, dtype=np.int64),
        tiers=_tiers(contract) if contract else (),
        peak_usd_kw=_peak_usd_kw(contract) if contract else np.zeros((1, 0)),
        peak_floor_kw=np.array([charge.minimum_kw for charge in demand]),
        called=site.calls is not None,
        limited=bool(site.grid_events),
        backup_usd_kwh=least_usd_kwh(site.backup, carbon_usd_kg) if site.backup else 0.0,
    )


def _tiers(contract: SupplyContract) -> tuple[Tier, ...]:
    if contract.tariff.metering == "net_metering":
        return ()
    shares = billed_share(contract.tariff, contract.local)
    return tuple(
        Tier(
            number,
            mask_of(charge.when, contract.local),
            lower.upto * shares,
            upper.usd - lower.usd,
        )
        for number, charge in enumerate(contract.tariff.energy)
        for lower, upper in pairwise(charge.blocks)
    )


def _peak_usd_kw(contract: SupplyContract) -> FloatArray:
    shares = billed_share(contract.tariff, contract.local)
    first = [charge.blocks[0].usd for charge in contract.tariff.demand]
    return np.asarray(shares[:, None] * np.array(first, dtype=np.float64)[None, :])
