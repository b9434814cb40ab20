"""The arms of the shaping ablation: does the learner decide everything itself, as they say?"""

from datetime import date
from pathlib import Path

import pytest

from cosim import load_scenario
from cosim.gym.codec import Codec
from cosim.gym.days import prepare_days
from cosim.study.shaping_arms import COMMON

PAPER = Path(__file__).parents[2] / "scenarios" / "paper"
SHOWN = {name: COMMON[name] for name in ("encoding", "clock", "battery", "room")}


@pytest.mark.parametrize("name", ["base-small", "flex"])
def test_no_energy_layer_is_asked(name):
    (day,) = prepare_days(load_scenario(str(PAPER / f"{name}.yaml")), dates=[date(2019, 5, 6)])
    assert Codec(day.plan.info, **SHOWN).action.decides_energy
