"""Who asks for images: the scenario's workload becomes jobs, drawn or replayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from cosim.prepare.traced import Window
from cosim.quantities import NS_PER_HOUR
from cosim.scenario import model as spec
from cosim.scenario.images import edges_px
from cosim.scenario.model import Scenario
from cosim.scenario.pools import places
from cosim.traces import arrivals, marks
from cosim.traces.jobs import JobClass, JobSet, classes


def job_marks(scenario: Scenario) -> marks.Marks:
    """The distributions of what jobs ask for."""
    work = scenario.workload
    models = list(scenario.models.values())
    flexible = work.flexible
    return marks.Marks(
        images=marks.Choice.of(work.images),
        steps_asked=marks.Choice.of(work.steps_asked),
        delay=_delay(work.delay),
        flexible=None
        if flexible is None
        else marks.Flexible(flexible.share, flexible.hours[0] * 3600, flexible.hours[1] * 3600),
        transferable=work.transferable,
        mb_per_prompt=max(model.input_mb for model in models),
        mb_per_image=max(model.image_mb for model in models),
        sizes=marks.Choice.of(work.sizes) if work.sizes else None,
        mb_of_size=_mb_of_size(scenario) if work.sizes else {},
    )


def _mb_of_size(scenario: Scenario) -> dict[int, float]:
    """Size of an image of each edge [MB], the largest of all models that make it."""
    found: dict[int, float] = {}
    for name, px in edges_px(scenario.models).items():
        if px is not None:
            found[px] = max(found.get(px, 0.0), scenario.models[name].image_mb)
    return found


def _delay(delay: spec.UniformDelay | spec.LogNormalDelay) -> marks.Delay:
    if isinstance(delay, spec.UniformDelay):
        return marks.UniformDelay(delay.mean_s, delay.low, delay.high)
    return marks.LogNormalDelay(delay.median_s, delay.sigma)


def edges(scenario: Scenario) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Edges of the delay classes [s] and of the image classes."""
    drawn = job_marks(scenario)
    return drawn.delay_edges_s(scenario.workload.delay_bins), drawn.image_edges()


def job_classes(scenario: Scenario) -> tuple[JobClass, ...]:
    """The classes that policies tell apart."""
    delay_edges_s, image_edges = edges(scenario)
    sizes_px = job_marks(scenario).sizes_px()
    return classes(delay_edges_s, image_edges, scenario.workload.priority, sizes_px)


def draw_jobs(scenario: Scenario, window: Window, seed: int, base: Path | None) -> JobSet:
    """Draw or replay all jobs of the window, their homes numbered among all pools.

    Args:
        scenario: the scenario.
        window: its window in Unix time.
        seed: the run's seed.
        base: folder of the YAML, for replayed files.
    """
    jobs = _of_sites(scenario, window, seed, base)
    first = [pool for pool, place in enumerate(places(scenario)) if pool == place]
    if first == list(range(len(first))):
        return jobs
    return replace(jobs, home=np.array(first, dtype=np.int32)[jobs.home])


def _of_sites(scenario: Scenario, window: Window, seed: int, base: Path | None) -> JobSet:
    """The jobs, their homes numbered among the sites."""
    delay_edges_s, image_edges = edges(scenario)
    demand = scenario.workload.arrivals
    if isinstance(demand, spec.ReplayArrivals):
        from cosim.prepare.replay import replay_jobs

        return replay_jobs(scenario, demand, window, seed, base)
    return arrivals.generate(
        _demands(scenario, demand, window),
        job_marks(scenario),
        start_utc_ns=window.start_utc_ns,
        duration_ns=window.end_utc_ns - window.start_utc_ns,
        seed=seed,
        delay_edges_s=delay_edges_s,
        image_edges=image_edges,
    )


def home_shares(scenario: Scenario) -> list[float]:
    """Share of the jobs at each site, in site order; equal where nothing is said."""
    home = scenario.workload.home
    weights = [home.get(name, 0.0) if home else 1.0 for name in scenario.sites]
    return [weight / sum(weights) for weight in weights]


def _demands(
    scenario: Scenario, demand: spec.GeneratedArrivals, window: Window
) -> list[arrivals.Demand]:
    per_day = demand.jobs_per_day * scenario.workload.scale * scenario.scale
    profile = demand.profile
    hours = profile if isinstance(profile, tuple) else arrivals.profile_named(profile)
    return [
        arrivals.Demand(
            site=name,
            home=i,
            jobs_per_day=per_day * share,
            profile=hours,
            process=_process(demand.process),
            utc_offset_h=_offsets_h(site.location.timezone, window),
            surges=_surges(demand.surges, name, scenario.clock.start),
        )
        for i, ((name, site), share) in enumerate(
            zip(scenario.sites.items(), home_shares(scenario), strict=True)
        )
    ]


def _surges(
    surges: Sequence[spec.Surge], home: str, start: datetime
) -> tuple[arrivals.Surge, ...]:
    """Those that concern this home."""
    return tuple(
        arrivals.Surge(*surge.span_ns(start), surge.factor)
        for surge in surges
        if home in (surge.homes or (home,))
    )


def _process(process: spec.Process) -> arrivals.Process:
    if isinstance(process, spec.GammaProcess):
        return arrivals.Gamma(process.cv)
    if isinstance(process, spec.MmppProcess):
        return arrivals.Mmpp(process.burst_ratio, process.mean_burst_s, process.mean_calm_s)
    return arrivals.Poisson()


def _offsets_h(timezone: str, window: Window) -> tuple[float, ...]:
    """Local time minus UTC [h] in every hour of the window, through clock changes."""
    zone = ZoneInfo(timezone)
    hours = -(-(window.end_utc_ns - window.start_utc_ns) // NS_PER_HOUR)
    first_s = window.start_utc_ns // 10**9
    offsets = (
        datetime.fromtimestamp(first_s + 3600 * k, UTC).astimezone(zone).utcoffset()
        for k in range(hours)
    )
    return tuple(offset.total_seconds() / 3600 if offset else 0.0 for offset in offsets)
