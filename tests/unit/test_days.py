"""Days to train and to test on: read, refused with their place, and played at their dates."""

from dataclasses import replace
from datetime import date

import pytest

from cosim.errors import ScenarioError, UsageError
from cosim.gym.days import prepare_days
from cosim.scenario.days import begun, dates_in, dates_of, day_of, seed_on
from cosim.scenario.load import load_scenario
from cosim.study.curriculum import Plan, chosen_days, training_dates
from cosim.study.dated import chosen_dates, in_order, seeds_on

TEST = "test_days=[2019-05-01, 2019-05-06..2019-05-08]"
TRAIN = "train_days=[2019-04-01..2019-04-06]"


def days(*numbers, month=5):
    return tuple(date(2019, month, number) for number in numbers)


def test_a_range_is_cut_into_windows_that_follow_each_other():
    assert dates_in("2019-05-01") == days(1)
    assert dates_in("2019-05-01..2019-05-03") == days(1, 2, 3)
    assert dates_in("2019-05-01..2019-05-07", 2.0) == days(1, 3, 5)
    assert dates_in("2019-05-01..2019-05-08", 1.5) == days(1, 3, 5, 7)
    assert dates_in("2019-05-01..2019-05-06", 7.0) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2019-5-1", "`2019-5-1` is no date; write 2019-04-22"),
        ("20190501", "is no date"),
        ("2019-02-30", "is no date"),
        ("2019-05-03..2019-05-01", r"runs backwards; write 2019-05-01\.\.2019-05-03"),
        ("2019-05-01..", "`` is no date"),
        ("2019-01-01..2099-01-01", "more than 2000 dates"),
    ],
)
def test_what_is_no_date_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        dates_in(text)


def test_days_of_a_scenario_come_in_order(tiny):
    scenario = load_scenario(tiny, [TRAIN, TEST]).scenario
    assert dates_of(scenario, "test_days") == days(1, 6, 7, 8)
    assert dates_of(scenario, "train_days") == days(*range(1, 7), month=4)
    assert dates_of(load_scenario(tiny).scenario, "test_days") == ()
    moved = begun(scenario, date(2019, 5, 6)).clock.start
    assert moved.isoformat() == "2019-05-06T08:00:00+00:00"


def problems(tiny, *overrides):
    with pytest.raises(ScenarioError) as refused:
        load_scenario(tiny, overrides)
    return {(problem.path, problem.message) for problem in refused.value.problems}


def test_overlaps_and_short_ranges_are_told_at_their_place(tiny):
    found = problems(tiny, TRAIN, "test_days=[2019-05-01, 2019-04-06]")
    ((path, said),) = found
    assert path == "test_days.1"
    assert "windows of 0.0625 days overlap" in said
    assert "`train_days.0` begun at 2019-04-06" in said
    ((path, said),) = problems(
        tiny, "clock.days=2", "test_days=[2019-05-01, 2019-05-05, 2019-05-06, 2019-05-08]"
    )
    assert path == "test_days.2"
    ((path, said),) = problems(tiny, "clock.days=3", "test_days=[2019-05-01..2019-05-02]")
    assert (path, said.split(" is ")[1]) == ("test_days.0", "shorter than a window of 3 days")
    ((path, said),) = problems(tiny, "test_days=[]")
    assert (path, said) == ("test_days", "is empty; leave it out, or name dates")


def test_a_wrong_date_is_told_at_its_place(tiny):
    ((path, said),) = problems(tiny, "test_days=[2019-05-01, 1.5.2019]")
    assert path == "test_days.1"
    assert "`1.5.2019` is no date" in said


def test_dates_that_a_trace_lacks_are_told_once_for_each_item(tiny):
    price = "sites.north.grid.price=price/dayahead_de_fr_nl_be_2019:price_de_eur_mwh"
    found = problems(tiny, price, "test_days=[2019-05-01, 2031-01-01..2031-02-01, 2032-01-01]")
    assert {path for path, _ in found} == {"test_days.1", "test_days.2"}
    (said,) = [said for path, said in found if path == "test_days.1"]
    assert said.startswith("2031-01-01: `price/dayahead_de_fr_nl_be_2019` covers 2019")
    assert "name another date" in said


def test_what_happens_at_an_instant_cannot_happen_on_days_that_begin_elsewhere(tiny):
    outage = "faults=[{site: north, at: 2019-04-22T08:30:00Z, for_h: 0.1, gpus: all}]"
    assert load_scenario(tiny, [outage]).scenario.faults
    ((path, said),) = problems(tiny, outage, TEST)
    assert path == "faults.0.at"
    assert "write at_h: 0.5 instead" in said


def test_every_day_has_seeds_of_its_own_that_tell_their_date():
    assert seed_on(3, date(2019, 4, 22)) == 320190422
    assert day_of(320190422) == date(2019, 4, 22)
    found = seeds_on((1, 2), days(1, 6))
    assert found == (120190501, 220190501, 120190506, 220190506)
    assert in_order(found[::-1], dated=True) == found
    assert seeds_on((7,), ()) == (7,)
    with pytest.raises(UsageError, match="seed 10000 is too large"):
        seeds_on((10_000,), days(1))


def test_test_days_are_judged_on_unless_something_else_is_asked(tiny):
    both = load_scenario(tiny, [TRAIN, TEST]).scenario
    assert chosen_dates(both, None) == chosen_dates(both, "test") == days(1, 6, 7, 8)
    assert chosen_dates(both, "train") == days(*range(1, 7), month=4)
    assert chosen_dates(both, "window") == ()
    neither = load_scenario(tiny).scenario
    assert chosen_dates(neither, None) == ()
    with pytest.raises(UsageError, match="`tiny` has no `train_days`"):
        chosen_dates(neither, "train")
    with pytest.raises(UsageError, match="days `tset` are unknown"):
        chosen_dates(neither, "tset")


def test_training_plays_train_days_only_and_holds_some_of_them_out(tiny):
    loaded = load_scenario(tiny, [TRAIN, TEST])
    train, held_out = chosen_days(loaded, Plan(1, hold_out=3))
    assert {day.date for day in train} == set(days(1, 2, 4, 5, month=4))
    assert {day.date for day in held_out} == set(days(3, 6, month=4))
    assert training_dates(loaded, Plan(1, dates=2)) == days(1, 2, month=4)
    with pytest.raises(UsageError, match="7 days are asked for; `train_days` has 6"):
        training_dates(loaded, Plan(1, dates=7))


def test_training_without_train_days_keeps_off_test_days(tiny):
    plain = load_scenario(tiny)
    assert training_dates(plain, Plan(1)) == days(*range(22, 30), month=4)
    kept = load_scenario(tiny, ["test_days=[2019-04-25]"])
    with pytest.raises(UsageError, match="2019-04-25 is among the scenario's `test_days`"):
        training_dates(kept, Plan(1))
    assert training_dates(kept, Plan(1, dates=3)) == days(22, 23, 24, month=4)
    long = replace(plain, scenario=load_scenario(tiny, ["clock.days=2"]).scenario)
    assert training_dates(long, Plan(1, dates=3)) == days(22, 24, 26, month=4)


def test_an_environment_plays_train_days_by_default(tiny):
    loaded = load_scenario(tiny, [TRAIN, TEST])
    assert [day.date for day in prepare_days(loaded)] == list(days(*range(1, 7), month=4))
    assert [day.date for day in prepare_days(load_scenario(tiny))] == [date(2019, 4, 22)]
