"""Does the doorway to the solver answer truly, and keep its promises when it is used again?"""

from dataclasses import replace

import fluid_plants as made
import numpy as np
import pytest

from cosim.errors import CosimError
from cosim.optimise import EnergySide, Fluid, Layout, Solver


def mix():
    """Two products on one machine: max 3x + 5y, x + 2y ≤ 10, x ≤ 6."""
    layout = Layout()
    made_of = layout.columns((2,), upper=[6.0, np.inf], gain=[3.0, 5.0])
    hours = layout.rows((), upper=10.0)
    layout.add(hours, made_of, [1.0, 1.0])
    layout.add(hours, made_of[1], 1.0)  # equal places add up
    return layout, made_of, hours


def test_optimum_and_worth_of_a_row():
    layout, made_of, hours = mix()
    answer = Solver(layout.program(), unit=0.5).solve()
    assert answer.status == "optimal"
    assert answer.gain == pytest.approx(28.0)
    assert answer.values[made_of] == pytest.approx([6.0, 2.0])
    assert answer.worth[hours] == pytest.approx(2.5)


def test_numbers_change_in_place():
    layout, made_of, hours = mix()
    solver = Solver(layout.program())
    solver.solve()
    solver.set_sides(hours, -np.inf, 20.0)
    solver.set_gain(made_of[1:], 1.0)
    solver.set_coefficients(hours, made_of[0], 4.0)
    solver.set_range(made_of[:1], 0.0, 3.0)
    answer = solver.solve()
    assert answer.values[made_of] == pytest.approx([3.0, 4.0])
    assert answer.gain == pytest.approx(13.0)


def test_whole_numbers_tell_their_gap_and_no_prices():
    layout = Layout()
    taken = layout.columns((3,), upper=1.0, gain=[10.0, 13.0, 7.0], whole=True)
    layout.add(layout.rows((), upper=6.0), taken, [3.0, 4.0, 2.0])
    answer = Solver(layout.program(), gap=0.0).solve()
    assert answer.values == pytest.approx([0.0, 1.0, 1.0])
    assert answer.gap == pytest.approx(0.0, abs=1e-9)
    assert not answer.worth.any()


def test_no_answer_is_told_as_such():
    layout, made_of, _ = mix()
    solver = Solver(layout.program())
    solver.set_range(made_of, 20.0, 30.0)
    answer = solver.solve()
    assert (answer.status, answer.usable) == ("failed", False)
    assert answer.said == "Infeasible"


def test_a_limit_is_told_as_such():
    rng = np.random.default_rng(1)
    layout = Layout()
    columns = layout.columns((60,), gain=rng.random(60))
    layout.add(layout.rows((40,), upper=1.0)[:, None], columns, rng.random((40, 60)))
    answer = Solver(layout.program(), iterations_max=1).solve()
    assert answer.status != "optimal"
    assert answer.said == "Iteration limit reached"


def test_what_the_solver_refuses_is_an_error():
    layout, made_of, _ = mix()
    with pytest.raises(CosimError, match="HiGHS refuses gains"):
        Solver(layout.program()).set_gain(made_of + 1000, 1.0)


def test_hot_equals_cold_over_a_day():
    """24 re-solves with moving prices, work and sun: from the last basis or from none."""
    rng = np.random.default_rng(3)
    battery = made.store(3, high_kwh=9.0, charge_kw=3.0, give_kw=3.0, charge_efficiency=0.9)
    at = made.plant(3, store=battery)
    people = made.groups([0, 1, 2], [True, True, False], patient=True, sites=3)
    hot, cold = Fluid(at, people, 12), Fluid(at, people, 12)
    hot_count = cold_count = 0
    arriving = rng.uniform(0, 25, (3, 40))
    price, sun = rng.normal(0.1, 0.2, (3, 40)), rng.uniform(0, 6, (3, 40))
    for hour in range(24):
        window = slice(hour, hour + 12)
        green = sun[:, window]
        seen = made.outlook(
            at, price[:, window], arriving[:, window], made.waiting(arriving[:, window], 2),
            green_kwh=green, green_most_kwh=green, green_least_kwh=green,
            stored_kwh=rng.uniform(0, 9, 3),
            pue_low=np.full((3, 12), 1.1 + 0.01 * hour),
            pue_high=np.full((3, 12), 1.1 + 0.01 * hour),
        )  # fmt: skip
        cold.solver.forget()
        one, other = hot.solve(seen).answer, cold.solve(seen).answer
        assert one.gain == pytest.approx(other.gain, rel=1e-8, abs=1e-8)
        hot_count, cold_count = hot_count + one.iterations, cold_count + other.iterations
    assert hot_count < cold_count


