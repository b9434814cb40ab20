"""Batching GPUs against schedules worked out by hand: steps of X images take 60 + 40 X ns."""

from __future__ import annotations

from dataclasses import replace

import pytest
from one_pool import OnePool

from cosim.world.events import (
    FAULT_PRIORITY,
)
from cosim.world.plan import ServicePlan
from cosim.world.pool_batches import BatchPool

LIGHT = ServicePlan(
    encode_ns=(10, 5),
    step_ns=(200, 100),
    decode_ns=(20, 10),
    step_mw=(300, 500),
    fixed_mw=(100, 200),
    load_ns=1000,
    load_mw=50,
    batch_ns=((200, 280, 360, 440), (100, 140, 180, 220)),
    batch_mw=((300, 200, 150, 120), (500, 300, 220, 180)),
)
HEAVY = replace(LIGHT, encode_ns=(0, 0), decode_ns=(0, 0), load_ns=3000, load_mw=60)


class Bench(OnePool):
    """A batching pool of the reference."""

    def __init__(self, arrivals, steps, images, service=None, gpus=1, discipline="fcfs", due=None):
        site = {"gpus": gpus, "discipline": discipline, "batch_max": 4}
        services = (LIGHT, HEAVY)
        super().__init__(BatchPool, services, arrivals, steps, images, service, due, **site)


def test_a_job_joins_at_the_next_boundary_and_both_denoise_together():
    state = Bench([0, 30], [3, 3], [1, 1]).play()
    # encode 0-5, step 5-105, encode the second -110, two steps of both -250 -390, decode -400,
    # a last step of the second -500, decode -510
    assert state.start_ns == [0, 105]
    assert state.finish_ns == [400, 510]
    each_pj = 5 * 200 + 100 * 500 + 2 * 140 * 300 + 10 * 200
    assert state.energy_pj == [each_pj, each_pj]


def test_the_images_of_a_job_denoise_together():
    state = Bench([0], [2], [3]).play()
    assert state.finish_ns == [3 * 5 + 2 * 180 + 3 * 10]
    assert state.energy_pj == [(15 + 30) * 200 + 2 * 180 * 3 * 220]


def test_nobody_overtakes_a_head_that_does_not_fit():
    state = Bench([0, 1, 2], [2, 1, 1], [3, 2, 1]).play()
    # 3 images until 15 + 360 + 30 = 405; then both others: encode -415 -420, a step of 3 -600
    assert state.start_ns == [0, 405, 415]
    assert state.finish_ns == [405, 620, 630]


def test_the_discipline_says_who_is_the_head():
    bench = Bench([0, 1, 2], [2, 1, 1], [3, 2, 1], discipline="edf", due=[10**9, 10**9, 10**6])
    state = bench.play()
    # the third is first in line and fits beside three images at 15 + 180 = 195; a step of four
    # later the first is done too, and decodes before it
    assert state.start_ns[2] == 195
    assert state.finish_ns[2] == 195 + 5 + 220 + 30 + 10


def test_a_job_larger_than_a_batch_runs_alone():
    state = Bench([0, 1], [2, 1], [6, 1]).play()
    # six images take 220 + 2 · 40 ns and draw 4 · 180 mW in all
    assert state.finish_ns[0] == 30 + 2 * 300 + 60
    assert state.energy_pj[0] == (30 + 60) * 200 + 2 * 300 * 6 * 120
    assert state.start_ns[1] == state.finish_ns[0]


def test_another_model_waits_until_the_gpu_is_empty_and_is_loaded():
    state = Bench([0, 1, 2], [2, 1, 1], [1, 1, 1], service=[0, 1, 1]).play()
    # the first ends at 5 + 200 + 10 = 215; both others share the load, which the head pays for
    assert state.start_ns == [0, 3215, 3215]
    assert state.finish_ns == [215, 3355, 3355]
    assert state.energy_pj[1] - state.energy_pj[2] == 3000 * 60


def test_jobs_that_are_done_decode_by_number_while_the_others_wait():
    state = Bench([0, 1, 2], [3, 2, 2], [1, 1, 2]).play()
    # first step -105; encodes of the second and third -110 -120; two steps of four images -560
    assert state.start_ns == [0, 105, 110]
    assert state.finish_ns == [570, 580, 600]


def test_a_gpu_takes_from_the_queue_as_it_is_when_decoding_has_ended():
    state = Bench([0, 1, 213], [2, 3, 1], [2, 2, 2]).play()
    # 10 + 140 = 150; encode -160; step of four -380; decode the first -400, during which the
    # third is long there; it joins at 400
    assert state.finish_ns[0] == 400
    assert state.start_ns[2] == 400
    late = Bench([0, 1, 390], [2, 3, 1], [2, 2, 2]).play()
    assert late.start_ns[2] == 400


def test_an_empty_gpu_goes_before_a_running_one():
    state = Bench([0, 10, 20], [3, 3, 3], [1, 1, 1], gpus=2).play()
    assert state.gpu == [0, 1, 0]
    assert state.start_ns == [0, 10, 105]  # the first boundary is that of GPU 0


def test_of_equal_boundaries_the_lowest_number_takes_the_job():
    state = Bench([0, 0, 20], [3, 3, 3], [1, 1, 1], gpus=2).play()
    assert state.gpu == [0, 1, 0]


def test_a_clock_change_takes_effect_at_the_next_boundary():
    bench = Bench([0, 0], [2, 2], [1, 1])
    bench.at(150, lambda: bench.pool.set_clock(0))  # inside 110-250
    state = bench.play()
    # the first decodes slowly 250-270, the second's last step is slow: -470, decode -490
    assert state.finish_ns == [270, 490]
    shared_pj = 5 * 200 + 100 * 500 + 140 * 300
    assert state.energy_pj[0] == shared_pj + 20 * 100
    assert state.energy_pj[1] == 5 * 200 + 140 * 300 + 200 * 300 + 20 * 100


