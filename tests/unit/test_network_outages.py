"""A site that is cut off: nothing leaves it, nothing reaches it, and images wait."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosim.decision import CallbackRule, Decision, PerJobRule, Placement, ScoreRule, SplitRule
from cosim.errors import ScenarioError
from cosim.physics.network_scalar import all_leave_ns, is_cut, leaves_ns
from cosim.quantities import NS_PER_HOUR
from cosim.run import run, staged
from cosim.scenario.load import load_scenario

TINY = Path(__file__).resolve().parents[1] / "data" / "tiny.yaml"
CUT = "network.outages=[{site: south, at_h: 0.4321, for_h: 0.5}]"
BASE = ["sites.south.models=[large]", "network.latency_ms=240000", "workload.scale=2"]
BEGIN_NS, END_NS = round(0.4321 * NS_PER_HOUR), round(0.9321 * NS_PER_HOUR)
CUTS = np.array([[0, 10, 20], [1, 15, 30], [0, 30, 40]], dtype=np.int64)


class Away:
    """Sends every job that may leave to the other site, by a rule of one kind."""

    def __init__(self, kind):
        self.kind = kind

    def reset(self, world, rng):
        self.world, self.seen, self.told_late = world, [], 0

    def learn(self, outcome):
        self.told_late += int(outcome.late.sum())

    def decide(self, observation):
        self.seen.append((observation.time_ns, observation.links_up.tolist()))
        return Decision(getattr(self, self.kind)())

    def split(self):
        world = self.world
        shares = world.staying.copy()
        for home, other in ((0, 1), (1, 0)):
            shares[home, world.transferable] = 0.0
            shares[home, world.transferable, other] = 1.0
        steps = np.full((world.n_sites, len(world.classes), world.n_services), 10)
        return SplitRule(shares, steps)

    def score(self):
        world = self.world
        far = world.service_site[None, :] != np.arange(world.n_sites)[:, None]
        steps = world.steps_open & (np.array(world.steps) == 10)
        free = np.zeros(world.n_services)
        return ScoreRule(free, free, far, steps, transfer_weight=0.0)

    def per_job(self):
        jobs = np.arange(4000)
        return PerJobRule(jobs[:0], jobs[:0], jobs[:0], self.split())

    def callback(self):
        return CallbackRule(self.place)

    def place(self, job, _):
        return Placement(1 - job.home if job.transferable else job.home, 10)


KINDS = ["split", "score", "per_job", "callback"]


def played(kind, engine="fast", changes=(CUT,)):
    made = Away(kind)
    loaded = load_scenario(TINY, [*BASE, *changes])
    return run(loaded, seed=1, make=lambda: made, engine=engine), made


def cut_in(instants_ns):
    return (instants_ns >= BEGIN_NS) & (instants_ns < END_NS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_nothing_is_sent_across_a_cut_by_any_rule(kind, engine):
    jobs = played(kind, engine)[0].jobs
    moved, during = jobs.site != jobs.home, cut_in(jobs.decided_ns)
    assert not (moved & during).any()
    assert (moved & ~during).sum() > 20
    stuck = during & jobs.transferable
    assert stuck.sum() > 5
    assert (jobs.service[stuck] >= 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_images_wait_for_the_end_of_the_cut(kind):
    result, _ = played(kind)
    jobs = result.jobs
    moved = jobs.ran & (jobs.site != jobs.home)
    waits = moved & cut_in(jobs.finish_ns)
    assert waits.any()
    trip_ns = (jobs.delivered_ns - jobs.finish_ns)[moved & ~cut_in(jobs.finish_ns)]
    assert (jobs.delivered_ns[waits] > END_NS).all()
    assert (jobs.delivered_ns[waits] <= END_NS + trip_ns.max()).all()
    assert jobs.late[waits & (jobs.deadline_ns < END_NS)].all()


@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_agree(kind):
    assert played(kind, "fast")[0].digest == played(kind, "reference")[0].digest


def test_what_settles_a_slot_is_what_the_job_table_says():
    result, made = played("split")
    jobs, window_ns = result.jobs, 1.5 * NS_PER_HOUR
    ended = jobs.ran & (jobs.finish_ns < window_ns)
    assert made.told_late == (jobs.late & ended).sum()
    assert (jobs.late & ended & (jobs.site != jobs.home) & cut_in(jobs.finish_ns)).any()


def test_policies_are_told_at_the_edges_of_slots():
    for now_ns, up in played("split")[1].seen:
        assert up == [True, not BEGIN_NS <= now_ns < END_NS]


def test_a_split_is_dealt_out_among_what_is_left_and_owes_nothing_later():
    loaded = load_scenario(TINY, ["sites.south.models=[large]", CUT])

    class Half(Away):
        def split(self):
            shares = self.world.staying.copy()
            shares[:, self.world.transferable, :2] = 0.5
            return SplitRule(shares, super().split().steps)

    jobs = run(loaded, seed=1, make=lambda: Half("split")).jobs
    after = jobs.transferable & (jobs.decided_ns >= END_NS)
    moved = jobs.site != jobs.home
    assert moved[after].mean() == pytest.approx(0.5, abs=0.15)


def test_without_outages_nothing_changes():
    plain = run(load_scenario(TINY), seed=1).digest
    assert run(load_scenario(TINY, ["network.outages=[]"]), seed=1).digest == plain


def test_learners_see_the_link_where_there_may_be_cuts():
    from cosim.gym import Codec

    seen = []
    for changes in ([], [CUT]):
        info = staged(load_scenario(TINY, changes)).plan(1).info
        seen.append("link" in str(Codec(info).observation_table()))
    assert seen == [False, True]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("network.outages=[{site: sout, at_h: 0, for_h: 1}]", "did you mean `south`"),
        ("network.outages=[{site: south, at_h: 9, for_h: 1}]", "the window is 0 to 1.5 h"),
        ("network.outages=[{site: south, for_h: 1}]", "either `at_h:` or `at:`"),
        ("sites.north.battery.outages=[{at_h: 9, for_h: 1}]", "the window is 0 to 1.5 h"),
    ],
)
def test_mistakes_are_located(change, told):
    with pytest.raises(ScenarioError, match=told):
        load_scenario(TINY, [change])


def test_overlapping_outages_of_a_site_are_one():
    spans = "[{site: south, at_h: 0.5, for_h: 0.2}, {site: south, at_h: 0.1, for_h: 0.4}]"
    plan = staged(load_scenario(TINY, [f"network.outages={spans}"])).plan(1)
    hours = plan.cuts[:, 1:] / NS_PER_HOUR
    np.testing.assert_allclose(hours, [[0.1, 0.7]])


@pytest.mark.parametrize(
    ("site", "now_ns", "cut"), [(0, 9, False), (0, 10, True), (0, 19, True), (0, 20, False)]
)
def test_a_cut_holds_from_its_begin_until_before_its_end(site, now_ns, cut):
    assert bool(is_cut(CUTS, site, now_ns)) == cut


@pytest.mark.parametrize(
    ("ready_ns", "left_ns"), [(5, 5), (10, 40), (14, 40), (20, 40), (29, 40), (40, 40)]
)
def test_data_wait_for_both_ends(ready_ns, left_ns):
    assert leaves_ns(CUTS, 0, 1, ready_ns) == left_ns
    many = all_leave_ns(CUTS, np.array([0]), np.array([1]), np.array([ready_ns]))
    assert many.tolist() == [left_ns]
