"""Which laws hold for every workload: common random numbers, order, the window, exact repeats?"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.quantities import NS_PER_DAY, NS_PER_HOUR
from cosim.traces.arrivals import PROFILES, Demand, Gamma, Mmpp, Poisson, Surge, generate
from cosim.traces.jobs import JobSet, classes
from cosim.traces.marks import Choice, Flexible, Marks, UniformDelay

EDGES: dict[str, Any] = {"delay_edges_s": (0.0, 90.0, 160.0, 4000.0), "image_edges": (1, 2, 9)}
processes = st.one_of(
    st.just(Poisson()),
    st.builds(Gamma, st.floats(0.1, 15.0)),
    st.builds(Mmpp, st.floats(1, 50), st.floats(1, 5000), st.floats(1, 5000)),
)
profiles = st.one_of(
    st.sampled_from(list(PROFILES.values())),
    st.lists(st.integers(0, 9), min_size=24, max_size=24).filter(any).map(tuple),
)
surges = st.builds(
    lambda begin, length, factor: Surge(begin, begin + length, factor),
    st.integers(0, 3 * NS_PER_DAY),
    st.integers(1, 2 * NS_PER_DAY),
    st.floats(0, 5),
)
demands = st.builds(
    Demand,
    st.just("paris"),
    st.just(0),
    st.floats(0, 2000),
    profiles,
    processes,
    st.floats(-12, 14).map(lambda h: (round(4 * h) / 4,)),
    st.lists(surges, max_size=2).map(tuple),
)
seeds = st.integers(0, 2**40)
durations = st.one_of(st.integers(1, 3 * NS_PER_DAY), st.integers(1, 72).map(NS_PER_HOUR.__mul__))
starts = st.integers(0, 4_000_000_000).map(lambda s: s * 10**9)
few = settings(max_examples=60, deadline=None)


def drawn(homes: list[Demand], seed: int, marks: Marks | None = None, **changes: Any) -> JobSet:
    window = {"start_utc_ns": 0, "duration_ns": NS_PER_DAY, "seed": seed}
    return generate(homes, marks or Marks(), **{**window, **EDGES, **changes})


def same(one: JobSet, two: JobSet, *, but: tuple[str, ...] = ()) -> bool:
    names = [f.name for f in fields(JobSet) if f.name not in but]
    return all(np.array_equal(getattr(one, name), getattr(two, name)) for name in names)


@few
@given(demands, seeds, starts, durations)
def test_jobs_lie_in_the_window_in_order_and_in_a_class(
    demand: Demand, seed: int, start: int, duration: int
) -> None:
    twin = Demand("rome", 1, demand.jobs_per_day, demand.profile, demand.process)
    jobs = drawn([demand, twin], seed, start_utc_ns=start, duration_ns=duration)
    assert np.all(jobs.arrival_ns >= 0)
    assert np.all(jobs.arrival_ns < duration)
    assert np.all(jobs.deadline_ns > jobs.arrival_ns)
    assert np.array_equal(np.lexsort((jobs.home, jobs.arrival_ns)), np.arange(len(jobs)))
    assert np.all((jobs.class_id >= 0) & (jobs.class_id < len(classes(**EDGES))))


@few
@given(demands, seeds)
def test_the_same_seed_gives_the_same_jobs_and_another_seed_others(
    demand: Demand, seed: int
) -> None:
    jobs = drawn([demand], seed)
    assert same(jobs, drawn([demand], seed))
    if len(jobs) > 5:
        assert not same(jobs, drawn([demand], seed + 1))


@few
@given(demands, demands, seeds)
def test_adding_a_site_leaves_the_jobs_of_others_untouched(
    demand: Demand, other: Demand, seed: int
) -> None:
    guest = Demand("rome", 1, other.jobs_per_day, other.profile, other.process)
    both = drawn([demand, guest], seed)
    assert same(both.pick(both.home == 0), drawn([demand], seed))


@few
@given(demands, seeds, st.floats(0, 1), st.floats(0, 1))
def test_a_larger_transferable_share_only_adds_jobs_that_may_move(
    demand: Demand, seed: int, one: float, two: float
) -> None:
    low, high = sorted((one, two))
    fewer = drawn([demand], seed, Marks(transferable=low))
    more = drawn([demand], seed, Marks(transferable=high))
    assert same(fewer, more, but=("transferable", "class_id"))
    assert np.all(fewer.transferable <= more.transferable)


@few
@given(demands, seeds, st.floats(1, 1000), st.floats(1.1, 5))
def test_a_longer_mean_delay_stretches_the_same_jobs(
    demand: Demand, seed: int, mean_s: float, stretch: float
) -> None:
    short = drawn([demand], seed, Marks(delay=UniformDelay(mean_s)))
    long = drawn([demand], seed, Marks(delay=UniformDelay(mean_s * stretch)))
    assert same(short, long, but=("deadline_ns", "class_id"))
    assert np.allclose(long.delay_s, stretch * short.delay_s, rtol=1e-8, atol=1e-8)


@few
@given(demands, seeds, st.floats(0, 1))
def test_one_mark_never_moves_another(demand: Demand, seed: int, share: float) -> None:
    plain = drawn([demand], seed)
    assert same(
        plain,
        drawn([demand], seed, Marks(images=Choice((1, 3), (1 - share / 2, share / 2)))),
        but=("images", "output_mb", "class_id"),
    )
    patient = drawn([demand], seed, Marks(flexible=Flexible(share)))
    assert same(plain, patient, but=("deadline_ns", "class_id"))
    kept = patient.delay_s < 3600
    assert np.array_equal(patient.deadline_ns[kept], plain.deadline_ns[kept])


@few
@given(demands, seeds, st.integers(1, 48), st.integers(1, 24))
def test_a_longer_window_only_appends(demand: Demand, seed: int, hours: int, more: int) -> None:
    short = drawn([demand], seed, duration_ns=hours * NS_PER_HOUR)
    long = drawn([demand], seed, duration_ns=(hours + more) * NS_PER_HOUR)
    assert same(short, long.pick(long.arrival_ns < hours * NS_PER_HOUR))
