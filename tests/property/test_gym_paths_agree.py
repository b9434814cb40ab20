"""The compiled way through a slot and the way through the seam: the same to the last bit."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_supply import BACKUPS, CALLS, LIMITS, TARIFFS

from cosim.check.fingerprint import fingerprint
from cosim.check.stagehand import lively, lively_plan
from cosim.decision import Decision, merge, project
from cosim.gym.days import days_of
from cosim.gym.reward import Reward, full_slot_usd
from cosim.gym.worlds import Settings, Worlds
from cosim.jobtable import job_table
from cosim.ledger import SIGNS
from cosim.plugins import load_policy
from cosim.prepare import stage
from cosim.rng import stream
from cosim.scenario.model import Scenario
from cosim.settle import post_jobs, settle_storage
from cosim.world.episode import Episode
from cosim.world.kernel_seat import MONEY, REWARD
from cosim.world.world import World

SEEDS = (3, 4)
FATES = ("service", "steps", "decided_ns", "landed_ns", "start_ns", "finish_ns", "energy_pj")
PARTS = [name for name in SIGNS if name in MONEY]


def patient():
    """Half of the work may wait for hours; wide delays; limits, tariffs, calls, two pools."""
    tree = lively().model_dump(mode="json", by_alias=True)
    tree["workload"]["flexible"] = {"share": 0.5, "hours": [0.5, 1.5]}
    tree["network"] = {"latency_ms": 30_000}
    tree["sites"]["two"]["grid"]["import_kw_max"] = 1.0
    tree["money"]["carbon_usd_per_t"] = 50
    tree["sites"]["one"]["grid"]["tariff"] = TARIFFS[1]
    tree["sites"]["one"]["grid"]["demand_response"] = {"calls": CALLS}
    tree["sites"]["two"]["grid"]["connection"] = {"limits": LIMITS, "loss_share": 0.05}
    tree["sites"]["two"]["backup"] = BACKUPS[1]
    tree["sites"]["three"]["grid"]["tariff"] = TARIFFS[2]
    older = {"kind": "check-gpu", "count": 2, "idle_w": 40, "server_w": 50, "models": ["light"]}
    tree["sites"]["two"]["pools"] = {"older": {**older, "clock": {"kind": "cubic"}}}
    tree["sites"]["one"]["battery"]["ageing"] = {"model": "naumann"}
    tree["sites"]["one"]["weather"] = "weather/nsrdb15_brussels_2019"
    tree["sites"]["one"]["cooling"] = {"kind": "chiller"}
    tree["sites"]["one"]["room"] = {"capacity_ratio": 0.6, "allowance_k": 1}
    return Scenario.model_validate(tree)


@cache
def days(kind):
    if kind == "lively":
        day = days_of(stage(lively()), (1,))[0]
        return tuple(replace(day, seed=seed, plan=lively_plan(seed)) for seed in SEEDS)
    return days_of(stage(patient()), SEEDS)


class Replayed:
    """A policy that decides what given actions mean; the last one stays in force."""

    def __init__(self, codec, actions):
        self.codec, self.actions = codec, actions

    def reset(self, world, rng):
        pass

    def decide(self, seen):
        return self.codec.decode(self.actions[min(seen.slot, len(self.actions) - 1)], seen)


def layered(codec, actions, energy, info, seed):
    """What is decided at an edge by an action and the layer below it, in Python."""
    inner = load_policy(energy, kind="energy")
    inner.reset(info, stream(seed, "policy", "energy"))
    outer = Replayed(codec, actions)

    def decide(seen):
        own = outer.decide(seen)
        unmoved = project(merge(own, Decision()), info, seen)
        assert not unmoved.clips
        assert fingerprint(unmoved.decision.dispatch) == fingerprint(own.dispatch)
        return project(merge(own, inner.decide(seen)), info, seen).decision

    return decide


class Decided:
    """A policy from a function."""

    def __init__(self, decide):
        self.decide = decide

    def reset(self, world, rng):
        pass


def drawn_actions(codec, slots, seed):
    """Smooth and wild actions, beyond the bounds now and then."""
    dice = stream(seed, "test", "actions")
    wild = dice.uniform(-1.2, 1.2, (slots, len(codec.action)))
    calm = dice.uniform(-1, 1, len(codec.action)) + 0.1 * dice.normal(size=wild.shape)
    return np.where(dice.random((slots, 1)) < 0.5, wild, calm)


KINDS = st.sampled_from(["lively", "patient"])
CHOICES = st.fixed_dictionaries(
    {
        "encoding": st.sampled_from(["score", "split"]),
        "clock": st.booleans(),
        "battery": st.booleans(),
        "room": st.booleans(),
        "refuse": st.booleans(),
        "detail": st.sampled_from(["compact", "full"]),
        "energy": st.sampled_from(["idle", "self-consumption", "paper-inner"]),
    }
)
agree = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@agree
@given(KINDS, CHOICES, st.sampled_from(["dense", "deadline", "sparse"]), st.integers(0, 99))
def test_a_step_is_what_its_decision_would_have_done(kind, choices, mode, seed):
    chosen = days(kind)
    worlds = Worlds(chosen, len(chosen), Settings(**choices, reward=Reward(mode)))
    codec, slots = worlds.codec, chosen[0].plan.info.slots
    actions = [drawn_actions(codec, slots, seed + k) for k in range(len(chosen))]
    worlds.begin(range(len(chosen)))
    views, rewards = [worlds.lockstep.views.copy()], np.zeros(len(chosen))
    for slot in range(slots):
        for k, mine in enumerate(actions):
            worlds.lockstep.actions[k] = mine[slot]
        worlds.step()
        views.append(worlds.lockstep.views.copy())
        rewards += worlds.lockstep.money[:, REWARD]
    for k, day in enumerate(chosen):
        given = (codec, actions[k], choices["energy"], day.plan.info, day.seed)
        same_as_episode(worlds, k, day, layered(*given), [view[k] for view in views])
        same_as_run(worlds, k, day, layered(*given))
        if mode != "sparse":
            paid_usd = (rewards[k] + worlds.settled_reward(k)) * full_slot_usd(day.plan.info)
            assert paid_usd == pytest.approx(worlds.settlement(k)["day_utility_usd"], rel=1e-12)


def same_as_episode(worlds, k, day, decide, views):
    episode = Episode(day.plan)
    episode.reset()
    while not episode.over:
        seen = episode.observe()
        assert np.array_equal(worlds.codec.encode(seen), views[seen.slot])
        episode.step(decide(seen))
    mine, theirs = worlds.lockstep.worlds[k].works.books, episode.works.books
    slots = day.plan.info.slots
    assert np.array_equal(mine.grid.rows[:slots], theirs.grid.rows[:slots])
    assert np.array_equal(mine.grid.bins, theirs.grid.bins)


def same_as_run(worlds, k, day, decide):
    """To the end of all work, as a run under the same decisions."""
    run = World(day.plan, Decided(decide), stream(1, "x"), engine="reference").run()
    fates = worlds.lockstep.worlds[k].works.engine.fates
    for column in FATES:
        assert np.array_equal(getattr(fates, column), getattr(run.state, column)), column
    jobs = job_table(day.plan, run.state, run.ledger)
    ledger = settle_storage(post_jobs(run.ledger, jobs), day.plan)
    whole = dict(zip(MONEY, worlds.lockstep.total[k] + worlds.lockstep.drained[k], strict=True))
    for name in PARTS:
        assert whole[name] == pytest.approx(ledger.total(name), rel=1e-12, abs=1e-12), name
    settlement = worlds.settlement(k)
    assert settlement["day_utility_usd"] == pytest.approx(ledger.utility_usd().sum(), rel=1e-12)
    assert settlement["stored_usd"] == pytest.approx(ledger.total("settlement_usd"), rel=1e-12)
    assert settlement["day_late_share"] == pytest.approx(jobs.late.mean(), rel=1e-12)
