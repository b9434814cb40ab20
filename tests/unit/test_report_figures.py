"""Figures and audit tables: their numbers against sums formed another way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import report_sample as sample

from cosim.ledger import COLUMNS, SINKS, SOURCES, Ledger
from cosim.report import (
    figures_audit,
    figures_delay,
    figures_energy,
    figures_money,
    figures_work,
    tables,
    tables_audit,
)
from cosim.report.inputs import as_case
from cosim.report.style import POINTS_MAX, stride, thin


@pytest.fixture(scope="module")
def compared():
    return sample.comparison(("home", "greedy-utility"), seeds=(1, 2, 3))


@pytest.fixture(scope="module")
def case(compared):
    return as_case(compared)


def trace(figure, name: str):
    return next(t for t in figure.data if t.name == name)


def test_sources_equal_load_plus_what_left(case):
    figure = figures_energy.site_energy(case, "home", 1)
    up = sum(trace(figure, n).y.astype(float) for n in ("solar", "wind", "battery", "grid"))
    down = -sum(trace(figure, n).y.astype(float) for n in ("charging", "export", "curtailed"))
    assert np.allclose(up, trace(figure, "load").y + down, atol=1e-3)
    loads = sum(trace(figure, n).y.astype(float) for n in ("compute", "idle", "cooling"))
    assert np.allclose(loads, trace(figure, "load").y, atol=1e-3)


def test_energy_under_a_curve_is_the_meters(case):
    ledger = case.shown("home").ledger
    figure = figures_energy.site_energy(case, "home", 0)
    drawn_kwh = trace(figure, "grid").y.astype(float).sum() * 5 / 60
    assert drawn_kwh == pytest.approx(ledger.data["import_kwh"][: ledger.slots, 0].sum(), rel=1e-6)


def test_points_stand_in_the_middle_of_their_slot(case):
    figure = figures_work.steps_over_day(case, "home")
    assert figure.data[0].x0 == "2019-04-22T00:02:30.000"
    assert figure.data[0].dx == 300_000


def long_case(slots: int, sites: int = 1):
    data = {name: np.zeros((slots, sites)) for name in COLUMNS}
    ledger = Ledger(tuple(map(str, range(sites))), slots, 300 * 10**9, data)
    return as_case(replace(sample.run("home", 1), ledger=ledger))


def test_a_long_window_is_thinned_without_moving_its_mean():
    every = stride(long_case(5000))
    values = np.arange(5000.0)[:, None]
    drawn = thin(values, every)
    assert len(drawn) <= POINTS_MAX
    weights = np.full(len(drawn), every)
    weights[-1] = 5000 - every * (len(drawn) - 1)
    assert np.average(drawn[:, 0], weights=weights) == pytest.approx(values.mean())


def test_many_sites_share_the_points_of_a_page():
    assert stride(long_case(288)) == 1
    assert stride(long_case(288, sites=24)) == 1
    assert stride(long_case(288, sites=80)) == 2
    assert stride(long_case(288, sites=10_000)) == 3


def test_renewable_share_counts_stored_energy_by_how_it_was_filled():
    data = {name: np.zeros((1, 1)) for name in COLUMNS}
    data["compute_kwh"][:] = 10
    data["solar_to_compute_kwh"][:] = 4
    data["battery_to_compute_kwh"][:] = 4
    data["grid_to_compute_kwh"][:] = 2
    data["solar_to_store_kwh"][:], data["grid_to_store_kwh"][:] = 3, 1
    assert figures_energy.renewable_share(Ledger(("a",), 1, 1, data), 0) == pytest.approx(0.7)


def test_matrix_counts_every_job_once(case):
    figure = figures_work.matrix(case, "greedy-utility")
    jobs = sum(len(run.jobs.home) for run in case.of("greedy-utility"))
    assert figure.data[0].customdata.sum() == jobs
    assert np.allclose(np.asarray(figure.data[0].z).sum(axis=1), 100, atol=1e-3)
    assert list(figure.data[0].x)[-1] == "dropped"


def test_steps_chosen_weighs_images_of_finished_jobs(case):
    figure = figures_work.steps_chosen(case)
    jobs = [run.jobs for run in case.of("home")]
    of_30 = sum(j.images[(j.finish_ns >= 0) & (j.steps == 30)].sum() for j in jobs)
    total = sum(j.images[j.finish_ns >= 0].sum() for j in jobs)
    at = list(figure.data[0].x).index("30")
    assert figure.data[0].y[at] == pytest.approx(100 * of_30 / total, rel=1e-5)


def test_delay_curve_passes_the_deadline_at_the_share_in_time(case):
    curve = trace(figures_delay.delay_curve(case), "home")
    jobs = [run.jobs for run in case.of("home")]
    in_time = 100 * (1 - np.concatenate([j.late for j in jobs]).mean())
    dropped = 100 * np.concatenate([j.service < 0 for j in jobs]).mean()
    assert np.interp(1.0, curve.x, curve.y) == pytest.approx(in_time, abs=0.6)
    assert curve.y[-1] == pytest.approx(100 - dropped, abs=1e-3)


def test_late_by_class_is_the_share_of_its_members(case):
    figure = figures_delay.late_by_class(case)
    labels = {}
    for run in case.of("home"):
        labels = {**figures_delay.class_labels(run.jobs), **labels}
    jobs = [run.jobs for run in case.of("home")]
    for k, label in labels.items():
        late = np.concatenate([j.late[j.class_id == k] for j in jobs]).mean()
        row = list(figure.data[0].y).index(label)
        assert figure.data[0].z[row][0] == pytest.approx(100 * late, rel=1e-4, abs=1e-6)


def test_parts_of_the_time_sum_to_the_mean_delay(case):
    tables_ = [run.jobs for run in case.of("home")]
    delays = np.concatenate([(j.finish_ns - j.arrival_ns)[j.finish_ns >= 0] for j in tables_])
    assert figures_delay.split_s(tables_).sum() == pytest.approx(delays.mean() / 1e9)


def test_waterfall_ends_at_the_mean_utility(case):
    figure = figures_money.waterfall(case, "greedy-utility")
    wanted = case.means["greedy-utility"]["utility_usd"].value
    assert figure.data[0].y[-1] == pytest.approx(wanted)
    assert sum(figure.data[0].y[:-1]) == pytest.approx(wanted)
    assert "carbon" in figure.layout.meta["note"]


def test_lead_ends_at_the_paired_difference(case):
    lead = figures_money.lead_usd(case, "greedy-utility")
    wanted = case.paired["greedy-utility"]["utility_usd"].value
    assert lead[:, -1].mean() == pytest.approx(wanted)
    assert trace(figures_money.lead_over_day(case), "greedy-utility").y[-1] == pytest.approx(
        wanted, rel=1e-5
    )


def test_histogram_counts_every_closing(case):
    figure = figures_audit.residual_histogram(case)
    closings = sum(r.ledger.data["residual_kwh"].size for r in case.runs.values())
    assert np.sum(figure.data[0].y) == closings


def test_exact_books_have_one_bar():
    run = sample.run("home", 1)
    run.ledger.data["residual_kwh"][:] = 0.0
    figure = figures_audit.residual_histogram(as_case(run))
    assert list(figure.data[0].x) == ["exact"]


def test_matrix_of_energy_sums_and_finds_a_joule_that_was_not_posted():
    run = sample.run("home", 1)
    assert tables_audit.posting_error_kwh(run.ledger, 0) < 1e-9
    flows = sum(run.ledger.flow(s, k)[:, 0].sum() for s in SOURCES for k in SINKS)
    shown = tables_audit.energy_matrices(as_case(run), "home")[0].rows[-1]
    assert shown[0] == "sum"
    assert float(shown[1][-1].replace("\u202f", "")) == pytest.approx(flows, abs=0.06)
    run.ledger.data["grid_to_idle_kwh"][3, 0] -= 0.5
    assert tables_audit.posting_error_kwh(run.ledger, 0) == pytest.approx(0.5)


def test_money_that_does_not_add_up_is_found():
    run = sample.run("home", 1)
    assert tables_audit.money_error_usd(run) < 1e-9
    run.jobs.penalty_usd[5] += 0.25
    assert tables_audit.money_error_usd(run) == pytest.approx(0.25)


def test_every_job_ends_in_one_column(case):
    for check in tables_audit.checks(case):
        counts = (check.on_time, check.late, check.dropped, check.unfinished)
        total = sum(int(text.replace("\u202f", "")) for text in counts)
        assert total == int(check.arrived.replace("\u202f", "")) == 4000


def test_clips_are_summed_over_seeds(case):
    assert tables_audit.clip_rows(case) == [("greedy-utility", "battery_kw", ("9", "9", "9"))]


def test_zones_that_lie_apart_are_not_called_coupled():
    run = sample.run("home", 1)
    assert "coupled" in tables.coupling(as_case(run))
    run.ledger.data["price_usd_kwh"][:, 0] += 0.05
    assert "coupled" not in tables.coupling(as_case(run))
    one = replace(run.ledger, sites=("a",))
    assert tables.coupling(as_case(replace(run, ledger=one))) == ""


def test_a_difference_is_judged_only_when_its_interval_leaves_out_zero(compared):
    row = compared.paired["greedy-utility"]
    row["late_share"] = {"diff": -0.01, "ci95": [-0.02, -0.005]}
    row["carbon_kg"] = {"diff": 5.0, "ci95": [1.0, 9.0]}
    row["energy_kwh"] = {"diff": 5.0, "ci95": [-1.0, 9.0]}
    row["moved_share"] = {"diff": 0.4, "ci95": [0.3, 0.5]}
    rows = {r.kpi: r.cells[1].verdict for r in tables.kpi_rows(as_case(compared))[0]}
    wanted = {"late_share": "better", "carbon_kg": "worse", "energy_kwh": "level"}
    assert {k: rows[k] for k in wanted} == wanted
    assert rows["moved_share"] == "level"


@pytest.mark.parametrize("jobs", [0, 1])
def test_a_run_with_hardly_any_job_still_has_its_figures(jobs):
    run = sample.run("home", 1)
    kept = {name: column[:jobs] for name, column in vars(run.jobs).items()}
    vars(run.jobs).update(kept)
    case = as_case(run)
    for draw in (
        figures_work.steps_chosen,
        figures_delay.delay_curve,
        figures_delay.late_by_class,
        figures_delay.time_split,
    ):
        assert draw(case).layout.meta["title"]
    assert figures_work.matrix(case, "home").data[0].customdata.sum() == jobs
    assert dict(tables.facts(case))["Jobs"].startswith(str(jobs))
