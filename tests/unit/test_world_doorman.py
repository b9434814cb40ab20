"""Python at the door of the fast engine: whom it is asked about, and when."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from random_worlds import difference

from cosim.decision import CallbackRule, Decision, Placement, SplitRule
from cosim.errors import PolicyError
from cosim.run import run, staged
from cosim.scenario.load import load_scenario

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
ENGINES = ["reference", "fast"]
SLOT_NS = 600 * 10**9


class Turns:
    """Ask Python in some slots, keep jobs at home in the others."""

    def __init__(self, asks, place=None):
        self.asks, self._place = asks, place
        self.calls, self.slot = [], 0

    def reset(self, world, rng):
        self.world = world
        shape = (world.n_sites, len(world.classes), world.n_services)
        shares = np.zeros((*shape[:2], shape[2] + 2))
        shares[np.arange(shape[0]), :, world.home_service] = 1.0
        self.home = SplitRule(shares, np.full(shape, world.default_steps))

    def decide(self, seen):
        self.slot = seen.slot
        return Decision(dispatch=CallbackRule(self.place) if self.asks(seen.slot) else self.home)

    def place(self, job, queues):
        self.calls.append((self.slot, job, queues))
        if self._place is not None:
            return self._place(self, job)
        return Placement(int(self.world.home_service[job.home]), self.world.default_steps)


@pytest.fixture(scope="module")
def stage():
    return staged(load_scenario(TINY))


def play(stage, engine, **options):
    policy = Turns(**options)
    return run(stage, seed=4, make=lambda: policy, engine=engine), policy


def test_python_is_asked_of_the_arrivals_of_its_slots_only(stage):
    """The rule changes while an arrival waits at the door: the new rule places it."""
    asks = [False, True, True, False, True, False, False, True, False]
    (one, first), (other, second) = (
        play(stage, engine, asks=lambda slot: slot < 9 and asks[slot]) for engine in ENGINES
    )
    assert not difference(one, other, "turns")
    assert first.calls == second.calls
    asked = [job.job for _, job, _ in first.calls]
    slots = one.jobs.arrival_ns // SLOT_NS
    assert asked == [job for job in range(len(one.jobs)) if asks[slots[job]]]


def test_the_answer_is_carried_out_before_the_next_question(stage):
    """Whoever is asked next sees the queues with the last job in them."""
    _, policy = play(stage, "fast", asks=lambda slot: True)
    twice = 0
    for (_, job, before), (_, _, after) in zip(policy.calls, policy.calls[1:], strict=False):
        if after.now_ns - before.now_ns < 10**8:  # shorter than any job
            twice += 1
            assert after.backlog_ns[job.home] > before.backlog_ns[job.home]
    assert twice


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((99, 22), "no service 99; known: 0..2"),
        ((-3, 22), "no service -3"),
        ((0, 23), "23 steps; allowed"),
        (None, "None is no"),
        (("north", 22), "is no"),
        (7, "7 is no"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_told_with_its_slot(stage, engine, answer, said):
    def place(turns, job):
        return answer if turns.slot == 5 else Placement(turns.world.home_service[job.home], 22)

    with pytest.raises(PolicyError, match=said) as caught:
        play(stage, engine, asks=lambda slot: True, place=place)
    assert caught.value.slot == 5


@pytest.mark.parametrize("engine", ENGINES)
def test_a_job_that_may_not_leave_home_is_told_with_its_slot(stage, engine):
    def place(turns, job):
        sites = turns.world.service_site
        away = not job.transferable and turns.slot == 3
        return Placement(int(np.flatnonzero((sites == job.home) != away)[0]), 22)

    with pytest.raises(PolicyError, match="may not leave home") as caught:
        play(stage, engine, asks=lambda slot: True, place=place)
    assert caught.value.slot == 3


@pytest.mark.parametrize("engine", ENGINES)
def test_a_plain_pair_will_do_as_an_answer(stage, engine):
    def pair(turns, job):
        return int(turns.world.home_service[job.home]), 22

    jobs = play(stage, engine, asks=lambda slot: True, place=pair)[0].jobs
    assert set(jobs.steps.tolist()) == {22}
    assert (jobs.site == jobs.home).all()


def test_more_jobs_than_are_looked_at_in_one_go():
    """Python says of six thousand jobs what a rule would."""
    crowd = ["workload.arrivals.jobs_per_day=96_000", "steps=[2]", "default_steps=2"]
    stage = staged(load_scenario(TINY, [*crowd, "workload.images={1: 1.0}"]))
    one, other = (play(stage, "fast", asks=lambda slot, yes=yes: yes)[0] for yes in (False, True))
    assert len(one.jobs) > 5000
    assert not difference(one, other, "crowd")
