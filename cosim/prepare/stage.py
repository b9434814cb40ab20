"""The stage on which runs of one scenario are played: prepared once, used for every seed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosim.cache import cache_folder
from cosim.decision import WorldInfo
from cosim.physics.network import Link
from cosim.prepare.demand import draw_jobs, job_classes
from cosim.prepare.embodied import embodied
from cosim.prepare.energy import ageing_of, battery_of, battery_outages, building_of, cells_of
from cosim.prepare.facts import world_info
from cosim.prepare.faults import draw_faults, network_cuts
from cosim.prepare.forecast_errors import draw_errors
from cosim.prepare.outside import outside
from cosim.prepare.services import Rack, Service, deployed, rack
from cosim.prepare.sleeping import sleeping
from cosim.prepare.supply import backup, calls, contract, grid_events, notices
from cosim.prepare.traced import Provenance, Tracer, Window
from cosim.quantities import NS_PER_DAY
from cosim.scenario import model as spec
from cosim.scenario.lock import lock_text
from cosim.scenario.model import Scenario, Site
from cosim.scenario.pools import places, pool_sites
from cosim.traces.catalogue import Catalogue
from cosim.traces.jobs import JobSet
from cosim.world.plan import Errors, Outside, Plan, SitePlan

INFINITE = float("inf")


@dataclass(frozen=True)
class Stage:
    """A scenario with its traces read and its physics filled in.

    Attributes:
        scenario: the scenario.
        base: folder of the YAML, for traces beside it.
        window: the window in Unix time.
        racks: GPUs per pool.
        services: deployed models.
        outside: prices, carbon and weather.
        provenance: where each series came from.
    """

    scenario: Scenario
    base: Path | None
    window: Window
    racks: list[Rack]
    services: list[Service]
    outside: Outside
    provenance: list[Provenance] = field(default_factory=list)

    @cached_property
    def lock(self) -> str:
        """The lock of the scenario; writing it takes longer than a short run, so once for all."""
        return lock_text(self.scenario)

    def plan(self, seed: int, jobs: JobSet | None = None) -> Plan:
        """The plan of one run: this stage with the jobs and the failures of a seed.

        Args:
            seed: the seed.
            jobs: the jobs, where they were drawn before; default: those of the seed.
        """
        scenario = self.scenario
        return Plan(
            info=self._info,
            sites=self._sites,
            services=tuple(service.plan for service in self.services),
            jobs=self.jobs(seed) if jobs is None else jobs,
            outside=self.outside,
            link=self._link,
            bin_ns=round(scenario.clock.meter_seconds * 1e9),
            unserved_usd_kwh=scenario.money.unserved_usd_per_kwh,
            forecaster=scenario.forecast.kind,
            horizon=self.window.future,
            faults=draw_faults(scenario, [rack.count for rack in self.racks], self.window, seed),
            notices=notices(scenario),
            errors=self._errors(seed),
            cuts=self._cuts,
            load_seed=seed if any(s.plan.loads_ns for s in self.services) else None,
        )

    def _errors(self, seed: int) -> Errors | None:
        window = self.window
        return draw_errors(self.scenario, self.outside, window.slot_ns, window.history, seed)

    def jobs(self, seed: int) -> JobSet:
        """The jobs of a seed, drawn or replayed."""
        return draw_jobs(self.scenario, self.window, seed, self.base)

    @cached_property
    def _link(self) -> Link:
        net = self.scenario.network
        return Link(net.latency_ms / 1000, net.bandwidth_mbit_s, net.usd_per_gb)

    @cached_property
    def _cuts(self) -> NDArray[np.int64]:
        return network_cuts(self.scenario)

    @cached_property
    def _sites(self) -> tuple[SitePlan, ...]:
        return tuple(self._site(i, name, site) for i, (name, site) in enumerate(self._named))

    @property
    def _named(self) -> list[tuple[str, Site]]:
        return list(pool_sites(self.scenario).items())

    def _site(self, i: int, name: str, site: Site) -> SitePlan:
        scale, at = self.scenario.scale, self.racks[i]
        here = [s for s, service in enumerate(self.services) if service.site == i]
        preload = site.gpus.preload or site.models[0]
        place = places(self.scenario)[i]
        grid, building = site.grid, building_of(site, scale, self._place_kw(place))
        plan = SitePlan(
            name=name,
            gpus=at.count,
            discipline=site.gpus.discipline,
            services=tuple(here),
            levels=len(at.clock.speed),
            preload=here[site.models.index(preload)],
            idle_mw=round(at.idle_w * 1000),
            server_mw=round(at.server_w * 1000),
            cooling=building.cooling,
            battery=battery_of(site, scale),
            stored_kwh=0.0,
            import_kw_max=_limit(grid.import_kw_max, scale),
            export_kw_max=_limit(grid.export_kw_max, scale),
            wear_usd_kwh=site.battery.wear_usd_per_kwh if site.battery else 0.0,
            preempt=site.gpus.preempt,
            batch_max=site.gpus.batch_max,
            queue_limit=_scaled(site.gpus.queue_limit, scale),
            gives_up=site.gpus.drop_late != "never",
            sleep=sleeping(name, site.gpus, at.idle_w)[0],
            grid_events=grid_events(site, self.window, self.scenario),
            curtailment_usd_kwh=grid.connection.curtailment_usd_per_kwh,
            backup=backup(site, scale),
            contract=contract(site, self.window, self.scenario) if place == i else None,
            calls=calls(site, self.window, self.scenario) if place == i else None,
            cells=cells_of(site),
            ageing=ageing_of(site, scale),
            battery_outages=battery_outages(site, self.scenario.clock.start),
            room=building.room,
            room_c=building.room_c,
        )
        return replace(plan, stored_kwh=plan.capacity_kwh * _soc_start(site))

    def _place_kw(self, place: int) -> float:
        """IT power of all pools behind a meter with all GPUs at their hungriest [kW]."""
        return sum(self._full_kw(i) for i, at in enumerate(places(self.scenario)) if at == place)

    def _full_kw(self, i: int) -> float:
        """IT power of a pool with all GPUs at their hungriest [kW], replicas included."""
        at = self.racks[i]
        plans = [service.plan for service in self.services if service.site == i]
        most_mw = max(plan.most_mw(len(at.clock.speed) - 1) for plan in plans)
        return self.scenario.replicas * at.count * (most_mw / 1e6 + at.server_w / 1e3)

    @cached_property
    def _info(self) -> WorldInfo:
        return world_info(
            self.scenario,
            self.window,
            self.racks,
            self.services,
            self._sites,
            job_classes(self.scenario),
            self._link,
        )


def _limit(kw: float | None, scale: float) -> float:
    return INFINITE if kw is None else kw * scale


def _scaled(count: int | None, scale: float) -> int | None:
    return None if count is None else round(count * scale)


def _soc_start(site: Site) -> float:
    return site.battery.soc_start if site.battery else 0.0


def window_of(scenario: Scenario) -> Window:
    """The window of a scenario, with a day of history and the forecast horizon around it."""
    clock = scenario.clock
    slot_ns = round(clock.slot_minutes * 60) * 10**9
    start_utc_ns = int(clock.start.timestamp()) * 10**9
    slots = round(clock.days * NS_PER_DAY / slot_ns)
    return Window(
        start_utc_ns=start_utc_ns,
        end_utc_ns=start_utc_ns + slots * slot_ns,
        slot_ns=slot_ns,
        history=round(NS_PER_DAY / slot_ns),
        future=max(1, round(scenario.forecast.horizon_hours * 3600e9 / slot_ns)),
        mixed_years=clock.mixed_years,
    )


def stage(
    scenario: Scenario,
    *,
    base: Path | None = None,
    catalogue: Catalogue | None = None,
    cache: Path | None = None,
) -> Stage:
    """Prepare a scenario.

    Args:
        scenario: the scenario.
        base: folder of its YAML; traces beside it are found there.
        catalogue: traces; default: those that ship with cosim.
        cache: folder of computed series; default: :func:`cache_folder`.

    Raises:
        TraceError: a trace is missing, damaged or does not cover the window.
    """
    window = window_of(scenario)
    pools = pool_sites(scenario)
    bare = [rack(site, scenario.scale) for site in pools.values()]
    racks, services, claims = deployed(scenario, bare)
    tracer = Tracer(catalogue or Catalogue.load(), base, window)
    around = outside(scenario, tracer, cache or cache_folder())
    if isinstance(scenario.workload.arrivals, spec.ReplayArrivals):
        tracer.requests(scenario.workload.arrivals.trace)
    for (name, site), at in zip(pools.items(), racks, strict=True):
        claims += sleeping(name, site.gpus, at.idle_w)[1]
    for claim in claims + embodied(scenario)[1]:
        tracer.figures(claim.table, claim.used_for, claim.what, claim.assumed)
    return Stage(scenario, base, window, racks, services, around, tracer.records)
