"""The table of published PUE: what it holds, and what is refused with its line."""

import shutil

import pytest

from cosim.errors import TraceError
from cosim.traces.catalogue import Catalogue, bundled
from cosim.traces.importers.index import index_text
from cosim.traces.published_pue import MODELS, TABLE, published_pue


@pytest.fixture
def shelf(tmp_path):
    """A shelf with this table only; call it after a change to make its index anew."""
    root = tmp_path / "traces"
    (root / "profiles").mkdir(parents=True)
    shutil.copyfile(bundled("traces") / f"{TABLE}.csv", root / f"{TABLE}.csv")
    words = (bundled("traces") / "SOURCES.toml").read_text(encoding="utf-8")
    packages = words[: words.index("[[file]]")]
    mine = next(part for part in words.split("[[file]]") if f'"{TABLE}.csv"' in part)
    (root / "SOURCES.toml").write_text(f"{packages}[[file]]{mine}", encoding="utf-8")

    def indexed():
        (root / "INDEX.toml").write_text(index_text(root), encoding="utf-8")
        return root

    return indexed


def test_every_figure_names_its_source_and_a_weather_on_the_shelf():
    known = Catalogue.load()
    rows = published_pue()
    assert len(rows) == len({(row.operator, row.site) for row in rows})
    for row in rows:
        assert row.model in MODELS
        assert known.entry(row.weather).kind == "weather"
        assert str(row.year) in row.source or "rows of" in row.source


def test_a_copy_reads_the_same(shelf):
    assert published_pue(shelf()) == published_pue()


def test_all_bad_rows_are_named_at_once(shelf):
    path = shelf() / f"{TABLE}.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1].replace("evaporative", "evaporativ")
    lines[2] = lines[2].replace(",1.09,", ",good,")
    lines[3] = lines[3].replace(",1.09,", ",0.9,")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(TraceError) as caught:
        published_pue(shelf())
    first, second, third = str(caught.value).splitlines()
    assert "csv:2" in first
    assert "evaporative" in first
    assert "csv:3" in second
    assert "numbers" in second
    assert "csv:4" in third
    assert "1 to 3" in third
