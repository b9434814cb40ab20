"""Batteries, cooling and rooms in a scenario: mistakes at their places, ranges as in physics."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from cosim.errors import ScenarioError
from cosim.physics.battery import Battery, Converter, Derating, Taper
from cosim.physics.chiller import Chiller
from cosim.physics.cooling import Economizer
from cosim.physics.thermal import Thermal
from cosim.prepare.stage import stage
from cosim.scenario import model as spec
from cosim.scenario.load import load_scenario
from cosim.scenario.model import Scenario

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
WEATHER = "sites.north.weather=weather/nsrdb15_potsdam_2019"
PCS = "sites.north.battery.kind=pcs_ohmic"
AGED = "sites.north.battery.ageing={model: naumann}"
B, C, R = "sites.north.battery", "sites.north.cooling", "sites.north.room"
RENAMED = {
    "misc_share": "fixed_overhead",
    "free_below_c": "t_free_c",
    "full_above_c": "t_full_c",
    "fixed_share": "fixed_ratio",
    "ups_idle_share": "ups_idle_ratio",
    "fan_share": "fan_ratio",
    "pump_share": "pump_ratio",
}


def problems(*overrides):
    with pytest.raises(ScenarioError) as caught:
        load_scenario(TINY, list(overrides))
    return [(p.path, p.message) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("overrides", "path", "words"),
    [
        ([AGED, f"{B}.wear_usd_per_kwh=0.02"], f"{B}.wear_usd_per_kwh", "`ageing` books"),
        ([f"{B}.ageing={{model: nauman}}"], f"{B}.ageing.model", "mean `naumann`?"),
        ([f"{B}.ageing={{model: naumann, age_years: 41}}"], f"{B}.ageing.age_years", "at most 40"),
        ([PCS, f"{B}.converter={{rated_kw: 0.5}}"], B, "below the limit 1 kW"),
        ([PCS, f"{B}.capacity_kwh=0.1"], B, "needs capacity_kwh above 0.1"),
        ([f"{B}.converter={{}}"], f"{B}.converter", "unknown key"),
        ([f"{B}.derating={{hot_full_c: 60}}"], f"{B}.derating", "be below hot_stop_c 55"),
        ([f"{B}.taper={{charge_end_share: 0}}"], f"{B}.taper.charge_end_share", "at least 0.01"),
        ([f"{B}.charge_efficiency=0.4"], f"{B}.charge_efficiency", "at least 0.5"),
        ([f"{B}.cell_temperature={{kind: outdoor}}"], "sites.north", "battery.cell_temp"),
        ([f"{B}.cell_temperature=200"], f"{B}.cell_temperature", "at most 100"),
        ([f"{C}={{kind: chiller}}"], "sites.north", "needs `weather:` for cooling (chiller)"),
        ([WEATHER, f"{C}={{kind: chiller, free_below_c: 5}}"], C, "give both"),
        ([WEATHER, f"{C}={{kind: chiller, unload_min: 0.1}}"], C, "must be at least"),
        ([WEATHER, f"{C}={{kind: economizer, free_below_c: 30}}"], C, "below full_above_c 27"),
        ([WEATHER, f"{C}={{kind: economizer, cop_min: 9}}"], C, "cop_min 9 exceeds cop_max 8"),
        ([WEATHER, f"{C}={{kind: chiler}}"], f"{C}.kind", "chiller"),
        ([f"{R}={{}}"], "sites.north", "needs `weather:` for room"),
        ([WEATHER, f"{R}={{band_c: [27, 18]}}"], R, "is empty: give [low, high]"),
        ([WEATHER, f"{R}={{mass_wh_per_k_kw: 0}}"], f"{R}.mass_wh_per_k_kw", "above 0"),
        (["sites.north.design_it_kw=-1"], "sites.north.design_it_kw", "above 0"),
    ],
)  # fmt: skip
def test_each_mistake_is_reported_at_its_place_with_its_fix(overrides, path, words):
    found = problems(*overrides)
    assert words in "; ".join(message for where, message in found if where == path), found


def test_a_mistake_is_told_with_file_line_and_column(tmp_path):
    text = TINY.read_text().replace(
        "battery: {kind: linear,",
        "battery: {ageing: {model: naumann}, wear_usd_per_kwh: 1, kind: linear,",
    )
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    (problem,) = caught.value.problems
    line = 1 + text[: text.index("wear_usd_per_kwh")].count("\n")
    column = (
        text.splitlines()[line - 1].index("wear_usd_per_kwh: ") + len("wear_usd_per_kwh: ") + 1
    )
    assert (problem.line, problem.column) == (line, column)


def test_a_number_stands_for_the_temperature_of_cells():
    site = load_scenario(TINY, [f"{B}.cell_temperature=12.5"]).scenario.sites["north"]
    assert site.battery.cell_temperature == spec.ConstantCells(temp_c=12.5)


def limits(part, name):
    low, high = float("-inf"), float("inf")
    for rule in part.model_fields[name].metadata:
        low = max(low, getattr(rule, "ge", low), getattr(rule, "gt", low))
        high = min(high, getattr(rule, "le", high), getattr(rule, "lt", high))
    return low, high


@pytest.mark.parametrize(
    ("part", "record"),
    [
        (spec.TaperSpec, Taper),
        (spec.DeratingSpec, Derating),
        (spec.ConverterSpec, Converter),
        (spec.LinearBattery, Battery),
        (spec.EconomizerCooling, Economizer),
        (spec.ChillerCooling, Chiller),
    ],
)
def test_no_range_of_the_scenario_is_wider_than_that_of_physics(part, record):
    """What the loader lets pass, the record takes."""
    checked = 0
    for name, info in part.model_fields.items():
        there = RENAMED.get(
            name,
            name.replace("ups_share", "ups_loss")
            if record is Economizer
            else name.replace("ups_share", "ups_ratio"),
        )
        allowed = record.RANGES.get(there)
        if allowed is None or info.annotation is None:
            continue
        low, high = limits(part, name)
        if low > float("-inf"):
            assert low >= allowed.low, name
        if high < float("inf"):
            assert high <= allowed.high, name
        checked += 1
    assert checked >= 4


@pytest.mark.parametrize(
    ("part", "record"),
    [(spec.TaperSpec, Taper), (spec.DeratingSpec, Derating), (spec.ConverterSpec, Converter)],
)
def test_defaults_of_the_scenario_are_those_of_physics(part, record):
    for field in fields(record):
        if field.name != "rated_kw":
            assert part.model_fields[field.name].default == field.default, field.name


def test_a_default_chiller_is_the_calibrated_one():
    on = stage(
        load_scenario(
            TINY, [WEATHER, f"{C}={{kind: chiller}}", "sites.north.design_it_kw=3"]
        ).scenario
    )
    assert on.plan(1).sites[0].cooling == Chiller(design_it_kw=3.0)


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_sizes_follow_the_scale_of_the_system(scale):
    changes = [
        WEATHER,
        f"scale={scale}",
        PCS,
        f"{B}.converter={{rated_kw: 1.5}}",
        f"{B}.standby_kw=0.1",
        f"{B}.ageing={{model: lfp_250ah, age_years: 3}}",
        f"{R}={{mass_wh_per_k_kw: 8}}",
    ]
    site = stage(load_scenario(TINY, changes).scenario).plan(1).sites[0]
    assert site.battery.capacity_kwh == 2.0 * scale
    assert site.battery.converter.rated_kw == 1.5 * scale
    assert site.battery.standby_kw == pytest.approx(0.1 * scale)
    assert 0.8 < site.capacity_kwh / (2.0 * scale) < 1.0
    assert site.stored_kwh == pytest.approx(0.5 * site.capacity_kwh)
    design_kw = scale * 2 * (350 + 100) / 1000
    sizes = (site.room.mass_kwh_k, site.room.capacity_kw, site.room.envelope_kw_k)
    assert sizes == pytest.approx([0.008 * design_kw, 1.4 * design_kw, 0.001 * design_kw])
    assert site.room == Thermal(*sizes)  # the rest as in physics


def test_replicas_count_in_the_design():
    sizes = [
        stage(
            Scenario.model_validate(
                {
                    **load_scenario(TINY, [WEATHER, f"{R}={{}}"]).scenario.model_dump(mode="json"),
                    "replicas": n,
                }
            )
        )
        .plan(1)
        .sites[0]
        .room.capacity_kw
        for n in (1, 40)
    ]
    assert sizes[1] == pytest.approx(40 * sizes[0])
