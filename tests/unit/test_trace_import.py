"""Somebody else's files come beside a scenario: renamed, checked, or not at all."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cosim.errors import TraceError
from cosim.traces.catalogue import Catalogue
from cosim.traces.importers.bring import bring
from cosim.traces.importers.recipe import read_recipe

WEATHER = """time_utc,temp_c,ghi_model_w_m2,dni_w_m2,dhi_w_m2,wind_m_s,cloud_pct
2023-01-01T00:00:00Z,3.60,0,0,0,8.78,100
2023-01-01T01:00:00Z,4.0,1,0,1,7.22,93
"""
PRICE = """time_utc,price_usd_mwh,filled
2023-01-01T00:00:00Z,19.51,1
2023-01-01T01:00:00Z,18.13,0
"""
REQUESTS = """t_s,task,status,num_images,num_steps,note
61,txt_2_img,succeed,1,30,"a, b"
65,img_2_img,succeed,4,30,
70,txt_2_img,failed,2,30,
71,txt_2_img,succeed,8,40,
"""
RECIPE = """
[sort.weather]
source = "a station"
[sort.weather.columns]
temp_air_c = "temp_c"
ghi_w_m2 = "ghi_model_w_m2"
dni_w_m2 = "dni_w_m2"
dhi_w_m2 = "dhi_w_m2"
wind_speed_m_s = "wind_m_s"
[sort.price]
columns = { price_usd_mwh = "price_usd_mwh" }
flags = ["filled"]
[sort.requests]
rows = "requests"
columns = { t_s = "t_s", images = "num_images", steps = "num_steps" }
keep = { task = "txt_2_img", status = "succeed" }
[[file]]
sort = "weather"
from = "in/weather.csv"
to = "weather_here.csv.gz"
place = { lat = 32.8, lon = -96.8, alt_m = 142, tz = "America/Chicago" }
[[file]]
sort = "price"
from = "price.csv"
to = "price_here.csv"
[[file]]
sort = "requests"
from = "requests.csv"
to = "requests.csv.gz"
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "theirs"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "weather.csv").write_text(WEATHER)
    (folder / "price.csv").write_text(PRICE)
    (folder / "requests.csv").write_text(REQUESTS)
    return folder


def recipe_of(tmp_path: Path, text: str = RECIPE) -> Path:
    path = tmp_path / "study" / "data.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_columns_are_renamed_and_numbers_stay_as_they_were_written(tmp_path, source):
    done = bring(read_recipe(recipe_of(tmp_path)), source)
    assert [(f.name, f.rows, f.left) for f in done] == [
        ("weather_here.csv.gz", 2, 0),
        ("price_here.csv", 2, 0),
        ("requests.csv.gz", 2, 2),
    ]
    data = tmp_path / "study" / "data"
    text = gzip.decompress((data / "weather_here.csv.gz").read_bytes()).decode()
    head = "time_utc,temp_air_c,ghi_w_m2,dni_w_m2,dhi_w_m2,wind_speed_m_s"
    assert head in text
    assert "2023-01-01T00:00:00Z,3.60,0,0,0,8.78\n" in text
    assert gzip.decompress((data / "requests.csv.gz").read_bytes()).decode() == (
        "t_s,images,steps\n61,1,30\n71,8,40\n"
    )


def test_what_was_brought_is_read_like_any_own_trace(tmp_path, source):
    bring(read_recipe(recipe_of(tmp_path)), source)
    weather = Catalogue.load().weather("data/weather_here.csv.gz", base=tmp_path / "study")
    assert (weather.lat, weather.lon, weather.tz) == (32.8, -96.8, "America/Chicago")
    assert weather.temp_air_c.tolist() == [3.6, 4.0]


def test_flags_are_kept_and_counted(tmp_path, source):
    price = bring(read_recipe(recipe_of(tmp_path)), source)[1]
    assert price.flagged == {"filled": 0.5}
    assert "filled" in (tmp_path / "study" / "data" / "price_here.csv").read_text()


