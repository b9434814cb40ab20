"""Does the command answer at once?"""

from cosim.bench.startup import HELP_OVER_PYTHON_MS, commands, timed


def test_help_costs_little_more_than_python_itself():
    known = commands()
    times_ms = timed({name: known[name] for name in ("python", "cosim --help")}, 5)
    bare_ms, help_ms = (min(times) for times in times_ms.values())
    assert help_ms < max(3.0 * bare_ms, bare_ms + HELP_OVER_PYTHON_MS)
