"""Views and actions: is every number what its table says, and does every coordinate do a thing?"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from cosim.check.stagehand import lively, lively_plan
from cosim.decision import ScoreRule, SplitRule, project
from cosim.errors import PolicyError, UsageError
from cosim.gym.codec import Codec
from cosim.gym.days import days_of
from cosim.gym.groups import groups_of
from cosim.gym.worlds import Settings, Worlds
from cosim.prepare import stage
from cosim.rng import stream
from cosim.scenario.model import Scenario
from cosim.world.episode import Episode


@cache
def plan():
    return lively_plan(2)


@cache
def patient_days():
    """The lively scenario with work that may wait for hours, at sites that are short of GPUs."""
    tree = lively().model_dump(mode="json", by_alias=True)
    tree["workload"]["flexible"] = {"share": 0.5, "hours": [0.5, 1.5]}
    tree["sites"]["two"]["weather"] = "weather/nsrdb15_brussels_2019"
    tree["sites"]["two"]["room"] = {"band_c": [18, 27]}
    return days_of(stage(Scenario.model_validate(tree)), (1,))


def first_view(codec):
    episode = Episode(plan())
    episode.reset()
    seen = episode.observe()
    return seen, codec.encode(seen)


# views -------------------------------------------------------------------------------------


def test_a_view_says_what_the_observation_says():
    """Numbers brought back to physical units by the table are those of the observation."""
    info = plan().info
    codec = Codec(info)
    episode = Episode(plan())
    episode.reset()
    for _ in range(5):
        episode.step(codec.decode(-np.ones(len(codec.action)), episode.observe()))
    seen = episode.observe()
    view = dict(zip(codec.view.columns, codec.encode(seen).astype(float), strict=True))
    physical = {(c.site, c.name): unmapped(c, y) for c, y in view.items()}
    for i, site in enumerate(info.sites):
        assert physical[site, "backlog"] == pytest.approx(seen.backlog_gpu_s[i], rel=1e-4, abs=1)
        assert physical[site, "busy"] == pytest.approx(seen.busy_share[i], abs=1e-6)
        assert physical[site, "price"] == pytest.approx(seen.price_usd_kwh[i], rel=1e-5)
        ahead = seen.forecast.price.values[i]
        assert physical[site, "price_1h"] == pytest.approx(ahead[6], rel=1e-5)
        assert physical[site, "price_6h"] == pytest.approx(ahead[-1], rel=1e-5)  # horizon: 4 h
        power_kw = seen.solar_kw[i] + seen.wind_kw[i]
        assert physical[site, "renewable"] == pytest.approx(power_kw, rel=1e-5)
        assert physical[site, "carbon"] == pytest.approx(seen.carbon_g_kwh[i], rel=1e-5)
        asked = sum(
            unmapped(c, y) for c, y in view.items() if c.site == site and "asked" in c.name
        )
        images = np.array([each.images_mean for each in info.classes])
        assert asked == pytest.approx((seen.arrivals[i] * images).sum(), rel=1e-4)
    turn = 2 * np.pi * seen.day_fraction
    assert physical[None, "clock_sin"] == pytest.approx(np.sin(turn), abs=1e-6)
    assert physical[None, "clock_cos"] == pytest.approx(np.cos(turn), abs=1e-6)
    assert seen.backlog_gpu_s.max() > 0
    assert seen.arrivals.sum() > 10


def unmapped(column, number):
    """The physical value that became a number."""
    if abs(number) == 1.0 and column.law == "soft":
        return np.inf * number
    part = number if column.law == "linear" else number / (1.0 - abs(number))
    return column.centre + column.width * part


def test_nothing_in_the_queue_is_the_most_slack_there_is():
    codec = Codec(plan().info)
    seen, view = first_view(codec)
    assert np.isinf(seen.oldest_slack_s).all()
    names = [column.name for column in codec.view.columns]
    assert [view[k] for k, name in enumerate(names) if name == "slack"] == [1.0, 1.0, 1.0]


def test_ranges_do_not_depend_on_the_day():
    """Another day's prices, weather and jobs leave the table as it is."""
    tables = {Codec(lively_plan(seed).info).observation_table() for seed in (1, 2, 3)}
    assert len(tables) == 1


def test_a_site_sees_its_own_and_what_is_shared():
    view = Codec(plan().info).view
    blocks = [view.of_site(site) for site in range(3)]
    assert len({len(block) for block in blocks}) == 1
    for site, block in zip(plan().info.sites, blocks, strict=True):
        seen = [view.columns[k] for k in block]
        assert {c.name for c in seen if c.site == site} >= {"soc", "busy", "price", "step"}
        assert all(c.shared or c.site in (site, None) for c in seen)
        assert any(c.site not in (site, None) for c in seen)
    names = [[view.columns[k].name for k in block] for block in blocks]
    assert names[0] == names[1] == names[2]
    assert len(view.of_site(0, distributed=False)) == len(view)