def test_the_same_source_gives_the_same_bytes(tmp_path, source):
    recipe = read_recipe(recipe_of(tmp_path))
    data = tmp_path / "study" / "data"
    bring(recipe, source)
    first = {path.name: path.read_bytes() for path in data.iterdir()}
    bring(recipe, source)
    assert {path.name: path.read_bytes() for path in data.iterdir()} == first


def test_a_source_with_a_hole_is_not_brought_and_the_others_are(tmp_path, source):
    (source / "price.csv").write_text(PRICE + "2023-01-01T05:00:00Z,1,0\n")
    with pytest.raises(TraceError, match=r"gap: 3 interval(.|\n)*2 of 3 files were brought"):
        bring(read_recipe(recipe_of(tmp_path)), source)
    names = sorted(path.name for path in (tmp_path / "study" / "data").iterdir())
    assert names == ["requests.csv.gz", "weather_here.csv.gz"]


def test_paths_stay_inside_the_folder_named(tmp_path, source):
    (tmp_path / "secret.csv").write_text(PRICE)
    text = RECIPE.replace('"price.csv"', '"../secret.csv"')
    with pytest.raises(TraceError, match="leaves the folder"):
        bring(read_recipe(recipe_of(tmp_path, text)), source)


def test_a_column_that_is_not_there_is_told_with_the_nearest(tmp_path, source):
    text = RECIPE.replace('"temp_c"', '"tmp_c"')
    with pytest.raises(TraceError, match="no column `tmp_c` — did you mean `temp_c`"):
        bring(read_recipe(recipe_of(tmp_path, text)), source)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('= "price_usd_mwh" }', '= "price_eur_mwh" }', "is in USD/MWh but `price_eur_mwh` in EUR"),
        ('to = "price_here.csv"', 'to = "../price.csv"', "must be a bare name"),
        ('to = "price_here.csv"', 'to = "price_here.txt"', "ends in .csv or .csv.gz"),
        ('to = "price_here.csv"', 'to = "requests.csv.gz"', "brought twice: requests.csv.gz"),
        ('sort = "price"', 'sort = "prise"', r"no \[sort.prise\] — did you mean `price`"),
        ('rows = "requests"', 'rows = "jobs"', "must be one of stamped, requests"),
        ("flags =", "flag =", "no key `flag` — did you mean `flags`"),
        ('flags = ["filled"]', 'flags = "filled"', "must be a list of columns"),
        ("lat = 32.8", "latitude = 32.8", "no key `latitude`"),
        ('from = "price.csv"', "from = 3", "needs `from`, a text"),
    ],
)
def test_a_wrong_recipe_says_what_is_allowed(tmp_path, old, new, said):
    assert old in RECIPE
    with pytest.raises(TraceError, match=said):
        read_recipe(recipe_of(tmp_path, RECIPE.replace(old, new, 1)))


def test_all_mistakes_are_told_at_once(tmp_path):
    text = RECIPE.replace("flags =", "flag =").replace('rows = "requests"', 'rows = "jobs"')
    with pytest.raises(TraceError) as caught:
        read_recipe(recipe_of(tmp_path, text))
    assert str(caught.value).count("\n") == 2


@pytest.mark.parametrize("text", ["= 3", "[[file]]", "file = 3", ""])
def test_what_is_no_recipe_is_refused(tmp_path, text):
    with pytest.raises(TraceError, match=r"TOML|needs a table"):
        read_recipe(recipe_of(tmp_path, text))


def test_a_weather_file_without_its_place_is_refused_before_it_is_used(tmp_path, source):
    text = RECIPE.replace("lat = 32.8, ", "")
    with pytest.raises(TraceError, match="# lat"):
        bring(read_recipe(recipe_of(tmp_path, text)), source)
    assert not (tmp_path / "study" / "data" / "weather_here.csv.gz").exists()
