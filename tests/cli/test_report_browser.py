"""The report in a real browser: no error, no request, every figure drawn, in light and in dark.

Chromium is driven over its debugging pipe (file descriptors 3 and 4, messages ended by NUL), so
that no port is opened.
"""

from __future__ import annotations

import base64
import csv
import fcntl
import importlib.util
import io
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cosim.report.inputs import as_case
from cosim.report.page import panel_count, write_report

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-pipe", "--hide-scrollbars", "--window-size=1280,1600",
)  # fmt: skip
WAIT_S = 60.0

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium or google-chrome on this machine"),
]


class Browser:
    """One Chromium and one page in it."""

    def __init__(self, home: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()

        def hand_over() -> None:
            spare = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (theirs_in, theirs_out)]
            for fd, target in zip(spare, (3, 4), strict=True):
                os.dup2(fd, target)

        self._process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={home}", "about:blank"],
            preexec_fn=hand_over,  # noqa: PLW1509 - the pipe needs descriptors 3 and 4
            pass_fds=(3, 4),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._rest, self._count, self.events = b"", 0, []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(t["targetId"] for t in targets if t["type"] == "page")
        attach = {"targetId": page, "flatten": True}
        self._session = self.call("Target.attachToTarget", attach)["sessionId"]
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.tell(f"{domain}.enable")

    def close(self) -> None:
        try:
            self.call("Browser.close")
            self._process.wait(timeout=WAIT_S)
        except (AssertionError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait(timeout=WAIT_S)
        os.close(self._in)
        os.close(self._out)

    def tell(self, method: str, params: dict | None = None) -> dict:
        return self.call(method, params, session=self._session)

    def call(self, method: str, params: dict | None = None, session: str | None = None) -> dict:
        self._count += 1
        message = {"id": self._count, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            reply = self._read()
            if reply.get("id") == self._count:
                assert "error" not in reply, reply
                return reply["result"]
            self.events.append(reply)

    def _read(self) -> dict:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], WAIT_S)
            assert ready, "the browser does not answer"
            chunk = os.read(self._in, 1 << 16)
            assert chunk, "the browser has ended"
            self._rest += chunk
        text, _, self._rest = self._rest.partition(b"\0")
        return json.loads(text)

    def run(self, script: str):
        asked = {"expression": script, "returnByValue": True, "awaitPromise": True}
        reply = self.tell("Runtime.evaluate", asked)
        assert "exceptionDetails" not in reply, reply["exceptionDetails"]
        return reply["result"].get("value")

    def open(self, path: Path) -> float:
        """Load a page; return the seconds until its last figure was drawn."""
        self.events.clear()
        began = time.monotonic()
        self.tell("Page.navigate", {"url": path.as_uri()})
        while self.run("document.documentElement?.dataset.ready ?? ''") == "":
            assert time.monotonic() - began < WAIT_S, "the page never became ready"
            time.sleep(0.05)
        return time.monotonic() - began

    def picture(self, size: tuple[int, int] = (1280, 1600)) -> bytes:
        clip = {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}
        shot = self.tell("Page.captureScreenshot", {"format": "png", "clip": clip})
        return base64.b64decode(shot["data"])

    def complaints(self) -> list:
        bad = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [event for event in self.events if event.get("method") in bad]

    def requests(self) -> list[str]:
        sent = [e for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]


def _sample():
    path = Path(__file__).parents[1] / "report_sample.py"
    spec = importlib.util.spec_from_file_location("report_sample", path)
    module = sys.modules.setdefault(spec.name, importlib.util.module_from_spec(spec))
    if not hasattr(module, "comparison"):
        spec.loader.exec_module(module)
    return module


sample = _sample()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    found = Browser(tmp_path_factory.mktemp("chromium"))
    yield found
    found.close()


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
    assert opened.complaints() == []
    assert opened.run("document.documentElement.dataset.errors ?? ''") == ""


def test_nothing_is_requested_but_the_file_itself(opened, report):
    outside = [u for u in opened.requests() if u != report.as_uri() and not u.startswith("data:")]
    assert outside == []


def test_the_answer_is_on_screen_before_figures_are_drawn(browser, report):
    browser.open(report)
    paint = "performance.getEntriesByType('paint').find(e => e.name.startsWith('first-cont'))"
    painted_ms = browser.run(f"{paint}.startTime")
    assert painted_ms < float(browser.run("document.documentElement.dataset.drawnMs"))
    assert painted_ms < 2000


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
    assert opened.complaints() == []


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
    assert opened.complaints() == []


def test_the_table_of_a_figure_holds_its_numbers(opened, compared):
    opened.run(
        "URL.createObjectURL = (blob) => {"
        " window.saved = blob.text(); return 'blob:null/0'; };"
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
    assert len(sizes) == opened.run("document.querySelectorAll('figure').length")
    assert min(sizes) > len("series,x,value\r\n")
    assert opened.complaints() == []


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
    assert opened.complaints() == []
    assert opened.run("document.documentElement.dataset.theme") == "dark"


def test_a_hostile_name_runs_nothing(browser, tmp_path):
    name = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"
    world = sample.scenario(sites=(name, "paris"), about=name)
    compared = sample.comparison((name, "home"), seeds=(1,), world=world, warnings=[name])
    browser.open(write_report(compared, tmp_path / "report.html"))
    assert browser.run("typeof window.hit") == "undefined"
    assert browser.complaints() == []
    assert (
        browser.run("document.querySelector('[data-panel=energy-0] .title').textContent")[0] == "‹"
    )
