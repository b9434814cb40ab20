"""Do ``-o`` flags set what they name, by the same rules as the file?"""

import pytest

from cosim.errors import ScenarioError
from cosim.scenario.load import load_scenario


def test_values_are_read_as_yaml(tiny):
    flags = ["seeds=[3, 4]", "clock.days=0.125", "about=NO", "workload.images={1: 1}"]
    scenario = load_scenario(tiny, flags).scenario
    assert scenario.seeds == (3, 4)
    assert scenario.about == "NO"
    assert scenario.workload.images == {1: 1.0}


def test_the_last_flag_wins(tiny):
    assert load_scenario(tiny, ["scale=2", "scale=3"]).scenario.scale == 3


def test_missing_mappings_are_created(tiny):
    scenario = load_scenario(tiny, ["network.latency_ms=5", "money.late_penalty=2"]).scenario
    assert scenario.network.latency_ms == 5
    assert scenario.network.bandwidth_mbit_s == 1000


def test_an_index_names_a_list_item(tiny):
    scenario = load_scenario(tiny, ["policy.compare.0=round-robin"]).scenario
    assert [spec.use for spec in scenario.policy.compare] == ["round-robin", "greedy-utility"]


def test_an_override_reaches_one_site_and_not_those_that_extend_it(tiny):
    sites = load_scenario(tiny, ["sites.north.gpus.count=9"]).scenario.sites
    assert (sites["north"].gpus.count, sites["south"].gpus.count) == (9, 2)


def test_null_removes(tiny):
    assert (
        load_scenario(tiny, ["sites.north.battery=null"]).scenario.sites["north"].battery is None
    )


def test_another_kind_keeps_what_it_knows(tiny):
    battery = (
        load_scenario(tiny, ["sites.north.battery.kind=ideal"]).scenario.sites["north"].battery
    )
    assert (battery.kind, battery.capacity_kwh) == ("ideal", 2)


def test_names_may_hold_dots(tiny, tmp_path):
    path = tmp_path / "dots.yaml"
    path.write_text(tiny.read_text().replace("small", "sd1.5"))
    loaded = load_scenario(path, ["models.sd1.5.value_usd=7"])
    assert loaded.scenario.models["sd1.5"].value_usd == 7


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("seeds", "must be key.path=value"),
        ("=3", "must be key.path=value"),
        ("a..b=3", "must be key.path=value"),
        ("seeds=[1", "is not valid YAML"),
        ("seeds={a: 1, a: 2}", "is written twice"),
        ("policy.compare.7=home", "no item `7` in a list of 2"),
        ("policy.compare.x=home", "no item `x`"),
        ("name.first=3", "set it whole"),
        ("scale=-3", "must be above 0"),
        ("sites.south.batery.capacity_kwh=3", "did you mean `battery`?"),
    ],
)
def test_mistakes_point_at_the_flag(tiny, flag, words):
    with pytest.raises(ScenarioError) as caught:
        load_scenario(tiny, [flag])
    (problem,) = caught.value.problems
    assert problem.file == f"-o {flag}"
    assert words in problem.message


def test_the_file_itself_is_left_alone(tiny):
    before = tiny.read_text()
    assert load_scenario(tiny, ["scale=2"]).text == before == tiny.read_text()
