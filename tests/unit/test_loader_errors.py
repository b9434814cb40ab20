"""Is each mistake reported at its place, with what is allowed and the nearest fix?"""

import pytest

from cosim.errors import ScenarioError
from cosim.scenario.load import load_scenario

FIVE = """\
name: typo
clock: {start: 2019-04-22T00:00:00, days: 1}
models:
  small: {quality: {kind: sigmoid, a: 0.26, c0: 10}, value_usd: 0.02}
sites:
  potsdam:
    location: {lat_deg: 52.4, lon_deg: 13.1}
    models: [smal]
    gpus: {kind: a100, count: 8}
    cooling: {kind: constant, pue: 1.2}
    batery: {capacity_kwh: 8}
    battery: {capacity_mwh: 8, capacity_kwh: -4, charge_kw_max: 1, discharge_kw_max: 1}
    grid:
      price: price/dayahead_de_fr_nl_be_2018:price_de_eur_mwh
      carbon: {kind: flat, g_per_kwh: 400}
workload: {arrivals: {jobs_per_day: 2400}}
"""


@pytest.fixture
def found(tmp_path):
    def report(text, overrides=()):
        path = tmp_path / "s.yaml"
        path.write_text(text)
        with pytest.raises(ScenarioError) as caught:
            load_scenario(path, overrides)
        return caught.value.problems

    return report


def test_different_mistakes_are_all_reported_at_once_at_their_places(found):
    rows = [(p.line, p.column, p.path) for p in found(FIVE)]
    assert rows == [
        (2, 16, "clock.start"),
        (8, 14, "sites.potsdam.models.0"),
        (11, 5, "sites.potsdam.batery"),
        (12, 15, "sites.potsdam.battery.capacity_mwh"),
        (12, 46, "sites.potsdam.battery.capacity_kwh"),
        (14, 14, "sites.potsdam.grid.price"),
    ]


def test_the_messages_name_the_fix(found):
    words = {p.path.rsplit(".", 1)[1]: p.message for p in found(FIVE)}
    assert "write it in UTC with a Z" in words["start"]
    assert "no model `smal` — did you mean `small`?" in words["0"]
    assert words["batery"] == "unknown key — did you mean `battery`?"
    assert "did you mean `capacity_kwh` (value × 1000)?" in words["capacity_mwh"]
    assert words["capacity_kwh"] == "is `-4`; must be above 0"
    assert "did you mean `price/dayahead_de_fr_nl_be_2019`?" in words["price"]


@pytest.mark.parametrize(
    ("override", "path", "words"),
    [
        ("sites.north.gpus.count=8 GPUs", "sites.north.gpus.count", "write 8 (the unit is in"),
        ("sites.north.gpus.count=2.5", "sites.north.gpus.count", "not a whole number"),
        ("sites.north.gpus.count=true", "sites.north.gpus.count", "is true, not a number"),
        ("sites.north.battery.capacity=3", "sites.north.battery.capacity", "`capacity_kwh`"),
        ("sites.north.battery.kind=nickel", "sites.north.battery.kind", "known: ideal, linear"),
        ("sites.north.battery.soc_start=50", "sites.north.battery.soc_start", "mean 0.5?"),
        ("sites.north.battery.soc=[0.9, 0.1]", "sites.north.battery", "is empty"),
        ("sites.north.battery=5", "sites.north.battery", "not a mapping"),
        ("sites.north.gpus.discipline=edff", "sites.north.gpus.discipline", "mean `edf`?"),
        ("sites.north.location.timezone=Europe/Berln", "sites.north.location.timezone", "Berlin"),
        ("sites.north.location.lat_deg=.nan", "sites.north.location.lat_deg", "finite"),
        ("sites.north.cooling.pue=0.9", "sites.north.cooling.pue", "at least 1"),
        ("sites.north.models=[]", "sites.north.models", "at least 1"),
        ("sites.north.grid.price={kind: trace}", "sites.north.grid.price.trace", "is required"),
        ("workload.arrivals.profile=ofice", "workload.arrivals.profile", "mean `office`?"),
        ("workload.arrivals.profile=[1,2]", "workload.arrivals.profile", "24 hourly factors"),
        ("workload.arrivals.profile=[-1]", "workload.arrivals.profile.0", "at least 0"),
        ("workload.images={none: 1}", "workload.images.none", "not a whole number"),
        ("workload.home={nort: 1}", "workload.home.nort", "did you mean `north`?"),
        ("clock.start=12:30", "clock.start", "not an instant"),
        ("clock.start=1e9", "clock.start", "is a number"),
        ("clock.slot_minutes=7", "clock", "must divide"),
        ("name=two words", "name", "is not a name"),
        ("default_steps=31", "default_steps", "allowed: 6, 10"),
        ("money.preset=market", "money.market_value_usd", "needs a price for model `large`"),
        ("scale=0.1", "sites.north.gpus.count", "less than one"),
    ],
)
def test_each_kind_of_mistake(found, tiny, override, path, words):
    problems = found(tiny.read_text(), [override])
    assert words in "; ".join(p.message for p in problems if p.path == path)


