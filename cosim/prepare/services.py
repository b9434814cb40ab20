"""Models on GPUs: profile tables and the scenario's own numbers become integer durations."""

from __future__ import annotations

from dataclasses import dataclass

from cosim.errors import TraceError
from cosim.physics import gpu as physics
from cosim.physics.gpu import ClockTable, ServiceTiming
from cosim.scenario.model import ClockCubicSpec, ClockTableSpec, Gpus, Scenario, Site
from cosim.traces.profiles import dvfs_table, gpu_spec, load_seconds, service_profile, services
from cosim.world.plan import ServicePlan


@dataclass(frozen=True)
class Service:
    """A model deployed at a site.

    Attributes:
        site: index of the site.
        model: index of the model.
        timing: seconds and watts at full clock.
        plan: the same as integers at every clock level.
    """

    site: int
    model: int
    timing: ServiceTiming
    plan: ServicePlan


@dataclass(frozen=True)
class Rack:
    """The GPUs of a site with everything filled in.

    Attributes:
        count: simulated GPUs after scaling.
        clock: DVFS levels.
        idle_w: board power of a waiting GPU [W].
        server_w: always-on share of server and network per GPU [W].
    """

    count: int
    clock: ClockTable
    idle_w: float
    server_w: float


def rack(site: Site, scale: float) -> Rack:
    """Fill in what the scenario leaves to the GPU and DVFS tables."""
    gpus = site.gpus
    idle_w, server_w = gpus.idle_w, gpus.server_w
    if idle_w is None or server_w is None:
        spec = gpu_spec(gpus.kind)
        idle_w = spec.idle_w if idle_w is None else idle_w
        server_w = spec.server_overhead_w if server_w is None else server_w
    return Rack(round(gpus.count * scale), _clock(gpus), idle_w, server_w)


def _clock(gpus: Gpus) -> ClockTable:
    spec = gpus.clock
    if isinstance(spec, ClockTableSpec):
        return ClockTable(spec.speed, spec.power)
    if isinstance(spec, ClockCubicSpec):
        return physics.cubic(spec.idle_ratio, spec.speed)
    table = dvfs_table(gpus.kind)
    return ClockTable(tuple(table.speed_ratio.tolist()), tuple(table.power_ratio.tolist()))


def deployed(scenario: Scenario, racks: list[Rack]) -> list[Service]:
    """All services in the order of sites, then of each site's models.

    Raises:
        TraceError: a model has no profile on a GPU kind; all such cases at once.
    """
    found: list[Service] = []
    problems: list[str] = []
    names = list(scenario.models)
    for i, (name, site) in enumerate(scenario.sites.items()):
        for model in site.models:
            try:
                timing = _timing(scenario, site, model, racks[i])
                plan = _plan(f"{name}/{model}", timing, racks[i].clock)
                _guard(scenario, f"{name}/{model}", plan, racks[i])
                found.append(Service(i, names.index(model), timing, plan))
            except (TraceError, ValueError) as problem:
                problems.append(f"site `{name}`, model `{model}`: {problem}")
    if problems:
        raise TraceError("\n".join(problems))
    return found


def _timing(scenario: Scenario, site: Site, name: str, at: Rack) -> ServiceTiming:
    model, kind = scenario.models[name], site.gpus.kind
    load_s = model.load_s
    if load_s is None:  # the published statistics do not tell models apart
        load_s = load_seconds(services()[0][0]).median_s
    load_w = at.idle_w if model.load_w is None else model.load_w
    own = model.timing.get(kind)
    if own is not None:
        return ServiceTiming(
            own.step_s, own.step_w, own.encode_s, own.decode_s, own.fixed_j, load_s, load_w
        )
    row = service_profile(model.profile or name, kind, px=model.px, stack=model.stack)
    return ServiceTiming(
        row.step_s, row.step_w, row.encode_s, row.decode_s, row.fixed_j, load_s, load_w
    )


def _plan(label: str, timing: ServiceTiming, clock: ClockTable) -> ServicePlan:
    """Round seconds and watts to integers once per clock level."""
    levels = list(zip(clock.speed, clock.power, strict=True))
    plan = ServicePlan(
        encode_ns=tuple(physics.encode_ns(timing, speed) for speed, _ in levels),
        step_ns=tuple(physics.step_ns(timing, speed) for speed, _ in levels),
        decode_ns=tuple(physics.decode_ns(timing, speed) for speed, _ in levels),
        step_mw=tuple(physics.power_mw(timing.step_w, power) for _, power in levels),
        fixed_mw=tuple(physics.fixed_power_mw(timing, power) for _, power in levels),
        load_ns=physics.load_ns(timing),
        load_mw=physics.power_mw(timing.load_w, 1.0),
    )
    if min(plan.step_ns) < 1:
        raise ValueError(f"{label}: a step of {timing.step_s} s is shorter than a nanosecond")
    return plan


def _guard(scenario: Scenario, label: str, plan: ServicePlan, at: Rack) -> None:
    """Refuse scenarios whose sums leave 64 bits: one job's energy, one bin's pool time."""
    images, steps = max(scenario.workload.images), max(scenario.steps)
    longest = max(plan.job_ns(level, steps, images) for level in range(len(plan.step_ns)))
    highest = max(*plan.step_mw, *plan.fixed_mw, plan.load_mw)
    physics.guard_int64(f"{label}: longest job", longest + plan.load_ns, highest)
    bin_ns = round(scenario.clock.meter_seconds * 1e9)
    physics.guard_int64(f"{label}: GPU time of a meter bin", bin_ns * at.count, 1)
