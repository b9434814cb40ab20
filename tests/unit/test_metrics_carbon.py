"""Embodied carbon and the 24/7 score of a run, against sums made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from cosim.ledger import COLUMNS, Ledger
from cosim.metrics import KPIS, PARTS, Books, site_flows
from cosim.physics.embodied import EmbodiedCarbon
from cosim.prepare import stage
from cosim.prepare.embodied import embodied
from cosim.quantities import NOMENCLATURE, NS_PER_HOUR
from cosim.run import run
from cosim.scenario.load import load_scenario

HALF_HOUR_NS = NS_PER_HOUR // 2


def books(slots=4, drain=1, **columns):
    """Two sites, half-hour slots; columns are given for the first site."""
    data = {name: np.zeros((slots + drain, 2)) for name in COLUMNS}
    for name, values in columns.items():
        data[name][: len(values), 0] = values
    ledger = Ledger(("a", "b"), slots, HALF_HOUR_NS, data)
    return Books(ledger, None, None, (30,), 10, [], 0, 0, (4, 6))


def test_surplus_helps_within_its_hour_and_not_beyond():
    """Hour 1: 4 kWh of load, 2 from the sun, 2 imported, 5 exported: all matched.
    Hour 2: 4 kWh of import: nothing. The drain does not count."""
    found = books(
        solar_to_compute_kwh=[2, 0, 0, 0, 0],
        grid_to_compute_kwh=[0, 2, 2, 2, 99],
        solar_to_export_kwh=[5, 0, 0, 0, 0],
    )
    assert KPIS["matched_share"](found) == pytest.approx(4 / 8)


def test_the_grid_counts_where_its_fossil_intensity_is_told():
    found = books(grid_to_compute_kwh=[1, 1, 1, 1], carbon_g_kwh=[200, 200, 400, 600])
    assert KPIS["matched_share"](found) == 0.0
    told = found._replace(fossil_g_kwh=(400.0, None))
    assert KPIS["matched_share"](told) == pytest.approx((0.5 + 0.5) / 4)


def test_the_battery_hands_on_what_it_was_charged_with():
    found = books(
        solar_to_store_kwh=[3, 0, 0, 0],
        grid_to_store_kwh=[0, 1, 0, 0],
        stored_kwh=[3, 4, 2, 0],
        battery_to_compute_kwh=[0, 0, 2, 2],
        grid_to_idle_kwh=[0, 0, 0, 4],
    )
    assert KPIS["matched_share"](found) == pytest.approx(0.75 * 4 / 8)


def test_flows_are_those_of_the_ledger():
    flows = site_flows(books(wind_to_cooling_kwh=[1, 2, 3, 4, 5]).ledger, 0)
    assert flows.green_kwh.tolist() == flows.load_kwh.tolist() == [1, 2, 3, 4]


def test_embodied_carbon_falls_on_hours_of_presence_or_of_use():
    made = EmbodiedCarbon(150.0, 2500.0, 8, life_years=6.0)
    hour_kg = (150 + 2500 / 8) / (6 * 8766)
    found = books(busy_share=[0.5, 1.0, 0.0, 0.0, 1.0])._replace(embodied=(made, None))
    assert KPIS["embodied_kg"](found) == pytest.approx(10 * 4 * 2.0 * hour_kg)
    used = replace(made, use_share=0.5)
    found = found._replace(embodied=(used, None))
    assert KPIS["embodied_kg"](found) == pytest.approx(10 * 4 * 0.75 * 2 * hour_kg)


def test_figures_of_making_come_from_the_table_unless_given(repository_root):
    tiny = repository_root / "tests/data/tiny.yaml"
    scenario = load_scenario(
        tiny,
        ["sites.north.gpus.embodied={life_years: 4}", "sites.south.gpus.embodied={gpu_kg: 99}"],
    ).scenario
    (north, south), claims = embodied(scenario)
    assert north == EmbodiedCarbon(127.6, 2500.0, 8, 4.0)
    assert south == EmbodiedCarbon(99.0)
    assert [claim.used_for for claim in claims] == ["north: embodied carbon"]
    assert claims[0].assumed == "gpus_per_server"


def test_a_run_reports_them_outside_the_balance(repository_root):
    tiny = repository_root / "tests/data/tiny.yaml"
    plain = run(load_scenario(tiny), policy="home", seed=1)
    counted = ["sites.north.gpus.embodied={}"]
    on = stage(load_scenario(tiny, counted).scenario)
    result = run(on, policy="home", seed=1)
    assert "embodied_kg" not in plain.kpis
    assert result.digest == plain.digest
    hour_kg = (127.6 + 2500 / 8) / (6 * 8766)
    assert result.kpis["embodied_kg"] == pytest.approx(2 * 1.5 * hour_kg)
    assert any("gpus_per_server" in note for note in result.warnings)
    assert 0.0 <= result.kpis["matched_share"] <= 1.0
    assert set(KPIS) <= set(NOMENCLATURE)
    counted = {"over_temp_h", "throttled_gpu_h", "fade_percent", "decide_overruns"}
    counted |= {"asleep_share", "turned_away_share", "given_up_share"}
    optional = frozenset(counted).union(*PARTS.values())
    assert set(result.kpis) == set(KPIS) - optional  # nothing of that kind here
