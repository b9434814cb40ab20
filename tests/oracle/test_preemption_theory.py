"""Preemption against queueing theory and against a schedule by brute force."""

from __future__ import annotations

import numpy as np
import pytest

STEP_NS = 1000


def played(one_site, asks, discipline):
    """The jobs of one GPU whose images are nothing but steps, and which gives way."""
    plain = one_site.ServicePlan((0, 0), (STEP_NS,) * 2, (0, 0), (400, 400), (0, 0), 0, 0)
    site = one_site.OneSite(
        "fast", asks, discipline=discipline, preempt=True, services=(plain, plain)
    )
    return site.play(10**12)


def key_of(discipline, ask, left):
    return {"edf": ask.due, "srs": left, "priority": -ask.priority}[discipline]


def brute_force(asks, discipline):
    """Ends of all jobs on one GPU, looking at everything that waits before every single step."""
    left = [ask.steps for ask in asks]
    ends, now, holder = [0] * len(asks), 0, None

    def rank(job):
        return key_of(discipline, asks[job], left[job]), job

    while any(left):
        # the boundary at an instant comes before the arrivals at it
        ready = [j for j, ask in enumerate(asks) if left[j] and (ask.at < now or j == holder)]
        if not ready:
            now = min(ask.at for j, ask in enumerate(asks) if left[j])
            ready = [min(j for j, ask in enumerate(asks) if left[j] and ask.at == now)]
        first = min(ready, key=rank)
        if holder is None or rank(first)[0] < rank(holder)[0]:
            holder = first
        now += STEP_NS
        left[holder] -= 1
        if not left[holder]:
            ends[holder], holder = now, None
    return ends


@pytest.mark.parametrize("discipline", ["edf", "srs", "priority"])
def test_one_gpu_is_the_schedule_by_brute_force_exactly(one_site, discipline):
    rng, n = np.random.default_rng(4), 250
    at = np.sort(rng.integers(0, n * 10, n)) * STEP_NS + rng.integers(0, 3, n) * 250
    asks = [
        one_site.Ask(int(t), int(steps), due=int(t + delay), priority=int(priority))
        for t, steps, delay, priority in zip(
            np.sort(at),
            rng.integers(1, 20, n),
            rng.integers(1, 100_000, n),
            rng.integers(0, 4, n),
            strict=True,
        )
    ]
    assert played(one_site, asks, discipline).finish_ns == brute_force(asks, discipline)


def test_two_classes_of_m_g_1_wait_as_the_preemptive_resume_formula_says(one_site):
    """E[T_k] = E[S_k]/(1 − σ_{k−1}) + Σ_{i≤k} λ_i E[S_i²]/2 / ((1 − σ_{k−1})(1 − σ_k)).

    Kleinrock, Queueing Systems II (1976), section 3.4. An urgent job here waits for the end of
    the step under way, a 200th of a mean job.
    """
    rng, n, mean = np.random.default_rng(8), 60_000, 200
    rho, urgent = np.array([0.3, 0.4]), rng.random(n) < 3 / 7
    at = np.cumsum(rng.exponential(mean * STEP_NS / rho.sum(), n)).astype(np.int64)
    steps = np.clip(np.ceil(rng.exponential(mean, n)), 1, 1000).astype(np.int64)
    asks = [
        one_site.Ask(int(t), int(c), priority=3 * int(u))
        for t, c, u in zip(at, steps, urgent, strict=True)
    ]
    spent = np.array(played(one_site, asks, "priority").finish_ns) - at
    service, square = steps.mean() * STEP_NS, float((steps**2).mean()) * STEP_NS**2
    per_ns = np.array([urgent.mean(), 1 - urgent.mean()]) * n / at[-1]
    sigma = np.cumsum(per_ns * service)
    rest = np.cumsum(per_ns) * square / 2
    expected = [
        service + rest[0] / (1 - sigma[0]),
        service / (1 - sigma[0]) + rest[1] / ((1 - sigma[0]) * (1 - sigma[1])),
    ]
    for mine, theory in zip((urgent, ~urgent), expected, strict=True):
        batches = np.array([part.mean() for part in np.array_split(spent[mine], 20)])
        error = batches.std(ddof=1) / np.sqrt(len(batches))
        assert error < 0.1 * theory
        assert spent[mine].mean() == pytest.approx(theory, abs=4 * error)
