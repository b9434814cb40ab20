"""Episodes: begun anew they are the same to the last bit, and a world's run slot by slot."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from random_worlds import Restless

from cosim.decision import project
from cosim.errors import UsageError
from cosim.rng import stream
from cosim.run import staged
from cosim.scenario.load import load_scenario
from cosim.world.clockwork import Clockwork
from cosim.world.episode import Episode
from cosim.world.kernel_grid import DECIDE_MS
from cosim.world.world import World

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
WORLDS = {
    "plain": [],
    "batches": ["sites.north.gpus.batch_max=4", "sites.south.gpus.discipline=srs"],
    "guarded": ["sites.south.grid.import_kw_max=0.9", "sites.north.gpus.discipline=edf"],
    "broken": ["sites.north.gpus.failures={mtbf_h: 0.3, mttr_h: 0.1}"],
    "dark": [
        "sites.south.backup={kind: diesel, rated_kw: 1, run_hours_max: 0.1}",
        "sites.south.grid.connection={limits: [{at_h: 0.3, for_h: 0.3}]}",
        "sites.north.grid.tariff={energy: {t: {blocks: [{usd_per_kwh: 0, upto_kwh: 9}, "
        "{usd_per_kwh: 1}]}}, demand: {d: {usd_per_kw: 9}}, fixed_usd_per_month: 5}",
        "sites.north.grid.demand_response={calls: [{at_h: 0.5, for_h: 0.5, kind: cap, "
        "power_kw: 0.1, penalty_usd_per_kwh: 1}]}",
    ],
    "urgent": ["sites.south.gpus.discipline=edf", "sites.south.gpus.preempt=true"],
    "climate": [
        "sites.north.weather=weather/nsrdb15_potsdam_2019",
        "sites.north.cooling={kind: chiller}",
        "sites.north.room={capacity_ratio: 0.5, mass_wh_per_k_kw: 3, allowance_k: 0}",
        "sites.north.battery.kind=pcs_ohmic",
        "sites.north.battery.ageing={model: naumann}",
    ],
    "broken batches": [
        "sites.north.gpus.failures={mtbf_h: 0.3, mttr_h: 0.1}",
        "sites.north.gpus.batch_max=4",
    ],
}
LAW = "batch={fixed_share: 0.5}"
LAWS = [f"models.{name}.timing.a100.{LAW}" for name in ("small", "large")]
FATES = ("service", "steps", "gpu", "decided_ns", "landed_ns", "start_ns", "finish_ns")


def plan_of(world):
    changes = [*LAWS, "workload.arrivals.jobs_per_day=6000", *WORLDS[world]]
    return staged(load_scenario(TINY, changes)).plan(3)


def deciders(plan, kinds):
    policy = Restless(kinds, 1.0)
    policy.reset(plan.info, stream(3, "policy", "x"))
    return policy


def play(episode, kinds, slots=None):
    """Step an episode; what it has brought, slot by slot and in the end."""
    plan, policy, told = episode.plan, deciders(episode.plan, kinds), []
    episode.reset()
    while not episode.over and (slots is None or episode.slot < slots):
        seen = episode.observe()
        wish = project(policy.decide(seen), plan.info, seen, policy="x").decision
        episode.step(wish)
        told.append((seen, episode.outcome()))
    books, fates = episode.works.books, episode.works.engine.fates
    columns = {name: np.array(getattr(fates, name)) for name in (*FATES, "energy_pj")}
    rows = books.grid.rows[: plan.info.slots].copy()
    return told, columns, rows, books.grid.bins.copy()


def same(one, other):
    for (seen, brought), (seen_too, brought_too) in zip(one[0], other[0], strict=True):
        np.testing.assert_equal(asdict(seen), asdict(seen_too))
        np.testing.assert_equal(asdict(brought), asdict(brought_too))
    np.testing.assert_equal(one[1:], other[1:])


@pytest.mark.parametrize("world", WORLDS)
def test_begun_anew_an_episode_is_the_same_wherever_it_was_left(world):
    episode = Episode(plan_of(world))
    kinds = ["split", "score", "per_job", "callback"]
    first = play(episode, kinds)
    same(first, play(episode, kinds))
    play(episode, ["callback"], slots=4)  # leave in the middle of everything
    same(first, play(episode, kinds))
    same(first, play(Episode(plan_of(world)), kinds))


@pytest.mark.parametrize("world", WORLDS)
def test_an_episode_is_the_window_of_a_worlds_run(world):
    kinds, plan = ["split", "callback"], plan_of(world)
    _, columns, rows, bins = play(Episode(plan), kinds)
    run = World(plan, Restless(kinds, 1.0), stream(3, "policy", "x"), engine="fast")
    run.run()
    books, slots = run.engine.books, plan.info.slots
    others = np.arange(rows.shape[1]) != DECIDE_MS
    assert np.array_equal(rows[:, others], books.grid.rows[:slots, others])
    assert np.array_equal(bins, books.grid.bins)
    ended = (columns["finish_ns"] >= 0) & (columns["finish_ns"] <= plan.window_ns)
    assert ended.sum() > 100
    for name, column in columns.items():
        assert np.array_equal(column[ended], np.array(getattr(run.engine.fates, name))[ended])


def test_an_episode_ends_with_its_window():
    episode = Episode(plan_of("plain"))
    play(episode, ["split"])
    assert episode.over
    with pytest.raises(ValueError, match="reset the episode"):
        episode.step(None)


def test_only_the_fast_engine_begins_anew():
    works = Clockwork(plan_of("plain"), "x", "reference")
    with pytest.raises(UsageError, match="engine: fast"):
        works.still()
