"""Front ends that look at two queues, or at a copy of all of them."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.decision import JobView, QueueView
from cosim.plugins import load_policy

SECOND = 1_000_000_000
EMPTY = (0, 0, 0)


def job(number=0, home=0, movable=True, images=1):
    return JobView(number, home, 0, images, 30, movable, 0, 600 * SECOND)


def queues(wait_s, now_s=0.0):
    return QueueView(int(now_s * SECOND), tuple(int(w * SECOND) for w in wait_s), EMPTY, (3, 3, 3))


@pytest.fixture
def begin(world, make_observation):
    def policy_of(name, seed=1, **options):
        policy = load_policy(name, options, kind="schedule")
        policy.reset(world, np.random.default_rng(seed))
        return policy.decide(make_observation(world)).dispatch.place

    return policy_of


@pytest.mark.parametrize("name", ["power-of-two", "cached-load"])
def test_a_job_that_may_not_move_stays_at_home(begin, name):
    place = begin(name)
    for home in range(3):
        assert place(job(home=home, movable=False), queues((99, 99, 99))).service == home


def test_the_better_of_two_is_chosen_with_the_chances_of_two_draws(begin):
    place, seen = begin("power-of-two"), np.zeros(3)
    count = 9000
    for number in range(count):
        # images take 0.93, 3.2 and 7.3 s: with these waits 1 is best, then 0, then 2
        seen[place(job(number), queues((20, 0, 90))).service] += 1
    # with replacement the best of three is drawn in 5/9, the worst alone in 1/9
    assert seen / count == pytest.approx([3 / 9, 5 / 9, 1 / 9], abs=0.02)


def test_the_same_seed_draws_the_same(begin):
    runs = [
        [begin_place(job(n), queues((5, 5, 5))).service for n in range(200)]
        for begin_place in (begin("power-of-two"), begin("power-of-two"), begin("power-of-two", 2))
    ]
    assert runs[0] == runs[1] != runs[2]


def test_a_copy_is_kept_for_a_batch_of_jobs_and_ages(begin):
    place = begin("cached-load", batch=1000)
    place(job(0), queues((50, 0, 50)))
    chosen = {
        place(job(n, images=1), queues((0, 900, 0), now_s=0.001)).service for n in range(200)
    }
    assert 1 in chosen  # it does not know that the queue of 1 has grown
    later = [place(job(n), queues((0, 900, 0), now_s=60.0)).service for n in range(300)]
    assert later.count(0) > later.count(2)  # the waits of the copy have passed, 0 is quickest


def test_a_front_end_counts_its_own_jobs(begin):
    place = begin("cached-load", batch=10_000)
    chosen = [place(job(n), queues((0, 0, 0))).service for n in range(2000)]
    assert {0, 1, 2} == set(chosen[-200:])  # the quick site has filled up by its own jobs


def test_every_home_has_its_own_copy(begin):
    place = begin("cached-load", batch=1000)
    place(job(0, home=0), queues((0, 900, 900)))
    fresh = [place(job(n, home=1), queues((900, 0, 900))).service for n in range(200)]
    assert fresh.count(1) > fresh.count(0)
