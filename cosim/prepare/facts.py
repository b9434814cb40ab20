"""The static facts that policies may know, gathered from the prepared scenario."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from cosim.decision import ClassInfo, WorldInfo
from cosim.physics import quality
from cosim.physics.battery import Battery, round_trip_efficiency
from cosim.physics.local_time import mask_of
from cosim.physics.network import Link, transfer_ns, transfer_usd
from cosim.physics.sampler import SampledCurve
from cosim.physics.service import Lateness
from cosim.physics.thermal import row as cooling_row
from cosim.prepare.contract_facts import supplies
from cosim.prepare.energy import foreseen_wear_usd_kwh
from cosim.prepare.profiles import as_run, model_sampler
from cosim.prepare.services import Rack, Service
from cosim.prepare.steps import step_counts, steps_open
from cosim.prepare.traced import Window
from cosim.scenario import model as spec
from cosim.scenario.model import Scenario
from cosim.scenario.pools import places, pool_sites
from cosim.traces.jobs import JobClass
from cosim.world.plan import SitePlan

FloatArray = NDArray[np.float64]


def image_value_usd(scenario: Scenario, model: str) -> float:
    """v^max of a model under the scenario's money preset [USD/image]."""
    if scenario.money.preset == "market":
        return scenario.money.market_value_usd[model]
    return scenario.models[model].value_usd


def quality_curve(curve: spec.Curve) -> quality.QualityCurve:
    """The physics record of a curve in the scenario."""
    if isinstance(curve, spec.SigmoidCurve):
        return quality.Sigmoid(curve.a, curve.c0)
    if isinstance(curve, spec.SaturatingCurve):
        return quality.Saturating(curve.k)
    if isinstance(curve, spec.PowerCurve):
        return quality.Power(curve.exponent, curve.steps_full)
    return quality.Table(curve.steps, curve.values)


def lateness(chosen: spec.LatenessSpec) -> Lateness:
    """The physics record of a bargain in the scenario."""
    if isinstance(chosen, spec.HardLateness):
        return Lateness()
    if isinstance(chosen, spec.StepLateness):
        end_s = {"cutoff_s": chosen.grace_s}
    elif isinstance(chosen, spec.LinearLateness):
        end_s = {"scale_s": chosen.scale_s, "cutoff_s": chosen.grace_s + chosen.scale_s}
    else:
        end_s = {"scale_s": chosen.scale_s, "cutoff_s": chosen.cutoff_s}
    return Lateness(
        chosen.kind,
        grace_s=chosen.grace_s,
        step_share=chosen.share,
        penalty=chosen.penalty,
        **end_s,
    )


def world_info(
    scenario: Scenario,
    window: Window,
    racks: list[Rack],
    services: list[Service],
    sites: tuple[SitePlan, ...],
    job_classes: tuple[JobClass, ...],
    link: Link,
) -> WorldInfo:
    """Gather the static facts."""
    names = list(scenario.models)
    values = np.array([image_value_usd(scenario, names[s.model]) for s in services])
    counts, models = step_counts(scenario), [names[s.model] for s in services]
    qualities = np.stack([_qualities(scenario, name, counts) for name in models])
    transfer_s, moved_usd = _transfers(scenario, link)
    batteries = [site.battery for site in sites]
    return WorldInfo(
        sites=tuple(pool_sites(scenario)),
        models=tuple(names),
        service_site=np.array([s.site for s in services], dtype=np.int64),
        service_model=np.array([s.model for s in services], dtype=np.int64),
        classes=tuple(_class_info(c, scenario.workload.images) for c in job_classes),
        steps=counts,
        steps_open=steps_open(scenario, models),
        default_steps=scenario.default_steps,
        slot_ns=window.slot_ns,
        slots=window.slots,
        start_utc_ns=window.start_utc_ns,
        gpus=np.array([r.count for r in racks], dtype=np.int64),
        batch_max=np.array([site.batch_max for site in sites], dtype=np.int64),
        clock_speed=tuple(r.clock.speed for r in racks),
        clock_power=tuple(r.clock.power for r in racks),
        image_fixed_s=np.array([s.timing.encode_s + s.timing.decode_s for s in services]),
        image_step_s=np.array([s.share_s for s in services]),
        image_fixed_j=np.array([s.timing.fixed_j for s in services]),
        step_w=np.array([s.full_w for s in services]),
        idle_w=np.array([r.idle_w for r in racks]),
        server_w=np.array([r.server_w for r in racks]),
        revenue_usd=qualities * values[:, None],
        quality=qualities,
        late_penalty_usd=values * scenario.money.late_penalty,
        transfer_s=transfer_s,
        transfer_usd=moved_usd,
        replicas=scenario.replicas,
        battery_kwh=np.array([site.capacity_kwh for site in sites]),
        battery_charge_kw=_of(batteries, "charge_kw_max"),
        battery_discharge_kw=_of(batteries, "discharge_kw_max"),
        battery_efficiency=np.array([round_trip_efficiency(b) if b else 1.0 for b in batteries]),
        soc_min=_of(batteries, "soc_min"),
        soc_max=_of(batteries, "soc_max"),
        import_kw_max=np.array([site.import_kw_max for site in sites]),
        export_kw_max=np.array([site.export_kw_max for site in sites]),
        wear_usd_kwh=np.array([_wear_usd_kwh(site) for site in sites]),
        room_kwh_k=_room(sites, "mass_kwh_k", 0.0),
        room_low_c=_room(sites, "band_low_c", -np.inf),
        room_high_c=_room(sites, "band_high_c", np.inf),
        heat_kw_max=_room(sites, "capacity_kw", np.inf),
        cooling_row=np.stack([_cooling_row(sites[at]) for at in places(scenario)]),
        carbon_usd_kg=scenario.money.carbon_usd_per_t / 1000.0,
        backup_kw=np.array([site.backup.rated_kw if site.backup else 0.0 for site in sites]),
        demand_charges=_demand_charges(sites),
        demand_active=_demand_active(sites, window.slots),
        supply=supplies(sites, window.slots, scenario.money.carbon_usd_per_t / 1000.0),
        lateness=tuple(lateness(scenario.models[name].lateness) for name in models),
        may_be_cut=bool(scenario.network.outages),
        place=np.array(places(scenario), dtype=np.int64),
    )


