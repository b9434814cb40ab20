"""Naming a trace, reading it, and every way a user's own file can be wrong."""

import gzip
from pathlib import Path

import pytest

from cosim.errors import TraceError
from cosim.quantities import NS_PER_HOUR
from cosim.traces.catalogue import Catalogue, bundled
from cosim.traces.importers.index import index_text

STAMPS = [f"2019-03-31T{hour:02d}:00:00Z" for hour in range(5)]


@pytest.fixture(scope="module")
def shelf() -> Catalogue:
    return Catalogue.load()


def write(folder: Path, *rows: str, name: str = "mine.csv") -> str:
    (folder / name).write_text("\n".join(["time_utc,price_usd_mwh", *rows]) + "\n")
    return f"{name}:price_usd_mwh"


def complaint(shelf: Catalogue, folder: Path, *rows: str) -> str:
    ref = write(folder, *rows)
    with pytest.raises(TraceError) as caught:
        shelf.series(ref, base=folder)
    return str(caught.value)


def test_the_index_is_what_the_generator_writes() -> None:
    root = bundled("traces")
    assert (root / "INDEX.toml").read_text(encoding="utf-8") == index_text(root)


def test_notice_names_every_package_and_owner(shelf: Catalogue) -> None:
    notice = (bundled("traces").parent / "NOTICE").read_text(encoding="utf-8")
    flat = " ".join(notice.split())
    for entry in shelf.entries.values():
        for package in entry.packages:
            registry, name, version = package.split()[:3]
            assert f"{name} {version}" in flat or registry == "this", entry.id
        assert entry.owner.split(" (")[0].split(",")[0] in flat, entry.id
        assert Path(entry.path).name in flat, entry.id


def test_a_price_is_read_with_its_unit_and_clock(shelf: Catalogue) -> None:
    series = shelf.series("price/dayahead_de_fr_nl_be_2019:price_be_eur_mwh")
    assert series.unit == "EUR/MWh"
    assert series.step_ns == NS_PER_HOUR
    assert series.values.min() == -500  # 2019-06-08 is real


def test_a_users_file_is_read_plain_or_packed(shelf: Catalogue, tmp_path: Path) -> None:
    ref = write(tmp_path, *(f"{stamp},{k}" for k, stamp in enumerate(STAMPS)))
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress((tmp_path / "mine.csv").read_bytes()))
    for name in (ref, "packed.csv.gz:price_usd_mwh"):
        assert shelf.series(name, base=tmp_path).values.tolist() == [0, 1, 2, 3, 4]


def test_offsets_other_than_z_are_converted(shelf: Catalogue, tmp_path: Path) -> None:
    ref = write(tmp_path, "2019-01-01T01:00:00+01:00,1", "2019-01-01T01:00:00Z,2")
    series = shelf.series(ref, base=tmp_path)
    assert series.start_utc_ns == 1_546_300_800_000_000_000
    assert series.step_ns == NS_PER_HOUR


