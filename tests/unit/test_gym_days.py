"""Days and rewards: split by date, of one make, and money told as it is said to be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pytest

from cosim.check.stagehand import lively
from cosim.errors import TraceError, UsageError
from cosim.gym.days import dates_from, days_of, prepare_days, split_days
from cosim.gym.reward import Reward, full_slot_usd
from cosim.gym.worlds import Settings, Worlds
from cosim.prepare import stage
from cosim.rng import stream
from cosim.scenario.model import Scenario
from cosim.world.kernel_seat import MONEY, REWARD

APRIL = dates_from(date(2019, 4, 1), 6)


@cache
def six_days():
    return prepare_days(lively(), dates=APRIL, seeds=(1, 2))


@cache
def overloaded():
    """Twenty times the work: queues grow over the whole window."""
    tree = lively().model_dump(mode="json", by_alias=True)
    tree["workload"]["scale"] = 20
    return days_of(stage(Scenario.model_validate(tree)), (1,))


# days --------------------------------------------------------------------------------------


def test_each_date_and_seed_is_a_day():
    days = six_days()
    assert [str(day) for day in days[:3]] == ["2019-04-01/1", "2019-04-01/2", "2019-04-02/1"]
    starts = [day.plan.info.start_utc_ns for day in days[::2]]
    assert np.diff(starts).tolist() == [86_400_000_000_000] * 5
    assert starts[0] % 86_400_000_000_000 == 8 * 3_600_000_000_000  # at the scenario's hour
    assert days[0].plan.outside is days[1].plan.outside
    assert days[0].plan.jobs.arrival_ns[0] != days[1].plan.jobs.arrival_ns[0]


def test_no_date_is_in_both_parts():
    train, test = split_days(six_days(), test_every=3)
    assert {day.date.day for day in test} == {3, 6}
    assert {day.date.day for day in train} == {1, 2, 4, 5}
    assert len(train) + len(test) == 12


def test_a_split_that_leaves_a_part_empty_is_refused():
    with pytest.raises(UsageError, match="6 dates are too few to hold out one of every 7"):
        split_days(six_days(), test_every=7)
    with pytest.raises(UsageError, match="leaves nothing to train on"):
        split_days(six_days(), test_every=1)


def test_a_date_that_no_trace_covers_is_refused():
    tree = lively().model_dump(mode="json", by_alias=True)
    tree["sites"]["one"]["grid"]["price"] = "price/dayahead_de_fr_nl_be_2019:price_de_eur_mwh"
    with pytest.raises(TraceError, match="dayahead_de_fr_nl_be_2019"):
        prepare_days(Scenario.model_validate(tree), dates=[date(2031, 1, 1)])


def test_days_of_another_make_are_refused_by_the_first_fact_that_differs():
    days = six_days()
    info = replace(days[1].plan.info, gpus=days[1].plan.info.gpus + 1)
    other = replace(days[1], plan=replace(days[1].plan, info=info))
    with pytest.raises(UsageError, match="2019-04-01/1 and 2019-04-01/2 differ in `gpus`"):
        Worlds([days[0], other], 1, Settings())
    with pytest.raises(UsageError, match="at least one prepared day"):
        Worlds([], 1, Settings())
    with pytest.raises(UsageError, match="at least one date and one seed"):
        prepare_days(lively(), seeds=())


def test_idle_worlds_are_kept_and_the_longest_unused_go():
    worlds = Worlds(six_days()[:4], 1, Settings(keep=2))
    played = []
    for number in (0, 1, 2, 3, 1, 0):
        worlds.begin([number])
        played.append(worlds.lockstep.worlds[0])
    assert played[4] is played[1]
    assert played[5] is not played[0]


# rewards -----------------------------------------------------------------------------------


def play(days, reward, seed=5):
    """Money of each slot under drawn actions, and the worlds."""
    worlds = Worlds(days, 1, Settings(reward=reward, energy="idle"))
    worlds.begin([0])
    dice, rows = stream(seed, "test"), []
    while not worlds.lockstep.over:
        worlds.lockstep.actions[0] = dice.uniform(-1, 1, len(worlds.codec.action))
        worlds.step()
        rows.append(worlds.lockstep.money[0].copy())
    return worlds, dict(zip(MONEY, np.array(rows).T, strict=True))


def test_dense_rewards_are_utilities_over_the_scale():
    days = six_days()
    _, money = play(days, Reward("dense"))
    scale_usd = full_slot_usd(days[0].plan.info)
    assert money["reward"] == pytest.approx(money["utility_usd"] / scale_usd)
    assert 0.01 < np.abs(money["reward"]).mean() < 10.0


def test_a_full_slot_by_hand():
    info = replace(
        six_days()[0].plan.info,
        service_site=np.array([0, 1, 1, 2]),
        gpus=np.array([2, 3, 4]),
        replicas=7,
    )
    k = info.steps.index(info.default_steps)
    usd = 0.0
    for service, gpus in ((0, 2), (1, 1.5), (2, 1.5), (3, 4)):
        image_s = info.image_fixed_s[service] + info.default_steps * info.image_step_s[service]
        usd += 7 * gpus * 600 / image_s * info.revenue_usd[service, k]
    assert full_slot_usd(info) == pytest.approx(usd)


def test_sparse_rewards_pay_a_slot_that_keeps_its_deadlines():
    days = overloaded()
    _, money = play(days, Reward("sparse", tolerance=0.3))
    kept = money["violation_ratio"] <= 0.3
    assert 0 < kept.sum() < len(kept)
    assert money["revenue_usd"][~kept].max() > 0
    usd = money["utility_usd"] - np.where(kept, 0.0, money["revenue_usd"])
    assert money["reward"] == pytest.approx(usd / full_slot_usd(days[0].plan.info))


def test_deadline_rewards_charge_what_is_late_when_it_becomes_late():
    """Fines charged so far are those of jobs past their deadline that have not ended."""
    days = overloaded()
    plan = days[0].plan
    worlds, money = play(days, Reward("deadline"))
    fates = worlds.lockstep.worlds[0].works.engine.fates
    fine_usd = plan.info.late_penalty_usd[fates.service] * plan.jobs.images * plan.info.replicas
    scale_usd = full_slot_usd(plan.info)
    charged = np.cumsum(money["utility_usd"] - scale_usd * money["reward"])
    assert charged == pytest.approx(np.cumsum(money["fines_usd"]))
    for slot in range(plan.info.slots):
        edge_ns = (slot + 1) * plan.info.slot_ns
        waits = (plan.jobs.deadline_ns <= edge_ns) & (np.asarray(fates.finish_ns) > edge_ns)
        assert charged[slot] == pytest.approx(fine_usd[waits].sum(), abs=1e-9), slot
    assert charged[-1] > 0
    last = worlds.lockstep.money[0, REWARD]
    assert last == pytest.approx(money["reward"][-1])  # the drain leaves the last slot's money


def test_reward_settings_are_checked():
    with pytest.raises(UsageError, match="reward `dens` does not exist — did you mean `dense`"):
        Reward("dens")
    with pytest.raises(UsageError, match=r"tolerance 1\.5 must be within 0\.\.1"):
        Reward("sparse", 1.5)
