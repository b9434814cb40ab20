"""Do plans cool rooms ahead when that pays, by as much as they say, and leave them alone else?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from energy_site import scenario
from fluid_plants import outlook, plant

from cosim.decision import Layered
from cosim.hindsight import hindsight
from cosim.optimise import EnergySide, Layout, Rooms, Solver
from cosim.physics.chiller import Chiller
from cosim.physics.cooling import ConstantPue
from cosim.physics.thermal import Thermal, step
from cosim.physics.thermal import row as cooling_row
from cosim.plugins import load_policy
from cosim.prepare.stage import stage
from cosim.run import run
from policies.optimising.facts import Overhead
from policies.optimising.horizon import Periods
from policies.optimising.rooms import effort, rooms_ahead, setpoints_c

DEAR = (14, 15)
"""Hours of dear power; runs begin at 10 h."""


def site(mass_wh_k_kw=300.0, *, cooling=None, slots=5, dear=0.5, **room):
    """Eight hours of a hot day whose power is dear for two hours."""
    cheap = [hour for hour in range(24) if hour not in DEAR]
    periods = [{"usd_per_kwh": dear, "hours": list(DEAR)}, {"usd_per_kwh": 0.1, "hours": cheap}]
    return stage(
        scenario(
            hours=8,
            slot_minutes=slots,
            cooling=cooling or {"kind": "chiller"},
            room={"mass_wh_per_k_kw": mass_wh_k_kw, "capacity_ratio": 2.0, **room},
            grid={
                "price": {"kind": "time-of-use", "periods": periods},
                "carbon": {"kind": "flat", "g_per_kwh": 300},
            },
        )
    )


def play(on, schedule, energy, **options):
    """Run a schedule over an energy layer; options go to the one that plans."""
    told = {"schedule": options if schedule != "home" else {}, "energy": {}}
    if energy == "look-ahead":
        told["energy"] = options

    def make():
        parts = {"schedule": schedule, "energy": energy}
        return Layered(*(load_policy(n, told[kind], kind=kind) for kind, n in parts.items()))

    return run(on, seed=1, make=make)


@pytest.mark.parametrize(("schedule", "energy"), [("home", "look-ahead"), ("lp-price", "idle")])
@pytest.mark.parametrize("cooling", [{"kind": "chiller"}, {"kind": "constant", "pue": 1.4}])
def test_a_plan_cools_a_large_room_ahead_of_dear_power_and_pays_less(schedule, energy, cooling):
    """A room of 2.4 kWh/K; two hours of its cooling take about a tenth of the bill."""
    on = site(cooling=cooling)
    planned, constant = (play(on, schedule, energy, precool=how) for how in ("on", "off"))
    usd = [result.kpis["energy_cost_usd"] for result in (planned, constant)]
    assert usd[0] < 0.95 * usd[1]
    assert planned.kpis["utility_usd"] > constant.kpis["utility_usd"] + 0.5
    room_c = planned.bins["room_c"][:, 0]
    assert room_c.min() < 25.0
    assert ((room_c >= 18.0 - 1e-9) & (room_c <= 27.0 + 1e-9)).all()
    assert constant.bins["room_c"] == pytest.approx(27.0, abs=1e-9)
    assert planned.clips == {}
    assert planned.ledger.data["residual_kwh"].max() < 1e-12


def test_a_plan_beats_the_rule_that_cools_shortly_before():
    on = site()
    planned = play(on, "home", "look-ahead")
    rule = play(on, "home", "paper-inner")
    late = play(on, "home", "look-ahead", precool="off")
    saved = [late.kpis["energy_cost_usd"] - r.kpis["energy_cost_usd"] for r in (planned, rule)]
    assert saved[0] > 1.5 * saved[1] > 0.0


@pytest.mark.parametrize(("schedule", "energy"), [("home", "look-ahead"), ("lp-price", "idle")])
def test_small_rooms_do_no_harm(schedule, energy):
    on = site(5.0)
    planned, constant = (play(on, schedule, energy, precool=how) for how in ("on", "off"))
    gained = planned.kpis["utility_usd"] - constant.kpis["utility_usd"]
    assert gained > -0.001 * constant.kpis["energy_cost_usd"]


def test_where_prices_are_even_a_room_is_left_alone():
    """Cold costs nothing more with a constant PUE, so that nothing decides but the tie."""
    on = site(cooling={"kind": "constant", "pue": 1.4}, dear=0.1)
    result = play(on, "home", "look-ahead")
    assert result.bins["room_c"] == pytest.approx(27.0, abs=1e-6)


def test_planners_that_leave_energy_to_the_layer_below_order_no_temperature(
    make_world, make_observation
):
    world = roomy(make_world)
    for options, ordered in (
        ({}, True),
        ({"precool": "off"}, False),
        ({"energy": "below"}, False),
    ):
        policy = load_policy("lp-price", options, kind="schedule")
        policy.reset(world, np.random.default_rng(0))
        decision = policy.decide(make_observation(world, room_c=np.full(3, 27.0)))
        assert (decision.cooling_setpoint_c is not None) == ordered


# the program -------------------------------------------------------------------------------


def rooms(periods, **changes):
    """One room of 4 kWh; cold takes 0.3 kWh per kWh, and nothing to be held."""
    shape = (1, periods)
    fields = {"keep": 1.0, "gain_kwh": 0.0, "make_kwh": 2.0, "rest_kwh": 5.0}
    fields |= {"make": 0.3, "rest": 0.3, "hold": 0.0, "most_kwh": 0.6}
    numbers = {name: np.full(shape, value) for name, value in {**fields, **changes}.items()}
    return Rooms(held_kwh=np.zeros(1), band_kwh=np.full(1, 4.0), **numbers)


def planned_kwh(price, what):
    """(what the room changes in the load of 2 kWh, cold at the end) of each period."""
    at = plant(1, rooms=np.array([0]))
    periods, layout = len(price), Layout()
    side = EnergySide(layout, at, periods, periods)
    solver = Solver(layout.program())
    load = np.full((1, periods), 2.0)
    side.fill(solver, outlook(at, [price], np.zeros((0, periods)), rooms=what), load, load)
    solver.set_range(side.load, load, load)
    answer = solver.solve()
    assert answer.status == "optimal"
    assert answer.values[side.buy][0] == pytest.approx(2.0 + answer.values[side.room.chill][0])
    return answer.values[side.room.chill][0], side.cold_kwh(answer.values)[0]


def test_cold_is_made_as_late_as_power_allows_and_used_when_power_is_dear():
    chill, cold = planned_kwh([0.2, 0.1, 0.1, 0.5], rooms(4))
    assert cold == pytest.approx([0.0, 2.0, 4.0, 0.0], abs=1e-6)
    assert chill == pytest.approx([0.0, 0.6, 0.6, -1.2], abs=1e-6)


def test_what_leaks_and_what_a_cold_room_takes_more_have_to_be_earned():
    price = [0.1, 0.1, 0.13]
    for changes in ({"keep": 0.7}, {"hold": 0.1}, {"make": 0.4}):
        _, cold = planned_kwh(price, rooms(3, **changes))
        assert cold == pytest.approx(0.0, abs=1e-6), changes
    assert planned_kwh(price, rooms(3))[1].max() == pytest.approx(4.0)
    chill, cold = planned_kwh([0.1, 0.1, 0.5], rooms(3, keep=0.9, hold=0.01))
    assert cold == pytest.approx([2.0, 3.8, 0.0])
    assert chill == pytest.approx([0.62, 0.638, -0.3 * 0.9 * 3.8])


# what a plan knows -------------------------------------------------------------------------


def roomy(make_world, model=None):
    """The first site has a room of 1 kWh/K and a plant for 150 kW."""
    thermal = Thermal(1.0, 150.0)
    bare, end = cooling_row(ConstantPue(1.2), None), np.array([np.inf])
    return make_world(
        cooling_row=np.stack([cooling_row(model or Chiller(100.0), thermal), bare, bare]),
        room_kwh_k=np.array([1.0, 0.0, 0.0]),
        room_low_c=np.array([18.0, *-end, *-end]),
        room_high_c=np.array([27.0, *end, *end]),
        heat_kw_max=np.array([150.0, *end, *end]),
    )


@pytest.mark.parametrize("t_out_c", [5.0, 22.0, 33.0])
def test_the_effort_of_a_plan_is_that_of_the_world(make_world, t_out_c):
    """Cooling down for a while, warming up, and holding the cold end: kWh as physics has them."""
    world, model, room = roomy(make_world), Chiller(100.0), Thermal(1.0, 150.0)
    heat, spare, make, rest, hold = effort(world, 0, 60.0, t_out_c)
    minute_h = 1.0 / 60.0

    def power_kw(room_c, aim_c):
        return step(model, room, room_c, 60.0, t_out_c, minute_h, aim_c).cooling_kw

    even, cold = power_kw(27.0, 27.0), power_kw(18.0, 18.0)
    assert cold - even == pytest.approx(hold)
    # never less than resting saves, though machines at part load may be that much better off
    assert make == pytest.approx(max((power_kw(27.0, 18.0) - cold) / spare, rest))
    assert even - power_kw(18.0, 27.0) == pytest.approx(rest * heat)


def test_the_room_ahead_is_that_which_is_seen(make_world, make_observation):
    world = roomy(make_world)
    seen = make_observation(world, room_c=np.array([24.0, 0.0, 0.0]))
    periods = Periods([1, 2], world.slot_h, world.slots)
    found = rooms_ahead(world, seen, periods, np.full((3, 2), 60.0))
    assert found.held_kwh == pytest.approx([3.0])
    assert found.band_kwh == pytest.approx([9.0])
    assert found.make_kwh[0, 1] == pytest.approx(2.0 * found.make_kwh[0, 0])
    assert setpoints_c(world, seen, np.array([4.0])) == pytest.approx([23.0, 0.0, 0.0])
    assert setpoints_c(world, seen, np.array([99.0]))[0] == 18.0
    assert rooms_ahead(make_world(), seen, periods, np.full((3, 2), 60.0)) is None


def test_cold_is_not_taken_for_overhead(make_world, make_observation):
    """A meter that reads twice the usual while a room is cooled down teaches nothing."""
    world = roomy(make_world, ConstantPue(1.3))
    it_kw, warm = np.full(3, 50.0), np.array([27.0, 0.0, 0.0])
    base = make_observation(world, it_kw=it_kw, facility_kw=1.3 * it_kw, room_c=warm)
    odd = {"facility_kw": 2.6 * it_kw}
    overhead = Overhead(world)
    overhead.update(base)
    overhead.update(replace(base, room_c=np.array([20.0, 0.0, 0.0]), **odd))
    overhead.update(replace(base, **odd))  # warm again, but it was not at first
    pue = overhead.pue(base.temp_out_c[:, None])
    assert pue[0, 0] == pytest.approx(1.3)
    assert pue[1, 0] > 1.7  # without a room the meter is believed


# the bound ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cooling", [{"kind": "economizer"}, {"kind": "constant", "pue": 1.4}])
def test_the_bound_rises_with_what_a_room_can_store(cooling):
    """From hardly any room to a large one; a plant that may not suffice has the loosest bound."""
    bounds = [
        hindsight(site(mass, cooling=cooling, capacity_ratio=ratio, slots=60).plan(1)).bound_usd
        for mass, ratio in ((0.01, 2.0), (30.0, 2.0), (300.0, 2.0), (300.0, 0.9))
    ]
    assert bounds == sorted(bounds)
    assert np.diff(bounds).min() > 0.1