def test_a_switched_off_gpu_keeps_its_jobs_takes_none_and_draws_nothing():
    bench = Bench([0, 0, 200], [3, 3, 1], [1, 1, 1])
    bench.at(150, lambda: bench.pool.set_enabled(0))
    bench.at(1000, lambda: bench.pool.set_enabled(1))
    state = bench.play()
    # stands from 250; a step of both 1000-1140; decode -1150; only now the third joins
    assert state.finish_ns[0] == 1150
    assert state.start_ns[2] == 1150
    assert state.energy_pj[0] == 5 * 200 + 100 * 500 + 2 * 140 * 300 + 10 * 200


def test_a_gpu_that_fails_loses_all_its_jobs_and_forgets_its_model():
    bench, seen = Bench([0, 30], [3, 3], [1, 1]), []
    bench.at(200, lambda: bench.pool.fail(0), FAULT_PRIORITY)
    bench.at(1000, lambda: bench.pool.repair(0), FAULT_PRIORITY)
    bench.at(5000, lambda: seen.append(bench.pool.read()))
    state = bench.play()
    # 90 ns into the first step of both; then a load -2000, encodes -2010, three steps of both
    # -2430, decodes -2440 -2450
    assert state.start_ns == [0, 105]
    assert state.finish_ns == [2440, 2450]
    again_pj = 5 * 200 + 3 * 140 * 300 + 10 * 200
    assert state.energy_pj[0] == 5 * 200 + 100 * 500 + 90 * 300 + 1000 * 50 + again_pj
    assert state.energy_pj[1] == 5 * 200 + 90 * 300 + again_pj
    assert seen[0].busy_pj == sum(state.energy_pj)
    assert (seen[0].steps, seen[0].images, seen[0].down_ns) == (1 + 6, 2, 800)


def test_jobs_that_were_lost_stand_before_those_that_wait_in_order_of_their_numbers():
    bench = Bench([0, 0, 10, 20], [3, 9, 2, 1], [2, 4, 2, 1], gpus=2)
    bench.at(150, lambda: bench.pool.fail(0), FAULT_PRIORITY)
    state = bench.play()
    # GPU 0: encode -10, step of two -150; the third joins there and then is lost with the first.
    # GPU 1: four images until 20 + 9 · 220 + 40 = 2040; then the first and the third, encoded at
    # 2060, two steps of four -2500, the third decodes -2520 and lets the fourth join
    assert state.gpu == [1, 1, 1, 1]
    assert state.finish_ns[1] == 2040
    assert [state.start_ns[job] for job in (0, 2, 3)] == [0, 150, 2520]
    assert state.finish_ns[2] == 2520
    assert state.finish_ns[0] == 2520 + 5 + 180 + 20


def test_meters_cut_a_shared_step_at_the_reading():
    bench, seen = Bench([0, 0], [2, 2], [1, 3]), []
    for at_ns in (200, 1000):
        bench.at(at_ns, lambda: seen.append(bench.pool.read()))
    state = bench.play()
    # encode -5, step -105, encode -120, step of four -340, decode -350, step of three -530, -560
    assert state.finish_ns == [350, 560]
    assert [r.busy_ns for r in seen] == [200, 360]
    first_pj = 5 * 200 + 100 * 500 + 15 * 200 + 80 * 4 * 180
    assert seen[0].busy_pj == first_pj
    assert sum(r.busy_pj for r in seen) == sum(state.energy_pj)
    assert [r.steps for r in seen] == [1, 7]
    assert [r.images for r in seen] == [0, 4]


def test_the_forecast_counts_shares_of_full_batches():
    bench, seen = Bench([0, 0, 0], [3, 3, 3], [1, 3, 2]), []
    bench.at(112, lambda: seen.append(bench.pool.free_at_ns()))
    bench.at(200, lambda: seen.append(bench.pool.free_at_ns()))
    bench.play()
    rest = (2 * 55 + 10) + 3 * (3 * 55 + 10)  # a step of a full batch of four takes 220
    assert seen == [[112 + rest + 3 * 5], [200 + rest]]


@pytest.mark.parametrize("gpus", [1, 3])
def test_what_has_ended_is_handed_over_once(gpus):
    bench, seen = Bench([0, 0, 0], [1, 2, 3], [1, 1, 1], gpus=gpus), []
    bench.at(10**6, lambda: seen.extend([bench.pool.take_finished(), bench.pool.take_finished()]))
    bench.play()
    assert seen == [[0, 1, 2], []]


def test_without_batches_a_service_is_what_it_was():
    plain = ServicePlan((10, 5), (200, 100), (20, 10), (300, 500), (100, 200), 1000, 50)
    assert plain.batch_max == 1
    assert plain.job_ns(1, 3, 2) == 2 * (5 + 3 * 100 + 10)
    assert plain.course_ns(1, 3) == (5 + 3 * 100 + 10, 0)
    assert plain.image_pj(1, 3) == 15 * 200 + 300 * 500
    assert plain.most_mw(1) == 500


def test_estimates_are_true_of_full_batches():
    assert LIGHT.share_ns(1) == 220 // 4
    assert LIGHT.job_ns(1, 3, 2) == 2 * (15 + 3 * 55)
    assert LIGHT.course_ns(1, 3) == (15, 3 * 220)
    assert LIGHT.image_pj(1, 3) == 15 * 200 + 3 * 220 * 180
    assert LIGHT.most_mw(1) == 4 * 180
    assert LIGHT.batch_step(1, 7) == (220 + 3 * 40, 4 * 180 // 7)
