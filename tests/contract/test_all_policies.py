"""Does every registered policy and energy layer keep the contract that plug-ins are held to?"""

from pathlib import Path

import numpy as np
import pytest

import cosim
from cosim.plugins import available
from cosim.run import run, staged
from cosim.scenario.load import load_scenario

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", available("schedule"))
def test_schedule_policy(name):
    cosim.check_policy(name, kind="schedule", slots=range(0, 12, 3))


@pytest.fixture(scope="module")
def sized():
    """Ninety minutes in which users ask for two sizes of image."""
    path = ROOT / "scenarios/what-if/image-sizes.yaml"
    short = ["clock={start: 2019-04-22T10:00:00Z, days: 0.0625, slot_minutes: 15}"]
    return staged(load_scenario(path, [*short, "scale=0.05", "workload.scale=0.3"]))


@pytest.mark.parametrize("name", available("schedule"))
def test_schedule_policy_serves_each_job_its_size(name, sized):
    """Its shares need no correction, and jobs of both sizes are served, nearly all in time."""
    result = run(sized, policy=name, seed=1)
    jobs, info = result.jobs, sized.plan(1).info
    assert np.array_equal(info.service_px[jobs.service[jobs.ran]], jobs.px_asked[jobs.ran])
    for px in info.sizes:
        asked = jobs.px_asked == px
        assert asked.sum() > 20
        assert np.mean(jobs.late[asked]) < 0.5
    assert "dispatch.shares" not in result.clips


@pytest.mark.parametrize("name", available("energy"))
def test_energy_layer(name):
    cosim.check_policy(name, kind="energy", slots=range(0, 12, 3))


def test_there_is_something_to_check():
    assert {"home", "greedy-utility"} <= set(available("schedule"))
    assert {"idle", "paper-inner"} <= set(available("energy"))