def test_held_jobs_are_seen_where_jobs_can_be_held():
    def names(codec):
        return {column.name for column in codec.view.columns}

    assert "held" not in names(Codec(plan().info))
    assert "held" in names(Codec(patient_days()[0].plan.info))


# actions -----------------------------------------------------------------------------------


def decoded(action, **options):
    codec = Codec(plan().info, **options)
    seen, _ = first_view(codec)
    given = action(codec) if callable(action) else action
    return codec, seen, codec.decode(given, seen)


def test_a_score_action_in_physical_units():
    """Written anew from the table: square laws for prices of work, lines for the others."""
    info = plan().info
    codec, _, decision = decoded(lambda c: np.linspace(-0.9, 0.8, len(c.action)), clock=True)
    value = dict(zip(named(codec), np.linspace(-0.9, 0.8, len(codec.action)), strict=True))
    limits = dict(zip(named(codec), codec.action.limits.tolist(), strict=True))
    rule = decision.dispatch
    assert isinstance(rule, ScoreRule)
    step_usd = limits["step_price", "all"][1] * ((1 + value["step_price", "all"]) / 2) ** 2
    for k, service in enumerate(info.services):
        price = limits["gpu_price", service][1] * ((1 + value["gpu_price", service]) / 2) ** 2
        assert rule.gpu_usd_s[k] == pytest.approx(price + step_usd / info.image_step_s[k])
        price = limits["energy_price", service][1]
        price *= ((1 + value["energy_price", service]) / 2) ** 2
        assert rule.energy_usd_kwh[k] == pytest.approx(price)
    for i, site in enumerate(info.sites):
        levels = len(info.clock_speed[i])
        assert decision.clock_level[i] == min(
            levels - 1, int((1 + value["clock", site]) / 2 * levels)
        )
    assert decision.battery_kw is None
    assert rule.allowed.all()
    assert rule.steps_allowed.all()


def named(codec):
    return [(c.name, c.place) for c in codec.action.coordinates]


def test_the_dearest_price_closes_a_service_and_the_cheapest_is_free():
    codec, _, decision = decoded(lambda c: np.full(len(c.action), -1.0))
    assert (decision.dispatch.gpu_usd_s == 0).all()
    info = plan().info
    gpu, energy = codec.action.limits[:8, 1].reshape(2, 4, 1)  # four services
    for price, used in ((gpu, info.image_s()), (energy, info.image_kwh())):
        best = (info.revenue_usd - price * used).max(axis=1)
        assert best == pytest.approx(np.zeros(4), abs=1e-15)


def test_a_split_action_is_a_softmax():
    info = plan().info
    dice = stream(5, "test")
    given = {}

    def action(codec):
        given["a"] = dice.uniform(-1, 1, len(codec.action))
        return given["a"]

    codec, _, decision = decoded(action, encoding="split", refuse=True)
    rule, groups = decision.dispatch, groups_of(info, "compact")
    assert isinstance(rule, SplitRule)
    number = dict(zip(named(codec), given["a"], strict=True))
    for home in range(3):
        for kind, group in enumerate(groups.of_class):
            name = groups.names[group]
            weights = np.zeros(info.n_services + 2)
            for s, service in enumerate(info.services):
                if info.reachable[home, kind, s]:
                    weights[s] = np.exp(4 * number["share", f"{name} → {service}"])
            weights[-1] = np.exp(4 * number["share", f"{name} → refuse"])
            expected = weights / weights.sum()
            assert rule.shares[home, kind] == pytest.approx(expected, abs=1e-8)
            for s, service in enumerate(info.services):
                k = int((1 + number["steps", f"{name} → {service}"]) / 2 * len(info.steps))
                assert rule.steps[home, kind, s] == info.steps[k]
    assert (rule.shares.sum(axis=2) == 1.0).all()


def test_a_battery_gets_a_part_of_what_it_can_hold():
    codec = Codec(plan().info, battery=True)
    at = [k for k, c in enumerate(codec.action.coordinates) if c.name == "battery"]
    assert [codec.action.coordinates[k].place for k in at] == ["one", "three"]
    seen, _ = first_view(codec)
    action = np.zeros(len(codec.action))
    action[at] = 0.5, -0.25
    power_kw = codec.decode(action, seen).battery_kw
    low_kw, high_kw = seen.battery_low_kw, seen.battery_high_kw
    assert power_kw.tolist() == [0.5 * high_kw[0], 0.0, 0.25 * low_kw[2]]
    assert high_kw[0] > 0.5
    assert low_kw[2] < -0.5


