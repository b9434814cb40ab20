"""Failures and outages: from the scenario's words to the list that a world walks."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.errors import ScenarioError
from cosim.prepare.faults import draw_faults
from cosim.prepare.stage import window_of
from cosim.quantities import NS_PER_HOUR
from cosim.run import run
from cosim.scenario.load import load_scenario
from cosim.world.plan import Fault

HALF_H = NS_PER_HOUR // 2


@pytest.fixture
def load(tiny):
    return lambda *overrides: load_scenario(tiny, overrides).scenario


@pytest.fixture
def rows(load):
    """Faults of a seed as (hours, site, GPU, up)."""

    def drawn(*overrides, seed=1):
        scenario = load(*overrides)
        gpus = [round(s.gpus.count * scenario.scale) for s in scenario.sites.values()]
        return draw_faults(scenario, gpus, window_of(scenario), seed)

    return drawn


def names(scenario):
    return list(scenario.sites)


def test_nothing_fails_by_default(rows):
    assert rows() == ()


def test_an_outage_takes_the_lowest_gpus_for_its_time(rows, load):
    name = names(load())[1]
    found = rows(f"faults=[{{site: {name}, gpus: 2, at_h: 0.5, for_h: 1}}]")
    assert found == (
        Fault(HALF_H, 1, 0, False),
        Fault(HALF_H, 1, 1, False),
        Fault(3 * HALF_H, 1, 0, True),
        Fault(3 * HALF_H, 1, 1, True),
    )


def test_an_instant_means_the_same_as_hours_from_the_start(rows, load):
    scenario = load()
    start, name = scenario.clock.start, names(scenario)[0]
    at = start.replace(minute=30).isoformat().replace("+00:00", "Z")
    hours = (start.replace(minute=30) - start).total_seconds() / 3600
    by_instant = rows(f'faults=[{{site: {name}, at: "{at}", for_h: 0.1}}]')
    assert by_instant == rows(f"faults=[{{site: {name}, at_h: {hours}, for_h: 0.1}}]")
    assert by_instant[0].at_ns == round(hours * NS_PER_HOUR)


def test_the_number_of_gpus_is_meant_at_scale_1(rows, load):
    name = names(load())[0]
    outage = f"faults=[{{site: {name}, gpus: 2, at_h: 0, for_h: 0.1}}]"
    assert len({row.gpu for row in rows(outage, "scale=3")}) == 6


def test_overlapping_and_touching_outages_are_one(rows, load):
    name = names(load())[0]
    spans = ((0, 0.5), (0.25, 0.5), (0.75, 0.25))
    outages = ", ".join(f"{{site: {name}, gpus: 1, at_h: {a}, for_h: {b}}}" for a, b in spans)
    found = rows(f"faults=[{outages}]")
    assert found == (Fault(0, 0, 0, False), Fault(NS_PER_HOUR, 0, 0, True))


def test_at_one_instant_a_site_is_repaired_before_it_fails(rows, load):
    name = names(load())[0]
    found = rows(
        f"faults=[{{site: {name}, gpus: 1, at_h: 0, for_h: 0.5}}, "
        f"{{site: {name}, gpus: 2, at_h: 0.5, for_h: 0.5}}]"
    )
    assert [row[2:] for row in found] == [(0, False), (1, False), (0, True), (1, True)]
    other = names(load())[1]
    found = rows(
        f"faults=[{{site: {name}, gpus: 1, at_h: 0.5, for_h: 0.5}}, "
        f"{{site: {other}, gpus: 1, at_h: 0, for_h: 0.5}}]"
    )
    assert [row.site for row in found] == [1, 0, 1, 0]


def test_times_between_failures_have_the_means_that_were_asked_for(rows, load):
    name = names(load())[0]
    found = rows(
        f"sites.{name}.gpus.failures={{mtbf_h: 2, mttr_h: 0.5}}",
        f"sites.{name}.gpus.count=40",
        "clock.days=30",
    )
    work, repair = [], []
    for gpu in range(40):
        at_h = np.array([0, *(row.at_ns for row in found if row.gpu == gpu)]) / NS_PER_HOUR
        spans = np.diff(at_h)
        work, repair = [*work, *spans[::2]], [*repair, *spans[1::2]]
    for sample, mean in ((work, 2.0), (repair, 0.5)):
        assert len(sample) > 9000
        assert np.mean(sample) == pytest.approx(mean, rel=4 / np.sqrt(len(sample)))
        assert np.std(sample) == pytest.approx(mean, rel=0.05)  # as of an exponential


def test_seeds_draw_other_failures(rows, load):
    failures = f"sites.{names(load())[0]}.gpus.failures={{mtbf_h: 0.2, mttr_h: 0.1}}"
    assert rows(failures, seed=1) == rows(failures, seed=1) != rows(failures, seed=2)


def test_the_drain_waits_for_the_repair(load):
    """All GPUs of a site go down: what it holds ends after they are back."""
    scenario = load()
    name = names(scenario)[0]
    hours = 24 * scenario.clock.days
    outage = f"faults=[{{site: {name}, at_h: {hours - 0.25}, for_h: 3}}]"
    jobs = run(load(outage), policy="home", seed=1).jobs
    assert jobs.ran.all()
    begun = jobs.start_ns[jobs.site == 0]
    assert (
        (begun >= (hours + 2.75) * NS_PER_HOUR) | (begun <= (hours - 0.25) * NS_PER_HOUR)
    ).all()
    assert (begun >= (hours + 2.75) * NS_PER_HOUR).any()


@pytest.mark.parametrize(
    ("override", "path", "words"),
    [
        ("faults=[{site: nowhere, at_h: 0, for_h: 1}]", "faults.0.site", "no site `nowhere`"),
        ("faults=[{site: SITE, gpus: 99, at_h: 0, for_h: 1}]", "faults.0.gpus", "or write `all`"),
        ("faults=[{site: SITE, at_h: 99, for_h: 1}]", "faults.0.at_h", "99 h after the start"),
        ('faults=[{site: SITE, at: "2031-01-01T00:00:00Z", for_h: 1}]', "faults.0.at", "window"),
        ('faults=[{site: SITE, at: "2019-04-22T00:00:00", for_h: 1}]', "faults.0.at", "time zone"),
        ("faults=[{site: SITE, for_h: 1}]", "faults.0", "either `at_h:` or `at:`"),
        ("faults=[{site: SITE, at_h: 0, for_h: 0}]", "faults.0.for_h", "above 0"),
        ("sites.SITE.gpus.failures={mtbf_h: 0, mttr_h: 1}", "mtbf_h", "0.01"),
        ("sites.SITE.gpus.preempt=true", "sites.SITE.gpus", "choose `discipline: edf`"),
        ("workload.priority=[1, 2, 3, 4, 5, 6, 7]", "workload.priority", "7 numbers for"),
    ],
)
def test_mistakes_are_told_at_their_place(load, override, path, words):
    name = names(load())[0]
    with pytest.raises(ScenarioError) as caught:
        load(override.replace("SITE", name))
    (problem,) = caught.value.problems
    assert path.replace("SITE", name) in problem.path
    assert words in problem.message


def test_classes_carry_the_priority_of_their_delay(load):
    from cosim.prepare.demand import job_classes

    classes = job_classes(load("workload.priority=[5, 2]", "workload.delay_bins=3"))
    by_delay = {kind.delay_lo_s: kind.priority for kind in classes}
    assert [by_delay[lo] for lo in sorted(by_delay)] == [5, 2, 2]
