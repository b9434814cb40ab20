"""Cooling and machine rooms in a world: power, pre-cooling, heat that throttles."""

from __future__ import annotations

import numpy as np
import pytest
from energy_site import BATTERY, Orders, play, scenario

from cosim.physics.chiller import Chiller
from cosim.physics.cooling import Economizer, cooling_kw
from cosim.physics.thermal import step
from cosim.prepare.stage import stage

CHILLER = {"kind": "chiller"}
FULL_KW = 10 * 0.8


def it_kw(result):
    return (result.bins["compute_kw"] + result.bins["idle_kw"])[:, 0]


@pytest.mark.parametrize("kind", ["economizer", "chiller"])
def test_cooling_power_is_that_of_the_record_in_every_bin(kind):
    what = scenario(hours=3, cooling={"kind": kind})
    result, plan = play(what), stage(what).plan(1)
    law = {
        "economizer": Economizer(ups_loss=0.04),
        "chiller": Chiller(design_it_kw=FULL_KW),
    }[kind]
    expected = cooling_kw(law, it_kw(result), plan.outside.temp_bin_c[:, 0])
    assert result.bins["cooling_kw"][:, 0] == pytest.approx(expected, rel=1e-12)
    assert expected.std() > 0.0


def test_a_plant_of_chillers_is_built_for_what_it_is_told():
    small, large = (
        play(scenario(cooling=CHILLER, design_it_kw=kw)).kpis["cooling_kwh"] for kw in (8.0, 24.0)
    )
    default = play(scenario(cooling=CHILLER)).kpis["cooling_kwh"]
    assert default == pytest.approx(small)
    assert large > 1.1 * small


def test_the_drain_pays_for_late_work_only():
    """Overhead that a plant draws without load does not fall on work after the window."""
    result = play(scenario(load=1.3, cooling=CHILLER))
    data, last = result.ledger.data, result.ledger.slots
    late_kwh = data["compute_kwh"][last:].sum()
    assert late_kwh > 1.0
    ratio = data["cooling_kwh"][last:].sum() / late_kwh
    full = cooling_kw(Chiller(design_it_kw=FULL_KW), FULL_KW, 30.0) / FULL_KW
    assert ratio == pytest.approx(float(full), rel=0.2)


# rooms -------------------------------------------------------------------------------------


def room(**more):
    return {"cooling": CHILLER, "room": {"mass_wh_per_k_kw": 30, **more}}


def test_a_room_without_orders_is_held_at_the_top_of_its_band_and_costs_the_same():
    kept, bare = play(scenario(**room(envelope_w_per_k_kw=0))), play(scenario(cooling=CHILLER))
    assert kept.bins["room_c"] == pytest.approx(27.0)
    assert kept.bins["cooling_kw"] == pytest.approx(bare.bins["cooling_kw"], rel=1e-12)
    assert kept.kpis["over_temp_h"] == kept.kpis["throttled_gpu_h"] == 0.0
    assert "over_temp_h" not in bare.kpis


def test_precooling_moves_cooling_power_in_time():
    """Cold in the first half hour, warm afterwards: power early, little after, as in physics."""
    early = Orders(lambda seen: {"cooling_setpoint_c": 18.0 if seen.slot < 6 else 27.0})
    what = scenario(slot_minutes=5, **room())
    moved, flat = play(what, early), play(what)
    power, even = moved.bins["cooling_kw"][:, 0], flat.bins["cooling_kw"][:, 0]
    assert power[:10].mean() > 1.2 * even[:10].mean()
    assert power[30:33].mean() < 0.5 * even[30:33].mean()
    assert moved.bins["room_c"][29, 0] == 18.0
    assert moved.bins["room_c"][-1, 0] == 27.0
    site, plan = stage(what).plan(1).sites[0], stage(what).plan(1)
    room_c = 27.0
    for k, kw in enumerate(it_kw(moved)):
        order_c = 18.0 if k < 30 else 27.0
        outdoor_c = plan.outside.temp_bin_c[k, 0]
        then = step(site.cooling, site.room, room_c, kw, outdoor_c, 1 / 60, order_c)
        room_c = then.room_c
        assert moved.bins["room_c"][k, 0] == pytest.approx(room_c, abs=1e-9)
        assert power[k] == pytest.approx(then.cooling_kw, rel=1e-9)


