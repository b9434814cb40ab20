"""The terms of a site's supply as physics: its tariff, limits, calls and backup, scaled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cosim.decision import Notice
from cosim.physics import backup as generators
from cosim.physics import balance as physics
from cosim.physics.demand_response import Baseline, DemandResponse, DrEvent, firm_limits
from cosim.physics.grid_limits import GridEvent
from cosim.physics.local_time import ALWAYS, When, local_time
from cosim.physics.tariff_records import Block, DemandCharge, EnergyCharge, Tariff
from cosim.prepare.traced import Window
from cosim.quantities import NS_PER_HOUR
from cosim.scenario.connection import CallSpec, Connection, GasBackup, LimitSpan
from cosim.scenario.model import Scenario, Site
from cosim.scenario.pools import places
from cosim.scenario.tariff import DemandChargeSpec, EnergyChargeSpec, TariffSpec, WhenSpec
from cosim.world.plan import CallPlan, SupplyContract

INFINITE = float("inf")
PRICE = "price"
"""Name of the wholesale price among the energy charges, and of its series."""


def tariff(spec: TariffSpec, scale: float) -> Tariff:
    """The contract of a site; the wholesale price is its first energy charge."""
    wholesale = EnergyCharge(PRICE, (Block(0.0),), series=PRICE)
    return Tariff(
        energy=(wholesale, *(_energy(n, c, scale) for n, c in spec.energy.items())),
        demand=tuple(_demand(n, c, scale) for n, c in spec.demand.items()),
        fixed_usd_month=spec.fixed_usd_per_month * scale,
        metering=spec.metering,
        excess=spec.excess,
        excess_usd_kwh=spec.excess_usd_per_kwh,
        demand_interval_min=spec.demand_interval_minutes,
        partial_month=spec.partial_month,
    )


def _when(sets: Iterable[WhenSpec]) -> tuple[When, ...]:
    return tuple(When(each.hours, each.weekdays, each.months) for each in sets) or ALWAYS


def _energy(name: str, spec: EnergyChargeSpec, scale: float) -> EnergyCharge:
    blocks = tuple(Block(b.usd_per_kwh, _scaled(b.upto_kwh, scale)) for b in spec.blocks)
    return EnergyCharge(
        name, blocks or (Block(spec.usd_per_kwh or 0.0),), _when(spec.when), spec.fills
    )


def _demand(name: str, spec: DemandChargeSpec, scale: float) -> DemandCharge:
    blocks = tuple(Block(b.usd_per_kw, _scaled(b.upto_kw, scale)) for b in spec.blocks)
    return DemandCharge(
        name,
        blocks or (Block(spec.usd_per_kw or 0.0),),
        _when(spec.when),
        ratchet_share=spec.ratchet_share,
        ratchet_months=spec.ratchet_months,
        minimum_kw=spec.minimum_kw * scale,
        kind="coincident" if spec.counts == "system_peaks" else "peak",
    )


def _scaled(limit: float | None, scale: float) -> float:
    return INFINITE if limit is None else limit * scale


def kept_share(connection: Connection) -> float:
    """What the contract's meter reads of a kWh that the site sells; losses beyond it are paid."""
    losses = physics.Connection(loss_share=connection.loss_share, metered=connection.metered)
    return float(physics.metered(losses, 0.0, 1.0).export_kwh)


def contract(site: Site, window: Window, scenario: Scenario) -> SupplyContract | None:
    """The site's contract over the window, None where only the price of the slot counts."""
    spec = site.grid.tariff
    if spec is None:
        return None
    zone, scale = site.location.timezone, scenario.scale
    local = local_time(window.start_utc_ns, window.slot_ns, window.slots, zone)
    past = {
        name: tuple(kw * scale for kw in charge.past_peaks_kw)
        for name, charge in spec.demand.items()
    }
    keep, named = kept_share(site.grid.connection), named_bins(spec, window, scenario)
    return SupplyContract(tariff(spec, scale), local, keep, past, named)