def test_a_union_reports_only_the_branch_that_was_meant(found, tiny):
    assert len(found(tiny.read_text(), ["workload.arrivals.profile=ofice"])) == 1
    assert len(found(tiny.read_text(), ["workload.arrivals.profile=[-1]"])) == 1


def test_a_missing_key_is_located_at_its_mapping(found, tiny):
    text = tiny.read_text().replace(", jobs_per_day: 2400", "")
    (problem,) = found(text)
    assert (problem.line, problem.column) == (25, 3)
    assert problem.path == "workload.arrivals.jobs_per_day"


def test_a_missing_file_names_the_nearest(tiny):
    with pytest.raises(ScenarioError, match=r"no such file — did you mean `tiny.yaml`\?"):
        load_scenario(tiny.with_name("tini.yaml"))


def test_a_folder_is_no_scenario(tmp_path):
    with pytest.raises(ScenarioError, match="is a folder"):
        load_scenario(tmp_path)


def test_a_list_is_no_scenario(found):
    (problem,) = found("- 1\n")
    assert "must be a mapping" in problem.message


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("weather", "weather/nsrdb15_potsdm_2019", "did you mean `weather/nsrdb15_potsdam_2019`"),
        ("weather", "weather/tmy3_ny_buffalo", "declare `clock: {mixed_years: true}`"),
        ("weather", "price/dayahead_nl_2015_2024", "is a price trace; a weather trace is needed"),
        ("weather", "../w.csv", "leaves the folder"),
        ("weather", "/etc/w.csv", "leaves the folder"),
        ("weather", "./w.csv", "no such file"),
        ("grid.carbon", "carbon/mix_de_fr_nl_be_2019", "name a column"),
        ("grid.carbon", "carbon/mix_de_fr_nl_be_2019:carbon_d_g_kwh", "mean `carbon_de_g_kwh`"),
        ("grid.price", "price/smard_dayahead_11zones_2018:price_de_eur_mwh", "the window is"),
        ("grid.carbon", "carbon/entsoe_mix_ipcc_2018_2020:vre_nl_pct", ""),
    ],
)
def test_traces_are_checked_against_the_index(found, tiny, key, value, words):
    overrides = [f"sites.north.{key}={value}", "name=two words"]
    problems = found(tiny.read_text(), overrides)
    said = [p for p in problems if p.path == f"sites.north.{key}"]
    assert [words in p.message for p in said] == ([True] if words else [])


def test_a_gap_in_the_window_is_reported(found, tiny):
    carbon = "sites.north.grid.carbon=carbon/entsoe_mix_ipcc_2018_2020:carbon_no_g_kwh"
    problems = found(tiny.read_text(), [carbon, "clock.start=2020-04-22T00:00:00Z"])
    assert any("has a gap from 2019-12-31T23:00Z" in p.message for p in problems)


def test_declared_mixed_years_lift_the_check_of_years(tiny):
    price = "sites.north.grid.price=price/smard_dayahead_11zones_2018:price_de_eur_mwh"
    loaded = load_scenario(tiny, [price, "clock.mixed_years=true"])
    assert loaded.scenario.clock.mixed_years


def test_an_unknown_policy_is_located(found, tiny):
    text = tiny.read_text().replace("greedy-utility", "greedy-utilty")
    (problem,) = found(text)
    assert "did you mean `greedy-utility`?" in problem.message
    assert (problem.line, problem.path) == (29, "policy.compare.1")


def test_a_misspelt_null_is_no_way_to_remove_a_part(found):
    text = FIVE.replace("batery: {capacity_kwh: 8}", "batery: null")
    rows = [(p.line, p.path) for p in found(text)]
    assert (11, "sites.potsdam.batery") in rows


