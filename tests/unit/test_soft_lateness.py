"""What late images still earn, from the scenario to the ledger and to what rules weigh."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosim.decision import Decision, ScoreRule
from cosim.errors import ScenarioError
from cosim.physics.service import Lateness, settled_usd
from cosim.prepare.facts import lateness
from cosim.run import run, staged
from cosim.scenario import model as spec
from cosim.scenario.load import load_scenario
from cosim.world.kernel_view import DROP

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
BUSY = ["workload.arrivals.jobs_per_day=30000"]
LINEAR = "{kind: linear, grace_s: 20, scale_s: 200, share: 0.9}"
DECAYING = "{kind: exponential, scale_s: 60, cutoff_s: 400, penalty: late}"
SOFT = [*BUSY, f"models.small.lateness={LINEAR}", f"models.large.lateness={DECAYING}"]


class Listener:
    """Weighs all services, refuses what is worth less than nothing, adds up what it is told."""

    def reset(self, world, rng):
        self.world, self.revenue_usd, self.penalty_usd = world, 0.0, 0.0

    def decide(self, observation):
        world = self.world
        rule = ScoreRule(
            gpu_usd_s=np.zeros(world.n_services),
            energy_usd_kwh=np.zeros(world.n_services),
            allowed=np.ones((world.n_sites, world.n_services), dtype=bool),
            steps_allowed=world.steps_open,
            drop_below_usd=np.zeros(len(world.classes)),
        )
        return Decision(dispatch=rule)

    def learn(self, outcome):
        self.revenue_usd += outcome.revenue_usd.sum()
        self.penalty_usd += outcome.late_penalty_usd.sum()


def play(overrides, engine="fast"):
    listener = Listener()
    stage = staged(load_scenario(TINY, overrides))
    return run(stage, seed=4, make=lambda: listener, engine=engine), listener, stage.plan(4).info


@pytest.fixture(scope="module")
def soft():
    return play(SOFT)


def test_each_job_is_paid_by_the_bargain_of_its_service(soft):
    result, _, info = soft
    jobs, part_paid = result.jobs, 0
    for job in np.flatnonzero(jobs.ran).tolist():
        service, column = jobs.service[job], info.steps.index(jobs.steps[job])
        late_ns = int(jobs.delivered_ns[job] - jobs.deadline_ns[job])
        price = info.revenue_usd[service, column]
        each = settled_usd(info.lateness[service], late_ns, price, info.late_penalty_usd[service])
        earned, due = (int(jobs.images[job]) * usd for usd in each)
        assert jobs.revenue_usd[job] == pytest.approx(earned, rel=1e-12)
        assert jobs.penalty_usd[job] == pytest.approx(due, rel=1e-12)
        part_paid += bool(jobs.late[job]) and earned > 0
    assert part_paid > 10
    refused = jobs.service == DROP
    assert refused.any()
    assert np.all(jobs.revenue_usd[refused] == 0.0)


def test_what_learners_are_told_is_what_the_ledger_settles(soft):
    result, listener, info = soft
    jobs, window_ns = result.jobs, info.slots * info.slot_ns
    told = jobs.ran & (jobs.finish_ns <= window_ns)
    assert told.sum() > 100
    assert listener.revenue_usd == pytest.approx(jobs.revenue_usd[told].sum(), rel=1e-12)
    assert listener.penalty_usd == pytest.approx(jobs.penalty_usd[told].sum(), rel=1e-12)


def test_engines_settle_soft_deadlines_alike(soft):
    assert play(SOFT, "reference")[0].digest == soft[0].digest


def test_a_rule_prefers_late_but_paid_to_refused(soft):
    hard = play(BUSY)[0]
    late = {name: result.jobs.late & result.jobs.ran for name, result in
            (("hard", hard), ("soft", soft[0]))}  # fmt: skip
    assert hard.kpis["dropped_share"] > soft[0].kpis["dropped_share"] + 0.05
    assert late["soft"].mean() > late["hard"].mean() + 0.05
    paid = soft[0].jobs.revenue_usd[late["soft"]] > 0.0
    assert paid.mean() > 0.5
    assert not hard.jobs.revenue_usd[late["hard"]].any()


@pytest.mark.parametrize(
    ("written", "record"),
    [
        (spec.HardLateness(), Lateness()),
        (
            spec.StepLateness(kind="step", grace_s=30, share=0.5),
            Lateness("step", grace_s=30, cutoff_s=30, step_share=0.5),
        ),
        (
            spec.LinearLateness(kind="linear", scale_s=90, grace_s=10, penalty="late"),
            Lateness("linear", grace_s=10, scale_s=90, cutoff_s=100, penalty="late"),
        ),
        (
            spec.ExponentialLateness(kind="exponential", scale_s=90, share=0.8),
            Lateness("exponential", scale_s=90, step_share=0.8),
        ),
    ],
)
def test_what_is_written_becomes_the_record_of_physics(written, record):
    assert lateness(written) == record


def test_a_bargain_that_ends_before_its_grace_is_told_at_its_place(tmp_path):
    wrong = "{kind: exponential, scale_s: 5, grace_s: 9, cutoff_s: 4}"
    text = TINY.read_text().replace("  small: {", f"  small: {{lateness: {wrong}, ")
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    (problem,) = caught.value.problems
    assert problem.path == "models.small.lateness"
    assert problem.line == 1 + text[: text.index("lateness")].count("\n")
    assert "cutoff_s 4 is before the end of the grace, 9 s" in problem.message
