"""A stretch of the quickstart, pinned: a change that moves these numbers belongs in the CHANGELOG.

Regenerate with `python tests/golden/test_quickstart_day.py` and list the change under
"Changes results".
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cosim.run import run, staged
from cosim.scenario.load import load_scenario

GOLDEN = Path(__file__).with_suffix(".json")
ROOT = Path(__file__).parents[2]
OVERRIDES = ["clock.start=2019-04-22T10:00:00Z", "clock.days=0.0625"]
POLICIES = ("home", "greedy-utility", "price-aware")


def figures(policy: str, stage) -> dict[str, float]:
    result = run(stage, policy=policy, seed=1)
    skip = {"decide_ms_p50", "decide_ms_p99"}
    return {name: value for name, value in result.kpis.items() if name not in skip}


def stage():
    return staged(load_scenario(ROOT / "scenarios/quickstart.yaml", OVERRIDES))


@pytest.mark.parametrize("policy", POLICIES)
def test_key_figures_are_those_of_the_last_release(policy):
    pinned = json.loads(GOLDEN.read_text())[policy]
    found = figures(policy, stage())
    assert set(found) == set(pinned)
    for name, value in pinned.items():
        assert found[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name


if __name__ == "__main__":
    on = stage()
    data = {policy: figures(policy, on) for policy in POLICIES}
    GOLDEN.write_text(json.dumps(data, indent=1) + "\n")