def _demand_charges(sites: tuple[SitePlan, ...]) -> tuple[tuple[str, ...], ...]:
    """Names of each site's demand charges; empty where no site has a contract."""
    if all(site.contract is None for site in sites):
        return ()
    tariffs = [site.contract.tariff.demand if site.contract else () for site in sites]
    return tuple(tuple(charge.name for charge in charges) for charges in tariffs)


def _demand_active(sites: tuple[SitePlan, ...], slots: int) -> NDArray[np.bool_]:
    """In which slots each demand charge counts, shape (slots, sites, charges)."""
    contracts = [site.contract for site in sites]
    most = max((len(c.tariff.demand) for c in contracts if c is not None), default=0)
    active = np.zeros((slots, len(sites), most) if most else (0, 0, 0), dtype=np.bool_)
    for i, contract in enumerate(contracts):
        for k, charge in enumerate(contract.tariff.demand if contract is not None else ()):
            active[:, i, k] = mask_of(charge.when, contract.local) if contract else False
    return active


def _qualities(scenario: Scenario, name: str, counts: tuple[int, ...]) -> FloatArray:
    """Quality of an image of a model, with its sampler, at each step count."""
    model = as_run(scenario, name)
    curve = SampledCurve(quality_curve(model.quality), model_sampler(name, model)[0])
    return curve(np.asarray(counts, dtype=np.float64))


def _of(batteries: list[Battery | None], name: str) -> FloatArray:
    return np.array([getattr(b, name) if b else 0.0 for b in batteries], dtype=np.float64)


def _cooling_row(site: SitePlan) -> FloatArray:
    return cooling_row(site.cooling, site.room)


def _room(sites: tuple[SitePlan, ...], name: str, absent: float) -> FloatArray:
    return np.array([getattr(site.room, name) if site.room else absent for site in sites])


def _wear_usd_kwh(site: SitePlan) -> float:
    return foreseen_wear_usd_kwh(site.ageing) if site.ageing else site.wear_usd_kwh


def _transfers(scenario: Scenario, link: Link) -> tuple[FloatArray, FloatArray]:
    """Seconds and dollars of moving a job of one image between any two sites."""
    models = scenario.models.values()
    there_mb, back_mb = max(m.input_mb for m in models), max(m.image_mb for m in models)
    seconds = (transfer_ns(link, there_mb) + transfer_ns(link, back_mb)) / 1e9
    at = np.array(places(scenario))
    apart = np.not_equal.outer(at, at).astype(np.float64)
    return apart * seconds, apart * transfer_usd(link, there_mb + back_mb)


def _class_info(job_class: JobClass, weights: dict[int, float]) -> ClassInfo:
    inside = {
        images: weight
        for images, weight in weights.items()
        if job_class.images_lo <= images <= job_class.images_hi
    }
    total = sum(inside.values())
    mean = sum(i * w for i, w in inside.items()) / total if total else job_class.images_lo
    return ClassInfo(**asdict(job_class), images_mean=float(mean))
