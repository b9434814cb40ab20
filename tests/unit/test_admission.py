"""Full queues and jobs that are given up, worked out by hand for both engines.

An image of the light model takes 5 ns, 100 ns a step and 10 ns; a step of the heavy one 1000 ns.
"""

from __future__ import annotations

import pytest

from cosim.world.kernel_state import GIVEN_UP, NEVER, TURNED_AWAY

LIGHT_PJ = 15 * 200 + 100 * 500


@pytest.fixture(params=["reference", "fast"])
def play(request, one_site):
    """Let jobs arrive at one site; each is (at, steps, and what else matters)."""

    def played(*asks, orders=(), **site):
        rows = [one_site.Ask(at=at, steps=steps, **more) for at, steps, more in asks]
        script = one_site.OneSite(request.param, rows, **site)
        for at_ns, act in orders:
            script.at(at_ns, lambda act=act: act(script))
        return script.play()

    return played


# full queues -------------------------------------------------------------------------------


def test_without_room_to_wait_only_who_finds_a_gpu_free_is_let_in(play):
    site = play((0, 3, {}), (10, 1, {}), (315, 1, {}), queue_limit=0)
    assert site.gpu == [0, TURNED_AWAY, 0]
    assert site.start_ns == [0, NEVER, 315]  # completions come before arrivals
    assert site.finish_ns == [315, 10, 430]
    assert site.landed_ns == [0, 10, 315]
    assert site.finished == [1, 0, 2]


def test_who_lands_at_a_full_queue_is_turned_away(play):
    site = play((0, 3, {}), (10, 1, {}), (20, 1, {}), (320, 1, {}), queue_limit=1)
    assert site.gpu == [0, 0, TURNED_AWAY, 0]
    assert site.start_ns == [0, 315, NEVER, 430]


def test_urgency_opens_no_door(play):
    asks = [(0, 3, {}), (10, 1, {"due": 9000}), (20, 1, {"due": 500})]
    site = play(*asks, queue_limit=1, discipline="edf", preempt=True)
    assert site.gpu == [0, 0, TURNED_AWAY]


def test_a_gpu_that_is_switched_off_lets_nobody_in(play):
    asks = [(0, 3, {}), (10, 1, {}), (400, 1, {})]
    site = play(*asks, orders=[(5, lambda s: s.limit(1, 1))], gpus=2, queue_limit=0)
    assert site.gpu == [0, TURNED_AWAY, 0]


def test_a_job_whose_gpu_fails_returns_to_a_full_queue(play, one_site):
    asks = [(0, 3, {}), (10, 1, {})]
    site = play(*asks, faults=((200, 0, False), (300, 0, True)), queue_limit=1)
    assert site.gpu == [0, 0]
    assert site.start_ns == [0, 1300 + 315]


def test_where_gpus_batch_a_job_waits_for_the_boundary(play):
    full = play((0, 2, {}), (10, 2, {}), batch_max=2, queue_limit=0)
    assert full.gpu == [0, TURNED_AWAY]
    one = play((0, 2, {}), (10, 2, {}), (20, 2, {}), batch_max=2, queue_limit=1)
    assert one.gpu == [0, 0, TURNED_AWAY]


# jobs that are given up --------------------------------------------------------------------


def test_a_hopeless_job_is_given_up_when_its_turn_comes(play):
    asks = [(0, 3, {}), (10, 1, {"due": 314}), (20, 1, {"due": 315})]
    site = play(*asks, gives_up=True)
    assert site.gpu == [0, GIVEN_UP, 0]
    assert site.finish_ns == [315, 315, 430]
    assert site.start_ns == [0, NEVER, 315]
    assert site.finished == [0, 1, 2]
    assert site.energy_pj[1] == 0
    assert site.energy_pj[2] == LIGHT_PJ


def test_nobody_is_given_up_unless_the_site_does(play):
    asks = [(0, 3, {}), (10, 1, {"due": 20})]
    assert play(*asks).finish_ns == [315, 430]


def test_the_last_of_hopeless_jobs_leaves_the_gpu_free(play):
    asks = [(0, 3, {}), (10, 1, {"due": 20}), (11, 1, {"due": 21}), (900, 1, {})]
    site = play(*asks, gives_up=True)
    assert site.finish_ns == [315, 315, 315, 1015]
    assert site.look().waiting == 0


def test_a_hopeless_head_interrupts_nobody(play):
    """Boundaries at 5, 105 and 205; the second job is past hope there, the third is not."""
    asks = [(0, 5, {"due": 9000}), (110, 1, {"due": 150}), (120, 1, {"due": 800})]
    site = play(*asks, gives_up=True, discipline="edf", preempt=True)
    assert site.gpu == [0, GIVEN_UP, 0]
    assert site.finish_ns == [515 + 115, 205, 320]
    assert site.start_ns == [0, NEVER, 205]


def test_a_job_that_was_interrupted_may_be_given_up(play):
    """Interrupted at 205 after two steps, its turn comes at 320."""
    asks = [(0, 5, {"due": 310}), (110, 1, {"due": 300})]
    site = play(*asks, gives_up=True, discipline="edf", preempt=True)
    assert site.gpu == [GIVEN_UP, 0]
    assert site.finish_ns == [320, 320]
    assert site.energy_pj == [5 * 200 + 2 * 100 * 500, LIGHT_PJ]
    assert site.reading.images == 1


def test_a_gpu_that_is_switched_off_gives_nobody_up(play):
    asks = [(0, 1, {}), (10, 1, {"due": 20})]
    orders = [(50, lambda s: s.limit(1, 0)), (700, lambda s: s.limit(1, 1))]
    site = play(*asks, orders=orders, gives_up=True)
    assert site.finish_ns[1] == 700


def test_hopeless_jobs_join_no_batch(play):
    """At the boundary at 210 the second job is past hope and the third joins in its place."""
    asks = [(0, 4, {}), (10, 2, {"due": 100}), (20, 2, {})]
    site = play(*asks, gives_up=True, batch_max=2)
    assert site.gpu == [0, GIVEN_UP, 0]
    assert site.finish_ns[1] == 105
    assert site.start_ns[2] == 105