def named_bins(spec: TariffSpec, window: Window, scenario: Scenario) -> NDArray[np.bool_]:
    """Which meter bins of the window a peak of the whole system touches, shape (bins,)."""
    bin_ns = round(scenario.clock.meter_seconds * 1e9)
    named = np.zeros((window.end_utc_ns - window.start_utc_ns) // bin_ns, dtype=np.bool_)
    for peak in spec.system_peaks:
        begin_ns, end_ns = peak.span_ns(scenario.clock.start)
        named[begin_ns // bin_ns : -(-end_ns // bin_ns)] = True
    return named


def calls(site: Site, window: Window, scenario: Scenario) -> CallPlan | None:
    """The site's calls for demand response, None without any."""
    spec = site.grid.demand_response
    if spec is None:
        return None
    scale, zone = scenario.scale, site.location.timezone
    rule = Baseline(spec.baseline.days, spec.baseline.highest, spec.baseline.adjust_share)
    events = tuple(_call(call, window, scenario) for call in spec.calls)
    agreed = (None if c.baseline_kw is None else c.baseline_kw * scale for c in spec.calls)
    local = local_time(window.start_utc_ns, window.slot_ns, window.slots, zone)
    return CallPlan(DemandResponse(events, rule), local, tuple(agreed))


def _call(call: CallSpec, window: Window, scenario: Scenario) -> DrEvent:
    begin_ns, end_ns = call.span_ns(scenario.clock.start)
    return DrEvent(
        window.start_utc_ns + begin_ns,
        window.start_utc_ns + end_ns,
        call.kind,
        call.power_kw * scenario.scale,
        call.payment_usd_per_kwh,
        call.penalty_usd_per_kwh,
        call.firm,
    )


def grid_events(site: Site, window: Window, scenario: Scenario) -> tuple[GridEvent, ...]:
    """Times in which the connection's limits are lower: outages, limits and firm caps."""
    limits = []
    for limit in site.grid.connection.limits:
        begin_ns, end_ns = limit.span_ns(scenario.clock.start)
        span = (window.start_utc_ns + begin_ns, window.start_utc_ns + end_ns)
        limits.append(GridEvent(*span, *_limits_kw(limit, scenario.scale)))
    programme = calls(site, window, scenario)
    return (*limits, *(firm_limits(programme.programme) if programme is not None else ()))


def _limits_kw(limit: LimitSpan, scale: float) -> tuple[float, float]:
    return _scaled(limit.import_kw_max, scale), _scaled(limit.export_kw_max, scale)


def notices(scenario: Scenario) -> tuple[Notice, ...]:
    """What grid operators announce, in the order in which it begins."""
    first = sorted(set(places(scenario)))
    found = [
        notice
        for i, site in zip(first, scenario.sites.values(), strict=True)
        for notice in _notices(scenario, i, site)
    ]
    return tuple(sorted(found, key=lambda notice: (notice.begin_ns, notice.site)))


def _notices(scenario: Scenario, i: int, site: Site) -> Iterator[Notice]:
    start, scale = scenario.clock.start, scenario.scale
    for limit in site.grid.connection.limits:
        begin_ns, end_ns = limit.span_ns(start)
        public_ns = begin_ns - round(limit.notice_h * NS_PER_HOUR)
        yield Notice(i, "limit", begin_ns, end_ns, public_ns, *_limits_kw(limit, scale))
    for peak in site.grid.tariff.system_peaks if site.grid.tariff is not None else ():
        if peak.notice_h is not None:
            begin_ns, end_ns = peak.span_ns(start)
            public_ns = begin_ns - round(peak.notice_h * NS_PER_HOUR)
            yield Notice(i, "peak", begin_ns, end_ns, public_ns, INFINITE, INFINITE, firm=False)
    programme = site.grid.demand_response
    for call in programme.calls if programme is not None else ():
        begin_ns, end_ns = call.span_ns(start)
        cap_kw = call.power_kw * scale if call.kind == "cap" else INFINITE
        yield Notice(
            i,
            call.kind,
            begin_ns,
            end_ns,
            begin_ns - round(call.notice_h * NS_PER_HOUR),
            cap_kw,
            INFINITE,
            reduction_kw=call.power_kw * scale if call.kind == "reduction" else 0.0,
            payment_usd_kwh=call.payment_usd_per_kwh,
            penalty_usd_kwh=call.penalty_usd_per_kwh,
            firm=call.firm,
        )


def backup(site: Site, scale: float) -> generators.Generator | None:
    """The site's generator, with what the scenario says in place of its kind's figures."""
    spec = site.backup
    if spec is None:
        return None
    hours = INFINITE if spec.run_hours_max is None else spec.run_hours_max
    if isinstance(spec, GasBackup):
        made = generators.gas(
            spec.rated_kw * scale, usd_per_mwh=spec.usd_per_mwh, run_hours_max=hours
        )
    else:
        made = generators.diesel(
            spec.rated_kw * scale, usd_per_l=spec.usd_per_l, run_hours_max=hours
        )
    return replace(
        made,
        min_load=_own(spec.min_load, made.min_load),
        start_delay_s=_own(spec.start_delay_s, made.start_delay_s),
        upkeep_usd_kwh=_own(spec.upkeep_usd_per_kwh, made.upkeep_usd_kwh),
    )


def _own(said: float | None, otherwise: float) -> float:
    return otherwise if said is None else said
