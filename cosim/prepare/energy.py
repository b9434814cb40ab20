"""Batteries, cooling and rooms of the scenario as records of physics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from cosim.physics import cooling as physics_cooling
from cosim.physics.ageing import Wear, age, new_wear, used_wear
from cosim.physics.ageing_models import MODELS, AgeingModel
from cosim.physics.ageing_report import report
from cosim.physics.battery import Battery, Converter, Derating, Taper
from cosim.physics.chiller import Chiller
from cosim.physics.thermal import Thermal
from cosim.scenario import model as spec
from cosim.scenario.model import Site
from cosim.world.battery_plan import Ageing, Cells


def battery_of(site: Site, scale: float) -> Battery | None:
    """The battery of a site, sizes at scale; its capacity is that when new."""
    size = site.battery
    if size is None:
        return None
    plain = Battery(
        "linear",
        size.capacity_kwh * scale,
        size.charge_kw_max * scale,
        size.discharge_kw_max * scale,
        soc_min=size.soc[0],
        soc_max=size.soc[1],
    )
    if isinstance(size, spec.IdealBattery):
        return plain
    real = replace(
        plain,
        self_discharge_per_h=size.self_discharge_per_day / 24,
        standby_kw=size.standby_kw * scale,
        taper=Taper(**dict(size.taper)) if size.taper else None,
        derating=Derating(**dict(size.derating)) if size.derating else None,
    )
    if isinstance(size, spec.PcsOhmicBattery):
        return replace(real, kind="pcs_ohmic", converter=_converter(size, scale))
    return replace(
        real,
        charge_efficiency=size.charge_efficiency,
        discharge_efficiency=size.discharge_efficiency,
    )


def _converter(size: spec.PcsOhmicBattery, scale: float) -> Converter:
    rated_kw = size.converter.rated_kw or max(size.charge_kw_max, size.discharge_kw_max)
    return Converter(**{**dict(size.converter), "rated_kw": rated_kw * scale})


def cells_of(site: Site) -> Cells:
    """How warm a site's battery is."""
    warmth = site.battery.cell_temperature if site.battery else spec.ConstantCells()
    if isinstance(warmth, spec.ConstantCells):
        return Cells(warmth.temp_c, warmth.temp_c)
    return Cells(warmth.low_c, warmth.high_c, warmth.offset_k)


def ageing_of(site: Site, scale: float) -> Ageing | None:
    """How a site's battery ages, and what it has been through."""
    size = site.battery
    if size is None or size.ageing is None:
        return None
    chosen = size.ageing
    model, years = MODELS[chosen.model](), chosen.age_years
    start = used_wear(model, size.soc_start, years) if years else new_wear(size.soc_start)
    return Ageing(
        model,
        start,
        size.capacity_kwh * scale,
        chosen.replacement_usd_per_kwh,
        chosen.end_of_life,
    )


def battery_outages(site: Site, start: datetime) -> tuple[tuple[int, int], ...]:
    """When a site's battery is out: begin and end of each time, from the window's start [ns]."""
    outages = site.battery.outages if site.battery else ()
    return tuple(outage.span_ns(start) for outage in outages)


def foreseen_wear_usd_kwh(ageing: Ageing) -> float:
    """What cycles would cost per kWh discharged on a day of one even cycle [USD/kWh].

    The figure that policies weigh against the spread of prices; what is booked is what the
    battery really goes through.
    """
    after = _even_day(ageing.model, ageing.start)
    told = report(
        ageing.model,
        ageing.start,
        after,
        capacity_kwh=ageing.new_kwh,
        replacement_usd_kwh=ageing.replacement_usd_kwh,
        end_of_life=ageing.end_of_life,
    )
    return told.wear_usd_kwh


def _even_day(model: AgeingModel, start: Wear) -> Wear:
    """The wear after a day of one cycle between 90 and 10 %."""
    soc = start.turns[-1].soc
    course = np.interp(np.arange(1, 25), [0, 6, 18, 24], [soc, 0.9, 0.1, soc])
    return age(model, start, course, 25.0, 1.0)


@dataclass(frozen=True)
class Building:
    """A site's cooling and its room.

    Attributes:
        cooling: how heat becomes electric power.
        room: the room; None where heat is removed at once.
        room_c: its temperature at the start [°C], 0 without one.
    """

    cooling: physics_cooling.CoolingModel
    room: Thermal | None
    room_c: float


def building_of(site: Site, scale: float, full_kw: float) -> Building:
    """The building of a site.

    Args:
        site: the site.
        scale: size of the system.
        full_kw: IT power with all GPUs at their hungriest [kW], for which the building is made
            where the scenario does not tell.
    """
    design_kw = full_kw if site.design_it_kw is None else site.design_it_kw * scale
    cooling = _cooling(site.cooling, design_kw)
    room = site.room
    if room is None:
        return Building(cooling, None, 0.0)
    low_c, high_c = room.band_c
    made = Thermal(
        mass_kwh_k=room.mass_wh_per_k_kw * design_kw / 1000.0,
        capacity_kw=room.capacity_ratio * design_kw,
        envelope_kw_k=room.envelope_w_per_k_kw * design_kw / 1000.0,
        band_low_c=low_c,
        band_high_c=high_c,
        allowance_k=room.allowance_k,
        level_k=room.level_k,
    )
    return Building(cooling, made, high_c if room.start_c is None else room.start_c)


def _cooling(chosen: spec.Cooling, design_kw: float) -> physics_cooling.CoolingModel:
    if isinstance(chosen, spec.ConstantCooling):
        return physics_cooling.ConstantPue(chosen.pue)
    if isinstance(chosen, spec.ChillerCooling):
        return _chiller(chosen, design_kw)
    return physics_cooling.Economizer(
        fixed_overhead=chosen.misc_share,
        fan_ratio=chosen.fan_share,
        ups_loss=chosen.ups_share,
        t_free_c=chosen.free_below_c,
        t_full_c=chosen.full_above_c,
        carnot_factor=chosen.carnot_factor,
        cop_min=chosen.cop_min,
        cop_max=chosen.cop_max,
    )


def _chiller(chosen: spec.ChillerCooling, design_kw: float) -> Chiller:
    return Chiller(
        design_it_kw=design_kw,
        fixed_ratio=chosen.fixed_share,
        ups_idle_ratio=chosen.ups_idle_share,
        ups_ratio=chosen.ups_share,
        fan_ratio=chosen.fan_share,
        fan_exponent=chosen.fan_exponent,
        flow_min=chosen.flow_min,
        pump_ratio=chosen.pump_share,
        oversize=chosen.oversize,
        reference_cop=chosen.reference_cop,
        part_load_min=chosen.part_load_min,
        unload_min=chosen.unload_min,
        chilled_water_c=chosen.chilled_water_c,
        condenser_approach_k=chosen.condenser_approach_k,
        t_free_c=chosen.free_below_c,
        t_full_c=chosen.full_above_c,
    )
