"""Loading times that jobs draw by quantile: what they take, cost, and leave alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosim.errors import ScenarioError
from cosim.physics.cold_start import LoadQuantiles
from cosim.run import run, staged
from cosim.scenario.load import load_scenario
from cosim.traces.service_tables import load_quantiles
from cosim.world.loading import LUCKS, loading, luck_of

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
TABLE = {"quantiles": [0.2, 0.5, 0.9], "seconds": [3, 20, 45]}
DRAWN = ["models.small.load_s=null", f"models.small.load_times={TABLE}"]
# one GPU that forgets: whoever comes loads the model anew
ALONE = ["workload.arrivals.jobs_per_day=300", "workload.transferable=0.0"]
ALONE += ["sites.north.gpus.count=8", "sites.north.gpus.sleep={after_s: 0, sleep_w: 5, wake_s: 0}"]


def at_north(result):
    """Jobs that found a GPU of north at once."""
    return (result.jobs.site == 0) & (result.jobs.start_ns >= 0)


@pytest.mark.parametrize("engine", ["reference", "fast"])
def test_each_job_waits_for_what_it_has_drawn(engine):
    on = staged(load_scenario(TINY, [*DRAWN, *ALONE]))
    result, plan = run(on, policy="home", seed=1, engine=engine), on.plan(1)
    waited_ns = (result.jobs.start_ns - result.jobs.landed_ns)[at_north(result)]
    expected = np.array(plan.services[0].loads_ns)[luck_of(plan)][at_north(result)]
    assert len(expected) > 10
    assert waited_ns.tolist() == expected.tolist()
    assert len(np.unique(expected)) > 5


def test_the_energy_of_a_load_lasts_as_long_as_it_does():
    """Against the same jobs with a constant load: the difference is time × power."""
    drawn = run(staged(load_scenario(TINY, [*DRAWN, *ALONE])), policy="home", seed=1)
    fixed = run(staged(load_scenario(TINY, ALONE)), policy="home", seed=1)
    longer_ns = drawn.jobs.start_ns - fixed.jobs.start_ns
    at, idle_mw = at_north(drawn), 55_000
    grown_pj = (drawn.jobs.energy_pj - fixed.jobs.energy_pj)[at]
    assert grown_pj.tolist() == (longer_ns[at] * idle_mw).tolist()


def test_draws_follow_the_table_and_their_mean_is_what_is_expected():
    plan = staged(load_scenario(TINY, DRAWN)).plan(1)
    loads_s = np.array(plan.services[0].loads_ns) / 1e9
    table = LoadQuantiles(tuple(TABLE["quantiles"]), tuple(TABLE["seconds"]))
    middles = (np.arange(LUCKS) + 0.5) / LUCKS
    assert loads_s == pytest.approx([table.at(u) for u in middles])
    assert plan.services[0].load_ns == pytest.approx(1e9 * loads_s.mean(), abs=1)
    counts = np.bincount(luck_of(staged(load_scenario(TINY, [*DRAWN, "clock.days=2"])).plan(5)))
    assert counts.min() > 0.5 * counts.mean()


def test_an_adapter_draws_its_own_part_and_that_of_its_base():
    adapter = "{adapter_of: small, value_usd: 0.03, load_times: published, "
    adapter += "quality: {kind: saturating, k: 0.1}}"
    more = [f"models.tinted={adapter}", "sites.north.models=[small, tinted]"]
    services = staged(load_scenario(TINY, [*DRAWN, *more])).plan(1).services
    base, tinted = services[0], services[1]
    own = load_quantiles("lora").value
    for luck in (0, 31, 63):
        alone = loading(services, None, 0, 1, luck)
        assert alone.ns == pytest.approx(1e9 * own.at((luck + 0.5) / LUCKS), abs=1)
        whole = loading(services, None, -1, 1, luck)
        assert whole.ns == pytest.approx(alone.ns + base.loads_ns[luck], abs=1)
    assert loading(services, None, -1, 1).ns == tinted.load_ns


def test_every_policy_meets_the_same_loads_and_other_draws_stay_where_they_were():
    on, before = staged(load_scenario(TINY, DRAWN)), staged(load_scenario(TINY))
    assert np.array_equal(luck_of(on.plan(2)), luck_of(on.plan(2)))
    assert not np.array_equal(luck_of(on.plan(2)), luck_of(on.plan(1)))
    assert np.array_equal(on.jobs(2).arrival_ns, before.jobs(2).arrival_ns)
    assert before.plan(2).load_seed is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"quantiles": [0.5, 0.4], "seconds": [1, 2]}, "rise"),
        ({"quantiles": [0.4, 0.5], "seconds": [2, 1]}, "fall"),
        ({"quantiles": [0.4], "seconds": [2, 1]}, "1 quantiles but 2 seconds"),
    ],
)
def test_tables_that_are_none_are_refused(table, said):
    with pytest.raises(ScenarioError, match=said):
        load_scenario(TINY, ["models.small.load_s=null", f"models.small.load_times={table}"])


def test_a_constant_and_a_table_are_one_too_many():
    with pytest.raises(ScenarioError, match="not both"):
        load_scenario(TINY, [f"models.small.load_times={TABLE}"])
