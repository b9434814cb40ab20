"""Laws that every run obeys, on random small worlds under random policies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_supply import backups, terms

from cosim.ledger import FLOWS, LOADS, SINKS, SOURCES
from cosim.run import run
from cosim.scenario.model import Connection, Scenario

UNLIMITED = {
    "import_kw_max": None,
    "connection": Connection(),
    "demand_response": None,
    "tariff": None,
}
POLICIES = ["home", "round-robin", "random", "least-loaded", "cheapest", "greedy-utility"]
LAYERS = ["idle", "self-consumption", "price-threshold", "paper-inner"]
MODELS = {
    "light": {
        "quality": {"kind": "sigmoid", "a": 0.26, "c0": 10},
        "value_usd": 0.001,
        "load_s": 3,
        "timing": {
            "x": {"step_s": 0.21, "step_w": 400, "encode_s": 0.1, "decode_s": 0.3, "fixed_j": 40}
        },
    },
    "heavy": {
        "quality": {"kind": "saturating", "k": 0.1},
        "value_usd": 0.004,
        "load_s": 7,
        "timing": {"x": {"step_s": 0.9, "step_w": 700}},
    },
}


@st.composite
def sites(draw):
    battery = draw(
        st.sampled_from(
            [
                None,
                {
                    "kind": "ideal",
                    "capacity_kwh": 2.0,
                    "charge_kw_max": 3.0,
                    "discharge_kw_max": 1.5,
                    "soc": [0.0, 1.0],
                },
                {
                    "kind": "linear",
                    "capacity_kwh": 0.6,
                    "charge_kw_max": 1.0,
                    "discharge_kw_max": 1.0,
                    "wear_usd_per_kwh": 0.02,
                },
            ]
        )
    )
    return {
        "location": {"lat_deg": 50, "lon_deg": 5, "timezone": "Europe/Paris"},
        "weather": "weather/nsrdb15_brussels_2019",
        "models": draw(st.sampled_from([["light"], ["heavy"], ["light", "heavy"]])),
        "gpus": {
            "kind": "x",
            "count": draw(st.integers(1, 4)),
            "idle_w": 60,
            "server_w": 100,
            "discipline": draw(st.sampled_from(["fcfs", "edf"])),
            "clock": {"kind": "table", "speed": [0.6, 0.9, 1.0], "power": [0.5, 0.7, 1.0]},
        },
        "cooling": draw(
            st.sampled_from([{"kind": "economizer"}, {"kind": "constant", "pue": 1.3}])
        ),
        "battery": battery,
        "pv": draw(st.sampled_from([None, {"peak_kw": 6.0}])),
        "wind": draw(st.sampled_from([None, {"rated_kw": 4.0}])),
        "grid": {
            "price": draw(
                st.sampled_from(
                    [
                        {"kind": "flat", "usd_per_kwh": 0.1},
                        {"kind": "flat", "usd_per_kwh": -0.05},
                        "price/dayahead_de_fr_nl_be_2019:price_be_eur_mwh",
                    ]
                )
            ),
            "carbon": {"kind": "flat", "g_per_kwh": 300},
            "import_kw_max": draw(st.sampled_from([None, 0.7, 2.0])),
            "export_kw_max": draw(st.sampled_from([None, 0.0, 1.0])),
            **draw(terms()),
        },
        "backup": draw(backups()),
    }


@st.composite
def scenarios(draw):
    names = ["north", "south", "west"][: draw(st.integers(1, 3))]
    return Scenario.model_validate(
        {
            "name": "random",
            "models": MODELS,
            "sites": {name: draw(sites()) for name in names},
            "clock": {
                "start": draw(st.sampled_from(["2019-04-22T09:00:00Z", "2019-01-15T20:00:00Z"])),
                "days": 0.125,
                "slot_minutes": 15,
                "meter_seconds": 60,
            },
            "workload": {
                "arrivals": {
                    "kind": "generated",
                    "jobs_per_day": draw(st.sampled_from([0.5, 200, 2500])),
                    "process": draw(
                        st.sampled_from([{"kind": "poisson"}, {"kind": "gamma", "cv": 3}])
                    ),
                },
                "transferable": draw(st.sampled_from([0.0, 0.5, 1.0])),
                "flexible": draw(st.sampled_from([None, {"share": 0.3}])),
            },
            "replicas": draw(st.sampled_from([1, 5])),
            "default_steps": 30,
        }
    )


runs = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@runs
@given(scenarios(), st.sampled_from(POLICIES), st.sampled_from(LAYERS), st.integers(0, 9))
def test_energy_money_and_jobs_are_conserved(scenario, policy, energy, seed):
    result = run(scenario, policy=policy, energy=energy, seed=seed)
    check_energy(result)
    check_money(result)
    check_jobs(result)


def check_energy(result):
    data = result.ledger.data
    scale = max(1.0, sum(result.ledger.total(f) for f in FLOWS))
    assert data["residual_kwh"].max() <= 1e-9 * scale
    meters = {
        "grid": "import_kwh",
        "solar": "solar_kwh",
        "wind": "wind_kwh",
        "backup": "backup_kwh",
    }
    for source, meter in meters.items():
        posted = sum(data[f"{source}_to_{sink}_kwh"] for sink in SINKS)
        np.testing.assert_allclose(posted, data[meter], atol=1e-9 * scale)
    used = sum(data[f"{s}_to_{load}_kwh"] for s in SOURCES for load in LOADS)
    need = sum(data[f"{load}_kwh"] for load in LOADS) - data["unserved_kwh"]
    np.testing.assert_allclose(used, need, atol=1e-9 * scale)
    assert all(data[flow].min() >= -1e-12 for flow in FLOWS)
    replicas = result.scenario.replicas
    jobs_kwh = replicas * result.jobs.energy_pj.astype(float).sum() / 1e12 / 3.6e6
    assert result.ledger.total("compute_kwh") == pytest.approx(jobs_kwh, rel=1e-9, abs=1e-12)
    for i, site in enumerate(result.scenario.sites.values()):
        if site.battery is not None:
            low, high = site.battery.soc
            assert data["soc"][:, i].max() <= high + 1e-9
            assert data["soc"][:, i].min() >= low - 0.01  # self-discharge may leak a little


def check_money(result):
    data = result.ledger.data
    assert result.kpis["energy_cost_usd"] == pytest.approx(
        data["import_usd"].sum()
        - data["export_usd"].sum()
        + sum(data[f"{n}_usd"].sum() for n in ("fixed", "demand", "true_up"))
        + sum(data[f"{n}_usd"].sum() for n in ("curtailment", "backup"))
        - data["dr_usd"].sum()
    )
    assert result.ledger.utility_usd().sum() == pytest.approx(result.kpis["utility_usd"])
    jobs = result.jobs
    for column, amount in (
        ("revenue_usd", jobs.revenue_usd),
        ("late_penalty_usd", jobs.penalty_usd),
        ("transfer_usd", jobs.transfer_usd),
    ):
        assert result.ledger.total(column) == pytest.approx(amount.sum(), abs=1e-9)
    ran = np.array([(jobs.site == i).any() for i in range(len(result.ledger.sites))])
    load = sum(result.ledger.data[f"{load}_kwh"] for load in LOADS).sum(axis=0)
    assert jobs.energy_wh.sum() / 1000 == pytest.approx(load[ran].sum(), rel=1e-9)


def check_jobs(result):
    jobs, ran = result.jobs, result.jobs.ran
    assert np.array_equal(ran, jobs.service >= 0)
    assert (jobs.landed_ns[ran] >= jobs.decided_ns[ran]).all()
    assert (jobs.decided_ns >= jobs.arrival_ns).all()
    assert (jobs.start_ns[ran] >= jobs.landed_ns[ran]).all()
    assert (jobs.finish_ns[ran] > jobs.start_ns[ran]).all()
    assert (jobs.site[ran & ~jobs.transferable] == jobs.home[ran & ~jobs.transferable]).all()
    for site, gpu in {*zip(jobs.site[ran].tolist(), jobs.gpu[ran].tolist(), strict=True)}:
        rows = np.flatnonzero((jobs.site == site) & (jobs.gpu == gpu))
        order = rows[np.argsort(jobs.start_ns[rows])]
        assert (jobs.start_ns[order][1:] >= jobs.finish_ns[order][:-1]).all()


@runs
@given(scenarios(), st.sampled_from(POLICIES), st.integers(0, 5))
def test_a_run_repeats_to_the_last_digit(scenario, policy, seed):
    one, two = (run(scenario, policy=policy, seed=seed) for _ in range(2))
    assert one.digest == two.digest
    assert {k: v for k, v in one.kpis.items() if "decide" not in k} == {
        k: v for k, v in two.kpis.items() if "decide" not in k
    }


@runs
@given(scenarios(), st.integers(0, 5))
def test_meters_do_not_depend_on_how_time_is_cut(scenario, seed):
    """Without batteries and import limits nothing is decided per bin: totals must agree."""
    plain = {
        name: site.model_copy(
            update={
                "battery": None,
                "grid": site.grid.model_copy(update=UNLIMITED),
            }
        )
        for name, site in scenario.sites.items()
    }
    fine = scenario.model_copy(update={"sites": plain})
    coarse = fine.model_copy(
        update={"clock": fine.clock.model_copy(update={"meter_seconds": 300})}
    )
    a, b = (run(s, policy="home", energy="idle", seed=seed) for s in (fine, coarse))
    assert np.array_equal(a.jobs.finish_ns, b.jobs.finish_ns)
    assert np.array_equal(a.jobs.energy_pj, b.jobs.energy_pj)
    for column in ("compute_kwh", "idle_kwh", "wind_kwh"):
        assert a.ledger.total(column) == pytest.approx(b.ledger.total(column), rel=1e-9)


@runs
@given(scenarios(), st.integers(0, 5))
def test_adding_a_site_leaves_the_jobs_of_the_others_alone(scenario, seed):
    first = next(iter(scenario.sites.values()))
    share = 1.0 / (len(scenario.sites) + 1)
    home = dict.fromkeys([*scenario.sites, "extra"], share)
    work = scenario.workload
    total = work.arrivals.jobs_per_day
    more = scenario.model_copy(
        update={
            "sites": {**scenario.sites, "extra": first},
            "workload": work.model_copy(
                update={
                    "home": home,
                    "arrivals": work.arrivals.model_copy(
                        update={
                            "jobs_per_day": total * (len(scenario.sites) + 1) / len(scenario.sites)
                        }
                    ),
                }
            ),
        }
    )
    before = run(scenario, policy="home", energy="idle", seed=seed).jobs
    after = run(more, policy="home", energy="idle", seed=seed).jobs
    old = after.home < len(scenario.sites)
    for column in ("arrival_ns", "images", "deadline_ns", "transferable", "start_ns", "finish_ns"):
        assert np.array_equal(getattr(before, column), getattr(after, column)[old])


def test_the_import_limit_is_never_exceeded_and_what_is_missing_is_booked():
    """A site that can never feed its GPUs: clocks fall, GPUs pause, the rest is unserved."""
    site = {
        "location": {"lat_deg": 50, "lon_deg": 5},
        "models": ["heavy"],
        "gpus": {
            "kind": "x",
            "count": 4,
            "idle_w": 60,
            "server_w": 100,
            "clock": {"kind": "table", "speed": [0.6, 1.0], "power": [0.5, 1.0]},
        },
        "cooling": {"kind": "constant", "pue": 1.2},
        "grid": {
            "price": {"kind": "flat", "usd_per_kwh": 0.1},
            "carbon": {"kind": "flat", "g_per_kwh": 300},
            "import_kw_max": 1.5,
        },
    }
    scenario = Scenario.model_validate(
        {
            "name": "tight",
            "models": MODELS,
            "sites": {"only": site},
            "clock": {"start": "2019-04-22T09:00:00Z", "days": 0.125, "slot_minutes": 15},
            "workload": {"arrivals": {"kind": "generated", "jobs_per_day": 4000}},
        }
    )
    result = run(scenario, policy="home", energy="idle", seed=1)
    data, window = result.ledger.data, slice(0, result.ledger.slots)
    assert data["peak_import_kw"][window].max() <= 1.5 + 1e-9
    # all four at full speed would draw (4·800 W)·1.2 = 3.84 kW
    served = 1.2 * (data["compute_kwh"] + data["idle_kwh"])[window].max() / 0.25
    assert 1.2 < served < 1.7
    free = run(
        scenario.model_copy(
            update={
                "sites": {
                    "only": scenario.sites["only"].model_copy(
                        update={
                            "grid": scenario.sites["only"].grid.model_copy(
                                update={"import_kw_max": None}
                            )
                        }
                    )
                }
            }
        ),
        policy="home",
        energy="idle",
        seed=1,
    )
    assert free.ledger.data["peak_import_kw"].max() > 3.0
    assert result.kpis["unserved_kwh"] < 0.02 * result.kpis["energy_kwh"]


def test_stored_energy_is_settled_so_that_draining_earns_nothing():
    """With flat prices an emptied battery must not beat one that was left alone."""
    site = {
        "location": {"lat_deg": 50, "lon_deg": 5},
        "models": ["light"],
        "gpus": {
            "kind": "x",
            "count": 2,
            "idle_w": 60,
            "server_w": 100,
            "clock": {"kind": "cubic"},
        },
        "cooling": {"kind": "constant", "pue": 1.2},
        "battery": {"kind": "ideal", "capacity_kwh": 2, "charge_kw_max": 2, "discharge_kw_max": 2},
        "grid": {
            "price": {"kind": "flat", "usd_per_kwh": 0.2},
            "carbon": {"kind": "flat", "g_per_kwh": 300},
        },
    }
    scenario = Scenario.model_validate(
        {
            "name": "drain",
            "models": MODELS,
            "sites": {"only": site},
            "clock": {"start": "2019-04-22T09:00:00Z", "days": 0.125, "slot_minutes": 15},
            "workload": {"arrivals": {"kind": "generated", "jobs_per_day": 1000}},
        }
    )
    left, used = (
        run(scenario, policy="home", energy=e, seed=1) for e in ("idle", "self-consumption")
    )
    assert used.kpis["settlement_usd"] < 0
    assert used.kpis["energy_cost_usd"] < left.kpis["energy_cost_usd"]
    assert used.kpis["utility_usd"] == pytest.approx(left.kpis["utility_usd"], abs=1e-9)
    assert replace(used, wall_s=0.0).digest != left.digest
