"""The checks behind `cosim traces check`: all well on the shelf, every kind of damage seen."""

import gzip
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cosim.errors import TraceError
from cosim.quantities import NS_PER_DAY, NS_PER_MIN
from cosim.traces import profiles
from cosim.traces.catalogue import Catalogue, bundled
from cosim.traces.checks import CheckResult, check_catalogue
from cosim.traces.clock import clock_certificate, window_certificate
from cosim.traces.importers.index import index_text

PRICE = "price/dayahead_de_fr_nl_be_2019"
SUNNY = (
    "weather/nsrdb15_potsdam_2019",
    "weather/dwd_aachen_10min_2021",
    "weather/tmy3_az_phoenix",
)
CLOUDY = ("weather/nsrdb15_copenhagen_2019", "weather/nsrdb15_paris_2019")


@pytest.fixture(scope="module")
def shelf() -> Catalogue:
    return Catalogue.load()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A shelf of its own with two files, its index freshly made."""
    root = tmp_path / "traces"
    for name in ("price/dayahead_de_fr_nl_be_2019.csv.gz", "profiles/dvfs.csv"):
        (root / name).parent.mkdir(parents=True)
        shutil.copyfile(bundled("traces") / name, root / name)
    words = (bundled("traces") / "SOURCES.toml").read_text(encoding="utf-8")
    head, *files = words.split("[[file]]")
    kept = [part for part in files if 'path = "price/dayahead_de' in part or "dvfs.csv" in part]
    (root / "SOURCES.toml").write_text("[[file]]".join([head, *kept]), encoding="utf-8")
    reindex(root)
    return root


def reindex(root: Path) -> None:
    (root / "INDEX.toml").write_text(index_text(root), encoding="utf-8")


def edit_price(root: Path, old: bytes, new: bytes) -> None:
    path = root / f"{PRICE}.csv.gz"
    data = gzip.decompress(path.read_bytes())
    assert data.count(old) >= 1
    path.write_bytes(gzip.compress(data.replace(old, new, 1), mtime=0))


def edit_index(root: Path, old: str, new: str) -> None:
    path = root / "INDEX.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def failed(root: Path) -> list[CheckResult]:
    return [row for row in check_catalogue(Catalogue.load(root)) if row.status != "ok"]


def test_everything_that_ships_is_well(shelf: Catalogue) -> None:
    results = check_catalogue(shelf)
    assert [row for row in results if row.status != "ok"] == []
    assert {row.trace for row in results} == set(shelf.entries)


def test_every_weather_file_has_a_certificate_of_the_sun(shelf: Catalogue) -> None:
    weather = [entry.id for entry in shelf.entries.values() if entry.kind == "weather"]
    for trace_id in weather:
        certificate = clock_certificate(shelf.weather(trace_id))
        assert certificate.status == "ok", certificate
        assert abs(certificate.offset_min - certificate.known_min) <= 10, certificate


@pytest.mark.parametrize("trace_id", [*SUNNY, *CLOUDY])
@pytest.mark.parametrize("late_min", [-60, -30, 30, 60])
def test_a_shifted_label_is_detected(shelf: Catalogue, trace_id: str, late_min: int) -> None:
    good = shelf.weather(trace_id)
    moved = replace(good, start_utc_ns=good.start_utc_ns + late_min * NS_PER_MIN)
    certificate = clock_certificate(moved)
    assert certificate.status == "fail"
    drift_min = certificate.offset_min - clock_certificate(good).offset_min
    assert drift_min == pytest.approx(late_min, abs=3)
    assert "shifted" in str(certificate)


def test_a_year_moved_by_days_keeps_its_certificate(shelf: Catalogue) -> None:
    good = shelf.weather(SUNNY[0])
    assert clock_certificate(good.shifted(-365)).status == "ok"


def test_a_wrong_longitude_is_detected(shelf: Catalogue) -> None:
    good = shelf.weather(SUNNY[0])
    astray = replace(good, place=replace(good.place, lon=good.lon - 10))
    assert clock_certificate(astray).status == "fail"


def test_without_sun_the_clock_is_unknown(shelf: Catalogue) -> None:
    good = shelf.weather(SUNNY[0])
    dark = replace(good, ghi_w_m2=np.zeros_like(good.ghi_w_m2))
    certificate = clock_certificate(dark)
    assert certificate.status == "unknown"
    assert np.isnan(certificate.offset_min)
    assert "0 clear day(s)" in str(certificate)


def test_the_certificate_of_a_run_counts_its_own_clear_days(shelf: Catalogue) -> None:
    weather = shelf.weather(SUNNY[2])
    day_100 = weather.start_utc_ns + 100 * NS_PER_DAY
    month = window_certificate(weather, day_100, day_100 + 30 * NS_PER_DAY)
    assert 0 < month.clear_days <= 30
    assert abs(month.offset_min) < 10
    assert month.year == clock_certificate(weather)
    empty = window_certificate(weather, day_100, day_100)
    assert empty.clear_days == 0
    assert np.isnan(empty.offset_min)


def test_a_changed_file_fails_its_hash_and_cannot_be_read(copy: Path) -> None:
    edit_price(copy, b"10.07", b"11.07")
    rows = failed(copy)
    assert [(row.trace, row.check) for row in rows] == [(PRICE, "hash")]
    assert "restore the file" in rows[0].detail
    with pytest.raises(TraceError, match="sha256"):
        Catalogue.load(copy).series(f"{PRICE}:price_de_eur_mwh")


def test_an_unbelievable_price_fails_its_range(copy: Path) -> None:
    edit_price(copy, b"10.07", b"10070")
    reindex(copy)
    rows = failed(copy)
    assert [(row.trace, row.check) for row in rows] == [(PRICE, "range")]
    assert "10070 at 2019-01-01T00:00:00Z" in rows[0].detail


def test_a_doubled_hour_fails(copy: Path) -> None:
    edit_price(copy, b"2019-03-31T02:00:00Z", b"2019-03-31T01:00:00Z")
    with pytest.raises(TraceError, match="duplicate stamp 2019-03-31T01:00:00Z"):
        reindex(copy)


@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        ('end_utc = "2019-12-31T23:00:00Z"', 'end_utc = "2020-01-01T00:00:00Z"', "coverage"),
        ("rows = 8759", "rows = 8760", "coverage"),
        ('price_de_eur_mwh = "EUR/MWh"', 'price_de_eur_mwh = "USD/MWh"', "columns"),
        (
            "gaps = []",
            'gaps = [{ column = "filled", start_utc = "2019-01-01T00:00:00Z", steps = 1 }]',
            "gaps",
        ),
    ],
)
def test_an_index_that_says_otherwise_fails(copy: Path, old: str, new: str, check: str) -> None:
    edit_index(copy, old, new)
    assert [row.check for row in failed(copy)] == [check]


def test_a_file_without_a_source_cannot_be_indexed(copy: Path) -> None:
    (copy / "price" / "found.csv").write_text("time_utc,x\n")
    with pytest.raises(TraceError, match=r"price/found\.csv"):
        reindex(copy)


def test_a_missing_file_fails_alone(copy: Path) -> None:
    (copy / f"{PRICE}.csv.gz").unlink()
    rows = failed(copy)
    assert [(row.trace, row.check) for row in rows] == [(PRICE, "hash")]
    assert "is missing" in rows[0].detail


def test_a_damaged_index_is_told(copy: Path) -> None:
    (copy / "INDEX.toml").write_text("[[file]\n")
    with pytest.raises(TraceError, match="not a catalogue"):
        Catalogue.load(copy)
    (copy / "INDEX.toml").unlink()
    with pytest.raises(TraceError, match="no catalogue"):
        Catalogue.load(copy)


def test_an_index_cannot_point_outside(copy: Path) -> None:
    edit_index(copy, 'path = "price/', 'path = "../price/')
    with pytest.raises(TraceError, match="leaves the folder"):
        Catalogue.load(copy)


# --- profile tables ------------------------------------------------------------------------------


def test_measured_lines_come_back_out_of_the_services_table() -> None:
    sdxl = profiles.service_profile("sdxl", "a100")
    fixed_s = sdxl.encode_s + sdxl.decode_s
    for steps, seconds, joules in ((30, 3.394, 1307), (50, 5.552, 2153)):  # ML.ENERGY v2
        assert fixed_s + steps * sdxl.step_s == pytest.approx(seconds, rel=0.002)
        assert sdxl.fixed_j + steps * sdxl.step_s * sdxl.step_w == pytest.approx(joules, rel=0.002)


def test_stacks_are_told_apart() -> None:
    eager = profiles.service_profile("sd15", "a100")
    compiled = profiles.service_profile("sd15", "a100", stack="stable-fast-compiled")
    assert eager.step_s / compiled.step_s == pytest.approx(76.0 / 36.1, rel=0.01)


def test_energy_per_step_is_u_shaped_on_every_gpu() -> None:
    for gpu in ("v100", "a40", "a100", "h100", "h200", "b200"):
        table = profiles.dvfs_table(gpu)
        energy = table.power_ratio / table.speed_ratio
        best = int(np.argmin(energy))
        assert 0 < best < len(energy) - 1, gpu
        assert energy[best] < 0.91
        assert len(table.sources) == len(table.assumed) == len(energy)


def test_the_diffusion_optima_are_levels_of_the_tables() -> None:
    for gpu, energy_ratio, time_ratio in (("a100", 0.743, 1.023), ("v100", 0.837, 1.018)):
        table = profiles.dvfs_table(gpu)
        level = int(np.argmin(np.abs(1 / table.speed_ratio - time_ratio)))
        found = table.power_ratio[level] / table.speed_ratio[level]
        assert found == pytest.approx(energy_ratio, abs=0.002)


def test_a_waiting_dgx_h100_draws_what_mlperf_saw() -> None:
    spec = profiles.gpu_spec("h100")
    assert 8 * (spec.idle_w + spec.server_overhead_w) == pytest.approx(2350, rel=0.01)


def test_the_reference_turbine_is_rated_at_5_mw() -> None:
    curve = profiles.turbine_curve("nrel-5mw")
    assert curve.rated_kw == 5000
    assert curve.hub_height_m == 90
    at_8_kw = curve.rated_kw * np.interp(8.0, curve.wind_speed_m_s, curve.power_ratio)
    assert at_8_kw == pytest.approx(1771.1)  # Jonkman et al. 2009
    assert np.interp(26.0, curve.wind_speed_m_s, curve.power_ratio) == 0


def test_quality_curves_are_flagged_and_points_are_not() -> None:
    assert profiles.quality_curve("sdxl").assumed == ("a", "c0")
    steps, clip = profiles.quality_points("sd15", "partiprompts")
    assert dict(zip(steps, clip, strict=True)) == {15: 28.58, 25: 29.33, 50: 29.51}


def test_load_times_are_gentd26s() -> None:
    base = profiles.load_seconds("sdxl")
    assert (base.median_s, base.p95_s) == (22.7, 45)
    assert profiles.load_seconds("sdxl", lora=True).median_s == 4.4


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: profiles.service_profile("sdx", "a100"), "did you mean `sdxl`"),
        (lambda: profiles.service_profile("flux1-dev", "v100"), "no gpu `v100` for model"),
        (lambda: profiles.service_profile("sdxl", "a100", px=512), "no px `512`"),
        (lambda: profiles.service_profile("sdxl", "h200"), "no power was published"),
        (lambda: profiles.dvfs_table("a1000"), "did you mean `a100`"),
        (lambda: profiles.gpu_spec("tpu"), "known: a100"),
        (lambda: profiles.turbine_curve("nrel-5"), "did you mean `nrel-5mw`"),
        (lambda: profiles.quality_curve("sd-15"), "did you mean `sd15`"),
        (lambda: profiles.quality_points("sd15", "coco"), "did you mean `coco2017`"),
        (lambda: profiles.load_seconds("sdxll"), "did you mean `sdxl`"),
    ],
)
def test_unknown_names_get_the_nearest(ask: object, told: str) -> None:
    with pytest.raises(TraceError) as caught:
        ask()  # type: ignore[operator]
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("a100,0.606,0.521", "a100,fast,0.521", "speed_ratio is `fast`"),
        ("a100,0.606,0.521", "a100,0.9999,0.521", "must rise"),
        ("a100,0.606,0.521", "a100,-0.606,0.521", "a number >= 0"),
    ],
)
def test_a_broken_profile_names_file_and_line(copy: Path, old: str, new: str, told: str) -> None:
    path = copy / "profiles" / "dvfs.csv"
    text = path.read_text(encoding="utf-8")
    line = text[: text.index(old)].count("\n") + 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    reindex(copy)
    with pytest.raises(TraceError) as caught:
        profiles.dvfs_table("a100", copy)
    assert told in str(caught.value)
    assert f"profiles/dvfs.csv:{line}:" in str(caught.value)
