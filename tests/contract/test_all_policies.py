"""Does every registered policy and energy layer keep the contract that plug-ins are held to?"""

import pytest

import cosim
from cosim.plugins import available


@pytest.mark.parametrize("name", available("schedule"))
def test_schedule_policy(name):
    cosim.check_policy(name, kind="schedule", slots=range(0, 12, 3))


@pytest.mark.parametrize("name", available("energy"))
def test_energy_layer(name):
    cosim.check_policy(name, kind="energy", slots=range(0, 12, 3))


def test_there_is_something_to_check():
    assert {"home", "greedy-utility"} <= set(available("schedule"))
    assert {"idle", "paper-inner"} <= set(available("energy"))
