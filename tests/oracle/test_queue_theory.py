"""The reference pool against queueing theory and against an independent recursion."""

from __future__ import annotations

from heapq import heapreplace
from math import factorial

import numpy as np
import pytest

from cosim.physics.cooling import ConstantPue
from cosim.traces.jobs import JobSet
from cosim.world.events import NsEnvironment, Tick, job_priority
from cosim.world.jobstate import JobState
from cosim.world.plan import ServicePlan, SitePlan
from cosim.world.pool_steps import StepPool

STEP_NS = 20_000_000


def pool_of(gpus: int, discipline: str, state: JobState, env: NsEnvironment) -> StepPool:
    service = ServicePlan((0,), (STEP_NS,), (0,), (400_000,), (0,), 0, 0)
    site = SitePlan(
        "here",
        gpus,
        discipline,
        (0,),
        1,
        0,
        60_000,
        0,
        ConstantPue(1.2),
        None,
        0.0,
        float("inf"),
        float("inf"),
        0.0,
    )
    return StepPool(env, 0, site, (service,), state)


def play(
    arrival_ns: np.ndarray, steps: np.ndarray, gpus: int, *, discipline="fcfs", deadline_ns=None
) -> JobState:
    """Let jobs arrive at one pool and return what became of them."""
    n = len(arrival_ns)
    zeros, ones = np.zeros(n, dtype=np.int32), np.ones(n, dtype=np.int32)
    deadline = arrival_ns + 10**12 if deadline_ns is None else deadline_ns
    jobs = JobSet(
        arrival_ns,
        deadline,
        zeros,
        ones,
        ones,
        zeros,
        ones.astype(bool),
        zeros,
        np.zeros(n),
        np.zeros(n),
    )
    env, state = NsEnvironment(initial_time=0), JobState(jobs)
    state.steps, state.service = steps.tolist(), [0] * n
    pool = pool_of(gpus, discipline, state, env)
    for job, at in enumerate(arrival_ns.tolist()):
        tick = Tick(env, job_priority(job)).after(at)
        tick.callbacks = [lambda _, job=job: pool.submit(job)]
    env.run()
    return state


def poisson_ns(rng: np.random.Generator, n: int, per_s: float) -> np.ndarray:
    return np.cumsum(rng.exponential(1e9 / per_s, n)).astype(np.int64)


def waits_s(state: JobState) -> np.ndarray:
    return (np.array(state.start_ns) - np.array(state.landed_ns)) / 1e9


def assert_mean(sample: np.ndarray, expected: float) -> None:
    """Within four standard errors of batch means, and those no more than a tenth of the mean."""
    batches = np.array([part.mean() for part in np.array_split(sample, 20)])
    error = batches.std(ddof=1) / np.sqrt(len(batches))
    assert error < 0.1 * expected
    assert sample.mean() == pytest.approx(expected, abs=4 * error)


def erlang_c_wait_s(per_s: float, service_s: float, servers: int) -> float:
    """Mean wait of M/M/c (Erlang 1917)."""
    load = per_s * service_s
    rho = load / servers
    top = load**servers / factorial(servers) / (1 - rho)
    chance = top / (sum(load**k / factorial(k) for k in range(servers)) + top)
    return chance * service_s / (servers * (1 - rho))


@pytest.mark.parametrize("rho", [0.5, 0.8])
def test_mean_wait_of_m_d_1_is_pollaczek_khinchine(rho):
    rng, n, steps = np.random.default_rng(11), 40_000, 5
    service_s = steps * STEP_NS / 1e9
    state = play(poisson_ns(rng, n, rho / service_s), np.full(n, steps), 1)
    expected = rho * service_s / (2 * (1 - rho))
    assert_mean(waits_s(state)[2000:], expected)


@pytest.mark.parametrize(("servers", "rho"), [(1, 0.6), (3, 0.7), (8, 0.85)])
def test_mean_wait_of_m_m_c_is_erlang_c(servers, rho):
    rng, n = np.random.default_rng(5), 25_000
    steps = np.maximum(1, np.ceil(rng.exponential(30.0, n))).astype(np.int64)
    service_s = float(steps.mean()) * STEP_NS / 1e9
    per_s = rho * servers / service_s
    state = play(poisson_ns(rng, n, per_s), steps, servers)
    assert_mean(waits_s(state)[2000:], erlang_c_wait_s(per_s, service_s, servers))


@pytest.mark.parametrize("servers", [1, 2, 7])
def test_first_come_first_served_is_the_kiefer_wolfowitz_recursion_exactly(servers):
    rng, n = np.random.default_rng(servers), 3000
    arrival = poisson_ns(rng, n, 0.9 * servers / (15 * STEP_NS / 1e9))
    steps = rng.integers(1, 30, n)
    state = play(arrival, steps, servers)
    free, starts = [0] * servers, []
    for at, count in zip(arrival.tolist(), steps.tolist(), strict=True):
        start = max(at, free[0])
        heapreplace(free, start + count * STEP_NS)
        starts.append(start)
    assert state.start_ns == starts
    assert state.finish_ns == [
        s + c * STEP_NS for s, c in zip(starts, steps.tolist(), strict=True)
    ]


def test_earliest_deadline_first_is_a_brute_force_schedule_exactly():
    rng, n = np.random.default_rng(2), 800
    arrival = poisson_ns(rng, n, 0.95 / (10 * STEP_NS / 1e9))
    steps = rng.integers(1, 20, n)
    deadline = arrival + rng.integers(1, 10**10, n)
    state = play(arrival, steps, 1, discipline="edf", deadline_ns=deadline)
    waiting, now, begun = set(range(n)), 0, [0] * n
    while waiting:
        ready = [j for j in waiting if arrival[j] <= now]
        if not ready:
            now = int(min(arrival[j] for j in waiting))
            # at the instant of an arrival the GPU is free and takes the first of them
            ready = [min(j for j in waiting if arrival[j] == now)]
        job = min(ready, key=lambda j: (deadline[j], j))
        begun[job], now = now, now + int(steps[job]) * STEP_NS
        waiting.remove(job)
    assert state.start_ns == begun


def test_energy_of_jobs_is_power_times_time_exactly():
    rng, n = np.random.default_rng(3), 500
    steps = rng.integers(1, 30, n)
    state = play(poisson_ns(rng, n, 3.0), steps, 2)
    assert state.energy_pj == [int(c) * STEP_NS * 400_000 for c in steps]
