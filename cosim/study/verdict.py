"""What has to be known of a ranking before it is believed, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cosim.study.until import Stopping

MAIN = "utility_usd"
ERROR = 0.05
ALARMS_MAX = 0.15


def notes(
    baseline: str,
    paired: Mapping[str, Mapping[str, Mapping[str, Any]]],
    alarms: Mapping[str, float],
    days: int,
    runs: int,
    stopping: Stopping | None,
) -> tuple[str, ...]:
    """The sentences of a comparison; none where there is nothing to say.

    Args:
        baseline: name of the baseline.
        paired: policy → KPI → paired difference.
        alarms: policy → how often its interval would part equal policies, where that is known
            (:func:`cosim.study.robust.false_alarm_share`).
        days: how many days there are.
        runs: runs of each policy.
        stopping: how seeds were added, where they were.
    """
    cells = {p: row[MAIN] for p, row in paired.items() if MAIN in row}
    return (
        *_days(days, runs),
        *_stopped(stopping, runs),
        *_undecided(baseline, cells, days, runs, stopping),
        *_several(baseline, cells),
        *_alarms(alarms),
    )


def absent(left_out: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each policy that the scenario names and that cannot act in its world."""
    for policy, why in left_out.items():
        yield f"{policy} is left out: {why}"


def remembered(trained_on: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Name the policies that are judged on days that they have seen.

    Args:
        trained_on: policy → such dates.
    """
    for policy, dates in trained_on.items():
        listed = ", ".join(dates[:3]) + (" …" if len(dates) > 3 else "")
        yield (
            f"not out of sample: {policy} was trained or chosen on {listed}, on which it is "
            "judged here; give the scenario train_days and test_days"
        )


def foreign(trained_in: Mapping[str, str]) -> Iterator[str]:
    """Name the policies that learned in another world.

    Args:
        trained_in: policy → the scenario that it learned in.
    """
    for policy, scenario in trained_in.items():
        yield (
            f"out of distribution: {policy} was trained in {scenario} and is judged in another "
            "world here; `cosim train` makes one for it"
        )


def _days(days: int, runs: int) -> Iterator[str]:
    if days > 1:
        yield (
            f"{days} days × {runs // days} seeds: differences are averaged over the seeds of a "
            "day, and intervals are over days"
        )


def _stopped(stopping: Stopping | None, runs: int) -> Iterator[str]:
    if stopping is None:
        return
    widest = max((stopping.half_width_usd or {}).values(), default=float("nan"))
    how = f"half of the widest interval is {widest:.4g} USD after {runs} seeds"
    asked = f"{stopping.target_usd:.4g} USD were asked for ({stopping.target})"
    said = "enough seeds" if stopping.reached else "not enough seeds"
    more = "" if stopping.reached else "; raise --max-seeds or ask for less"
    yield f"{said}: {how}; {asked}; intervals hold at every look{more}"


def _undecided(
    baseline: str,
    cells: Mapping[str, Mapping[str, Any]],
    days: int,
    runs: int,
    stopping: Stopping | None,
) -> Iterator[str]:
    """Warn of rankings that chance alone explains."""
    if cells and runs == 1:
        yield "one seed gives no interval, so the ranking may be chance; name more: --seeds 1..10"
        return
    open_ = [
        p for p, cell in cells.items() if cell["diff"] is not None and not cell["significant"]
    ]
    if open_:
        more = "more test_days" if days > 1 else "more seeds: --until-interval 1%"
        said = f"not significant: {' and '.join(open_)} against {baseline} (the interval of Δ "
        yield f"{said}utility holds 0)" + ("" if stopping else f"; {more}")


def _several(baseline: str, cells: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Say what is left when all comparisons together may err one time in twenty."""
    known = {p: cell for p, cell in cells.items() if cell["p_holm"] is not None}
    if len(known) < 2:
        return
    lost = [p for p, cell in known.items() if cell["significant"] and cell["p_holm"] > ERROR]
    said = f"{len(known)} comparisons with {baseline}, corrected together (Holm)"
    if lost:
        yield f"{said}: {' and '.join(lost)} no longer significant"
    else:
        yield f"{said}: every significant difference stays so"


def _alarms(alarms: Mapping[str, float]) -> Iterator[str]:
    """Warn of intervals that would often part equal policies with this spread."""
    for policy, share in alarms.items():
        if share > ALARMS_MAX:
            yield (
                f"the interval of {policy} is too narrow: equal policies with its spread would be "
                f"told apart in {100 * share:.0f} % of comparisons instead of 5 %; more seeds help"
            )
