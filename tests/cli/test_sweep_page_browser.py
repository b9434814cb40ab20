"""The page of a sweep in a real browser: no error, no request, figures in light and dark."""

from __future__ import annotations

import csv
import io

import pytest

from cosim.report.browser import Browser, browsing, find_browser
from cosim.report.pictures import write_pictures
from cosim.report.sweep_page import write_sweep_report
from cosim.scenario.load import draft
from cosim.study.design import axis_of
from cosim.study.plan import ablation_plan, sweep_plan
from cosim.study.sweep import addresses, begin, sweep

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome on this machine"),
]
POLICIES = ("home", "greedy-utility")
PANELS = "[...document.querySelectorAll('figure[data-panel]')].map(f => f.dataset.panel)"
DRAWN = f"{PANELS}.filter(k => document.querySelector(`[data-panel=${{k}}] .main-svg path`))"
INK = "[...document.querySelectorAll('.xtick text')].map(t => getComputedStyle(t).fill)"
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
TITLE = "document.querySelector('[data-panel=tornado] .title').textContent"


@pytest.fixture(scope="module")
def base(pytestconfig):
    return draft(pytestconfig.rootpath / "tests" / "data" / "tiny.yaml")


@pytest.fixture(scope="module")
def varied(base, tmp_path_factory):
    """Two keys, one at a time: a tornado and two curves, one over words."""
    texts = ("workload.scale=0.5,1,2", "policy.energy=idle,paper-inner")
    axes = [axis_of(text, "--grid") for text in texts]
    plan = sweep_plan(base, axes, design="one-at-a-time", policies=POLICIES, seeds=(1, 2))
    return sweep(plan, tmp_path_factory.mktemp("sweep") / "s")


@pytest.fixture(scope="module")
def page(varied):
    return write_sweep_report(varied, varied.folder / "report.html")


@pytest.fixture(scope="module")
def browser():
    with browsing() as found:
        yield found


@pytest.fixture
def opened(browser, page):
    browser.open(page)
    browser.run("localStorage.clear()")
    return browser


def complaints(browser: Browser) -> list:
    bad = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
    return [event for event in browser.events if event.get("method") in bad]


def requests(browser: Browser) -> set[str]:
    sent = [e for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
    urls = [event["params"]["request"]["url"] for event in sent]
    return {url for url in urls if not url.startswith("data:")}


def test_all_figures_are_drawn_without_a_word_or_a_request(opened, page):
    assert opened.run(PANELS) == ["tornado", "response-0", "response-1"]
    assert opened.run(DRAWN) == opened.run(PANELS)
    assert complaints(opened) == []
    assert requests(opened) == {page.as_uri()}
    assert opened.run("document.documentElement.dataset.errors ?? ''") == ""


def test_light_and_dark_change_page_and_figures(opened):
    looks = []
    for _ in range(2):
        opened.run("document.getElementById('theme').click()")
        assert len(opened.picture()) > 40_000, "the page looks blank"
        looks.append((opened.run(BACKGROUND), frozenset(opened.run(INK))))
    assert looks[0][0] != looks[1][0]
    assert looks[0][1].isdisjoint(looks[1][1])
    assert complaints(opened) == []


def test_another_policy_has_a_tornado_of_its_own(opened, varied):
    first = opened.run(TITLE)
    opened.run("document.querySelectorAll('input[data-policy]')[1].click()")
    assert opened.run(TITLE) != first
    bars = "document.querySelector('[data-panel=tornado] .plot').data[0].x.length"
    assert opened.run(bars) > 0
    assert complaints(opened) == []


def test_the_table_of_a_curve_holds_the_means_of_the_sweep(opened, varied):
    figure = (
        "JSON.parse(document.querySelector('[data-panel=response-0] > script').textContent)[0]"
    )
    rows = list(csv.reader(io.StringIO(opened.run(f"cosimNumbers.csv({figure})"))))
    assert rows[0] == ["series", "x", "value"]
    shown = {float(x): float(y) for name, x, y in rows[1:] if name == "home"}
    for number, point in enumerate(varied.points):
        if set(point.settings) <= {"workload.scale"}:
            mean = varied.mean(number, "home", "utility_usd")["mean"]
            assert shown[point.values["workload.scale"]] == pytest.approx(mean, rel=1e-6)


def test_the_page_of_an_ablation_is_drawn_too(browser, base, tmp_path):
    plan = ablation_plan(base, names=["no-transfer", "no-battery"], policies=POLICIES, seeds=[1])
    found = sweep(plan, tmp_path / "a")
    browser.open(write_sweep_report(found, tmp_path / "a" / "report.html"))
    assert browser.run(DRAWN) == browser.run(PANELS) == ["tornado"]
    assert complaints(browser) == []


def test_a_page_without_any_figure_is_ready_at_once(browser, base, tmp_path):
    plan = sweep_plan(base, [axis_of("workload.scale=1,2", "g")], policies=POLICIES, seeds=[1])
    nothing = begin(plan, addresses(plan), tmp_path / "n")
    browser.open(write_sweep_report(nothing, tmp_path / "n" / "report.html"))
    assert browser.run(PANELS) == []
    assert "Nothing has finished yet" in browser.run("document.querySelector('h1').textContent")
    assert complaints(browser) == []


def test_its_figures_become_pictures(page, tmp_path):
    files = write_pictures(page, tmp_path, "png")
    assert {path.stem for path in files} == {
        *("page-light", "page-dark"),
        *("tornado", "response-0", "response-1"),
    }
    assert (tmp_path / "page-light.png").read_bytes() != (tmp_path / "page-dark.png").read_bytes()
    assert all(len(path.read_bytes()) > 8_000 for path in files)
