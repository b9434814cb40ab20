"""Is the optimum of the fluid model what independent programs and exhaustive search find?"""

from itertools import product

import fluid_plants as made
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.optimise import Fluid


def test_brute_force_over_whole_images():
    """Two sites, two hours, three images at each home an hour: every way to serve them is tried.

    GPU time is such that a best way in whole images exists among those of the fluid.
    """
    at = made.plant(gpus=np.array([0.15, 0.3]), mode_service=np.arange(2),
                    mode_level=np.zeros(2, dtype=np.int64),
                    step_h=np.array([0.005, 0.01]), step_kwh=np.array([0.005, 0.01]),
                    fixed_h=np.zeros(2), fixed_kwh=np.zeros(2), idle_kw=np.zeros(2))  # fmt: skip
    people = made.groups([0, 1], [True, True], patient=False, sites=2)
    seen = made.outlook(at, [[0.1, 0.5], [0.2, 0.05]], [[3, 3], [3, 3]])
    found = Fluid(at, people, 2).solve(seen)
    best = sum(_best_hour(at, people, seen, hour) for hour in range(2))
    base = (seen.buy_usd_kwh * seen.pue_low * at.server_kw[:, None]).sum()
    assert found.answer.gain == pytest.approx(best - base, rel=1e-7)


def _best_hour(at, people, seen, hour):
    """Best gain of an hour over all assignments of whole images to (site, steps) or to nobody."""
    options = [(site, k) for site in range(2) for k in range(2)] + [None]
    worth = {}
    for home, option in product(range(2), options):
        if option is None:
            worth[home, option] = (-people.miss_usd[home], 0, 0.0)
            continue
        site, k = option
        hours = at.steps[k] * at.step_h[site]
        energy = seen.buy_usd_kwh[site, hour] * 1.2 * at.steps[k] * at.step_kwh[site]
        fare = people.fare_usd[home, site]
        worth[home, option] = (at.revenue_usd[site, k] - energy - fare, site, hours)
    best = -np.inf
    for chosen in product(options, repeat=6):
        rows = [worth[i // 3, option] for i, option in enumerate(chosen)]
        used = [sum(h for _, s, h in rows if s == site) for site in range(2)]
        if all(u <= cap + 1e-12 for u, cap in zip(used, seen.gpu_h[:, hour], strict=True)):
            best = max(best, sum(gain for gain, _, _ in rows))
    return best


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(0, 3))
def test_compact_equals_expanded(seed, slots):
    rng = np.random.default_rng(seed)
    at = made.plant(3, gpus=rng.uniform(0.5, 4.0, 3))
    people = made.groups([0, 1, 2, 0], [True, False, True, False], patient=True, sites=3)
    arriving = rng.integers(0, 12, (4, 5))
    price = rng.uniform(0.01, 2.0, (3, 5))
    seen = made.outlook(at, price, arriving, made.waiting(arriving, slots))
    found = Fluid(at, people, 5).solve(seen)
    assert found.answer.gain == pytest.approx(
        made.expanded(at, people, seen, slots), rel=1e-6, abs=1e-6
    )


def test_battery_arbitrage_by_hand():
    """Bought at 10, used at 50 ct: 8 kWh in, 0.9² of them out, wear on what comes out."""
    battery = made.store(
        1, high_kwh=20.0, charge_kw=8.0, give_kw=8.0, charge_efficiency=0.9, give_efficiency=0.9,
        wear_usd_kwh=0.02,
    )  # fmt: skip
    at = made.plant(1, server_kw=np.array([10.0]), store=battery)
    people = made.groups([0], [False], patient=False, sites=1)
    seen = made.outlook(at, [[0.1, 0.5]], np.zeros((1, 2)))
    plain = made.outlook(made.plant(1, server_kw=np.array([10.0])), [[0.1, 0.5]], np.zeros((1, 2)))
    without = Fluid(made.plant(1, server_kw=np.array([10.0])), people, 2).solve(plain)
    found = Fluid(at, people, 2).solve(seen)
    gained = 8 * 0.81 * (0.5 - 0.02) - 8 * 0.1
    assert found.answer.gain - without.answer.gain == pytest.approx(gained)
    assert found.stored_usd_kwh[0, 0] == pytest.approx(0.9 * (0.5 - 0.02))
    assert found.energy_usd_kwh[0] == pytest.approx([0.1, 0.5])


def test_an_allowance_keeps_steps_from_those_who_lack_time():
    """Of images that may take 0.2 h none gets the 0.3 h of 30 steps at the second site."""
    at = made.plant(gpus=np.array([100.0, 100.0]))
    people = made.groups([1, 1], [False, False], patient=False, sites=2)
    people.allowance_h[0] = 0.2
    seen = made.outlook(at, [[0.01], [0.01]], [[5.0], [3.0]])
    found = Fluid(at, people, 1).solve(seen)
    assert found.mix[1, :, 0] == pytest.approx([5.0, 3.0])
