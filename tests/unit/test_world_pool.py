"""The reference pool against schedules worked out by hand."""

from __future__ import annotations

import pytest
from one_pool import OnePool

from cosim.world.plan import ServicePlan
from cosim.world.pool_steps import StepPool

LIGHT = ServicePlan((10, 5), (200, 100), (20, 10), (300, 500), (100, 200), 1000, 50)
HEAVY = ServicePlan((0, 0), (2000, 1000), (0, 0), (600, 900), (0, 0), 3000, 60)


class Bench(OnePool):
    """A pool of the reference."""

    def __init__(self, arrivals, steps, images, service=None, gpus=1):
        services = (LIGHT, HEAVY)
        super().__init__(StepPool, services, arrivals, steps, images, service, gpus=gpus)


def test_an_image_is_encode_steps_decode():
    state = Bench([0], [3], [2]).play()
    assert state.start_ns == [0]
    assert state.finish_ns == [2 * (5 + 3 * 100 + 10)]
    assert state.energy_pj == [2 * (15 * 200 + 300 * 500)]


def test_a_clock_change_takes_effect_at_the_next_step_boundary():
    bench = Bench([0], [3], [1])
    bench.at(120, lambda: bench.pool.set_clock(0))  # inside the second step, 105 to 205
    state = bench.play()
    assert state.finish_ns == [205 + 200 + 20]
    assert state.energy_pj == [5 * 200 + 200 * 500 + 200 * 300 + 20 * 100]


def test_a_clock_change_at_a_boundary_comes_after_it():
    """Step boundaries come before edges: the step that begins at 105 keeps the old clock."""
    bench = Bench([0], [3], [1])
    bench.at(105, lambda: bench.pool.set_clock(0))
    assert bench.play().finish_ns == [205 + 200 + 20]


def test_another_model_is_loaded_first_and_the_job_pays_for_it():
    state = Bench([0, 1], [1, 1], [1, 1], service=[1, 1]).play()
    assert state.start_ns == [3000, 4000]
    assert state.finish_ns == [4000, 5000]
    assert state.energy_pj == [3000 * 60 + 1000 * 900, 1000 * 900]


def test_a_gpu_that_has_the_model_takes_the_job_before_one_of_a_lower_number():
    bench = Bench([0, 0, 10_000], [1, 1, 1], [1, 1, 1], service=[0, 1, 1], gpus=2)
    state = bench.play()
    assert state.gpu == [0, 1, 1]
    assert state.start_ns[2] == 10_000


def test_a_switched_off_gpu_pauses_at_its_step_boundary_without_power():
    bench = Bench([0], [3], [1])
    bench.at(120, lambda: bench.pool.set_enabled(0))
    bench.at(1000, lambda: bench.pool.set_enabled(1))
    state = bench.play()
    assert state.finish_ns == [1000 + 100 + 10]
    assert state.energy_pj == [5 * 200 + 300 * 500 + 10 * 200]


def test_free_gpus_are_switched_off_before_busy_ones():
    bench = Bench([0, 50], [3, 3], [1, 1], gpus=3)
    bench.at(60, lambda: bench.pool.set_enabled(2))
    assert bench.play().finish_ns == [315, 365]


def test_meters_cut_power_at_the_reading():
    bench, seen = Bench([0], [3], [1]), []
    for at_ns in (100, 250, 400):
        bench.at(at_ns, lambda: seen.append(bench.pool.read()))
    bench.play()
    assert [r.busy_ns for r in seen] == [100, 150, 65]
    assert [r.busy_pj for r in seen] == [5 * 200 + 95 * 500, 150 * 500, 55 * 500 + 10 * 200]
    assert [r.steps for r in seen] == [0, 2, 1]
    assert [r.images for r in seen] == [0, 0, 1]


def test_the_forecast_of_the_end_counts_a_step_under_way_whole():
    bench, seen = Bench([0], [3], [2]), []
    bench.at(120, lambda: seen.append(bench.pool.free_at_ns()))
    bench.play()
    assert seen == [[120 + 2 * 100 + 10 + (5 + 300 + 10)]]


@pytest.mark.parametrize("gpus", [1, 3])
def test_what_has_ended_is_handed_over_once(gpus):
    bench, seen = Bench([0, 0, 0], [1, 2, 3], [1, 1, 1], gpus=gpus), []
    bench.at(10**6, lambda: seen.extend([bench.pool.take_finished(), bench.pool.take_finished()]))
    bench.play()
    assert seen == [[0, 1, 2], []]
