"""What the world does with each kind of dispatch rule, hold and drop included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosim.decision import (
    DROP,
    HOLD,
    CallbackRule,
    Decision,
    PerJobRule,
    Placement,
    ScoreRule,
    SplitRule,
)
from cosim.errors import PolicyError
from cosim.run import run, staged
from cosim.scenario.load import load_scenario

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"


class Rules:
    """Decides by a function of the world and the observation; everything else stays open."""

    def __init__(self, make):
        self.make = make

    def reset(self, world, rng):
        self.world = world

    def decide(self, observation):
        return Decision(dispatch=self.make(self.world, observation))


@pytest.fixture(scope="module")
def stage():
    return staged(load_scenario(TINY, ["workload.transferable=1.0"]))


def play(stage, make):
    return run(stage, policy="rules", seed=3, make=lambda: Rules(make))


def split(world, parts, steps=22):
    """The same shares for every home and class: parts maps destination to share."""
    shares = np.zeros((world.n_sites, len(world.classes), world.n_services + 2))
    for destination, share in parts.items():
        shares[:, :, destination] = share
    return SplitRule(shares, np.full(shares[:, :, :-2].shape, steps))


def test_shares_are_met_to_within_a_job_per_home_and_class(stage):
    jobs = play(stage, lambda w, o: split(w, {0: 0.5, 1: 0.3, 2: 0.2})).jobs
    for home in range(2):
        for kind in np.unique(jobs.class_id):
            rows = (jobs.home == home) & (jobs.class_id == kind)
            counts = np.bincount(jobs.service[rows], minlength=3)
            np.testing.assert_allclose(counts, rows.sum() * np.array([0.5, 0.3, 0.2]), atol=1.0)
    assert set(jobs.steps) == {22}


def test_held_jobs_wait_for_the_next_slot_and_are_all_placed_in_the_end(stage):
    def sometimes(world, observation):
        hold = world.n_services
        return split(world, {hold: 1.0} if observation.slot % 3 == 0 else {0: 1.0})

    jobs = play(stage, sometimes).jobs
    slot_ns = 600 * 10**9
    arrived_in = jobs.arrival_ns // slot_ns
    held = arrived_in % 3 == 0
    assert held.sum() > 5
    assert (jobs.decided_ns[held] == (arrived_in[held] + 1) * slot_ns).all()
    assert (jobs.decided_ns[~held] == jobs.arrival_ns[~held]).all()
    assert jobs.ran.all()


def test_after_the_window_hold_means_home(stage):
    result = play(stage, lambda w, o: split(w, {w.n_services: 1.0}))
    jobs = result.jobs
    assert jobs.ran.all()
    assert (jobs.site == jobs.home).all()
    assert (jobs.decided_ns == result.ledger.slots * result.ledger.slot_ns).all()


def test_dropped_jobs_cost_the_penalty_of_home_and_run_nowhere(stage):
    result = play(stage, lambda w, o: split(w, {w.n_services + 1: 1.0}))
    world = stage.plan(3).info
    jobs = result.jobs
    assert not jobs.ran.any()
    assert (jobs.service == DROP).all()
    assert result.kpis["late_share"] == result.kpis["dropped_share"] == 1.0
    expected = jobs.images * world.late_penalty_usd[world.home_service[jobs.home]]
    np.testing.assert_allclose(jobs.penalty_usd, expected)
    assert result.ledger.total("compute_kwh") == 0.0


def score(world, **changes):
    fields = {
        "gpu_usd_s": np.zeros(world.n_services),
        "energy_usd_kwh": np.zeros(world.n_services),
        "allowed": np.ones((world.n_sites, world.n_services), dtype=bool),
        "steps_allowed": np.ones((world.n_services, len(world.steps)), dtype=bool),
    }
    return ScoreRule(**{**fields, **changes})


def test_a_free_score_takes_the_dearest_model_and_all_steps_while_queues_are_short(stage):
    jobs = play(stage, lambda w, o: score(w)).jobs
    first = jobs.arrival_ns.argsort()[:2]
    world = stage.plan(3).info
    best = np.unravel_index(world.revenue_usd.argmax(), world.revenue_usd.shape)
    assert (jobs.service[first] == best[0]).all()
    assert (jobs.steps[first] == world.steps[best[1]]).all()


def test_an_unbearable_price_of_gpu_time_means_fewest_steps(stage):
    jobs = play(stage, lambda w, o: score(w, gpu_usd_s=np.full(w.n_services, 1e3))).jobs
    assert set(jobs.steps) == {stage.scenario.steps[0]}


def test_scores_below_the_floors_hold_and_drop(stage):
    def floors(world, observation):
        n = len(world.classes)
        return score(world, drop_below_usd=np.full(n, 1e9))

    assert not play(stage, floors).jobs.ran.any()


def test_closed_services_are_not_used_and_immovable_jobs_stay():
    stage = staged(load_scenario(TINY, ["workload.transferable=0.5"]))

    def only_the_last(world, observation):
        allowed = np.zeros((world.n_sites, world.n_services), dtype=bool)
        allowed[:, -1] = True
        return score(world, allowed=allowed)

    jobs = play(stage, only_the_last).jobs
    assert (jobs.service[jobs.transferable] == 2).all()
    stays = ~jobs.transferable & (jobs.home == 0)
    assert (jobs.site[stays] == 0).all()


def test_a_callback_sees_each_job_once_and_its_word_is_kept(stage):
    seen = []

    def place(job, queues):
        seen.append(job.job)
        assert queues.now_ns == job.arrival_ns
        assert min(queues.wait_ns) >= 0
        return Placement(job.job % 3, 14)

    jobs = play(stage, lambda w, o: CallbackRule(place)).jobs
    assert seen == list(range(len(jobs)))
    assert (jobs.service == np.arange(len(jobs)) % 3).all()
    assert set(jobs.steps) == {14}


@pytest.mark.parametrize(
    ("answer", "words"),
    [((7, 14), "no service 7"), ((0, 15), "15 steps"), ("x", "no \\(service, steps\\)")],
)
def test_a_callback_that_breaks_the_contract_is_named_with_its_slot(stage, answer, words):
    with pytest.raises(PolicyError, match=words) as caught:
        play(stage, lambda w, o: CallbackRule(lambda job, queues: answer))
    assert caught.value.slot == 0
    assert "policy `rules`" in str(caught.value)


def test_explicit_placements_of_held_jobs_win_over_the_other_rule(stage):
    def hold_then_name(world, observation):
        if observation.slot == 0:
            return split(world, {world.n_services: 1.0})
        jobs = np.array([h.job for h in observation.held], dtype=np.int64)
        rest = split(world, {0: 1.0})
        return PerJobRule(jobs, np.full(len(jobs), 1), np.full(len(jobs), 10), rest)

    jobs = play(stage, hold_then_name).jobs
    first = jobs.arrival_ns < 600 * 10**9
    assert first.sum() > 3
    assert (jobs.service[first] == 1).all()
    assert (jobs.steps[first] == 10).all()
    assert (jobs.service[~first] == 0).all()


def test_an_exception_inside_a_policy_is_its_fault(stage):
    def broken(world, observation):
        raise KeyError("left the map at home")

    with pytest.raises(PolicyError, match=r"slot 0.*KeyError"):
        play(stage, broken)


def test_hold_is_a_constant_of_the_seam():
    assert (HOLD, DROP) == (-1, -2)
