"""Pools that turn jobs away, and GPUs that sleep, against closed forms."""

from __future__ import annotations

from math import factorial
from pathlib import Path

import numpy as np
import pytest

from cosim.physics.gpu_sleep import GpuSleep, expected_gap_saving_j
from cosim.run import run, staged
from cosim.scenario.load import load_scenario

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
DAY_S = 86_400.0
SERVICE_S = 30 * 0.05


def play(gpus: int, load: float, *changes: str):
    """A day of one site and one kind of job, Poisson arrivals of that many Erlang."""
    plain = [
        "clock={start: 2019-04-22T00:00:00Z, days: 1, slot_minutes: 60}",
        "sites.south=null",
        "workload.home={north: 1}",
        "workload.images={1: 1}",
        "workload.transferable=0",
        "steps=[30]",
        f"workload.arrivals.jobs_per_day={load * DAY_S / SERVICE_S}",
        f"sites.north.gpus.count={gpus}",
        "sites.north.gpus.clock={kind: table, speed: [1], power: [1]}",
    ]
    return run(staged(load_scenario(TINY, [*plain, *changes])), policy="home", seed=7)


def erlang_b(load: float, servers: int) -> float:
    """Share that finds all servers busy and leaves (Erlang 1917), whatever the law of service."""
    terms = [load**k / factorial(k) for k in range(servers + 1)]
    return terms[-1] / sum(terms)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.7), (4, 3.0), (10, 9.0)])
def test_without_room_to_wait_erlangs_share_is_turned_away(servers, load):
    result = play(servers, load, "sites.north.gpus.queue_limit=0")
    jobs = result.jobs
    assert len(jobs) > 30_000
    lost = (jobs.gpu < 0).astype(float)
    batches = np.array([part.mean() for part in np.array_split(lost, 40)])
    error = batches.std(ddof=1) / np.sqrt(len(batches))
    assert error < 0.02
    assert lost.mean() == pytest.approx(erlang_b(load, servers), abs=4 * error)
    assert result.kpis["turned_away_share"] == lost.mean()
    assert np.all(jobs.start_ns[jobs.ran] == jobs.landed_ns[jobs.ran])


def test_gaps_save_by_sleep_what_exponential_gaps_should():
    """One GPU that is never kept waiting by what it loads: gaps between jobs are exponential."""
    sleep = GpuSleep(55, 15, 0, 0, 2.0)
    quick = ["models.small.load_s=0", "sites.north.gpus.queue_limit=0"]
    law = "sites.north.gpus.sleep={after_s: 2, sleep_w: 15, wake_s: 0}"
    awake, asleep = play(1, 0.5, *quick), play(1, 0.5, *quick, law)
    assert np.array_equal(awake.jobs.finish_ns, asleep.jobs.finish_ns)
    saved_j = 3.6e6 * (awake.ledger.total("idle_kwh") - asleep.ledger.total("idle_kwh"))
    gaps, mean_gap_s = int(awake.jobs.ran.sum()), SERVICE_S / 0.5
    each_j = expected_gap_saving_j(sleep, mean_gap_s)
    # what outlasts the time-out is exponential: mean μ, mean square 2μ², with chance exp(−T/μ)
    chance, scale_j = np.exp(-2.0 / mean_gap_s), 40.0 * mean_gap_s
    spread_j = scale_j * np.sqrt(2 * chance - chance**2)
    assert saved_j / gaps == pytest.approx(each_j, abs=4 * spread_j / np.sqrt(gaps))
    assert asleep.ledger.total("gpu_asleep_h") == pytest.approx(saved_j / 40.0 / 3600, rel=1e-9)
