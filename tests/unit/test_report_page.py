"""The page: complete, offline, in order, within its size, and safe against hostile names."""

from __future__ import annotations

import base64
import gzip
import json
import re
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
import report_sample as sample
from plotly.offline import get_plotlyjs

from cosim.errors import UsageError
from cosim.quantities import NOMENCLATURE
from cosim.report import tables
from cosim.report.inputs import as_case
from cosim.report.page import panel_count, render, write_report

HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">&amp;'


class Page(HTMLParser):
    """Elements of a page, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self._inside = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag == "script"
        if self._inside:
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag):
        self._inside = self._inside and tag != "script"

    def handle_data(self, data):
        if self._inside:
            attrs, text = self.scripts[-1]
            self.scripts[-1] = (attrs, text + data)


def figures_of(page: Page) -> list[dict]:
    texts = [text for attrs, text in page.scripts if attrs.get("type") == "application/json"]
    return [fig for text in texts if text.startswith("[") for fig in json.loads(text)]


def texts_of(part) -> list[str]:
    """All texts that plotly would typeset; ``meta`` is set as plain text by the page."""
    if isinstance(part, str):
        return [part]
    if isinstance(part, dict):
        return [t for k, v in part.items() if k not in ("meta", "bdata") for t in texts_of(v)]
    return [t for v in part for t in texts_of(v)] if isinstance(part, list) else []


@pytest.fixture(scope="module")
def compared():
    return sample.comparison()


@pytest.fixture(scope="module")
def html(compared):
    return render(as_case(compared))


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


@pytest.fixture(scope="module")
def hostile():
    world = sample.scenario(sites=(HOSTILE, "paris"), about=HOSTILE)
    world = world.model_copy(update={"name": HOSTILE})
    names = (HOSTILE, "greedy-utility")
    return sample.comparison(names, seeds=(1, 2), world=world, warnings=[HOSTILE])


def test_sections_stand_in_their_order(page):
    ids = [attrs.get("id") for _, attrs in page.elements]
    wanted = ["answer", "run", "energy", "work", "money", "audit", "definitions", "cosim-lock"]
    places = [ids.index(name) for name in wanted]
    assert places == sorted(places)


def test_nothing_is_loaded_from_anywhere(page):
    for tag, attrs in page.elements:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            target = attrs.get(name) or ""
            assert target == "" or target.startswith(("#", "data:")), (tag, name, target)
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]


def test_style_asks_for_no_font_or_image(html):
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL).group(1)
    assert "url(" not in style
    assert "@import" not in style


def test_plotly_stands_in_the_page_once_and_size_is_bounded(html, page):
    assert len([text for attrs, text in page.scripts if "type" not in attrs]) == 2
    (packed,) = [text for attrs, text in page.scripts if attrs.get("id") == "plotly"]
    plain = gzip.decompress(base64.b64decode(packed, validate=True))
    assert plain.decode() == get_plotlyjs()
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv"))
    assert base64.b64encode(sha256(plain).digest()).decode() in policy
    assert "Plotly, Inc." in html.split("<!--")[1].split("-->")[0]
    assert len(packed) < 0.45 * len(plain)
    assert len(html.encode()) < 8_000_000


def test_every_figure_has_title_units_and_numbers(page, compared):
    figures = figures_of(page)
    boxes = [attrs for tag, attrs in page.elements if tag == "figure"]
    downloads = [attrs for tag, attrs in page.elements if tag == "a" and "download" in attrs]
    assert len(boxes) == panel_count(as_case(compared))
    for kind in ("csv", "json"):
        names = [attrs["download"] for attrs in downloads if attrs["download"].endswith(kind)]
        assert names == [f"{attrs['data-panel']}.{kind}" for attrs in boxes]
    assert len({attrs["data-panel"] for attrs in boxes}) == len(boxes)
    for figure in figures:
        layout = figure["layout"]
        assert len(layout["meta"]["title"]) > 10
        titles = [v.get("title", {}).get("text") for k, v in layout.items() if "axis" in k]
        assert any(titles), layout["meta"]["title"]
        assert all(t.get("hovertemplate") or t["hoverinfo"] == "skip" for t in figure["data"])


def test_time_axes_say_utc(page):
    figures = figures_of(page)
    timed = [f for f in figures if isinstance(f["data"][0].get("x0"), str)]
    assert timed
    for figure in timed:
        assert "Time, UTC" in json.dumps(figure["layout"])


def test_every_kpi_links_to_its_definition(page):
    ids = {attrs.get("id") for _, attrs in page.elements}
    assert {f"def-{name}" for name in NOMENCLATURE} <= ids
    targets = {(a.get("href") or "#")[1:] for t, a in page.elements if t == "a"} - {""}
    assert "def-utility_usd" in targets
    assert targets <= ids


def test_hostile_names_stay_text(hostile):
    page = Page(render(as_case(hostile)))
    programs = [text for attrs, text in page.scripts if "type" not in attrs]
    assert len(programs) == 2
    assert not any(tag == "img" for tag, _ in page.elements)
    assert not any("onerror" in attrs for _, attrs in page.elements)
    for figure in figures_of(page):
        for text in texts_of({k: v for k, v in figure.items() if k in ("data", "layout")}):
            assert "<" not in re.sub(r"<extra></extra>|<br>", "", text), text


def test_what_a_run_warns_of_is_shown(html):
    assert "PUE was extrapolated above 35 °C" in html
    assert "Mixed years." in html
    assert "+365 days" in html
    assert "https://example.org/data" in html


def test_a_file_used_twice_is_listed_once():
    run = sample.run("home", 1)
    first = {**run.provenance[0], "id": "carbon/sample", "used_for": "paris: carbon"}
    second = {**first, "ref": "carbon/sample:b_kwh", "used_for": "potsdam: carbon", "gaps": 7}
    run.provenance[:] = [first, second]
    rows = tables.provenance_rows(as_case(run))
    assert [row["id"] for row in rows] == ["carbon/sample"]
    assert rows[0]["uses"] == "paris: carbon, potsdam: carbon"
    assert rows[0]["gaps"] == "7"


def test_coverage_is_written_without_needless_zeros():
    run = sample.run("home", 1)
    run.provenance[0]["coverage"] = "2019-01-01T00:00:00Z to 2019-12-31T23:00:00Z"
    assert tables.provenance_rows(as_case(run))[0]["coverage"] == "2019-01-01 to 2019-12-31 23:00"


def test_coupled_zones_are_named(html):
    assert "The zones are coupled" in html


def test_a_single_run_has_no_lead_and_no_choice_of_policy(compared):
    run = compared.results["home", 1]
    page = Page(render(as_case(run)))
    keys = [a["data-panel"] for t, a in page.elements if t == "figure"]
    assert "lead" not in keys
    assert "waterfall" in keys
    assert not any(tag == "fieldset" for tag, _ in page.elements)


def test_write_is_atomic_and_leaves_no_part(tmp_path, compared, monkeypatch):
    path = tmp_path / "report.html"
    assert write_report(compared.results["home", 1], path) == path
    before = path.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_report(compared.results["home", 1], path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_a_report_of_something_else_is_refused(tmp_path):
    with pytest.raises(UsageError, match="needs a run or a comparison, not dict"):
        write_report({"policy": "home"}, tmp_path / "report.html")


def test_an_unfinished_comparison_is_refused(tmp_path):
    compared = sample.comparison(("home", "cheapest"), seeds=(1,))
    del compared.results["cheapest", 1]
    with pytest.raises(UsageError, match="cheapest seed 1"):
        write_report(compared, tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_the_same_input_gives_the_same_page(html, compared):
    assert render(as_case(compared)) == html
