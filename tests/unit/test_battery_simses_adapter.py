"""The SimSES adapter: signs, units and refusals, with a stand-in; and with SimSES where it is."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from cosim.errors import UsageError
from cosim.physics.battery_simses import SimsesBattery


class StandIn:
    """Takes watts, + charging, like SimSES; stores 90 % of them and stops at full and empty."""

    def __init__(self, path, config):
        battery = config["STORAGE_SYSTEM"]
        self.capacity_wh = float(battery["STORAGE_TECHNOLOGY"].split(",")[1])
        self.step_s = float(config["GENERAL"]["TIME_STEP"])
        self.time_s = None
        soc = float(config["BATTERY"]["START_SOC"])
        self.state = SimpleNamespace(soc=soc, ac_power_delivered=0.0)

    def run_one_step(self, time_s, power):
        assert self.time_s is None or time_s == self.time_s + self.step_s
        self.time_s = time_s
        gain_wh = (power * 0.9 if power > 0 else power / 0.9) * self.step_s / 3600
        moved_wh = min(max(gain_wh, -self.state.soc * self.capacity_wh), self.room_wh())
        self.state.ac_power_delivered = power * moved_wh / gain_wh if gain_wh else 0.0
        self.state.soc += moved_wh / self.capacity_wh

    def room_wh(self):
        return (1.0 - self.state.soc) * self.capacity_wh


@pytest.fixture
def stand_in(monkeypatch):
    simulator = ModuleType("simses.simulation.simulator")
    simulator.StorageSimulation = StandIn
    monkeypatch.setitem(sys.modules, "simses", ModuleType("simses"))
    monkeypatch.setitem(sys.modules, "simses.simulation", ModuleType("simses.simulation"))
    monkeypatch.setitem(sys.modules, "simses.simulation.simulator", simulator)


@pytest.mark.usefixtures("stand_in")
def test_signs_units_and_balance():
    battery = SimsesBattery(1000.0, 500.0)
    charge = battery.advance(-200.0, 0.25)
    assert (charge.stored_kwh, charge.charged_kwh) == pytest.approx((545.0, 50.0))
    assert (charge.power_kw, charge.discharged_kwh, charge.limited) == (
        pytest.approx(-200.0),
        0.0,
        False,
    )
    give = battery.advance(900.0, 0.5)
    assert (give.power_kw, give.limited) == (pytest.approx(500.0), True)
    assert give.loss_kwh == pytest.approx(250.0 / 0.9 - 250.0)
    low_kw, high_kw = battery.feasible_range_kw(2.0)
    assert (low_kw, high_kw) == pytest.approx((-battery_room_kwh(battery) / 2, 0.45 * give[0]))
    empty = battery.advance(high_kw, 2.0)
    assert not empty.limited


def battery_room_kwh(battery):
    return battery.capacity_kwh - battery.stored_kwh


@pytest.mark.usefixtures("stand_in")
def test_what_it_refuses():
    with pytest.raises(ValueError, match=r"capacity_kwh = 0.*soc = 2"):
        SimsesBattery(0.0, 1.0, soc=2.0)
    battery = SimsesBattery(1.0, 1.0)
    with pytest.raises(ValueError, match="multiple of step_s = 60 s"):
        battery.advance(1.0, 0.01)
    with pytest.raises(ValueError, match="power_kw"):
        battery.advance(float("nan"), 1.0)


def test_without_the_extra_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "simses", None)
    with pytest.raises(UsageError, match=r"cosim-testbed\[bess\]"):
        SimsesBattery(1.0, 1.0)


def test_the_real_one_agrees_with_pcs_ohmic():
    pytest.importorskip("simses")
    from cosim.physics.battery import advance, pcs_ohmic

    theirs = SimsesBattery(1000.0, 500.0)
    ours = pcs_ohmic(1000.0, 500.0, 500.0, self_discharge_per_h=0.0, soc_min=0.0, soc_max=1.0)
    stored_kwh = 500.0
    for power_kw in (-200.0, 300.0, 0.0, -500.0, 120.0):
        step = theirs.advance(power_kw, 0.5)
        stored_kwh = advance(ours, stored_kwh, power_kw, 0.5).stored_kwh
        assert step.stored_kwh == pytest.approx(stored_kwh, abs=2.0)
