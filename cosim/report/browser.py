"""A browser without a window: it draws a report's figures as files, offline.

plotly.js draws in a browser and nowhere else. Chromium is driven over its debugging pipe (file
descriptors 3 and 4, messages ended by NUL), so that no port is opened and nothing is downloaded;
any Chromium, Chrome or Edge of the machine will do. Its profile lives in a folder that is removed.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cosim.errors import UsageError

NAMES = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
    "microsoft-edge",
)  # fmt: skip
CHOSEN = "COSIM_BROWSER"
WAIT_S = 180.0
_FLAGS = (
    "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-pipe", "--hide-scrollbars",
)  # fmt: skip
_ENDED = f"the browser has ended; name another one with {CHOSEN}"
_SILENT = f"the browser does not answer within {WAIT_S:.0f} s; name another one with {CHOSEN}"
_WHOLE = "typeof cosimPage === 'undefined' || cosimPage.showAll().then(() => true)"
"""A page without it, of an earlier version, has drawn everything by itself."""
_HAND_OVER = """
import fcntl, os, sys
spare = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3]]
for fd, target in zip(spare, (3, 4)):
    os.dup2(fd, target)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Puts the pipe where the browser looks for it, and becomes the browser."""


def find_browser() -> str | None:
    """Path of the browser: what the variable ``COSIM_BROWSER`` names, else the first known."""
    chosen = os.environ.get(CHOSEN)
    return next(filter(None, map(shutil.which, (chosen,) if chosen else NAMES)), None)


@contextmanager
def browsing(width_px: int = 1280, height_px: int = 1600) -> Iterator[Browser]:
    """Open a browser and close it again.

    Args:
        width_px: width of its window.
        height_px: height of its window.

    Raises:
        UsageError: there is none, or it does not answer.
    """
    program = find_browser()
    if program is None:
        asked = os.environ.get(CHOSEN)
        said = (
            f"{CHOSEN}={asked} is no program" if asked else f"none of {', '.join(NAMES)} is here"
        )
        raise UsageError(
            f"pictures need a browser to draw them: {said}; install Chromium, or name one with "
            f"{CHOSEN}=/path/to/browser"
        )
    with tempfile.TemporaryDirectory(prefix="cosim-browser-", ignore_cleanup_errors=True) as home:
        browser = Browser(program, Path(home), width_px, height_px)
        try:
            yield browser
        finally:
            browser.close()


class Browser:
    """One Chromium and one page in it.

    Attributes:
        events: what the browser told since the last page was opened.
    """

    def __init__(self, program: str, home: Path, width_px: int, height_px: int) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        flags = [*_FLAGS, f"--window-size={width_px},{height_px}", f"--user-data-dir={home}"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")  # Chromium refuses to run as root with one
        ends = (str(theirs_in), str(theirs_out))
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _HAND_OVER, *ends, program, *flags, "about:blank"],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._rest, self._count = b"", 0
        self.events: list[dict[str, Any]] = []
        try:
            self._session = self._attach()
        except UsageError:
            self.close()
            raise

    def _attach(self) -> str:
        targets = self._call("Target.getTargets", {})["targetInfos"]
        page = next(t["targetId"] for t in targets if t["type"] == "page")
        attached = self._call("Target.attachToTarget", {"targetId": page, "flatten": True})
        self._session = str(attached["sessionId"])
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.tell(f"{domain}.enable")
        return self._session

    def close(self) -> None:
        """End the browser."""
        try:
            self._call("Browser.close", {})
            self._process.wait(timeout=WAIT_S)
        except (UsageError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait(timeout=WAIT_S)
        os.close(self._in)
        os.close(self._out)

    def tell(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call a method of the browser's protocol for the page."""
        return self._call(method, params or {}, self._session)

    def _call(
        self, method: str, params: dict[str, Any], session: str | None = None
    ) -> dict[str, Any]:
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self._send(json.dumps(message).encode() + b"\0")
        while True:
            reply = self._read()
            if reply.get("id") != self._count:
                self.events.append(reply)
                continue
            if "error" in reply:
                raise UsageError(f"the browser refused {method}: {reply['error'].get('message')}")
            found: dict[str, Any] = reply["result"]
            return found

    def _send(self, message: bytes) -> None:
        try:
            while message:
                message = message[os.write(self._out, message) :]
        except BrokenPipeError:
            raise UsageError(_ENDED) from None

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], WAIT_S)
            chunk = os.read(self._in, 1 << 16) if ready else b""
            if not chunk:
                raise UsageError(_ENDED if ready else _SILENT)
            self._rest += chunk
        text, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(text)
        return found

    def run(self, script: str) -> Any:
        """Evaluate JavaScript in the page and return its value, promises awaited.

        Raises:
            UsageError: it threw.
        """
        asked = {"expression": script, "returnByValue": True, "awaitPromise": True}
        reply = self.tell("Runtime.evaluate", asked)
        if "exceptionDetails" in reply:
            raise UsageError(f"the page could not do it: {reply['exceptionDetails']}")
        return reply["result"].get("value")

    def open(self, path: Path, *, whole: bool = True) -> float:
        """Load a report; return the seconds until its figures were drawn.

        Args:
            path: the page.
            whole: draw all of its figures, not only those that are near the top.

        Raises:
            UsageError: it is no report, or never became ready.
        """
        self.events.clear()
        began = time.monotonic()
        self.tell("Page.navigate", {"url": path.absolute().as_uri()})
        while self.run("document.documentElement?.dataset.ready ?? ''") == "":
            if time.monotonic() - began > WAIT_S:
                raise UsageError(f"{path} was not drawn within {WAIT_S:.0f} s; is it a report?")
            time.sleep(0.05)
        if whole:
            self.run(_WHOLE)
        return time.monotonic() - began

    def picture(self, width_px: int = 1280, height_px: int = 1600, top_px: int = 0) -> bytes:
        """Return a part of the page as PNG."""
        clip = {"x": 0, "y": top_px, "width": width_px, "height": height_px, "scale": 1}
        asked = {"format": "png", "clip": clip, "captureBeyondViewport": True}
        return base64.b64decode(self.tell("Page.captureScreenshot", asked)["data"])
