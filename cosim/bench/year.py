"""Jobs of a long window, drawn part by part: at once a year would take several times the room."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.prepare import Stage
from cosim.prepare.demand import draw_jobs
from cosim.quantities import NS_PER_DAY
from cosim.traces.jobs import JobSet

PART_NS = 5 * NS_PER_DAY
_INSTANTS = {"arrival_ns", "deadline_ns"}


def jobs_in_parts(stage: Stage, seed: int, part_ns: int = PART_NS) -> JobSet:
    """Draw the jobs of a stage's window part by part, each part from a seed of its own.

    Args:
        stage: the stage.
        seed: the first part's seed; the k-th has ``seed + k``.
        part_ns: length of a part [ns]; a window of one part has the jobs of ``stage.jobs(seed)``.
    """
    start_ns, end_ns = stage.window.start_utc_ns, stage.window.end_utc_ns
    begins_ns = range(start_ns, end_ns, part_ns)
    parts = []
    for k, begin_ns in enumerate(begins_ns):
        end = min(begin_ns + part_ns, end_ns)
        window = replace(stage.window, start_utc_ns=begin_ns, end_utc_ns=end)
        parts.append(draw_jobs(stage.scenario, window, seed + k, stage.base))
    offsets_ns = [begin_ns - start_ns for begin_ns in begins_ns]
    return JobSet(
        **{field.name: _joined(parts, field.name, offsets_ns) for field in fields(JobSet)}
    )


def _joined(parts: list[JobSet], name: str, offsets_ns: list[int]) -> NDArray[Any]:
    """One column of all parts; instants count from the start of the whole window."""
    columns = [getattr(part, name) for part in parts]
    if name in _INSTANTS:
        columns = [column + ns for column, ns in zip(columns, offsets_ns, strict=True)]
    return np.concatenate(columns)
