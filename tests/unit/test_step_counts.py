"""Step counts that differ from model to model: what policies ask for meets what is allowed."""

from dataclasses import replace

import numpy as np
import pytest

from cosim.decision import (
    DROP,
    HOLD,
    CallbackRule,
    Decision,
    PerJobRule,
    Placement,
    ScoreRule,
    SplitRule,
    project,
)
from cosim.decision.step_counts import allowed_mask, nearest_allowed
from cosim.prepare import stage
from cosim.run import run
from cosim.scenario.load import load_scenario
from cosim.study.loads import loads
from cosim.study.variants import changed, one_step_count
from policies.heuristics.common import step_column
from policies.heuristics.static import Random

OWN = ["models.small.steps=[2, 4, 8]", "steps=[10, 30]", "default_steps=30"]


@pytest.fixture
def few(world):
    """The base world in which the first service allows 6 and 14 only."""
    allowed = world.steps_open.copy()
    allowed[0] = np.isin(world.steps, (6, 14))
    return replace(world, steps_open=allowed)


@pytest.fixture(scope="module")
def staged(request):
    root = request.config.rootpath
    return stage(load_scenario(root / "tests/data/tiny.yaml", OWN).scenario)


def test_counts_move_to_the_nearest_that_their_service_allows(few):
    steps = np.array([[6, 6, 6], [30, 30, 31], [10, 10, 12]])
    moved = nearest_allowed(few, steps, np.arange(3))
    assert moved.tolist() == [[6, 6, 6], [14, 30, 30], [6, 10, 10]]
    held = nearest_allowed(few, np.array([30, 30, 31]), np.array([0, HOLD, DROP]))
    assert held.tolist() == [14, 30, 30]


def test_a_mask_is_closed_where_a_service_is_and_never_empty(few):
    wanted = np.zeros((3, len(few.steps)), dtype=bool)
    wanted[:, few.steps.index(30)] = True
    wanted[1, few.steps.index(10)] = True
    kept = allowed_mask(few, wanted)
    counts = [np.array(few.steps)[row].tolist() for row in kept]
    assert counts == [[14], [10, 30], [30]]


def test_projection_moves_and_counts(few, make_observation):
    observation = make_observation(few)
    rule = ScoreRule(
        np.zeros(3), np.zeros(3), np.ones((3, 3), dtype=bool), np.ones((3, 10), dtype=bool)
    )
    projection = project(Decision(rule), few, observation)
    assert projection.decision.dispatch.steps_allowed.tolist() == few.steps_open.tolist()
    assert projection.clips["dispatch.steps_allowed"].tolist() == [1, 0, 0]
    shares = few.staying
    steps = np.full((3, len(few.classes), 3), 30)
    projection = project(Decision(SplitRule(shares, steps)), few, observation)
    assert (projection.decision.dispatch.steps[:, :, 0] == 14).all()
    assert (projection.decision.dispatch.steps[:, :, 1:] == 30).all()
    per_job = PerJobRule(np.array([7, 8]), np.array([0, 1]), np.array([30, 30]), rule)
    projection = project(Decision(per_job), few, observation)
    assert projection.decision.dispatch.steps.tolist() == [14, 30]


def test_policies_without_a_choice_take_the_nearest(few):
    assert np.array(few.steps)[step_column(few, None, policy="x")].tolist() == [14, 30, 30]
    assert np.array(few.steps)[step_column(few, 10, policy="x")].tolist() == [6, 10, 10]


def test_dice_fall_on_allowed_counts_only_and_evenly(few):
    policy = Random()
    policy.reset(few, np.random.default_rng(1))
    drawn = policy.any_steps((200, 4, 3))
    values, counts = np.unique(drawn[..., 0], return_counts=True)
    assert values.tolist() == [6, 14]
    assert abs(counts[0] - 400) < 4 * np.sqrt(200)  # four standard deviations
    assert set(np.unique(drawn[..., 1])) == set(few.steps)


@pytest.mark.parametrize("policy", ["home", "random", "greedy-utility", "price-aware"])
def test_every_job_runs_a_count_of_its_model(staged, policy):
    info = staged.plan(1).info
    jobs = run(staged, policy=policy, seed=1).jobs
    for service in range(info.n_services):
        assert set(jobs.steps[jobs.service == service]) <= set(info.allowed_steps[service])


class Holding:
    """Holds whatever it can, in one kind of rule."""

    def __init__(self, kind):
        self.kind = kind

    def reset(self, world, rng):
        self.world = world

    def decide(self, observation):
        return Decision(dispatch=getattr(self, self.kind)(observation))

    def split(self, observation):
        world = self.world
        shares = np.zeros((world.n_sites, len(world.classes), world.n_services + 2))
        shares[:, :, world.n_services] = 1.0
        return SplitRule(shares, np.full((*shares.shape[:2], world.n_services), 30))

    def score(self, observation):
        world = self.world
        free, everywhere = np.zeros(world.n_services), np.ones((world.n_sites, world.n_services))
        floor = np.full(len(world.classes), 1e9)
        return ScoreRule(
            free, free, everywhere.astype(bool), world.steps_open, hold_below_usd=floor
        )

    def callback(self, observation):
        return CallbackRule(lambda job, queues: Placement(HOLD, 0))

    def per_job(self, observation):
        jobs = np.arange(400)
        held = np.full(400, HOLD)
        return PerJobRule(jobs, held, np.full(400, 30), self.split(observation))


@pytest.mark.parametrize("kind", ["split", "score", "callback", "per_job"])
@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_what_is_held_beyond_the_window_runs_a_count_of_its_model(staged, kind, engine):
    info = staged.plan(1).info
    result = run(staged, make=lambda: Holding(kind), seed=1, engine=engine)
    jobs = result.jobs
    assert jobs.ran.all()
    assert (jobs.decided_ns == result.ledger.slots * result.ledger.slot_ns).all()
    if kind != "score":
        assert (jobs.site == jobs.home).all()
    for service in range(info.n_services):
        assert set(jobs.steps[jobs.service == service]) <= set(info.allowed_steps[service])


def test_levers_and_loads_keep_to_the_lists(staged):
    only = changed(staged.scenario, one_step_count)
    assert only.models["small"].steps == (8,)
    assert only.models["large"].steps is None
    assert only.steps == (30,)
    steps = {(row.site, row.steps) for row in loads(staged, 1)}
    assert steps == {("north", 2), ("north", 4), ("north", 8), ("south", 30)}
