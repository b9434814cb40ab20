"""Engines against each other: the same jobs, the same results, and what each takes for them."""

from __future__ import annotations

from cosim.bench.measure import Measure, estimate, identical, measure
from cosim.bench.sheet import (
    Column,
    Row,
    Sheet,
    Terms,
    amount_column,
    number_column,
    spread,
    spread_column,
)
from cosim.bench.sizes import SIZES, Size

COLUMNS = (
    spread_column("CPU s", "cpu_s"),
    amount_column("jobs/s", "jobs_per_s"),
    amount_column("steps/s", "steps_per_s"),
    amount_column("events", "events"),
    number_column("peak MB", "peak_mb"),
    number_column("× textbook", "ratio_textbook", 1),
    number_column("× reference", "ratio_reference", 1),
    Column("", lambda row: "estimated" if row["estimated"] else ""),
)


def contest(letter: str, terms: Terms) -> Sheet:
    """Time the engines of a size.

    Slow ones run as often as the fast one at size S, once elsewhere; with ``terms.quick``, and
    always for a year, they run a small size and are scaled up by denoising steps.

    Args:
        letter: a key of :data:`cosim.bench.sizes.SIZES`.
        terms: how often, and whether to scale up.
    """
    size = SIZES[letter]
    scaled = (terms.quick or size.slow == "scaled") and size.small != size
    measures, checked = _scaled(size, terms) if scaled else _whole(size, terms)
    rows = {m.engine: row(m, measures) for m in measures}
    same = identical(checked) and all(m.steady for m in measures)
    notes = _notes(size, measures[-1], scaled)
    return Sheet(letter, size.title, "engines", "engine", COLUMNS, rows, same, notes)


def row(found: Measure, measures: list[Measure]) -> Row:
    """The figures of one engine among all that were measured on the same jobs."""
    seconds = {m.engine: m.median_s for m in measures}
    return {
        **spread("cpu_s", found.cpu_s),
        "repeats": len(found.cpu_s),
        "jobs": found.jobs,
        "steps": found.steps,
        "jobs_per_s": found.jobs / found.median_s,
        "steps_per_s": found.steps / found.median_s,
        "events": found.events,
        "peak_mb": found.peak_mb,
        **{
            f"ratio_{name}": _ratio(seconds.get(name), found) for name in ("textbook", "reference")
        },
        "digest": found.digest,
        "estimated": found.estimated,
    }


def _ratio(seconds: float | None, found: Measure) -> float | None:
    return None if seconds is None else seconds / found.median_s


def _whole(size: Size, terms: Terms) -> tuple[list[Measure], list[Measure]]:
    """Every engine on the size itself."""
    slow = terms.repeat if size.slow == "repeated" else 1
    counts = dict.fromkeys(size.engines[:-1], slow)
    measures = measure(size, {**counts, size.engines[-1]: terms.repeat}, terms.tell)
    return measures, measures


def _scaled(size: Size, terms: Terms) -> tuple[list[Measure], list[Measure]]:
    """The fast engine on the size, all on a small one; what is compared is the small one."""
    small = measure(size.small, dict.fromkeys(size.engines, terms.repeat), terms.tell)
    (fast,) = measure(size, {size.engines[-1]: terms.repeat}, terms.tell)
    return [*(estimate(m, fast) for m in small[:-1]), fast], small


def _notes(size: Size, fast: Measure, scaled: bool) -> tuple[str, ...]:
    notes = [f"drawing the {fast.jobs:,} jobs took {fast.draw_s:.2f} s and is not counted"]
    if scaled:
        notes.append(
            "slow engines are estimated: they were timed, and the results of all compared, on "
            f"{size.small.jobs:,} jobs ({size.small.title}), and scaled up by denoising steps"
        )
    if "textbook" not in size.engines:
        lacks = "batches" if size.batch_max > 1 else "estimates of waits to show to Python"
        notes.append(f"no ratio to the textbook model: it has no {lacks}")
    return tuple(notes)