def test_a_room_is_held_between_the_ends_of_its_band():
    day = patient_days()[0]
    codec = Codec(day.plan.info, room=True)
    at = [k for k, c in enumerate(codec.action.coordinates) if c.name == "room"]
    assert [codec.action.coordinates[k].place for k in at] == ["two"]
    episode = Episode(day.plan)
    episode.reset()
    seen, action = episode.observe(), np.zeros(len(codec.action))
    for value, room_c in ((-1.0, 18.0), (1.0, 27.0), (0.5, 24.75)):
        action[at] = value
        decision = codec.decode(action, seen)
        assert decision.cooling_setpoint_c[1] == room_c
        assert not project(decision, day.plan.info, seen).clips
    assert Codec(day.plan.info).decode(action[: -len(at)], seen).cooling_setpoint_c is None


def test_an_energy_layer_goes_on_with_rooms_that_no_action_decides():
    rooms, plain = patient_days()[0].plan.info, plan().info
    outer = {"clock": True, "battery": True}
    assert Codec(plain, **outer).action.decides_energy
    assert not Codec(rooms, **outer).action.decides_energy
    assert Codec(rooms, room=True, **outer).action.decides_energy


def test_there_are_no_coordinates_for_what_cannot_be_chosen():
    info = plan().info
    lone = replace(
        info,
        clock_speed=((1.0,), *info.clock_speed[1:]),
        battery_kwh=np.zeros(3),
        classes=tuple(replace(c, transferable=False) for c in info.classes),
    )
    codec = Codec(lone, encoding="split", clock=True, battery=True)
    places = {(c.name, c.place) for c in codec.action.coordinates}
    assert ("clock", "one") not in places
    assert ("clock", "two") in places
    assert not any(name == "battery" for name, _ in places)
    shares = {place.split(" → ")[1] for name, place in places if name == "share"}
    assert shares == {"two/heavy", "two/light"}  # the one site with a choice of its own


@pytest.mark.parametrize("encoding", ["score", "split"])
def test_every_coordinate_does_something(encoding):
    """For some setting of the others, moving it from end to end changes what happens."""
    days = patient_days()
    worlds = Worlds(
        days * 2,
        2,
        Settings(encoding, clock=True, battery=True, room=True, refuse=True, energy="idle"),
    )
    count, slots = len(worlds.codec.action), days[0].plan.info.slots
    dice = stream(9, "test", encoding)
    idle = set(range(count))
    for _ in range(6):
        base = dice.uniform(-1, 1, (slots, count))
        for k in sorted(idle):
            worlds.begin([0, 1])
            for slot in range(slots):
                worlds.lockstep.actions[:] = base[slot]
                worlds.lockstep.actions[:, k] = -1, 1
                worlds.step()
            one, other = (world.works.books.grid.rows for world in worlds.lockstep.worlds)
            if not np.array_equal(one, other):
                idle.discard(k)
    assert [worlds.codec.action.coordinates[k] for k in sorted(idle)] == []


def test_jobs_are_held_and_seen_to_be():
    days = patient_days()
    worlds = Worlds(days, 1, Settings("split", energy="idle"))
    codec = worlds.codec
    worlds.begin([0])
    worlds.lockstep.actions[0] = [
        1.0 if c.place.endswith("→ hold") else -1.0 for c in codec.action.coordinates
    ]
    worlds.step()
    seen = worlds.lockstep.observe(0)
    assert len(seen.held) > 5
    held = [y for c, y in zip(codec.view.columns, worlds.lockstep.views[0], strict=True)]
    names = [c.name for c in codec.view.columns]
    assert sum(held[k] > 0 for k, name in enumerate(names) if name == "held") == len(
        {job.home for job in seen.held}
    )
    decision = codec.decode(worlds.lockstep.actions[0], seen)
    hold = decision.dispatch.shares[:, :, -2]
    assert (hold[:, [bool(g) for g in codec.groups.may_wait[codec.groups.of_class]]] > 0.9).all()


# errors ------------------------------------------------------------------------------------


def test_a_broken_action_is_told_with_slot_and_place():
    codec = Codec(plan().info)
    seen, _ = first_view(codec)
    with pytest.raises(PolicyError, match=r"slot 0, field `action`: shape \(3,\), expected \("):
        codec.decode(np.zeros(3), seen)
    action = np.zeros(len(codec.action))
    action[5] = np.nan
    with pytest.raises(PolicyError, match="NaN at coordinate 5, `energy_price`"):
        codec.decode(action, seen)


def test_an_unknown_encoding_is_told_with_the_nearest():
    with pytest.raises(UsageError, match="encoding `skore` does not exist — did you mean `score`"):
        Codec(plan().info, encoding="skore")


def test_tables_list_every_number():
    codec = Codec(plan().info, encoding="split", clock=True, battery=True)
    assert len(codec.observation_table().splitlines()) == len(codec.view) + 2
    assert len(codec.action_table().splitlines()) == len(codec.action) + 2
    assert "0-93.75s-movable" in codec.action_table() or "movable" in codec.action_table()
