"""Models on GPUs: profile tables and the scenario's own numbers become integer durations."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cosim.errors import TraceError
from cosim.physics import gpu as physics
from cosim.physics.batching import Law, batch_image_mw, batch_step_ns
from cosim.physics.cold_start import ColdStart
from cosim.physics.gpu import ClockTable, ServiceTiming
from cosim.physics.gpu_clock import PowerLaw, Roofline, under_cap
from cosim.prepare.profiles import Bench, Claim, as_run, model_sampler
from cosim.prepare.steps import step_counts
from cosim.quantities import ns_from_s
from cosim.scenario import model as spec
from cosim.scenario.model import Gpus, Scenario, Site
from cosim.scenario.pools import pool_sites
from cosim.traces.profiles import dvfs_table, gpu_spec
from cosim.world.loading import Loading, one_after_another
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
        known = gpu_spec(gpus.kind)
        idle_w = known.idle_w if idle_w is None else idle_w
        server_w = known.server_overhead_w if server_w is None else server_w
    return Rack(round(gpus.count * scale), _clock(gpus), idle_w, server_w, _max_w(gpus))


def _max_w(gpus: Gpus) -> float:
    try:
        return gpu_spec(gpus.kind).max_w
    except TraceError:  # a kind of the scenario's own
        return float("inf")


def _clock(gpus: Gpus) -> ClockTable:
    chosen = gpus.clock
    if isinstance(chosen, spec.ClockTableSpec):
        return ClockTable(chosen.speed, chosen.power)
    if isinstance(chosen, spec.ClockCubicSpec):
        return physics.cubic(chosen.idle_ratio, chosen.speed)
    if isinstance(chosen, spec.ClockPowerLawSpec):
        return PowerLaw(chosen.p0, chosen.a).table(chosen.speed)
    if isinstance(chosen, spec.ClockRooflineSpec):
        return Roofline(chosen.delta, chosen.p0, chosen.a).table(chosen.clock)
    table = dvfs_table(gpus.kind)
    return ClockTable(tuple(table.speed_ratio.tolist()), tuple(table.power_ratio.tolist()))


@dataclass(frozen=True)
class Load:
    """A model at a site before its times are rounded: image by image, and in batches."""

    model: str
    timing: ServiceTiming
    law: Law | None
    cold: ColdStart | None = None
    drawn_s: tuple[list[float], list[float]] = ([], [])

    def most_w(self, at: Rack, batch_max: int) -> float:
        """Highest board power of any phase and batch at full clock [W]."""
        fixed_w = physics.fixed_power_mw(self.timing, 1.0) / 1000
        step_w = self.timing.step_w
        if self.law is not None:
            sizes = range(1, batch_max + 1)
            board_w = max(step_w * self.law.board_ratio(images) for images in sizes)
            step_w = min(board_w, max(at.max_w, step_w))
        return max(fixed_w, step_w)


def deployed(
    scenario: Scenario, racks: list[Rack]
) -> tuple[list[Rack], list[Service], list[Claim]]:
    """All services in the order of pools, then of each pool's models.

    Args:
        scenario: the scenario.
        racks: the GPUs of each site, as :func:`rack` fills them in.

    Returns:
        The racks under their power caps, the services, and what was claimed beyond measurement.

    Raises:
        TraceError: a model has no profile on a GPU kind, or a cap leaves no clock; all such cases
            at once.
    """
    kept: list[Rack] = []
    found: list[Service] = []
    claims: list[Claim] = []
    problems: list[str] = []
    for i, (name, site) in enumerate(pool_sites(scenario).items()):
        loads = _loads(scenario, name, site, racks[i], claims, problems)
        try:
            at, loads = _capped(site.gpus, racks[i], loads)
        except ValueError as problem:
            problems.append(f"site `{name}`, gpus.cap_w: {problem}")
            at = racks[i]
        kept.append(at)
        for load in loads:
            try:
                found.append(_service(scenario, i, f"{name}/{load.model}", site.gpus, load, at))
            except ValueError as problem:
                problems.append(f"site `{name}`, model `{load.model}`: {problem}")
    for name in scenario.models:
        claims += model_sampler(name, as_run(scenario, name))[1] if not problems else []
    if problems:
        raise TraceError("\n".join(problems))
    return kept, found, list(dict.fromkeys(claims))


def _loads(
    scenario: Scenario,
    name: str,
    site: Site,
    at: Rack,
    claims: list[Claim],
    problems: list[str],
) -> list[Load]:
    """Look a site's models up; what is missing is added to the problems."""
    loads = []
    for model in site.models:
        bench = Bench(scenario, site, model, at.idle_w)
        try:
            timing, law, drawn_s = bench.timing(), bench.law(), bench.drawn_loads_s()
            loads.append(Load(model, timing, law, bench.cold_start(), drawn_s))
        except (TraceError, ValueError) as problem:
            problems.append(f"site `{name}`, model `{model}`: {problem}")
        claims += bench.claims
    return loads


