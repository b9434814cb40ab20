"""The map of the sites, and the parts of the regret: are they true to the numbers?"""

from __future__ import annotations

import numpy as np
import pytest
import report_sample as sample

from cosim.report.figures_place import bent, positions, site_map
from cosim.report.figures_regret import REGRET, has_bound, regret, regret_parts
from cosim.report.inputs import Estimate, as_case


@pytest.fixture(scope="module")
def case():
    return as_case(sample.comparison(("home", "cheapest", "greedy-utility"), seeds=(1, 2)))


def test_there_and_back_bend_to_different_sides():
    ends = np.array([[0.0, 0.0], [4.0, 0.0]])
    there, back = bent(ends, 1.5), bent(ends[::-1], 1.5)
    np.testing.assert_allclose(there[[0, -1]], ends, atol=1e-12)
    assert there[7, 1] < 0 < back[7, 1]  # eastward, right is south


def test_sites_across_the_date_line_stand_side_by_side(case):
    world = sample.scenario()
    places = {"potsdam": (10.0, 179.0), "paris": (12.0, -178.0), "brussels": (12.0, -178.0)}
    sites = {
        name: site.model_copy(
            update={
                "location": site.location.model_copy(
                    update={"lat_deg": places[name][0], "lon_deg": places[name][1]}
                )
            }
        )
        for name, site in world.sites.items()
    }
    moved = sample.run("home", 1, world=world.model_copy(update={"sites": sites}))
    where, stretch = positions(as_case(moved))
    assert np.ptp(where[:, 0]) < 4.0
    assert np.abs(where[1] - where[2]).max() > 0.0  # set apart, so that both are seen
    assert stretch == pytest.approx(1 / np.cos(np.radians(34 / 3)))


def test_a_further_pool_has_a_mark_of_its_own_beside_its_site():
    world = sample.scenario()
    older = {"kind": "a100", "count": 3, "models": ["sdxl"]}
    paris = type(world.sites["paris"]).model_validate(
        world.sites["paris"].model_dump() | {"pools": {"older": older}}
    )
    run = sample.run("home", 1, world=world.model_copy(update={"sites": {"paris": paris}}))
    where, _ = positions(as_case(run))
    assert where.shape == (2, 2)
    assert 0.0 < np.abs(where[0] - where[1]).max() < 1.0


def test_arrows_carry_the_jobs_that_moved(case):
    figure = site_map(case, "cheapest")
    arrows = [t for t in figure.data if t.marker.symbol == "arrow"]
    counted = {tuple(t.customdata[0][:2]): t.customdata[0][2] for t in arrows}
    sites = case.first.ledger.sites
    for i, home in enumerate(sites):
        for j, target in enumerate(sites):
            if i == j:
                continue
            jobs = [run.jobs for run in case.of("cheapest")]
            moved = sum(
                int(((t.home == i) & (t.site == j) & (t.service >= 0)).sum()) for t in jobs
            )
            assert counted.get((home, target), 0) == moved > 0
    assert "No job left" in site_map(case, "home").layout.meta["title"]


def with_bound(case, bound_usd):
    means = {
        p: {**row, REGRET: Estimate(bound_usd - row["utility_usd"].value)}
        for p, row in case.means.items()
    }
    return type(case)(**{**vars(case), "means": means})


def test_parts_of_the_regret_sum_to_it(case):
    assert not has_bound(case)
    bounded = with_bound(case, 500.0)
    assert has_bound(bounded)
    for policy, parts in regret_parts(bounded).items():
        assert sum(parts.values()) == pytest.approx(bounded.means[policy][REGRET].value)
        assert abs(parts["rounding"]) < 1e-6
    best = max(case.policies, key=lambda p: case.means[p]["utility_usd"].value)
    title = regret(bounded).layout.meta["title"]
    assert title.startswith(best)
    assert "of it" in title
    assert "of it" not in regret(with_bound(case, -5000.0)).layout.meta["title"]