@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("price/dayahed_nl_2015_2024:x", "did you mean `price/dayahead_nl_2015_2024`?"),
        ("price/dayahead_nl_2015_2024:price_nl", "did you mean `price_nl_eur_mwh`?"),
        ("price/dayahead_nl_2015_2024", "name a column"),
        ("jobs/azure_llm_2023_code_1h:t_s", "no UTC stamps"),
        ("mine.csv:x", "relative to"),
    ],
)
def test_wrong_names_get_the_nearest_fix(shelf: Catalogue, ref: str, told: str) -> None:
    with pytest.raises(TraceError) as caught:
        shelf.series(ref)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "path", ["../out.csv", "/etc/out.csv", "a/../../out.csv", "C:\\out.csv", "..\\out.csv"]
)
def test_paths_never_leave_the_scenarios_folder(
    shelf: Catalogue, tmp_path: Path, path: str
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    write(tmp_path, *(f"{stamp},1" for stamp in STAMPS), name="out.csv")
    with pytest.raises(TraceError, match="leaves the folder"):
        shelf.series(f"{path}:price_usd_mwh", base=inner)


def test_links_never_leave_it_either(shelf: Catalogue, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    write(tmp_path, *(f"{stamp},1" for stamp in STAMPS), name="out.csv")
    (inner / "link.csv").symlink_to(tmp_path / "out.csv")
    with pytest.raises(TraceError, match="leaves the folder"):
        shelf.series("link.csv:price_usd_mwh", base=inner)


def test_a_missing_file_names_its_neighbour(shelf: Catalogue, tmp_path: Path) -> None:
    write(tmp_path, *(f"{stamp},1" for stamp in STAMPS))
    with pytest.raises(TraceError, match=r"did you mean `mine\.csv`"):
        shelf.series("mime.csv:price_usd_mwh", base=tmp_path)


def test_all_mistakes_of_a_file_are_told_at_once(shelf: Catalogue, tmp_path: Path) -> None:
    told = complaint(
        shelf,
        tmp_path,
        f"{STAMPS[0]},1",
        f"{STAMPS[0]},2",
        f"{STAMPS[1]},nan",
        f"{STAMPS[2]},3",
        f"{STAMPS[4]},",
    )
    assert "4 problems" in told
    assert "line 3: duplicate stamp 2019-03-31T00:00:00Z" in told
    assert "line 4: `price_usd_mwh`: value missing, NaN or infinite" in told
    assert "line 6: `price_usd_mwh`: value missing" in told
    assert "line 6: gap: 1 interval(s) missing after 2019-03-31T02:00:00Z" in told
    assert "local time, not UTC" in told


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["2019-03-31T00:00:00,1", "2019-03-31T01:00:00,2"], "lines 2 to 3: stamp without an off"),
        (["2019-03-31 25:00,1", f"{STAMPS[1]},2"], "line 2: `2019-03-31 25:00` is not a stamp"),
        (["2019-13-31T00:00:00Z,1", f"{STAMPS[1]},2"], "line 2: `2019-13-31T00:00:00Z` is not a"),
        (["9999-01-01T00:00:00Z,1", f"{STAMPS[1]},2"], "outside the years"),
        ([f"{STAMPS[0]},1,9", f"{STAMPS[1]},2"], "line 2: 3 fields where the head has 2"),
        (
            [f"{STAMPS[0]},cheap", f"{STAMPS[1]},2"],
            "line 2: `price_usd_mwh`: `cheap` is not a num",
        ),
        ([f"{STAMPS[0]},inf", f"{STAMPS[1]},2"], "line 2: `price_usd_mwh`: value missing, NaN or"),
        (
            [f"{STAMPS[1]},1", f"{STAMPS[0]},2", f"{STAMPS[2]},2"],
            "line 3: stamp goes back by 3600",
        ),
        ([f"{STAMPS[0]},1"], "1 row(s); at least 2"),
        ([f"{STAMPS[1]},1", f"{STAMPS[0]},2"], "stamps never advance"),
        (
            [*(f"{s},1" for s in STAMPS), "2019-03-31T04:30:00Z,1"],
            "line 7: interval overlaps the one at 2019-03-31T04:00:00Z: 1800 s later",
        ),
    ],
)
def test_each_kind_of_damage_is_named_with_its_line(
    shelf: Catalogue, tmp_path: Path, rows: list[str], told: str
) -> None:
    assert told in complaint(shelf, tmp_path, *rows)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b"when,price_usd_mwh\n1,2\n", "first column is `when`"),
        (b"time_utc\n2019-01-01T00:00:00Z\n", "no column beside"),
        (b"time_utc,a,a\n2019-01-01T00:00:00Z,1,2\n", "appear twice"),
        (b"time_utc,a\n\xff\xfe,1\n", "not readable"),
    ],
)
def test_files_that_are_no_traces_are_refused(
    shelf: Catalogue, tmp_path: Path, content: bytes, told: str
) -> None:
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(TraceError, match=told):
        shelf.series("bad.csv:a", base=tmp_path)


def test_a_broken_archive_is_refused(shelf: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "bad.csv.gz").write_bytes(gzip.compress(b"time_utc,a\n" * 99)[:-12])
    with pytest.raises(TraceError, match="not readable"):
        shelf.series("bad.csv.gz:a", base=tmp_path)


def test_a_declared_gap_is_refused_where_it_is_used(shelf: Catalogue) -> None:
    series = shelf.series("carbon/entsoe_mix_ipcc_2018_2020:carbon_se_g_kwh")
    new_year_2020 = 1_577_836_800_000_000_000
    assert series.at(series.start_utc_ns) > 0
    with pytest.raises(TraceError, match="missing value"):
        series.at(new_year_2020)


def test_own_weather_needs_a_place(shelf: Catalogue, tmp_path: Path) -> None:
    head = "time_utc,ghi_w_m2,dni_w_m2,dhi_w_m2,temp_air_c,wind_speed_m_s"
    rows = [f"{stamp},0,0,0,8.5,3" for stamp in STAMPS]
    (tmp_path / "w.csv").write_text("\n".join([head, *rows]))
    with pytest.raises(TraceError, match=r"# lat: (.|\n)*# lon: "):
        shelf.weather("w.csv", base=tmp_path)
    (tmp_path / "w.csv").write_text("\n".join(["# lat: 48", "# lon: 11.5", head, *rows]))
    weather = shelf.weather("w.csv", base=tmp_path)
    assert (weather.lat, weather.lon, weather.calendar) == (48, 11.5, "actual")
    assert weather.series("temp_air_c").at(weather.start_utc_ns) == 8.5
    (tmp_path / "w.csv").write_text("\n".join(["# lat: 480", "# lon: east", head, *rows]))
    with pytest.raises(TraceError, match=r"lat: 480(.|\n)*lon: east"):
        shelf.weather("w.csv", base=tmp_path)


def test_weather_columns_are_all_asked_for(shelf: Catalogue, tmp_path: Path) -> None:
    rows = [f"{stamp},0" for stamp in STAMPS]
    (tmp_path / "w.csv").write_text(
        "\n".join(["# lat: 1", "# lon: 1", "time_utc,ghi_w_m2", *rows])
    )
    with pytest.raises(TraceError, match="no column dni_w_m2, dhi_w_m2, temp_air_c, wind_speed"):
        shelf.weather("w.csv", base=tmp_path)


def test_prices_are_not_weather(shelf: Catalogue) -> None:
    with pytest.raises(TraceError, match="kind price, not weather"):
        shelf.weather("price/dayahead_nl_2015_2024")


def test_typical_years_say_so(shelf: Catalogue) -> None:
    assert shelf.weather("weather/tmy3_va_dulles").calendar == "nominal"
    assert shelf.weather("weather/nsrdb15_potsdam_2019").calendar == "actual"