def _capped(gpus: Gpus, at: Rack, loads: list[Load]) -> tuple[Rack, list[Load]]:
    """Take away what a power cap forbids; its fastest clock becomes the full one."""
    if gpus.cap_w is None or not loads:
        return at, loads
    full_w = max(load.most_w(at, gpus.batch_max) for load in loads)
    left = under_cap(at.clock, full_w, gpus.cap_w)
    under = replace(at, clock=left.table, max_w=at.max_w * left.power)
    return under, [replace(load, timing=left.timing(load.timing)) for load in loads]


def _service(scenario: Scenario, i: int, label: str, gpus: Gpus, load: Load, at: Rack) -> Service:
    """Round a model at a site to integers."""
    timing = load.timing
    plan = _in_memory(scenario, load, _plan(label, timing, at.clock))
    if load.law is not None:
        plan = _batching(plan, timing, load.law, at, gpus.batch_max)
    _guard(scenario, label, plan, at)
    return Service(i, list(scenario.models).index(load.model), timing, plan, load.law)


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


def _in_memory(scenario: Scenario, load: Load, plan: ServicePlan) -> ServicePlan:
    """Say whose weights a model runs on, and what an adapter on them takes to load."""
    names, model = list(scenario.models), scenario.models[load.model]
    whole_ns, alone_ns = (tuple(ns_from_s(s) for s in each) for each in load.drawn_s)
    plan = replace(
        plan,
        base=names.index(model.adapter_of or load.model),
        loads_ns=whole_ns,
        adapter_loads_ns=alone_ns,
    )
    if load.cold is None:
        return plan
    own = Loading(ns_from_s(load.cold.adapter_s), physics.power_mw(load.cold.adapter_w, 1.0))
    whole = one_after_another(Loading(plan.load_ns, plan.load_mw), own)
    return replace(plan, load_ns=whole.ns, load_mw=whole.mw, adapter=own)


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
    images, steps = max(scenario.workload.images), max(step_counts(scenario))
    levels = range(len(plan.step_ns))
    longest = max(_longest_ns(plan, level, steps, images) for level in levels)
    highest = max(plan.most_mw(level) for level in levels)
    longest += max((plan.load_ns, *plan.loads_ns))
    physics.guard_int64(f"{label}: longest job", longest, highest)
    bin_ns = round(scenario.clock.meter_seconds * 1e9)
    physics.guard_int64(f"{label}: GPU time of a meter bin", bin_ns * at.count, 1)


def _longest_ns(plan: ServicePlan, level: int, steps: int, images: int) -> int:
    """Longest a job may take once begun; in a batch others may come and go at every step."""
    fixed_ns = plan.encode_ns[level] + plan.decode_ns[level]
    if plan.batch_max == 1:
        return plan.job_ns(level, steps, images)
    together_ns, _ = plan.batch_step(level, max(images, plan.batch_max))
    return images * fixed_ns + steps * (together_ns + plan.batch_max * fixed_ns)
