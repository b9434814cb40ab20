"""A decision that comes too late is not used, and that is told."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from cosim.decision import Decision
from cosim.errors import ScenarioError
from cosim.plugins import load_policy
from cosim.run import run, staged
from cosim.scenario.load import load_scenario

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
LATE = (3, 4)


class Hesitant:
    """Two policies in turn; in some slots it thinks for too long."""

    name = "hesitant"

    def __init__(self, late=LATE, sleep_s=0.03):
        self.late, self.sleep_s = late, sleep_s
        self.first, self.other = (load_policy(n, kind="schedule") for n in ("home", "round-robin"))
        self.inner = load_policy("idle", kind="energy")

    def reset(self, world, rng):
        for layer in (self.first, self.other, self.inner):
            layer.reset(world, rng)

    def decide(self, observation):
        if observation.slot in self.late:
            time.sleep(self.sleep_s)
        layer = self.other if observation.slot % 2 else self.first
        energy = self.inner.decide(observation)
        levels = np.full(len(observation.clock_level), observation.slot % 2)
        return Decision(layer.rule(observation), levels, battery_kw=energy.battery_kw)


def play(limit_ms, **options):
    overrides = [] if limit_ms is None else [f"policy.decide_limit_ms={limit_ms}"]
    log = []
    result = run(
        staged(load_scenario(TINY, overrides)),
        make=lambda: Hesitant(**options),
        watch=lambda seen, decision: log.append(decision.clock_level.max()),
    )
    return result, log


def test_the_last_decision_in_time_stays_in_force():
    result, levels = play(20)
    assert result.kpis["decide_overruns"] == len(LATE)
    expected = [slot % 2 for slot in range(len(levels))]
    expected[3] = expected[4] = expected[2]
    assert levels == expected
    assert "2 decisions of `home` took longer than 20 ms" in " ".join(result.warnings)


def test_at_first_everybody_stays_at_home():
    late = run(staged(load_scenario(TINY, ["policy.decide_limit_ms=0.000001"])), policy="random")
    home = run(staged(load_scenario(TINY)), policy="home", energy="idle")
    assert (late.jobs.site == late.jobs.home).all()
    assert late.kpis["moved_share"] == home.kpis["moved_share"] == 0.0


def test_without_a_limit_time_plays_no_role_and_nothing_is_counted():
    result, levels = play(None)
    assert "decide_overruns" not in result.kpis
    assert levels == [slot % 2 for slot in range(len(levels))]
    assert play(1000)[0].kpis["decide_overruns"] == 0.0


def test_a_limit_of_nothing_is_no_limit():
    with pytest.raises(ScenarioError, match="decide_limit_ms"):
        load_scenario(TINY, ["policy.decide_limit_ms=0"])


def test_two_layers_count_as_one_decision():
    scenario = load_scenario(TINY, ["policy.decide_limit_ms=10000"]).scenario
    assert run(scenario, policy="home", energy="idle").kpis["decide_overruns"] == 0.0
