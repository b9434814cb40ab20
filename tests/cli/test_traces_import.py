"""`cosim traces import`: a recipe and a folder in, files beside a scenario out."""

import json

import pytest

from cosim.cli import main as entry

RECIPE = """
[sort.price]
columns = { price_usd_mwh = "lmp_usd_mwh" }
flags = ["filled"]
[[file]]
sort = "price"
from = "lmp.csv"
to = "price.csv"
"""
LMP = """time_utc,lmp_usd_mwh,filled
2023-01-01T00:00:00Z,19.51,0
2023-01-01T01:00:00Z,18.13,1
"""


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "study" / "data.toml"
    path.parent.mkdir()
    path.write_text(RECIPE)
    (tmp_path / "lmp.csv").write_text(LMP)
    return path


def left_with(*arguments):
    with pytest.raises(SystemExit) as caught:
        entry.main(list(map(str, arguments)))
    return caught.value.code


def test_it_tells_what_it_brought(recipe, tmp_path, capsys):
    assert left_with("traces", "import", recipe, "--from", tmp_path) == 0
    said = capsys.readouterr()
    assert "price.csv" in said.out + said.err
    assert "50.0% filled" in said.out + said.err
    assert "next: cosim validate" in said.err


def test_json_is_alone_on_stdout(recipe, tmp_path, capsys):
    assert left_with("traces", "import", recipe, "--from", tmp_path, "--json") == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert (file["name"], file["rows"], file["flagged"]) == ("price.csv", 2, {"filled": 0.5})


@pytest.mark.parametrize("missing", ["recipe", "folder"])
def test_what_is_not_there_is_told_without_a_traceback(missing, recipe, tmp_path, capsys):
    nowhere = tmp_path / "nowhere"
    arguments = (nowhere, tmp_path) if missing == "recipe" else (recipe, nowhere)
    assert left_with("traces", "import", arguments[0], "--from", arguments[1]) == 3
    assert "nowhere" in capsys.readouterr().err
