"""The report in a real browser: no error, no request, every figure drawn, in light and in dark."""

from __future__ import annotations

import base64
import csv
import io
import json
import struct
import time
import xml.etree.ElementTree as ET

import pytest
import report_sample as sample
from training_sample import a_training

from cosim.errors import UsageError
from cosim.report.browser import Browser, browsing, find_browser
from cosim.report.inputs import as_case
from cosim.report.page import panel_count, write_report
from cosim.report.pictures import draw_picture, write_pictures
from cosim.report.training_page import write_training_report

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome on this machine"),
]


HEIGHTS = "[...document.querySelectorAll('figure[data-panel] .plot')].map(p => p.offsetHeight)"
WIDTH = "document.querySelector('figure[data-panel] .main-svg').getBoundingClientRect().width"
PANELS = "[...document.querySelectorAll('figure[data-panel]')].map(f => f.dataset.panel)"
DRAWN = f"{PANELS}.filter(k => document.querySelector(`[data-panel=${{k}}] .main-svg path`))"
NARROW = {"width": 620, "height": 900, "deviceScaleFactor": 1, "mobile": False}


def complaints(browser: Browser) -> list:
    bad = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
    return [event for event in browser.events if event.get("method") in bad]


def requests(browser: Browser) -> list[str]:
    sent = [e for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
    return [event["params"]["request"]["url"] for event in sent]


@pytest.fixture(scope="module")
def browser():
    with browsing() as found:
        yield found


@pytest.fixture(scope="module")
def compared():
    return sample.comparison(seeds=(1, 2, 3))


@pytest.fixture(scope="module")
def report(tmp_path_factory, compared):
    return write_report(compared, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture
def opened(browser, report):
    browser.open(report)
    browser.run("localStorage.clear()")
    return browser


def background(browser: Browser) -> str:
    return browser.run("getComputedStyle(document.body).backgroundColor")


def ink_of_figures(browser: Browser) -> set[str]:
    fills = "[...document.querySelectorAll('.xtick text')].map(t => getComputedStyle(t).fill)"
    return set(browser.run(fills))


def test_all_figures_are_drawn_without_a_word_on_the_console(opened, compared):
    drawn = opened.run("document.querySelectorAll('.js-plotly-plot').length")
    empty = opened.run(
        "[...document.querySelectorAll('.js-plotly-plot')]"
        ".filter(p => !p.querySelector('.main-svg path')).length"
    )
    assert drawn == panel_count(as_case(compared))
    assert empty == 0
    assert complaints(opened) == []
    assert opened.run("document.documentElement.dataset.errors ?? ''") == ""


def test_nothing_is_requested_but_the_file_itself(opened, report):
    outside = [u for u in requests(opened) if u != report.as_uri() and not u.startswith("data:")]
    assert outside == []


def test_the_answer_is_on_screen_before_figures_are_drawn(browser, report):
    browser.open(report, whole=False)
    paint = "performance.getEntriesByType('paint').find(e => e.name.startsWith('first-cont'))"
    painted_ms = browser.run(f"{paint}.startTime")
    assert painted_ms < float(browser.run("document.documentElement.dataset.shownMs"))
    assert painted_ms < 2000


def test_figures_are_drawn_when_they_come_near(browser, report):
    browser.open(report, whole=False)
    whole = browser.run(f"{PANELS}.length")
    assert browser.run(f"{DRAWN}.length") < whole / 2
    assert "matrix" not in browser.run(DRAWN)
    browser.run("document.querySelector('[data-panel=matrix]').scrollIntoView()")
    until = time.monotonic() + 60
    while "matrix" not in browser.run(DRAWN):
        assert time.monotonic() < until, "it came on screen and was not drawn"
        time.sleep(0.05)
    assert browser.run(f"{DRAWN}.length") < whole
    assert complaints(browser) == []


def test_no_button_sends_the_data_away(opened):
    titles = opened.run(
        "[...document.querySelectorAll('.modebar-btn')].map(b => b.dataset.title).join()"
    )
    assert "Zoom" in titles
    assert "loud" not in titles
    assert "tudio" not in titles


def test_the_toggle_re_themes_page_and_figures(opened, tmp_path):
    pictures, inks = [], []
    for _ in range(2):
        opened.run("document.getElementById('theme').click()")
        pictures.append(opened.picture())
        inks.append((background(opened), frozenset(ink_of_figures(opened))))
    assert inks[0] != inks[1]
    assert inks[0][1].isdisjoint(inks[1][1])
    for name, png in zip(("one.png", "two.png"), pictures, strict=True):
        (tmp_path / name).write_bytes(png)
        assert len(png) > 60_000, "the page looks blank"
    assert complaints(opened) == []


def test_it_follows_the_system(browser, report):
    browser.open(report)
    browser.run("localStorage.clear()")
    seen = []
    for scheme in ("light", "dark"):
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.tell("Emulation.setEmulatedMedia", media)
        browser.open(report)
        seen.append((background(browser), frozenset(ink_of_figures(browser))))
    browser.tell("Emulation.setEmulatedMedia", {"features": []})
    assert seen[0][0] != seen[1][0]
    assert seen[0][1].isdisjoint(seen[1][1])


def test_another_policy_changes_figures_and_tables(opened):
    title = "document.querySelector('[data-panel=waterfall] .title').textContent"
    assert opened.run(title).startswith("home ends")
    opened.run("document.querySelectorAll('input[data-policy]')[2].click()")
    assert opened.run(title).startswith("greedy-utility ends")
    shown = "[...document.querySelectorAll('.card[data-of-policy]')].filter(c => !c.hidden)"
    assert opened.run(f"{shown}.map(c => c.querySelector('h3').textContent)") == [
        "Where every kWh went under greedy-utility"
    ]
    assert complaints(opened) == []


def test_the_table_of_a_figure_holds_its_numbers(opened, compared):
    opened.run(
        "URL.createObjectURL = (blob) => {"
        " window.saved ??= blob.text(); return 'blob:null/0'; };"
        "document.querySelector('[data-panel=energy-0] details').open = true"
    )
    opened.run("new Promise((done) => setTimeout(done, 100))")
    link = "document.querySelector('[data-panel=energy-0] a[download]')"
    assert opened.run(f"[{link}.download, {link}.href]") == ["energy-0.csv", "blob:null/0"]
    rows = list(csv.reader(io.StringIO(opened.run("window.saved"))))
    assert rows[0] == ["series", "x", "value"]
    grid = [row for row in rows if row[0] == "grid"]
    ledger = compared.results["home", 1].ledger
    assert grid[0][1] == "2019-04-22T00:02:30.000Z"
    assert len(grid) == ledger.slots
    bought_kwh = sum(float(row[2]) for row in grid) * 5 / 60
    assert bought_kwh == pytest.approx(
        ledger.data["import_kwh"][: ledger.slots, 0].sum(), rel=1e-6
    )


def test_every_table_of_a_figure_can_be_written(opened):
    opened.run(
        "window.sizes = []; URL.createObjectURL = (blob) => {"
        " window.sizes.push(blob.size); return 'blob:null/0'; };"
        "document.querySelectorAll('figure details').forEach((d) => { d.open = true; })"
    )
    opened.run("new Promise((done) => setTimeout(done, 200))")
    sizes = opened.run("window.sizes")
    assert len(sizes) == 2 * opened.run("document.querySelectorAll('figure').length")
    assert min(sizes) > len("series,x,value\r\n")
    assert complaints(opened) == []


def test_json_of_a_figure_says_what_its_numbers_are(opened):
    found = json.loads(
        opened.run(
            "cosimNumbers.json(JSON.parse(document.querySelector("
            "'[data-panel=time-split] > script').textContent)[0])"
        )
    )
    assert found["columns"] == ["series", "x", "value"]
    assert {row[0] for row in found["rows"]} >= {"transfer", "service"}
    assert "took" in found["title"]


def test_a_row_of_the_hour_finds_its_mark_and_a_mark_its_row(opened):
    rows = "document.querySelectorAll('[data-panel=decisions] tbody tr')"
    plot = "document.querySelector('[data-panel=decisions] .plot')"
    marks = f"{plot}.data.reduce((n, t) => n + cosimNumbers.numbers(t.x).length, 0)"
    assert opened.run(f"{rows}.length") == opened.run(marks) > 20
    opened.run(f"{rows}[3].click()")
    chosen = f"{plot}.data.flatMap((t, i) => (t.selectedpoints || []).map((p) => [i, p]))"
    assert opened.run(chosen) == [opened.run(f"{rows}[3].at")]
    for name in ("keyDown", "keyUp"):
        key = {"type": name, "key": "ArrowDown", "code": "ArrowDown", "windowsVirtualKeyCode": 40}
        opened.tell("Input.dispatchKeyEvent", key)
    assert opened.run(chosen) == [opened.run(f"{rows}[4].at")]
    opened.run(f"{plot}.emit('plotly_click', {{ points: [{{curveNumber: 1, pointNumber: 2}}] }})")
    assert opened.run(chosen) == [[1, 2]]
    assert opened.run("[...document.querySelectorAll('tr[aria-selected=true]')].length") == 1
    assert complaints(opened) == []


def test_another_hour_changes_its_figures(opened):
    title = "document.querySelector('[data-panel=decisions] .title').textContent"
    opened.run("(() => { const h = document.getElementById('hour'); h.value = '3';"
               " h.dispatchEvent(new Event('change')); })()")  # fmt: skip
    assert opened.run(title).startswith("22 Apr 2019 03:00 UTC")
    assert "03:00" in opened.run(title.replace("decisions", "occupancy"))
    assert complaints(opened) == []


def test_a_close_look_shows_jobs_and_then_steps(opened):
    plot = "document.querySelector('[data-panel=occupancy] .plot')"
    shown = f"{plot}.data.filter((t) => t.visible !== false).map((t) => t.type)"
    steps = f"{plot}.data.at(-1).x.length"
    look = (
        "((length, start) => { const [a, b] = document.querySelectorAll('[data-look]');"
        " a.value = length; a.dispatchEvent(new Event('change'));"
        " b.value = start; b.dispatchEvent(new Event('change')); })"
    )
    assert opened.run(shown) == ["heatmap", "scatter"]
    opened.run(f"{look}('30', '5')")
    assert opened.run(shown) == ["bar", "bar", "bar", "scatter"]
    opened.run(f"{look}('1', '20')")
    assert opened.run(f"{plot}.layout.xaxis.range") == [20, 21]
    assert opened.run(steps) > 100
    opened.run(f"{look}('all', '0')")
    assert opened.run(shown) == ["heatmap", "scatter"]
    assert opened.run(steps) == 0
    assert complaints(opened) == []


def test_keys_alone_reach_the_theme_and_the_policies(opened):
    seen = []
    for _ in range(14):
        for kind in ("keyDown", "keyUp"):
            key = {"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
            opened.tell("Input.dispatchKeyEvent", key)
        seen.append(opened.run("document.activeElement.id || document.activeElement.type || ''"))
    assert "theme" in seen
    assert "radio" in seen


def test_paper_shows_it_in_light(opened):
    opened.run("document.documentElement.dataset.theme = 'dark'")
    pdf = base64.b64decode(opened.tell("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 100_000
    assert complaints(opened) == []
    assert opened.run("document.documentElement.dataset.theme") == "dark"


def test_paper_shows_figures_that_nobody_has_scrolled_to(browser, report):
    browser.open(report, whole=False)
    assert browser.run(f"{DRAWN}.length") < browser.run(f"{PANELS}.length")
    first = base64.b64decode(browser.tell("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    assert browser.run(DRAWN) == browser.run(PANELS)
    again = base64.b64decode(browser.tell("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    assert len(first) == pytest.approx(len(again), rel=0.02)
    assert complaints(browser) == []


def test_a_hostile_name_runs_nothing(browser, tmp_path):
    name = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"
    world = sample.scenario(sites=(name, "paris"), about=name)
    compared = sample.comparison((name, "home"), seeds=(1,), world=world, warnings=[name])
    browser.open(write_report(compared, tmp_path / "report.html"))
    assert browser.run("typeof window.hit") == "undefined"
    assert complaints(browser) == []
    assert (
        browser.run("document.querySelector('[data-panel=energy-0] .title').textContent")[0] == "‹"
    )


def test_a_training_is_drawn_without_a_word_on_the_console(browser, tmp_path):
    folders = [a_training(tmp_path / f"s{seed}", seed) for seed in (1, 2)]
    browser.open(write_training_report(folders, tmp_path / "curves.html"))
    assert browser.run("document.querySelectorAll('.js-plotly-plot .main-svg path').length") > 10
    assert browser.run("document.querySelectorAll('figure').length") == 3
    assert complaints(browser) == []


def test_every_figure_becomes_a_picture(report, compared, tmp_path):
    count = panel_count(as_case(compared))
    light, dark, *files = sorted(
        write_pictures(report, tmp_path / "png", "png", policy="cheapest"),
        key=lambda path: (
            ["page-light", "page-dark"].index(path.stem) if path.stem.startswith("page-") else 2
        ),
    )
    assert (light.stem, dark.stem, len(files)) == ("page-light", "page-dark", count)
    assert light.read_bytes() != dark.read_bytes()
    for path in files:
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", content[16:24])
        assert width == 1920
        assert height > 400
        assert len(content) > 8_000, f"{path.name} looks blank"


def test_a_change_of_the_window_leaves_figures_their_heights(report, tmp_path):
    with browsing() as browser:
        browser.open(report)
        before = browser.run(HEIGHTS)
        wide = browser.run(WIDTH)
        browser.tell("Emulation.setDeviceMetricsOverride", NARROW)
        for _ in range(200):  # plotly.js waits a little before it lays a figure out again
            if browser.run(WIDTH) < wide:
                break
            time.sleep(0.05)
        assert browser.run(WIDTH) < wide
        assert browser.run(HEIGHTS) == before
        keys = browser.run(PANELS)
        assert all(draw_picture(browser, key, tmp_path, "svg").is_file() for key in keys)


def test_figures_become_drawings_of_the_policy_that_was_asked_for(report, tmp_path):
    files = write_pictures(report, tmp_path / "svg", "svg", policy="cheapest")
    texts = {path.stem: path.read_text(encoding="utf-8") for path in files}
    for text in texts.values():
        assert ET.fromstring(text).tag.endswith("svg")
    assert "cheapest ends with a utility of" in texts["waterfall"]
    with pytest.raises(UsageError, match="it has: home, cheapest, greedy-utility"):
        write_pictures(report, tmp_path / "svg", "svg", policy="nobody")


def test_a_page_that_is_no_report_is_told_in_words(browser, tmp_path, monkeypatch):
    monkeypatch.setattr("cosim.report.browser.WAIT_S", 1.0)
    (tmp_path / "other.html").write_text("<!DOCTYPE html><title>other</title>")
    with pytest.raises(UsageError, match="is it a report"):
        browser.open(tmp_path / "other.html")
