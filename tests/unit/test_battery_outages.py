"""A battery that is out: no power either way, its losses go on, and policies see no range."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosim.decision import Decision, SplitRule
from cosim.run import run
from cosim.scenario.load import load_scenario

TINY = Path(__file__).resolve().parents[1] / "data" / "tiny.yaml"
OUT = "sites.north.battery.outages=[{at_h: 0.505, for_h: 0.5}]"
OUT_BINS = slice(30, 61)  # minutes 30.3 to 60.3: every bin that is touched
DRAIN = ["sites.north.battery.standby_kw=0.05", "sites.north.battery.self_discharge_per_day=0.1"]


class Pushing:
    """Orders one power at all times, or lets the battery follow the load."""

    def __init__(self, power_kw):
        self.power_kw = power_kw

    def reset(self, world, rng):
        self.world, self.ranges = world, []

    def decide(self, observation):
        world = self.world
        self.ranges.append((observation.battery_low_kw[0], observation.battery_high_kw[0]))
        steps = np.full((world.n_sites, len(world.classes), world.n_services), 10)
        power = np.full(world.n_sites, self.power_kw)
        free = np.full(world.n_sites, np.inf)
        return Decision(
            SplitRule(world.staying, steps),
            battery_kw=power,
            battery_absorb_kw=free,
            battery_cover_kw=free,
        )


def played(power_kw, changes=(OUT,), engine="fast"):
    made = Pushing(power_kw)
    loaded = load_scenario(TINY, list(changes))
    return run(loaded, seed=1, make=lambda: made, engine=engine), made


@pytest.mark.parametrize("power_kw", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_it_gives_and_takes_nothing_in_every_bin_that_is_touched(power_kw, engine):
    result, _ = played(power_kw, engine=engine)
    power = result.bins["battery_kw"][:, 0]
    assert (power[OUT_BINS] == 0.0).all()
    assert np.abs(power[:30]).max() > 0.0


def test_it_works_again_afterwards():
    result, _ = played(-0.02)
    assert np.abs(result.bins["battery_kw"][61:, 0]).max() > 0.0


def test_policies_see_no_range_in_slots_that_are_touched():
    _, made = played(-0.02)
    out = [low == high == 0.0 for low, high in made.ranges]
    assert out[3:7] == [True] * 4
    assert not out[0]
    assert not out[8]


def test_its_losses_go_on():
    idle, _ = played(0.0, [*DRAIN, "sites.north.battery.outages=[{at_h: 0, for_h: 1.5}]"])
    stored = idle.ledger.data["stored_kwh"][:, 0]
    assert (np.diff(stored[:9]) < 0.0).all()
    assert stored[8] == pytest.approx(1.0 - 0.05 * 1.5, abs=0.02)


def test_the_load_is_bought_meanwhile():
    with_it, without = (played(1.0, changes)[0] for changes in (["seeds=[1]"], [OUT]))
    more = without.bins["import_kw"][OUT_BINS, 0] - with_it.bins["import_kw"][OUT_BINS, 0]
    assert more.sum() > 0.0
    assert without.ledger.data["residual_kwh"].max() < 1e-9
