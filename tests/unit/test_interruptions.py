"""What disciplines, preemption and failures mean, worked out by hand for both engines.

An image of the light model takes 5 ns, 100 ns a step and 10 ns; a step of the heavy one 1000 ns.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosim.errors import ScenarioError
from cosim.world.faults import check_repairs
from cosim.world.plan import Fault
from cosim.world.step_times import step_times

ENDS_PJ = 15 * 200  # encoding and decoding an image
STEP_PJ = 100 * 500


@pytest.fixture(params=["reference", "fast"])
def play(request, one_site):
    """Let jobs arrive at one site; each is (at, steps, and what else matters)."""

    def played(asks, orders=(), **site):
        script = one_site.OneSite(request.param, [one_site.Ask(**ask) for ask in asks], **site)
        for at_ns, act in orders:
            script.at(at_ns, lambda act=act: act(script))
        return script.play()

    return played


def jobs(*rows, **common):
    return [{"at": at, "steps": steps, **more, **common} for at, steps, more in rows]


# the order of the queue --------------------------------------------------------------------


def test_srs_serves_the_fewest_steps_of_all_images_first(play):
    asks = jobs((0, 3, {}), (1, 5, {"images": 2}), (2, 9, {}), (3, 9, {}))
    site = play(asks, discipline="srs")
    assert site.finished == [0, 2, 3, 1]
    assert site.start_ns == [0, 315 + 2 * 915, 315, 315 + 915]


def test_priority_serves_higher_classes_first_and_equal_ones_as_they_landed(play):
    asks = jobs(
        (0, 1, {}), (1, 1, {}), (2, 1, {"priority": 3}), (3, 1, {"priority": 1}), (4, 1, {})
    )
    site = play(asks, discipline="priority")
    assert site.finished == [0, 2, 3, 1, 4]


# preemption --------------------------------------------------------------------------------


def test_a_more_urgent_job_takes_the_gpu_at_its_next_step_boundary(play):
    """Boundaries at 5, 105 and 205; the job interrupted there goes on without encoding again."""
    asks = jobs((0, 5, {"due": 10**6}), (120, 1, {"due": 1000}))
    site = play(asks, discipline="edf", preempt=True)
    assert site.start_ns == [0, 205]
    assert site.finish_ns == [320 + 300 + 10, 205 + 115]
    assert site.energy_pj == [ENDS_PJ + 5 * STEP_PJ, ENDS_PJ + STEP_PJ]
    assert site.reading.busy_ns == 630
    assert (site.reading.steps, site.reading.images) == (6, 2)


def test_without_preempt_the_more_urgent_job_waits(play):
    asks = jobs((0, 5, {"due": 10**6}), (120, 1, {"due": 1000}))
    assert play(asks, discipline="edf").start_ns == [0, 515]


@pytest.mark.parametrize("discipline", ["edf", "priority"])
def test_equal_keys_never_preempt(play, discipline):
    asks = jobs((0, 5, {}), (120, 1, {}), due=10**6, priority=2)
    assert play(asks, discipline=discipline, preempt=True).start_ns == [0, 515]


def test_a_higher_class_preempts_and_the_interrupted_job_keeps_its_place_in_its_class(play):
    asks = jobs((0, 2, {}), (10, 1, {}), (20, 1, {"priority": 3}))
    site = play(asks, discipline="priority", preempt=True)
    assert site.start_ns[2] == 105
    assert site.finished == [2, 0, 1]


@pytest.mark.parametrize(("steps", "start_ns"), [(2, 205), (3, 515)])
def test_srs_compares_with_the_steps_left_at_the_boundary(play, steps, start_ns):
    """Of five steps three are left at 205."""
    asks = jobs((0, 5, {}), (120, steps, {}))
    assert play(asks, discipline="srs", preempt=True).start_ns[1] == start_ns


def test_srs_counts_the_images_to_come(play):
    """At 205 the last step of the first image is over: the next boundary is at 220."""
    asks = jobs((0, 2, {"images": 2}), (120, 1, {}))
    site = play(asks, discipline="srs", preempt=True)
    assert site.start_ns[1] == 205 + 10 + 5
    assert site.finish_ns[0] == 220 + 115 + 210


def test_neither_encoding_nor_decoding_is_interrupted(play):
    asks = jobs((0, 1, {"due": 10**6, "images": 2}), (106, 1, {"due": 500}))
    assert play(asks, discipline="edf", preempt=True).start_ns == [0, 120]


def test_an_interrupted_job_takes_the_gpu_of_a_less_urgent_one(play):
    """The urgent job takes GPU 0 at 105; what it displaces takes GPU 1 at 185."""
    asks = jobs((0, 9, {"due": 5000}), (80, 9, {"due": 6000}), (90, 1, {"due": 300}))
    site = play(asks, discipline="edf", preempt=True, gpus=2)
    assert site.start_ns == [0, 80, 105]
    assert site.gpu == [1, 0, 0]
    assert site.finish_ns == [185 + 800 + 10, 220 + 800 + 10, 220]


def test_at_one_instant_the_lower_gpu_gives_way(play):
    asks = jobs((0, 9, {"due": 5000}), (0, 9, {"due": 6000}), (90, 1, {"due": 300}))
    site = play(asks, discipline="edf", preempt=True, gpus=2)
    assert site.gpu == [1, 0, 0]  # job 0 gives way on GPU 0 at 105 and takes GPU 1 at once
    assert site.finish_ns == [105 + 800 + 10, 220 + 800 + 10, 220]


def test_a_job_of_another_model_costs_two_cold_starts(play):
    asks = jobs((0, 3, {"due": 10**6}), (120, 1, {"due": 5000, "service": 1}))
    site = play(asks, discipline="edf", preempt=True)
    assert site.start_ns == [0, 205 + 3000]
    assert site.finish_ns == [4205 + 1000 + 100 + 10, 4205]
    assert site.energy_pj == [ENDS_PJ + 3 * STEP_PJ + 1000 * 50, 3000 * 60 + 1000 * 900]


def test_a_gpu_that_is_switched_off_keeps_its_job(play):
    orders = [(150, lambda s: s.limit(1, 0)), (1000, lambda s: s.limit(1, 1))]
    asks = jobs((0, 5, {"due": 10**6}), (160, 1, {"due": 1000}))
    site = play(asks, orders, discipline="edf", preempt=True)
    assert site.start_ns == [0, 1000]  # on the wake, before the next step
    assert site.finish_ns == [1115 + 310, 1115]


def test_a_lower_clock_moves_the_boundary(play):
    orders = [(120, lambda s: s.limit(0, 1))]
    asks = jobs((0, 5, {"due": 10**6}), (250, 1, {"due": 1000}))
    site = play(asks, orders, discipline="edf", preempt=True)
    assert site.start_ns[1] == 205 + 200
    assert site.finish_ns[1] == 405 + 10 + 200 + 20


def test_a_boundary_at_the_instant_of_an_arrival_comes_first(play):
    asks = jobs((0, 5, {"due": 10**6}), (205, 1, {"due": 1000}))
    assert play(asks, discipline="edf", preempt=True).start_ns[1] == 305


# failures ----------------------------------------------------------------------------------

DOWN_UP = ((330, 0, False), (500, 0, True))


def test_a_failure_loses_the_image_under_way_and_what_the_gpu_remembers(play):
    """The first image ends at 215, the second is 110 ns old: it begins anew after a cold start."""
    site = play(jobs((0, 2, {"images": 2})), faults=DOWN_UP)
    assert site.start_ns == [0]
    assert site.finish_ns == [500 + 1000 + 215]
    lost_pj = 5 * 200 + 110 * 500
    assert site.energy_pj == [2 * (ENDS_PJ + 2 * STEP_PJ) + lost_pj + 1000 * 50]
    assert site.reading.down_ns == 170
    assert site.reading.busy_ns == 330 + 1000 + 215
    assert (site.reading.steps, site.reading.images) == (5, 2)


def test_the_job_goes_to_a_free_gpu_at_once(play):
    site = play(jobs((0, 2, {})), gpus=2, faults=((150, 0, False), (10**6, 0, True)))
    assert (site.gpu, site.start_ns, site.finish_ns) == ([1], [0], [150 + 215])


@pytest.mark.parametrize(("discipline", "order"), [("fcfs", [0, 1, 2]), ("edf", [1, 0, 2])])
def test_the_job_returns_to_the_front_or_to_where_its_key_belongs(play, discipline, order):
    asks = jobs((0, 2, {"due": 2000}), (10, 1, {"due": 1000}), (20, 1, {"due": 3000}))
    faults = ((50, 0, False), (100, 0, True))
    assert play(asks, discipline=discipline, faults=faults).finished == order


def test_srs_counts_a_lost_image_again(play):
    """Two of three steps were done: the job of two steps comes first."""
    asks = jobs((0, 3, {}), (10, 2, {}))
    faults = ((210, 0, False), (300, 0, True))
    assert play(asks, discipline="srs", faults=faults).finished == [1, 0]


def test_a_job_whose_model_was_loading_has_not_begun(play):
    asks = jobs((0, 1, {"service": 1}))
    site = play(asks, faults=((1000, 0, False), (2000, 0, True)))
    assert site.start_ns == [5000]
    assert site.energy_pj == [4000 * 60 + 1000 * 900]


def test_what_is_down_is_no_more_broken_by_another_failure(play):
    asks = jobs((0, 2, {}))
    faults = ((0, 1, True), (50, 0, False), (70, 0, False), (90, 0, True), (120, 0, True))
    site = play(asks, faults=faults, gpus=2)
    assert site.reading.down_ns == 40
    assert site.finish_ns == [50 + 215]


def test_a_failure_at_the_instant_of_the_end_comes_after_it(play):
    site = play(jobs((0, 1, {}), (0, 1, {})), faults=((115, 0, False), (215, 0, True)))
    assert site.finish_ns == [115, 215 + 1000 + 115]


def test_a_gpu_comes_back_switched_off_where_as_many_as_may_run_do(play):
    seen = []
    orders = [(10, lambda s: s.limit(1, 1)), (200, lambda s: seen.append(s.look().up))]
    asks = jobs((20, 9, {}), (30, 1, {}))
    site = play(asks, orders, gpus=2, faults=((15, 1, False), (100, 1, True)))
    assert seen == [2]
    assert site.start_ns == [20, 20 + 915]


def test_the_guard_counts_gpus_that_are_up(play):
    orders = [(40, lambda s: s.limit(1, 1))]
    asks = jobs((0, 9, {}), (0, 9, {}), (50, 1, {}))
    site = play(asks, orders, gpus=2, faults=((20, 0, False), (500, 0, True)))
    assert site.finish_ns[1] == 915  # the one that is up runs on
    assert site.start_ns == [0, 0, 915 + 915]


def test_gpus_that_are_down_are_not_in_the_estimate(play):
    seen = []
    orders = [(60, lambda s: seen.append(s.look()))]
    asks = jobs((0, 2, {}), (0, 2, {}))
    play(asks, orders, gpus=2, faults=((50, 1, False), (10**6, 1, True)))
    # a step under way counts whole, and the job that lost its GPU in full
    assert seen[0].backlog_ns == 210 + 215
    assert (seen[0].waiting, seen[0].busy) == (1, 1)


def test_what_is_left_of_an_interrupted_job_is_in_the_estimate(play):
    seen = []
    orders = [(210, lambda s: seen.append(s.look()))]
    asks = jobs((0, 5, {"due": 10**6, "images": 2}), (120, 1, {"due": 1000}))
    play(asks, orders, discipline="edf", preempt=True)
    left_ns = 3 * 100 + 10 + 515
    assert seen[0].backlog_ns == 100 + 10 + left_ns


# what is kept ------------------------------------------------------------------------------


def test_step_times_go_through_interruptions_and_losses(one_site):
    asks = [one_site.Ask(0, 3, due=10**6), one_site.Ask(120, 1, due=1000)]
    site = one_site.OneSite("fast", asks, discipline="edf", preempt=True).play()
    assert step_times(site.engine, 1).tolist() == [310]
    assert step_times(site.engine, 0).tolist() == [105, 205, 420]
    cut = ((400, 0, False), (700, 0, True))  # in the last step, after 320
    site = one_site.OneSite("fast", asks, discipline="edf", preempt=True, faults=cut).play()
    assert step_times(site.engine, 0).tolist() == [105, 205, 1805, 1905, 2005]


def test_a_site_that_is_never_mended_is_refused(one_site):
    plan = one_site.plan_of([one_site.Ask(0)], (one_site.LIGHT, one_site.HEAVY), gpus=2)
    half, dead = (Fault(5, 0, 0, False),), (Fault(5, 0, 0, False), Fault(6, 0, 1, False))
    check_repairs(replace(plan, faults=half))
    with pytest.raises(ScenarioError, match=r"sites\.here\.gpus.*for ever"):
        check_repairs(replace(plan, faults=dead))