@pytest.mark.parametrize("wear_usd_kwh", [0.0, 0.02])
@pytest.mark.parametrize(("above", "burns"), [(-0.2, True), (-0.01, True), (0.01, False)])
@pytest.mark.parametrize("binary", [False, True])
def test_burning_in_a_full_battery_only_below_the_threshold(wear_usd_kwh, above, burns, binary):
    """Charging and discharging at once pays below −c·η/(1−η) only; whole numbers forbid it."""
    battery = made.store(
        1, high_kwh=50.0, charge_kw=5.0, give_kw=5.0, charge_efficiency=0.9, give_efficiency=0.9,
        wear_usd_kwh=wear_usd_kwh,
    )  # fmt: skip
    at = made.plant(1, store=battery)
    threshold = float(battery.burns_below_usd_kwh()[0])
    assert threshold == pytest.approx(-wear_usd_kwh * 0.81 / 0.19)
    full = {"stored_kwh": np.array([50.0]), "kept_usd_kwh": np.array([1.0])}
    seen = made.outlook(at, [[threshold + above]], np.zeros((1, 1)), **full)
    layout = Layout()
    side = EnergySide(layout, at, 1, 1, binary=binary)
    solver = Solver(layout.program(), gap=0.0)
    load = np.full((1, 1), 10.0)
    side.fill(solver, seen, load, load)
    solver.set_range(side.load, load, load)
    values = solver.solve().values
    both = min(values[side.charge][0, 0], values[side.give][0, 0]) > 1e-7
    assert both == (burns and not binary)


@pytest.mark.parametrize("binary", [False, True])
def test_sun_is_not_thrown_away_to_be_paid_for_buying(binary):
    """Where the load is known to exceed the sun none is spilled, below it nothing is bought."""
    at = made.plant(1)
    green = np.array([[4.0, 30.0]])
    seen = made.outlook(at, [[-0.5, -0.5]], np.zeros((1, 2)), green_kwh=green,
                        green_most_kwh=green, green_least_kwh=green)  # fmt: skip
    layout = Layout()
    side = EnergySide(layout, at, 2, 2, binary=binary)
    solver = Solver(layout.program())
    load = np.full((1, 2), 10.0)
    side.fill(solver, seen, load, load)
    solver.set_range(side.load, load, load)
    values = solver.solve().values
    assert values[side.buy][0] == pytest.approx([6.0, 0.0])
    assert values[side.spill][0] == pytest.approx([0.0, 20.0])


def test_one_clock_level_by_whole_numbers():
    """Work for a bit more than the slow clock: all GPUs run fast; the relaxation mixes."""
    at = made.plant(1, gpus=np.array([2.0]))
    people = made.groups([0], [False], patient=False, sites=1)
    images = 1.9 / (10 * 0.005)
    seen = made.outlook(at, [[3.0]], [[images]])
    loose = Fluid(at, people, 1).solve(seen)
    tight = Fluid(at, people, 1, one_clock=1)
    found = tight.solve(seen)
    assert found.answer.gain < loose.answer.gain - 1e-3
    levels = tight.work.levels(found.answer.values)
    assert ((found.mode_h[:, 0] > 1e-7) <= (at.mode_level == levels[0, 0])).all()
    fixed = Fluid(at, people, 1)
    fixed.work.only(fixed.solver, levels)
    assert fixed.solve(seen).answer.gain == pytest.approx(found.answer.gain)


def test_a_patient_image_waits_for_the_cheap_hour():
    at = made.plant(1, gpus=np.array([10.0]))
    people = made.groups([0], [False], patient=True, sites=1)
    arriving = np.array([[4.0, 0.0, 0.0]])
    seen = made.outlook(at, [[2.0, 0.05, 2.0]], arriving, made.waiting(arriving, 2))
    assert Fluid(at, people, 3).solve(seen).run[0] == pytest.approx([0.0, 4.0, 0.0])
    hasty = replace(seen, haste_usd_h=5.0)
    assert Fluid(at, people, 3).solve(hasty).run[0] == pytest.approx([4.0, 0.0, 0.0])
