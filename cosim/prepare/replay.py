"""Requests replayed from a file: of the catalogue or beside the scenario."""

from __future__ import annotations

from pathlib import Path

from cosim.prepare.demand import edges, home_shares, job_marks
from cosim.prepare.traced import Window
from cosim.quantities import NS_PER_HOUR
from cosim.scenario.model import ReplayArrivals, Scenario
from cosim.traces.catalogue import Catalogue, inside
from cosim.traces.jobs import JobSet
from cosim.traces.replay import read_jobs_csv


def replay_jobs(
    scenario: Scenario, spec: ReplayArrivals, window: Window, seed: int, base: Path | None
) -> JobSet:
    """Replay the scenario's request file in its window.

    Raises:
        TraceError: with every mistake in the file.
    """
    delay_edges_s, image_edges = edges(scenario)
    catalogue = Catalogue.load()
    known = spec.trace in catalogue.entries
    path = catalogue.verified_path(spec.trace) if known else inside(spec.trace, base)
    repeat_ns = None
    if spec.repeat_hours is not None:
        repeat_ns = max(1, round(spec.repeat_hours * NS_PER_HOUR))
    return read_jobs_csv(
        path,
        name=spec.trace,
        sites=tuple(scenario.sites),
        models=None,
        marks=job_marks(scenario),
        start_utc_ns=window.start_utc_ns,
        duration_ns=window.end_utc_ns - window.start_utc_ns,
        seed=seed,
        delay_edges_s=delay_edges_s,
        image_edges=image_edges,
        home_weights=home_shares(scenario),
        scale=scenario.workload.scale * scenario.scale,
        repeat_ns=repeat_ns,
    )
