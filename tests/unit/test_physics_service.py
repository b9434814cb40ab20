"""Soft lateness, admission and cold starts at values worked out by hand."""

import numpy as np
import pytest

from cosim.physics.cold_start import NOTHING, ColdStart, LoadQuantiles, swap_j, swap_ns
from cosim.physics.service import (
    Lateness,
    ServiceClass,
    admission_gain_usd,
    class_table,
    lateness_row,
    revenue_share,
    settled_usd,
)
from cosim.quantities import NS_PER_S
from cosim.traces.service_tables import load_quantiles

S = NS_PER_S


def test_the_papers_bargain_pays_all_or_costs_the_penalty():
    hard = Lateness()
    assert settled_usd(hard, 0, 0.04, 0.05) == (0.04, 0.0)
    assert settled_usd(hard, 1, 0.04, 0.05) == (0.0, 0.05)


def test_a_step_pays_its_share_within_the_grace():
    step = Lateness("step", grace_s=10, step_share=0.7)
    assert revenue_share(step, 10 * S) == 0.7
    assert revenue_share(step, 10 * S + 1) == 0.0


def test_a_linear_price_falls_to_nothing_over_its_scale():
    linear = Lateness("linear", grace_s=10, scale_s=20)
    assert revenue_share(linear, 10 * S) == 1.0
    assert revenue_share(linear, 15 * S) == pytest.approx(0.75)
    assert revenue_share(linear, 30 * S) == 0.0
    assert revenue_share(linear, 31 * S) == 0.0


def test_an_exponential_price_ends_at_the_cutoff():
    soft = Lateness("exponential", scale_s=20, cutoff_s=60)
    assert revenue_share(soft, 20 * S) == pytest.approx(np.exp(-1))
    assert revenue_share(soft, 60 * S) == pytest.approx(np.exp(-3))
    assert revenue_share(soft, 60 * S + 1) == 0.0


def test_the_penalty_falls_due_in_the_share_that_is_lost_or_in_full():
    lost = Lateness("linear", scale_s=20)
    assert settled_usd(lost, 5 * S, 1.0, 2.0) == (pytest.approx(0.75), pytest.approx(0.5))
    full = Lateness("linear", scale_s=20, penalty="late")
    assert settled_usd(full, 5 * S, 1.0, 2.0) == (pytest.approx(0.75), 2.0)
    assert settled_usd(full, 0, 1.0, 2.0) == (1.0, 0.0)


def test_a_late_job_is_admitted_while_it_beats_being_dropped():
    soft = Lateness("linear", scale_s=20)
    assert admission_gain_usd(soft, 0, 1.0, 1.0, 0.1, 1.0) == pytest.approx(1.9)
    # at 15 s late: 0.25 - 0.75 - 0.1 + 1 = 0.4; dropping for free would be better
    assert admission_gain_usd(soft, 15 * S, 1.0, 1.0, 0.1, 1.0) == pytest.approx(0.4)
    assert admission_gain_usd(soft, 15 * S, 1.0, 1.0, 0.1, 0.0) == pytest.approx(-0.6)


def test_lateness_names_every_mistake():
    with pytest.raises(ValueError, match=r"(?s)step_share.*kind.*penalty.*cutoff_s"):
        Lateness("soon", grace_s=10, cutoff_s=5, step_share=2, penalty="never")  # type: ignore[arg-type]


def test_classes_become_arrays_in_their_order():
    classes = [ServiceClass(), ServiceClass(2.0, 3.0, 0.5, Lateness("linear"))]
    price, penalty, drop, rows = class_table(classes)
    assert price.tolist() == [1.0, 2.0]
    assert penalty.tolist() == [1.0, 3.0]
    assert drop.tolist() == [1.0, 0.5]
    assert rows.tolist() == [lateness_row(c.lateness).tolist() for c in classes]
    assert class_table([])[3].shape == (0, rows.shape[1])


def test_another_adapter_costs_less_than_another_base():
    cold = ColdStart()
    assert swap_ns(cold, (0, 1), (0, 1)) == 0
    assert swap_ns(cold, (0, 1), (0, 2)) == 4_400_000_000
    assert swap_ns(cold, (0, 1), (0, NOTHING)) == 0
    assert swap_ns(cold, (0, 1), (1, NOTHING)) == 22_700_000_000
    assert swap_ns(cold, (NOTHING, NOTHING), (1, 1)) == 27_100_000_000


def test_energy_follows_the_same_cases():
    cold = ColdStart(base_w=200, adapter_w=100)
    assert swap_j(cold, (0, 1), (0, 1)) == 0.0
    assert swap_j(cold, (0, 1), (0, NOTHING)) == 0.0
    assert swap_j(cold, (0, 1), (0, 2)) == pytest.approx(440)
    assert swap_j(cold, (0, 1), (1, 2)) == pytest.approx(22.7 * 200 + 440)


@pytest.mark.parametrize(("what", "mean_s"), [("base-model", 21.99), ("lora", 4.396)])
def test_drawn_loads_have_about_the_published_mean(what, mean_s):
    loads = load_quantiles(what).value
    drawn = [loads.at(u) for u in (np.arange(2000) + 0.5) / 2000]
    assert np.mean(drawn) == pytest.approx(mean_s, rel=0.1)
    assert np.median(drawn) == pytest.approx({"base-model": 22.7, "lora": 4.4}[what], rel=0.01)


def test_quantiles_must_rise():
    with pytest.raises(ValueError, match=r"(?s)rise strictly.*must not fall"):
        LoadQuantiles((0.5, 0.5), (3.0, 2.0))