def test_policies_see_the_room_and_orders_beyond_the_band_are_clipped_and_counted():
    policy = Orders(cooling_setpoint_c=5.0)
    result = play(scenario(slot_minutes=15, **room(start_c=24)), policy)
    assert [seen.room_c[0] for seen in policy.seen[:2]] == pytest.approx([24.0, 18.0], abs=1.0)
    assert result.clips == {"cooling_setpoint_c": {"here": len(policy.seen)}}
    assert result.bins["room_c"].min() == 18.0
    assert policy.world.room_kwh_k[0] == pytest.approx(0.03 * FULL_KW)
    assert policy.world.heat_kw_max[0] == pytest.approx(1.4 * FULL_KW)


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_a_plant_that_does_not_suffice_throttles_the_clocks_and_the_ledger_tells(engine):
    tight = scenario(hours=4, slot_minutes=15, load=1.2, **room(capacity_ratio=0.6, allowance_k=2))
    hot, cool = play(tight, engine=engine), play(scenario(hours=4, slot_minutes=15, load=1.2))
    data = hot.ledger.data
    assert hot.kpis["over_temp_h"] == pytest.approx(data["over_temp_h"].sum())
    assert 1.0 < hot.kpis["over_temp_h"] < 4.0
    assert 10.0 < hot.kpis["throttled_gpu_h"] <= 40.0
    slow, fast = (r.bins["steps"].sum() for r in (hot, cool))
    assert slow < 0.9 * fast
    # clocks fall until the plant carries the heat: the room never runs away
    assert 29.0 < hot.bins["room_c"].max() < 33.0
    decided = hot.ledger.data["clock_speed"][:16, 0]
    assert (decided == 1.0).all()  # the policy asked for full speed all along


def test_a_site_without_levels_to_step_down_is_not_booked_as_throttled():
    single = {
        "kind": "x",
        "count": 10,
        "idle_w": 60,
        "server_w": 100,
        "clock": {"kind": "table", "speed": [1.0], "power": [1.0]},
    }
    hot = play(scenario(hours=1, load=1.2, gpus=single, **room(capacity_ratio=0.6, allowance_k=0)))
    assert hot.kpis["over_temp_h"] > 0.5
    assert hot.kpis["throttled_gpu_h"] == 0.0


def test_where_supply_is_short_precooling_is_given_up_before_work_is():
    """An import limit that carries the load but not a colder room."""
    grid = {
        "price": {"kind": "flat", "usd_per_kwh": 0.1},
        "carbon": {"kind": "flat", "g_per_kwh": 300},
    }
    free = scenario(slot_minutes=5, load=1.3, **room(), grid=grid)
    peak_kw = play(free).kpis["peak_import_kw"]
    limited = {**grid, "import_kw_max": 1.02 * peak_kw}
    cold, plain = (
        play(scenario(slot_minutes=5, load=1.3, **room(), grid=limited), orders)
        for orders in (Orders(cooling_setpoint_c=18.0), None)
    )
    assert play(free, Orders(cooling_setpoint_c=18.0)).kpis["peak_import_kw"] > 1.05 * peak_kw
    assert cold.kpis["unserved_kwh"] == pytest.approx(0.0, abs=1e-9)
    done = [r.bins["steps"].sum() for r in (cold, plain)]
    assert done[0] == pytest.approx(done[1], rel=0.01)  # a job may wait for the next bin
    assert cold.kpis["peak_import_kw"] <= 1.02 * peak_kw + 1e-9


def test_the_guard_fills_the_supply_of_a_plant_whose_cooling_is_not_proportional():
    """As many GPUs as fit run: one more would exceed the import limit."""
    grid = {
        "price": {"kind": "flat", "usd_per_kwh": 0.1},
        "carbon": {"kind": "flat", "g_per_kwh": 300},
        "import_kw_max": 5.0,
    }
    single = {
        "kind": "x",
        "count": 10,
        "idle_w": 60,
        "server_w": 100,
        "clock": {"kind": "table", "speed": [1.0], "power": [1.0]},
    }
    what = scenario(hours=1, load=2.0, cooling=CHILLER, gpus=single, grid=grid)
    result, plan = play(what), stage(what).plan(1)
    law, temp_c = plan.sites[0].cooling, float(plan.outside.temp_bin_c[30, 0])

    def facility_kw(busy):
        power_kw = 10 * 0.16 + busy * 0.64
        return power_kw + float(cooling_kw(law, power_kw, temp_c))

    most = max(n for n in range(11) if facility_kw(n) <= 5.0)
    assert 0 < most < 10
    assert result.bins["busy_share"][10:55, 0] == pytest.approx(most / 10, abs=0.02)
    assert result.kpis["peak_import_kw"] <= 5.0


def test_a_battery_may_pay_for_cold():
    """Rooms and batteries share the balance: it closes in every bin with both at work."""
    what = scenario(slot_minutes=5, battery={"kind": "linear", **BATTERY}, **room())
    policy = Orders(
        lambda seen: {
            "cooling_setpoint_c": 18.0 if seen.slot % 4 < 2 else 27.0,
            "battery_cover_kw": np.inf,
        }
    )
    data = play(what, policy).ledger.data
    assert data["residual_kwh"].max() < 1e-12
    assert data["battery_to_cooling_kwh"].sum() > 0.5