EDGES = """\
name: edges
clock: {start: 2019-04-22T00:00:00Z, days: 1}
models:
  small:
    quality: {kind: saturating, k: 0.1}
    value_usd: 0.02
    timing: {a100: {step_s: 1, step_w: 9}}
sites:
  here:
    location: {lat_deg: 52.4, lon_deg: 13.1}
    models: [small]
    gpus: {kind: a100, count: 8}
    cooling: {kind: constant, pue: 1.2}
    backup: {kind: petrol, rated_kw: 8}
    grid:
      price: {kind: flat, usd_per_kwh: 0.1}
      carbon: {kind: flat, g_per_kwh: 400}
      tariff:
        energy:
          tiers: {blocks: [{usd_per_kwh: 0.1, upto_kwh: 5}, {usd_per_kwh: 0.2, upto_kwh: 3}]}
          both: {usd_per_kwh: 0.1, blocks: [{usd_per_kwh: 0.1}]}
        demand:
          peak: {usd_per_kw: 9, ratchet_share: 0.8}
          night: {usd_per_kw: 9, when: [{hours: [24]}]}
      connection:
        loss_share: 8
        limits: [{at_h: 1, for_h: 0}]
      demand_response:
        calls:
          - {at_h: 2, for_h: 1, kind: reduction, power_kw: 5, firm: true}
workload: {arrivals: {kind: generated, jobs_per_day: 2400}}
"""
TOGETHER = """\
name: edges
clock: {start: 2019-04-22T00:00:00Z, days: 1, meter_seconds: 45, slot_minutes: 15}
models:
  small:
    quality: {kind: saturating, k: 0.1}
    value_usd: 0.02
    timing: {a100: {step_s: 1, step_w: 9}}
sites:
  here:
    location: {lat_deg: 52.4, lon_deg: 13.1}
    models: [small]
    gpus: {kind: a100, count: 8}
    cooling: {kind: constant, pue: 1.2}
    grid:
      price: {kind: flat, usd_per_kwh: 0.1}
      carbon: {kind: flat, g_per_kwh: 400}
      sale: {kind: flat, usd_per_kwh: 0.01}
      tariff:
        metering: net_metering
        demand: {peak: {usd_per_kw: 9}}
        demand_interval_minutes: 5
      connection:
        limits: [{at_h: 30, for_h: 1}]
      demand_response:
        calls:
          - {at_h: 20, for_h: 1, kind: reduction, power_kw: 5}
workload: {arrivals: {kind: generated, jobs_per_day: 2400}}
"""


def test_mistakes_at_the_edges_of_the_grid_are_told_at_their_places(found):
    rows = [(p.line, p.column, p.path.removeprefix("sites.here.")) for p in found(EDGES)]
    assert rows == [
        (14, 20, "backup.kind"),
        (20, 11, "grid.tariff.energy.tiers"),
        (21, 11, "grid.tariff.energy.both"),
        (23, 11, "grid.tariff.demand.peak"),
        (24, 50, "grid.tariff.demand.night.when.0.hours.0"),
        (26, 21, "grid.connection.loss_share"),
        (27, 35, "grid.connection.limits.0.for_h"),
        (30, 13, "grid.demand_response.calls.0"),
    ]
    words = {p.path.rsplit(".", 1)[1]: p.message for p in found(EDGES)}
    assert words["kind"] == "is `petrol` — known: diesel, gas"
    assert "the last block, and only the last, has no end" in words["tiers"]
    assert "either `usd_per_kwh:` or `blocks:`" in words["both"]
    assert "needs both `ratchet_share:` and `ratchet_months:`" in words["peak"]
    assert words["loss_share"] == "is `8`; must be at most 0.5"
    assert "only a cap can be firm" in words["0"]


def test_parts_of_the_grid_that_contradict_each_other_are_told_at_their_places(found):
    rows = {p.path.removeprefix("sites.here.grid."): (p.line, p.message) for p in found(TOGETHER)}
    assert set(rows) == {
        "sale",
        "tariff.demand_interval_minutes",
        "connection.limits.0.at_h",
        "demand_response.calls.0.kind",
    }
    assert "leave `sale` out" in rows["sale"][1]
    assert rows["tariff.demand_interval_minutes"] == (
        21,
        "5 min must be a multiple or a part of the meter's 45 s (`clock.meter_seconds`)",
    )
    assert rows["connection.limits.0.at_h"][0] == 23
    assert "give `baseline_kw:`" in rows["demand_response.calls.0.kind"][1]
