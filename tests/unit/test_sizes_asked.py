"""Users who ask for a size of image: how it is drawn, who may serve it, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cosim.decision import CallbackRule, Decision, Placement, ScoreRule, SplitRule
from cosim.errors import PolicyError, ScenarioError, TraceError
from cosim.gym.actions import Action
from cosim.gym.groups import groups_of
from cosim.hindsight.crowd import jobs_of
from cosim.hindsight.machines import plant_of
from cosim.quantities import NS_PER_DAY
from cosim.run import run, staged
from cosim.scenario.load import load_scenario
from cosim.study.loads import loads
from cosim.traces.jobs import class_of, classes, nearest_size_px
from cosim.traces.marks import Choice, Marks
from cosim.traces.replay import read_jobs_csv
from cosim.world.dispatch import Dispatcher
from cosim.world.scorer import open_services

SIZES = Choice((512, 1024), (0.7, 0.3))
SIZED = Marks(sizes=SIZES, mb_of_size={512: 0.4})
SHORT = ["clock={start: 2019-04-22T11:00:00Z, days: 0.0625}", "scale=0.05"]


@pytest.fixture(scope="module")
def path(repository_root):
    return repository_root / "scenarios/what-if/image-sizes.yaml"


@pytest.fixture(scope="module")
def stage(path):
    return staged(load_scenario(path, SHORT))


# jobs --------------------------------------------------------------------------------------


def test_asking_for_a_size_changes_no_other_mark():
    plain, sized = (marks.draw(3, "paris", 1000) for marks in (Marks(), SIZED))
    for name in ("images", "steps_asked", "model_asked", "transferable", "delay_ns"):
        assert np.array_equal(getattr(plain, name), getattr(sized, name))
    assert not plain.px.any()
    assert np.mean(sized.px == 512) == pytest.approx(0.7, abs=0.05)
    assert np.array_equal(SIZED.draw(3, "paris", 400).px, sized.px[:400])


def test_the_size_is_the_fastest_part_of_a_class():
    edges = (0.0, 60.0, np.inf), (1, 2, 9)
    plain, sized = classes(*edges), classes(*edges, sizes_px=(512, 1024))
    assert [each.px for each in sized] == [512, 1024] * len(plain)
    assert [replace(each, px=0, name="") for each in sized[::2]] == [
        replace(each, name="") for each in plain
    ]
    assert sized[1].name == plain[0].name + ", 1024 px"
    delay_s, moves, images = np.array([10.0, 99.0]), np.array([True, False]), np.array([1, 4])
    asked = {"px": np.array([1024, 512]), "sizes_px": (512, 1024)}
    found = [sized[k] for k in class_of(delay_s, moves, images, *edges, **asked)]
    assert [(c.delay_lo_s, c.transferable, c.images_hi, c.px) for c in found] == [
        (0.0, True, 1, 1024),
        (60.0, False, 8, 512),
    ]


def test_a_size_that_is_not_made_counts_as_the_nearest_by_ratio():
    asked = np.array([1, 512, 724, 725, 1024, 1200, 9000], dtype=np.int32)
    nearest = nearest_size_px(asked, (512, 1024, 1536))
    assert nearest.tolist() == [512, 512, 512, 1024, 1024, 1024, 1536]
    assert nearest_size_px(asked, (0,)).tolist() == [0] * 7


def replayed(folder, text, marks=SIZED):
    file = folder / "requests.csv"
    file.write_text(text, encoding="utf-8")
    return read_jobs_csv(
        file,
        name="requests.csv",
        sites=("paris",),
        models=None,
        marks=marks,
        start_utc_ns=0,
        duration_ns=NS_PER_DAY,
        seed=1,
        delay_edges_s=(0.0, np.inf),
        image_edges=(1, 2),
    )


def test_a_recorded_size_overrules_the_drawn_one(tmp_path):
    rows = "".join(f"{k},{px}\n" for k, px in enumerate(["1024", "600", "", "512"] * 50))
    jobs = replayed(tmp_path, "t_s,px\n" + rows)
    large = jobs.class_id % 2 == 1
    assert large.reshape(50, 4)[:, [0, 1, 3]].all(axis=0).tolist() == [True, False, False]
    assert 0 < large.reshape(50, 4)[:, 2].sum() < 50
    assert np.array_equal(jobs.output_mb, jobs.images * np.where(large, 1.5, 0.4))


def test_a_size_is_read_only_where_somebody_asks(tmp_path):
    text = "t_s,px\n1,large\n2,512\n"
    with pytest.raises(TraceError, match="line 2: `px`: `large` is not a whole number"):
        replayed(tmp_path, text)
    assert len(replayed(tmp_path, text, Marks())) == 2


# scenarios ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            "sites.potsdam.models=[sd15]",
            "workload.sizes.1024  no model at site `potsdam` makes 1024 px; it has sd15 (512 px); "
            "ask for 512 px or give the site an adapter of `sd15` with px: 1024 and load_s: 0",
        ),
        ("models.sdxl.px=null", "models.sdxl  jobs ask for sizes (`workload.sizes`)"),
        ("workload.sizes.2048=0.1", "workload.sizes.2048  no model at site `brussels`"),
        ("workload.sizes={512: 0, 1024: 0}", "workload.sizes  needs at least one positive"),
    ],
)
def test_what_cannot_be_served_at_home_is_told_at_its_place(path, override, words):
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, [override])
    assert words in str(caught.value)


def test_a_size_without_weight_needs_no_model(path):
    asked = ["workload.sizes={512: 1, 1024: 0}", "sites.potsdam.models=[sd15]"]
    info = staged(load_scenario(path, [*SHORT, *asked])).plan(1).info
    assert info.sizes == (512,)


# the world ---------------------------------------------------------------------------------


class Once:
    """Gives one rule in every slot."""

    def __init__(self, rule):
        self.rule = rule

    def reset(self, world, rng):
        self.decision = Decision(self.rule(world))

    def decide(self, seen):
        return self.decision


def test_what_a_class_may_use_and_where_it_stays(stage):
    info = stage.plan(1).info
    assert info.sizes == (512, 1024)
    made = info.service_px[info.stay_service]
    assert np.array_equal(made, np.broadcast_to(info.class_px, made.shape))
    for kind, each in enumerate(info.classes):
        reach = info.reachable[:, kind]
        assert np.array_equal(reach.any(axis=0), info.service_px == each.px)
        assert (reach.sum(axis=1) == (3 if each.transferable else 1)).all()
    assert (info.staying.sum(axis=2) == 1.0).all()
    assert not info.staying[:, :, :-2][~info.reachable].any()


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_jobs_run_in_the_size_that_they_ask_for(stage, engine):
    """However the shares and prices of a policy that knows nothing of sizes are."""

    def split(world):
        shape = (world.n_sites, len(world.classes), world.n_services)
        shares = np.full((*shape[:2], shape[2] + 2), 1.0)
        return SplitRule(shares, np.full(shape, world.default_steps))

    def one_service(world):
        allowed = np.zeros((world.n_sites, world.n_services), dtype=np.bool_)
        allowed[:, 0] = True  # makes 512 px
        free = np.zeros(world.n_services)
        return ScoreRule(free, free, allowed, world.steps_open)

    for rule in (split, one_service):
        result = run(stage, seed=2, make=lambda rule=rule: Once(rule), engine=engine)
        jobs, made = result.jobs, stage.plan(2).info.service_px
        assert np.array_equal(made[jobs.service[jobs.ran]], jobs.px_asked[jobs.ran])
        assert set(np.unique(jobs.px_asked).tolist()) == {512, 1024}
        assert jobs.ran.all() == (rule is one_service)


def test_services_open_to_a_size(stage):
    """Who finds none of its size open runs at home; where nothing is open, movers are refused."""
    plan = stage.plan(1)
    services = plan.info.n_services
    allowed = np.zeros((3, services), dtype=np.bool_)
    allowed[:2, 0] = True
    free = np.zeros(services)
    doors = open_services(ScoreRule(free, free, allowed, plan.info.steps_open), plan)
    assert plan.info.service_px.tolist() == [512, 1024, 1024, 512, 1024, 512]
    assert doors == [
        [[0], [0], [1], [1]],
        [[3], [0], [2], [2]],
        [[5], [], [4], []],
    ]


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_another_size_breaks_the_contract(stage, engine):
    info = stage.plan(2).info
    wrong = {512: 1, 1024: 0}

    def place(job, queues):
        return Placement(wrong[int(info.class_px[job.class_id])], 30)

    with pytest.raises(PolicyError, match=r"asks for \d+ px, but service \d makes \d+ px|home"):
        run(stage, seed=2, make=lambda: Once(lambda world: CallbackRule(place)), engine=engine)


def test_the_error_names_both_sizes(stage):
    plan = stage.plan(2)
    job = int(np.flatnonzero(plan.jobs.transferable)[0])
    px = int(plan.info.class_px[plan.jobs.class_id[job]])
    service = int(np.flatnonzero(plan.info.service_px != px)[0])
    made = int(plan.info.service_px[service])
    words = f"job {job} asks for {px} px, but service {service} makes {made} px"
    with pytest.raises(PolicyError, match=words):
        Dispatcher(plan, [], [0, 0, 0], "p").checked(job, Placement(service, 30))


# those who plan ----------------------------------------------------------------------------


def test_a_learner_has_no_share_for_what_a_size_cannot_use(stage):
    info = stage.plan(1).info
    groups = groups_of(info, "compact")
    assert sum(name.endswith("-512px") for name in groups.names) == len(groups) // 2
    layout = Action(info, groups, "split", clock=False, battery=False, room=False, refuse=False)
    places = [c.place for c in layout.coordinates]
    assert any("-512px → paris/sdxl-512" in place for place in places)
    assert not any(place.endswith("-512px → paris/sdxl") for place in places)
    for group, first in enumerate(groups.first_class.tolist()):
        closed = layout.open_at[:, group, : info.n_services] == -1
        assert np.array_equal(closed, ~info.reachable[:, first])


def test_hindsight_keeps_sizes_apart(stage):
    plan = stage.plan(1)
    groups, arriving, _ = jobs_of(plan, plant_of(plan))
    large = (groups.serves == plan.info.size_served[1]).all(axis=1)
    asked = plan.info.class_px[plan.jobs.class_id] == 1024
    assert arriving[large].sum() == plan.jobs.images[asked].sum()
    assert arriving[~large].sum() == plan.jobs.images[~asked].sum()


def test_the_load_of_a_site_counts_each_size_at_its_own_service(stage):
    plan = stage.plan(1)
    info, jobs = plan.info, plan.jobs
    found = next(each for each in loads(stage, 1) if (each.site, each.steps) == ("potsdam", 30))
    home = jobs.home == 0
    service = info.stay_service[0, jobs.class_id[home]]
    each_s = [plan.services[s].job_ns(-1, 30, 1) / 1e9 for s in service]
    busy_s = float((jobs.images[home] * each_s).sum())
    assert found.mean == pytest.approx(busy_s / (info.gpus[0] * plan.window_ns / 1e9))
