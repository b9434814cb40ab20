"""Ageing against figures published or worked out for a plain use, and against an own count."""

import math
from itertools import pairwise

import numpy as np
import pytest

from cosim.physics.ageing import (
    age,
    calendar_loss,
    capacity_share,
    cycle_loss,
    equivalent_full_cycles,
    new_wear,
)
from cosim.physics.ageing_models import Lfp250Ah, Naumann, anode_potential_v

HOURS = np.arange(1, 25)
DAY = np.interp(HOURS, [0, 6, 18, 24], [0.5, 0.9, 0.1, 0.5])  # one cycle of 80 %, triangular


def year(model, days=365):
    return age(model, new_wear(0.5), np.tile(DAY, days), 25.0, 1.0)


def test_naumann_loses_6_3_per_cent_in_the_first_year():
    """One 80 % cycle a day at 25 °C: 4.3 by the calendar and 1.9 by cycles, a known figure."""
    wear = year(Naumann())
    assert calendar_loss(Naumann(), wear) == pytest.approx(0.043, abs=0.001)
    assert cycle_loss(Naumann(), wear) == pytest.approx(0.019, abs=0.001)
    assert 1.0 - capacity_share(Naumann(), wear) == pytest.approx(0.063, abs=0.002)


def test_the_large_cell_loses_2_2_per_cent_in_the_first_year():
    """BLAST-Lite itself gives 2.2 % for this use; its day windows differ from rainflow cycles."""
    assert 1.0 - capacity_share(Lfp250Ah(), year(Lfp250Ah())) == pytest.approx(0.022, abs=0.002)


def test_the_large_cell_by_pencil():
    """k_cal and k_cyc at 25 °C and half charge, with a pocket calculator."""
    model, temp_k = Lfp250Ah(), 298.15
    potential_v = float(anode_potential_v(0.5))
    assert potential_v == pytest.approx(0.1283, abs=0.01)  # graphite's second plateau is 0.12 V
    k_cal = 83700 * math.exp(-5210 / temp_k) * math.exp(-3560 * potential_v / temp_k)
    stored = age(model, new_wear(0.5), np.full(365, 0.5), 25.0, 24.0)
    assert calendar_loss(model, stored) == pytest.approx(k_cal * 365**0.526, rel=1e-12)
    assert cycle_loss(model, stored) == 0.0
    k_cyc = (4.38e-8 + 1.55e-8 * 0.8 + 1.68e-7 * 0.8 / 12) * math.exp(2190 / temp_k)
    many = year(model, 100)
    # the first and the last half cycle, of 40 % each, are the difference
    assert cycle_loss(model, many) == pytest.approx(k_cyc * 80.0**0.828, rel=3e-3)


def test_naumanns_calendar_is_a_square_root():
    stored = age(Naumann(), new_wear(1.0), np.full(100, 1.0), 40.0, 24.0)
    warmth = math.exp(-17126 / 8.3144598 * (1 / 313.15 - 1 / 298.15))
    charge = 2.8575 * 0.5**3 + 0.60225
    expected = 1.2571e-5 * warmth * charge * math.sqrt(100 * 86400)
    assert calendar_loss(Naumann(), stored) == pytest.approx(expected, rel=1e-12)


def count_cycles(course):
    """Rainflow by four points (Amzallag 1994), written apart: closed depths and what is left."""
    turns = [course[0]]
    for x in course[1:]:
        if x == turns[-1]:
            continue
        if len(turns) > 1 and (x - turns[-1]) * (turns[-1] - turns[-2]) > 0:
            turns[-1] = x
        else:
            turns.append(x)
    stack, closed = [], []
    for x in turns:
        stack.append(x)
        while len(stack) >= 4:
            a, b, c, d = stack[-4:]
            if not (abs(c - b) <= abs(b - a) and abs(c - b) <= abs(d - c)):
                break
            closed.append(abs(c - b))
            stack[-3:-1] = []
    return closed, [abs(b - a) for a, b in pairwise(stack)]


def test_cycles_are_those_of_another_rainflow():
    """A law that weighs depth strongly tells one way of pairing turns from another."""
    rng = np.random.default_rng(5)
    walk = np.mod(0.5 + np.cumsum(rng.normal(0, 0.08, 500)), 2.0)
    soc = np.round(1.0 - np.abs(1.0 - walk), 6)  # folded into 0 to 1
    wear = age(Naumann(), new_wear(0.5), soc, 25.0, 1000.0)  # so slow that rates do not matter
    closed, halves = count_cycles([0.5, *soc])
    assert len(closed) > 100

    def stress(depth):
        return ((0.0971 / 100) * (4.0253 * (depth - 0.6) ** 3 + 1.0923)) ** 2 * depth

    expected = math.fsum(map(stress, closed)) + 0.5 * math.fsum(map(stress, halves))
    assert cycle_loss(Naumann(), wear) == pytest.approx(math.sqrt(expected), rel=1e-3)
    moved = np.abs(np.diff([0.5, *soc])).sum()
    assert equivalent_full_cycles(Naumann(), wear) == pytest.approx(moved / 2, rel=1e-12)
