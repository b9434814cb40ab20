"""The sites of a plan as hindsight sees them: at their best (:mod:`cosim.hindsight.facts`)."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from cosim.hindsight.contracts import WHOLE
from cosim.hindsight.waste import PJ_PER_KWH, image_kwh_max
from cosim.optimise import Plant, Store
from cosim.physics.backup import least_usd_kwh
from cosim.physics.battery import Battery
from cosim.quantities import NS_PER_HOUR
from cosim.world.plan import Plan, ServicePlan

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def plant_of(plan: Plan) -> Plant:
    """The sites as the fluid model sees them."""
    info, sites = plan.info, plan.sites
    most_images = int(plan.jobs.images.max()) if len(plan.jobs) else 1
    modes = [
        (service, level, *_mode(plan, service, level, most_images))
        for service in range(info.n_services)
        for level in range(sites[int(info.service_site[service])].levels)
    ]
    kept = _undominated(plan, modes)
    columns = [np.array(column, dtype=np.float64) for column in zip(*kept, strict=True)]
    service, level, fixed_h, fixed_kwh, step_h, step_kwh = columns
    kw = info.replicas / 1e6
    return Plant(
        gpus=np.array([s.gpus for s in sites], dtype=np.float64),
        idle_kw=np.array([s.idle_mw for s in sites]) * kw,
        busy_kw=np.array([_most_mw(plan, i) for i in range(len(sites))]) * kw,
        image_kwh_max=image_kwh_max(plan),
        in_hand=np.array([s.gpus * max(s.batch_max, most_images) for s in sites], np.float64),
        server_kw=np.array([s.gpus * s.server_mw for s in sites]) * kw,
        service_site=info.service_site,
        steps=np.array(info.steps, dtype=np.float64),
        revenue_usd=np.where(info.steps_open, info.replicas * info.revenue_usd, -np.inf),
        image_h=_image_h(plan, modes),
        mode_service=service.astype(np.int64),
        mode_level=level.astype(np.int64),
        fixed_h=fixed_h,
        fixed_kwh=fixed_kwh,
        step_h=step_h,
        step_kwh=step_kwh,
        store=_store(plan),
        import_kw=info.import_kw_max,
        export_kw=info.export_kw_max,
        unserved_usd_kwh=plan.unserved_usd_kwh,
        place=info.place,
        **_supply(plan),
    )


Mode = tuple[int, int, float, float, float, float]


def _mode(
    plan: Plan, service: int, level: int, most_images: int
) -> tuple[float, float, float, float]:
    """(fixed_h, fixed_kwh, step_h, step_kwh) of an image; of steps those of the best batch."""
    at: ServicePlan = plan.services[service]
    fixed_ns = at.encode_ns[level] + at.decode_ns[level]
    sizes = range(1, max(at.batch_max, most_images) + 1) if at.batch_max > 1 else (1,)
    batches = [(x, *at.batch_step(level, x)) for x in sizes]
    step_ns = min(ns / x for x, ns, _ in batches)
    step_pj = min(ns * mw for _, ns, mw in batches)
    to_kwh = plan.info.replicas / PJ_PER_KWH
    return (
        fixed_ns / NS_PER_HOUR,
        fixed_ns * at.fixed_mw[level] * to_kwh,
        step_ns / NS_PER_HOUR,
        step_pj * to_kwh,
    )


def _undominated(plan: Plan, modes: list[Mode]) -> list[Mode]:
    """Leave out clock levels that are neither faster nor thriftier than another one.

    Where consuming is paid for all stay.
    """
    outside = plan.outside
    if (outside.price_usd_kwh[outside.history :][: plan.info.slots] < 0.0).any():
        return modes
    idle_kw = [plan.info.replicas * site.idle_mw / 1e6 for site in plan.sites]

    def figures(mode: Mode) -> FloatArray:
        idle = idle_kw[int(plan.info.service_site[mode[0]])]
        _, _, fixed_h, fixed_kwh, step_h, step_kwh = mode
        beyond = (fixed_kwh - idle * fixed_h, step_kwh - idle * step_h)
        return np.array([fixed_h, step_h, *beyond])

    kept: list[Mode] = []
    for mode in reversed(modes):  # fastest first; of equals one stays
        mine = figures(mode)
        rivals = [m for m in kept if m[0] == mode[0]]
        if not any((figures(m) <= mine).all() for m in rivals):
            kept.append(mode)
    return kept[::-1]


def _image_h(plan: Plan, modes: list[Mode]) -> FloatArray:
    """Shortest time of an image by steps, at the fastest clock, shape (services, steps)."""
    steps = np.array(plan.info.steps, dtype=np.float64)
    rows = []
    for service in range(plan.info.n_services):
        mine = [m for m in modes if m[0] == service]
        rows.append(min(m[2] for m in mine) + steps * min(m[4] for m in mine))
    return np.array(rows)


def _most_mw(plan: Plan, site: int) -> int:
    at = plan.sites[site]
    services = [plan.services[s] for s in at.services]
    return max([at.idle_mw, *(s.most_mw(k) for s in services for k in range(at.levels))])


class Supply(TypedDict):
    """The parts of a plant that most sites lack."""

    backup_kw: FloatArray | None
    backup_usd_kwh: FloatArray | None
    whole_load: NDArray[np.bool_] | None


def _supply(plan: Plan) -> Supply:
    """Generators at the load at which they are cheapest, and who buys the whole load apart."""
    generators = [site.backup for site in plan.sites]
    apart = np.array(
        [s.contract is not None and s.contract.tariff.metering == WHOLE for s in plan.sites]
    )
    backed = any(generators)
    return Supply(
        backup_kw=np.array([g.rated_kw if g else 0.0 for g in generators]) if backed else None,
        backup_usd_kwh=(
            np.array([least_usd_kwh(g, plan.info.carbon_usd_kg) if g else 0.0 for g in generators])
            if backed
            else None
        ),
        whole_load=apart if apart.any() else None,
    )


def _store(plan: Plan) -> Store:
    info, batteries = plan.info, [site.battery for site in plan.sites]
    best = np.array([best_efficiencies(b) if b else (1.0, 1.0) for b in batteries])
    return Store(
        low_kwh=info.soc_min * info.battery_kwh,
        high_kwh=np.array([b.soc_max * b.capacity_kwh if b else 0.0 for b in batteries]),
        charge_kw=info.battery_charge_kw,
        give_kw=info.battery_discharge_kw,
        charge_efficiency=best[:, 0],
        give_efficiency=best[:, 1],
        wear_usd_kwh=np.array([site.wear_usd_kwh for site in plan.sites]),
    )


def best_efficiencies(battery: Battery) -> tuple[float, float]:
    """Return efficiencies that the battery reaches at no power: (charging, discharging).

    The converter curve x/(x + p0 + K x²) is highest at x = √(p0/K), where it is 1/(1 + 2√(p0 K));
    cell resistance only lowers it.
    """
    curve = battery.converter
    if battery.kind != "pcs_ohmic" or curve is None:
        return battery.charge_efficiency, battery.discharge_efficiency
    charge = 1.0 / (1.0 + 2.0 * np.sqrt(curve.charge_p0 * curve.charge_k))
    give = 1.0 / (1.0 + 2.0 * np.sqrt(curve.discharge_p0 * curve.discharge_k))
    return float(charge), float(give)
