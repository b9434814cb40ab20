"""A plan seen from its end: what really arrived, shone, blew and cost, for the fluid model.

Wherever the fluid model cannot follow the world it is given the better of what the world might do,
so that its optimum is never below the utility of a run:

* jobs are a fluid; an image may be served in any part of the slots between its arrival and its
  deadline; moving it takes no time and costs what the cheapest image costs;
* an image must fit into its job's tolerated delay per image, alone and at the fastest clock;
  similar jobs share the longest allowance among them;
* each image may mix clocks; where GPUs batch, a step has the time and energy of the best batch;
* a late or refused image costs the least penalty within reach, and as much energy as one likes;
* sun, wind, load and battery are netted over the slot instead of the meter bin;
* batteries have their best efficiency and no self-discharge;
* PUE is the lowest of the slot (the highest where consuming is paid for); rooms and plants whose
  overhead is not a function of the weather alone count with a PUE of 1 or more;
* ageing of the battery, what curtailment costs, outages and lower limits of the grid count as
  nothing; a backup generator is one that serves for nothing.

A supply contract beyond a price per slot (demand charges, blocks, net metering) and calls for
demand response are neither known nor bounded: there is no bound where a site has them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.optimise import Groups, Outlook, Plant, Store
from cosim.physics.battery import Battery
from cosim.physics.cooling import ConstantPue, CoolingModel, Economizer, pue
from cosim.quantities import J_PER_KWH, NS_PER_HOUR
from cosim.traces.jobs import JobSet
from cosim.world.plan import Plan, ServicePlan

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
PJ_PER_KWH = J_PER_KWH * 1e12
ALLOWANCES = 4
"""Bins of the time that an image may take; more cost time and tighten the bound little."""
PATIENCE_SLOTS = (2, 16, 64)
"""Edges of the bins of slots between arrival and deadline."""
PUE_MOST = 10.0


def unbounded(plan: Plan) -> list[str]:
    """What keeps a plan from having a bound, in words; nothing if it has one."""
    found = []
    for site in plan.sites:
        if site.contract is not None:
            found.append(f"site `{site.name}` has a supply contract beyond a price per slot")
        if site.calls is not None:
            found.append(f"site `{site.name}` is called for demand response")
    return found


# the plant ------------------------------------------------------------------------------------


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
        image_kwh_max=_image_kwh_max(plan),
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
        unserved_usd_kwh=_unserved_usd_kwh(plan),
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


def _unserved_usd_kwh(plan: Plan) -> float:
    return 0.0 if any(site.backup for site in plan.sites) else plan.unserved_usd_kwh


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


# the jobs -------------------------------------------------------------------------------------


def periods_of(plan: Plan) -> tuple[FloatArray, IntArray]:
    """(slots in each period, period of each slot): the window's slots, then a widening drain."""
    slots, jobs = plan.info.slots, plan.jobs
    last = int(jobs.deadline_ns.max() // plan.info.slot_ns) if len(jobs) else 0
    lengths, rest = [1] * slots, max(1, last + 1 - slots)
    while rest > 0:
        lengths.append(min(rest, max(1, sum(lengths[slots:]))))
        rest -= lengths[-1]
    return np.array(lengths, dtype=np.float64), np.repeat(np.arange(len(lengths)), lengths)


def jobs_of(plan: Plan, plant: Plant) -> tuple[Groups, FloatArray, FloatArray]:
    """(groups, arriving, due): the jobs as images of groups; arrays of shape (groups, periods)."""
    info, jobs = plan.info, plan.jobs
    lengths, period_of = periods_of(plan)
    arrival = jobs.arrival_ns // info.slot_ns
    deadline = np.maximum(jobs.deadline_ns // info.slot_ns, arrival)
    patience = np.searchsorted(PATIENCE_SLOTS, deadline - arrival, side="right")
    allowance, allowances_h = _allowances(jobs, plant)
    keys = np.stack([jobs.home, jobs.transferable, allowance, patience])
    kinds, group = np.unique(keys, axis=1, return_inverse=True)
    counts = np.zeros((2, kinds.shape[1], len(lengths)))
    images = jobs.images.astype(np.float64)
    np.add.at(counts[0], (group.ravel(), period_of[arrival]), images)
    np.add.at(counts[1], (group.ravel(), period_of[deadline]), images)
    home, movable = kinds[0].astype(np.int64), kinds[1].astype(np.bool_)
    groups = Groups(
        home=home,
        movable=movable,
        allowance_h=allowances_h[kinds[2]],
        patient=np.ones(kinds.shape[1], dtype=np.bool_),
        fare_usd=_fare_usd(plan)[home],
        miss_usd=_miss_usd(plan)[home, movable.astype(np.int64)],
    )
    return groups, counts[0], np.cumsum(counts[1], axis=1)


def _allowances(jobs: JobSet, plant: Plant) -> tuple[IntArray, FloatArray]:
    """(bin of each job, longest allowance in each bin [h]) of the time that an image may take."""
    each_h = (jobs.deadline_ns - jobs.arrival_ns) / NS_PER_HOUR / np.maximum(jobs.images, 1)
    tight = each_h[each_h < plant.image_h.max()]
    inner = np.quantile(tight, np.arange(1, ALLOWANCES) / ALLOWANCES) if len(tight) else []
    edges = np.unique([*inner, plant.image_h.max()])
    where = np.searchsorted(edges, each_h, side="right")
    longest = np.full(len(edges) + 1, np.inf)
    for k in range(len(edges)):
        inside = each_h[where == k]
        longest[k] = inside.max() if len(inside) else edges[k]
    return where, longest


def _fare_usd(plan: Plan) -> FloatArray:
    """Price of moving the cheapest image between any two sites, shape (sites, sites)."""
    jobs, apart = plan.jobs, 1.0 - np.eye(plan.info.n_sites)
    if not len(jobs):
        return apart * 0.0
    from cosim.physics.network import transfer_usd

    each_mb = (jobs.input_mb + jobs.output_mb) / np.maximum(jobs.images, 1)
    return np.asarray(apart * plan.info.replicas * transfer_usd(plan.link, float(each_mb.min())))


def _miss_usd(plan: Plan) -> FloatArray:
    """Least cost of an image that is late or refused, by home and by whether it may move."""
    info = plan.info
    at_home = [
        info.late_penalty_usd[info.service_site == site].min() for site in range(info.n_sites)
    ]
    anywhere = np.full(info.n_sites, info.late_penalty_usd.min())
    return np.asarray(info.replicas * np.stack([at_home, anywhere], axis=1))


# the surroundings -----------------------------------------------------------------------------


def outlook_of(plan: Plan, plant: Plant, arriving: FloatArray, due: FloatArray) -> Outlook:
    """What the window and its drain really brought."""
    info, outside, slots = plan.info, plan.outside, plan.info.slots
    lengths, _ = periods_of(plan)
    hours = lengths * info.slot_h
    rows = np.minimum(np.arange(len(hours)), slots - 1)
    window = slice(outside.history, outside.history + slots)
    price, carbon = outside.price_usd_kwh[window].T, outside.carbon_g_kwh[window].T
    buy = (price + info.carbon_usd_kg * carbon / 1000.0)[:, rows]
    green = _per_slot(plan, outside.solar_bin_kw + outside.wind_bin_kw)
    pues = np.stack([_pue(plan, site) for site in range(info.n_sites)], axis=1)
    up_h = plant.gpus[:, None] * hours - _down_h(plan, len(hours))
    return Outlook(
        hours=hours,
        buy_usd_kwh=buy,
        sell_usd_kwh=outside.sale_usd_kwh[window].T[:, rows],
        green_kwh=_padded(green.mean(axis=2) * info.slot_h, len(hours), 0.0),
        green_most_kwh=_padded(green.max(axis=2) * info.slot_h, len(hours), 0.0),
        green_least_kwh=_padded(green.min(axis=2) * info.slot_h, len(hours), 0.0),
        pue_low=pues[0][:, rows],
        pue_high=pues[1][:, rows],
        gpu_h=up_h,
        up_h=up_h,
        arriving=arriving,
        due=due,
        stored_kwh=np.array([site.stored_kwh for site in plan.sites]),
        kept_usd_kwh=price.mean(axis=1) * np.sqrt(info.battery_efficiency),
        burnt_kwh=_burnt_kwh(plan),
        drain_kwh=_drain_kwh(plan),
    )


def _per_slot(plan: Plan, bins: FloatArray) -> FloatArray:
    """A series of bins by site, slot and bin of the slot."""
    shape = (plan.info.slots, plan.bins_per_slot, plan.info.n_sites)
    return np.moveaxis(bins.reshape(shape), 2, 0)


def _padded(values: FloatArray, length: int, rest: float) -> FloatArray:
    out = np.full((values.shape[0], length), rest)
    out[:, : values.shape[1]] = values
    return out


def _pue(plan: Plan, site: int) -> FloatArray:
    """Least and greatest PUE of each slot, shape (2, slots); in the drain the last bin's holds."""
    at = plan.sites[site]
    model: CoolingModel = at.cooling
    if at.room is not None or not isinstance(model, ConstantPue | Economizer):
        return np.array([[1.0], [PUE_MOST]]) * np.ones(plan.info.slots)
    bins = pue(model, plan.outside.temp_bin_c[:, site]).reshape(plan.info.slots, -1)
    return np.stack([bins.min(axis=1), bins.max(axis=1)])


def _down_h(plan: Plan, periods: int) -> FloatArray:
    """GPU time lost to failures in each period, shape (sites, periods)."""
    slot_ns, slots = plan.info.slot_ns, plan.info.slots
    lost_ns = np.zeros((plan.info.n_sites, periods))
    since: dict[tuple[int, int], int] = {}
    edges = np.arange(slots + 1) * slot_ns
    ends = [(f.site, f.gpu, f.at_ns, f.up) for f in plan.faults]
    for site, gpu, at_ns, up in ends:
        begun = since.pop((site, gpu), None)
        if begun is not None:
            lost_ns[site, :slots] += np.diff(np.clip(edges, begun, at_ns)).astype(np.float64)
        if not up:
            since[site, gpu] = at_ns if begun is None else begun
    for (site, _), begun in since.items():
        lost_ns[site, :slots] += np.diff(np.maximum(edges, begun)).astype(np.float64)
    return np.asarray(lost_ns / NS_PER_HOUR)


def _image_kwh_max(plan: Plan) -> float:
    """Most energy that an image of a single job can take, replicas included."""
    steps = max(plan.info.steps)
    dearest_pj = max(
        (s.encode_ns[k] + s.decode_ns[k]) * s.fixed_mw[k] + steps * s.batch_ns[k][0] * s.most_mw(k)
        for s in plan.services
        for k in range(len(s.step_ns))
    )
    return plan.info.replicas * dearest_pj / PJ_PER_KWH


def _burnt_kwh(plan: Plan) -> float:
    """Most IT energy that is drawn beyond what the images need that are finished.

    Cold starts: one per job at most where a site has several models. Failures, preemption and
    batches that are not full waste what no simple limit holds.
    """
    wasteful = any(site.preempt or site.batch_max > 1 for site in plan.sites)
    if wasteful or plan.faults:
        return np.inf
    if all(len(site.services) == 1 for site in plan.sites):
        return 0.0
    return _loads_kwh(plan)


def _drain_kwh(plan: Plan) -> float:
    """More than a site can draw after the window: all jobs at their dearest, interrupted often."""
    return 4.0 * (_image_kwh_max(plan) * float(plan.jobs.images.sum()) + _loads_kwh(plan))


def _loads_kwh(plan: Plan) -> float:
    """Energy of one cold start for each job, at its dearest."""
    load_pj = max(s.load_ns * s.load_mw for s in plan.services)
    return len(plan.jobs) * plan.info.replicas * load_pj / PJ_PER_KWH
