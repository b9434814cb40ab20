"""Models on GPUs: profile tables and the scenario's own numbers become integer durations."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cosim.errors import TraceError
from cosim.physics import gpu as physics
from cosim.physics.batching import (
    BatchLaw,
    Law,
    MeasuredLaw,
    batch_image_mw,
    batch_step_ns,
)
from cosim.physics.gpu import ClockTable, ServiceTiming
from cosim.scenario.model import ClockCubicSpec, ClockTableSpec, Gpus, Scenario, Site
from cosim.traces.profiles import (
    dvfs_table,
    gpu_spec,
    load_seconds,
    service_profile,
    services,
)
from cosim.traces.service_tables import batch_curve
from cosim.world.plan import ServicePlan


@dataclass(frozen=True)
class Service:
    """A model deployed at a site.

    Attributes:
        site: index of the site.
        model: index of the model.
        timing: seconds and watts at full clock.
        plan: the same as integers at every clock level.
        law: how steps grow in a batch; None where images come one after another.
    """

    site: int
    model: int
    timing: ServiceTiming
    plan: ServicePlan
    law: Law | None = None

    @property
    def share_s(self) -> float:
        """GPU time of a step of an image: all of it, or its share of a full batch [s]."""
        ratio = self.law.time_ratio(self.plan.batch_max) if self.law else 1.0
        return self.timing.step_s * ratio / self.plan.batch_max

    @property
    def full_w(self) -> float:
        """Board power in a step, of a full batch [W]."""
        if self.law is None:
            return self.timing.step_w
        return self.plan.batch_max * self.plan.batch_mw[-1][-1] / 1000


@dataclass(frozen=True)
class Rack:
    """The GPUs of a site with everything filled in.

    Attributes:
        count: simulated GPUs after scaling.
        clock: DVFS levels.
        idle_w: board power of a waiting GPU [W].
        server_w: always-on share of server and network per GPU [W].
        max_w: limit of the board [W], inf where no table has it.
    """

    count: int
    clock: ClockTable
    idle_w: float
    server_w: float
    max_w: float


def rack(site: Site, scale: float) -> Rack:
    """Fill in what the scenario leaves to the GPU and DVFS tables."""
    gpus = site.gpus
    idle_w, server_w = gpus.idle_w, gpus.server_w
    if idle_w is None or server_w is None:
        spec = gpu_spec(gpus.kind)
        idle_w = spec.idle_w if idle_w is None else idle_w
        server_w = spec.server_overhead_w if server_w is None else server_w
    return Rack(round(gpus.count * scale), _clock(gpus), idle_w, server_w, _max_w(gpus))


def _max_w(gpus: Gpus) -> float:
    try:
        return gpu_spec(gpus.kind).max_w
    except TraceError:  # a kind of the scenario's own
        return float("inf")


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
                law = _batch_law(scenario, site, model)
                if law is not None:
                    plan = _batching(plan, timing, law, racks[i], site.gpus.batch_max)
                _guard(scenario, f"{name}/{model}", plan, racks[i])
                found.append(Service(i, names.index(model), timing, plan, law))
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


def _batch_law(scenario: Scenario, site: Site, name: str) -> Law | None:
    if site.gpus.batch_max == 1:
        return None
    model, kind = scenario.models[name], site.gpus.kind
    own = model.timing.get(kind)
    if own is not None and own.batch is not None:
        return BatchLaw(own.batch.fixed_share, own.batch.power_ratio)
    said = f"batch_max is {site.gpus.batch_max}, but how steps grow in a batch is not known: "
    fix = f"; give `models.{name}.timing.{kind}.batch: {{fixed_share: ...}}`"
    try:
        curve = batch_curve(model.profile or name, kind, px=model.px).value
    except TraceError as problem:
        raise TraceError(f"{said}{problem}{fix}") from None
    if site.gpus.batch_max > curve.batch_max:
        raise TraceError(f"{said}it was measured up to {curve.batch_max} images{fix}")
    return MeasuredLaw(curve)


def _batching(
    plan: ServicePlan, timing: ServiceTiming, law: Law, at: Rack, most: int
) -> ServicePlan:
    """Round the times and powers of all batch sizes to integers, once per clock level."""
    sizes = range(1, most + 1)
    return replace(
        plan,
        batch_ns=tuple(
            tuple(batch_step_ns(timing, law, speed, images) for images in sizes)
            for speed in at.clock.speed
        ),
        batch_mw=tuple(
            tuple(batch_image_mw(timing, law, power, images, at.max_w) for images in sizes)
            for power in at.clock.power
        ),
    )


def _guard(scenario: Scenario, label: str, plan: ServicePlan, at: Rack) -> None:
    """Refuse scenarios whose sums leave 64 bits: one job's energy, one bin's pool time."""
    images, steps = max(scenario.workload.images), max(scenario.steps)
    levels = range(len(plan.step_ns))
    longest = max(_longest_ns(plan, level, steps, images) for level in levels)
    highest = max(plan.most_mw(level) for level in levels)
    physics.guard_int64(f"{label}: longest job", longest + plan.load_ns, highest)
    bin_ns = round(scenario.clock.meter_seconds * 1e9)
    physics.guard_int64(f"{label}: GPU time of a meter bin", bin_ns * at.count, 1)


def _longest_ns(plan: ServicePlan, level: int, steps: int, images: int) -> int:
    """Longest a job may take once begun; in a batch others may come and go at every step."""
    fixed_ns = plan.encode_ns[level] + plan.decode_ns[level]
    if plan.batch_max == 1:
        return plan.job_ns(level, steps, images)
    together_ns, _ = plan.batch_step(level, max(images, plan.batch_max))
    return images * fixed_ns + steps * (together_ns + plan.batch_max * fixed_ns)
