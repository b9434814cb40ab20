"""The log of a training: a row per episode, headed by what the learner was worth before the first.

    episode  day           return  utility_usd  held_out_usd
    0                         NaN          NaN          11.8   judged before anything was played
    1        2019-04-22/1     9.1         10.2           NaN
    ...

Row 0 is there where days are held out; a training that an earlier version began has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LOG = "training.parquet"
PLAYED = ("return", "utility_usd", "late_share")
"""What a day brought that was played to learn from."""


def before_row() -> dict[str, Any]:
    """Row 0, which no day was played for."""
    return {"episode": 0, "day": "", **dict.fromkeys(PLAYED, float("nan"))}


def parted(log: Sequence[dict[str, Any]]) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """Row 0, None where there is none; and the rows of the episodes."""
    first = next((row for row in log if row.get("episode") == 0), None)
    return first, [row for row in log if row.get("episode") != 0]
