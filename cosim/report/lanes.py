"""Rows of a timetable: each GPU has one, parted into lanes where jobs share the GPU."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

import numpy as np

from cosim.report.inputs import Floats, Ints, Jobs

Rows = Sequence[tuple[int, int]]
"""(site, GPU) of each row."""
BAR = 0.82
"""Share of a row's height that bars take."""


def lanes_of(jobs: Jobs, picked: Ints, table: Rows) -> tuple[Floats, Floats]:
    """Middle and height of every job's bar, so that jobs at the same time do not cover each other.

    Args:
        jobs: the job table.
        picked: jobs, in the order of their start.
        table: (site, GPU) of each row.

    Returns:
        Two arrays in rows, one entry per picked job; row r reaches from r − 0.5 to r + 0.5.
    """
    rows = {key: r for r, key in enumerate(table)}
    place, height = np.zeros(len(picked)), np.full(len(picked), BAR)
    row = np.array([rows[int(jobs.site[j]), int(jobs.gpu[j])] for j in picked], dtype=np.int64)
    for r in range(len(table)):
        mine = np.flatnonzero(row == r)
        lane = _lanes(jobs.start_ns[picked[mine]], jobs.finish_ns[picked[mine]])
        count = int(lane.max(initial=0)) + 1
        height[mine] = BAR / count
        place[mine] = r - BAR / 2 + BAR * (lane + 0.5) / count
    return place, height


def _lanes(start_ns: Ints, finish_ns: Ints) -> Ints:
    """The lowest lane that is free at each start; starts ascend."""
    lanes = np.zeros(len(start_ns), dtype=np.int64)
    ending: list[tuple[int, int]] = []
    free: list[int] = []
    for k, (start, finish) in enumerate(zip(start_ns.tolist(), finish_ns.tolist(), strict=True)):
        while ending and ending[0][0] <= start:
            heappush(free, heappop(ending)[1])
        lanes[k] = heappop(free) if free else len(ending)
        heappush(ending, (finish, int(lanes[k])))
    return lanes
