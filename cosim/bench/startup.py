"""How fast the command line starts: processor time beyond that of a bare Python.

A command that is asked for help answers before any library is loaded; checking a scenario loads
what checks it and neither arrays nor tables.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from statistics import median

from cosim.bench.sheet import Row, Sheet, Terms, number_column, spread, spread_column
from cosim.errors import CosimError
from cosim.traces.catalogue import bundled

HELP_OVER_PYTHON_MS = 60.0
COLUMNS = (
    spread_column("CPU ms", "cpu_ms", 1),
    number_column("over Python ms", "over_python_ms", 1),
    number_column("× Python", "ratio_python", 1),
)
_ENTRY = "from cosim.cli.main import main; main({!r})"


def startup(letter: str, terms: Terms) -> Sheet:
    """Time the start of several commands in turn, three times as often as ``terms.repeat``."""
    times = timed(commands(), 3 * terms.repeat)
    bare_ms = median(times["python"])
    rows = {name: _row(found, bare_ms) for name, found in times.items()}
    over_ms = rows["cosim --help"]["over_python_ms"]
    told = "within" if over_ms <= HELP_OVER_PYTHON_MS else "NOT within"
    note = f"--help is {told} {HELP_OVER_PYTHON_MS:.0f} ms of bare Python"
    return Sheet(
        letter, "start-up of the command line", "commands", "command", COLUMNS, rows, notes=(note,)
    )


def commands() -> dict[str, list[str]]:
    """What is timed: name → arguments of the interpreter; the bare one comes first."""
    quickstart = str(bundled("scenarios") / "quickstart.yaml")
    return {
        "python": ["-c", "pass"],
        "cosim --help": ["-c", _ENTRY.format(["--help"])],
        "cosim run --help": ["-c", _ENTRY.format(["run", "--help"])],
        "cosim validate": ["-c", _ENTRY.format(["validate", quickstart])],
        "import cosim.run": ["-c", "import cosim.run"],
    }


def timed(what: dict[str, list[str]], repeat: int) -> dict[str, list[float]]:
    """Processor time of fresh interpreters [ms], in turns; the first round is not counted."""
    times: dict[str, list[float]] = {name: [] for name in what}
    for number in range(repeat + 1):
        for name, arguments in what.items():
            spent_ms = _cpu_ms(arguments)
            if number:
                times[name].append(spent_ms)
    return times


def _cpu_ms(arguments: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode:
        raise CosimError(f"`{' '.join(arguments)}` failed: {ran.stderr.decode()[-300:]}")
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return 1000.0 * spent_s


def _row(times_ms: list[float], bare_ms: float) -> Row:
    found_ms = median(times_ms)
    over = {"over_python_ms": found_ms - bare_ms, "ratio_python": found_ms / bare_ms}
    return {**spread("cpu_ms", times_ms), **over}
