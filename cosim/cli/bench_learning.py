"""``cosim bench --size R``: how many slots a learner plays in a second."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

import click

from cosim.cli import console

if TYPE_CHECKING:
    from cosim.bench.learning import Pace


def time_learning(repeat: int, as_json: bool, quiet: bool) -> None:
    """Time a learner's environments and hold them to the way through the seam.

    Args:
        repeat: repetitions.
        as_json: whether to print JSON.
        quiet: whether to print nothing else.
    """
    from cosim.bench.learning import faithful, measure_learning

    paces = measure_learning(repeat)
    same = faithful(paces)
    if as_json:
        engines = {f"{pace.name}-{pace.slots}": _pace_row(pace) for pace in paces}
        console.emit_json({"size": "R", "identical": same, "engines": engines})
    if not quiet:
        _pace_table(paces)
        console.say("IDENTICAL" if same else "DIFFERENT: the fast way is not the true one")
    if not same:
        raise click.exceptions.Exit(1)


def _pace_row(pace: Pace) -> dict[str, Any]:
    return {
        "slots": pace.slots,
        "worlds": pace.worlds,
        "cpu_s": median(pace.cpu_s),
        "cpu_s_min": min(pace.cpu_s),
        "cpu_s_max": max(pace.cpu_s),
        "slot_steps_per_s": pace.slot_steps_per_s,
        "reset_us": pace.reset_us,
        "peak_mb": pace.peak_mb,
        "digest": pace.digest,
    }


def _pace_table(paces: list[Pace]) -> None:
    rows = [
        (
            f"{pace.name}-{pace.slots}",
            f"{pace.worlds}",
            f"{pace.slot_steps_per_s / 1e3:.1f} k",
            f"{pace.slot_steps / min(pace.cpu_s) / 1e3:.1f} k",
            f"{pace.reset_us:.0f}",
            f"{pace.peak_mb:.0f}",
        )
        for pace in paces
    ]
    headings = ("engine", "worlds", "slots/s", "at best", "reset µs", "peak MB")
    console.table(headings, rows, title="size R: 500 jobs a day, 3 × 8 GPUs, a learner's slots")
