"""Price against carbon of what was bought, and times of decisions: are they true to the books?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import report_sample as sample

from cosim.ledger import COLUMNS, Ledger
from cosim.report.figures_bought import BOUGHT_COLUMNS, bought, price_carbon
from cosim.report.figures_decide import decide_times, has_times
from cosim.report.inputs import as_case


@pytest.fixture(scope="module")
def case():
    return as_case(sample.comparison(("home", "greedy-utility"), seeds=(1, 2)))


def alone(data, *, sites=("a", "b"), slots=24, slot_s=300):
    """A run whose books are zero but for some columns."""
    rows = {name: np.zeros((slots, len(sites))) for name in COLUMNS}
    for name, values in data.items():
        rows[name][:] = values
    ledger = Ledger(tuple(sites), slots, slot_s * 10**9, rows)
    return as_case(replace(sample.run("home", 1), ledger=ledger))


def marks_of(figure, site):
    return next(t for t in figure.data if t.name == site)


# --- what was bought --------------------------------------------------------------------------


def test_marks_hold_all_that_was_bought_and_what_it_cost(case):
    ledger = case.shown("home").ledger
    figure = price_carbon(case, "home")
    for site, name in enumerate(ledger.sites):
        marks = marks_of(figure, name)
        kwh = np.array([row[0] for row in marks.customdata])
        column = {c: ledger.data[c][: ledger.slots, site] for c in COLUMNS}
        paid_usd = float((column["import_kwh"] * column["price_usd_kwh"]).sum())
        carbon_g = float((column["import_kwh"] * column["carbon_g_kwh"]).sum())
        assert kwh.sum() == pytest.approx(column["import_kwh"].sum(), rel=1e-4)
        assert (kwh * marks.x).sum() / 1000 == pytest.approx(paid_usd, rel=1e-4)
        assert (kwh * marks.y).sum() == pytest.approx(carbon_g, rel=1e-4)


def test_an_hour_has_the_mean_of_what_was_bought_in_it():
    kwh = np.zeros((24, 2))
    kwh[0, 0], kwh[1, 0] = 1.0, 3.0
    price = np.full((24, 2), 0.5)
    price[0, 0], price[1, 0] = 0.02, 0.06
    case = alone({"import_kwh": kwh, "price_usd_kwh": price, "carbon_g_kwh": 100.0})
    figure = price_carbon(case, "home")
    marks = marks_of(figure, "a")
    assert list(marks.x) == [pytest.approx(50.0)]
    assert [list(row) for row in marks.customdata] == [[4.0, "2019-04-22T00:00Z"]]
    assert len(marks_of(figure, "b").x) == 0
    mean = marks_of(figure, "mean of what was bought")
    even = marks_of(figure, "mean of all hours and sites")
    assert (mean.x[0], mean.y[0]) == (pytest.approx(50.0), pytest.approx(100.0))
    assert even.x[0] == pytest.approx(1000 * price.mean())
    assert figure.layout.meta["title"].startswith("What was bought cost 50.0 USD/MWh")


def test_the_next_hour_is_a_mark_of_its_own_and_its_columns_have_names():
    figure = price_carbon(alone({"import_kwh": 1.0, "price_usd_kwh": 0.1}), "home")
    assert [row[1] for row in marks_of(figure, "b").customdata] == [
        "2019-04-22T00:00Z",
        "2019-04-22T01:00Z",
    ]
    assert list(figure.layout.meta["columns"]) == list(BOUGHT_COLUMNS)
    assert len(marks_of(figure, "b").customdata[0]) == len(BOUGHT_COLUMNS)


def test_long_windows_have_longer_steps_and_lose_nothing():
    case = alone({"import_kwh": 0.5, "price_usd_kwh": 0.1}, slots=60 * 24, slot_s=3600)
    found = bought(case, case.first.ledger)
    assert found.every == 3
    assert found.kwh.sum() == pytest.approx(0.5 * 2 * 60 * 24)
    assert "A mark for each site and 3 hours" in price_carbon(case, "home").layout.meta["note"]


def test_a_site_that_lives_on_its_own_is_told():
    figure = price_carbon(alone({"price_usd_kwh": 0.1}), "home")
    assert figure.layout.meta["title"] == "Nothing was bought from the grid"
    assert "mean of what was bought" not in [t.name for t in figure.data]


# --- time of decisions ------------------------------------------------------------------------


def test_the_curve_is_the_share_of_decisions_within_a_time(case):
    curve = marks_of(decide_times(case), "home")
    times = np.concatenate([run.ledger.data["decide_ms"][:, 0] for run in case.of("home")])
    assert curve.x[-1] == pytest.approx(times.max(), rel=1e-6)
    assert curve.y[-1] == 100
    assert np.all(np.diff(curve.x) >= 0)
    for x, y in list(zip(curve.x, curve.y, strict=True))[::20]:
        assert y == pytest.approx(100 * np.mean(times.astype(np.float32) <= x), abs=1e-3)


def test_the_title_names_the_slowest(case):
    slow = np.where(np.arange(24)[:, None] < 23, 4.0, 900.0) * [[1, 0]]
    figure = decide_times(alone({"decide_ms": slow}))
    assert figure.layout.meta["title"].startswith("home decided in 4.000 ms at the median")
    tails = {
        p: np.quantile(
            np.concatenate([r.ledger.data["decide_ms"][:, 0] for r in case.of(p)]), 0.99
        )
        for p in case.policies
    }
    title = decide_times(case).layout.meta["title"]
    assert title.startswith(f"The slowest: {max(tails, key=tails.__getitem__)} decided in")


def test_a_limit_is_drawn_and_explained(case):
    policy = case.scenario.policy.model_copy(update={"decide_limit_ms": 5.0})
    world = case.scenario.model_copy(update={"policy": policy})
    limited = as_case(sample.run("home", 1, world=world))
    figure = decide_times(limited)
    assert list(marks_of(figure, "limit").x) == [5.0, 5.0]
    assert "Beyond the line" in figure.layout.meta["note"]
    assert "limit" not in [t.name for t in decide_times(case).data]


def test_books_without_times_have_no_figure():
    assert not has_times(alone({}))
