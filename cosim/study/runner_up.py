"""Is the best policy of a comparison really the best? It is set against the next best.

Differences to the baseline do not tell: two policies may both be far ahead of it and be alike.
That the two were picked because they came out on top needs no correction: the best and the next
best of equal policies lie closer together than any two named beforehand (Gutmann and Maymin 1987,
"Is the selected population the best?", The Annals of Statistics 15(1), 456-461).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean
from typing import Any

from cosim.study.looks import Looks
from cosim.study.statistics import paired_cell


@dataclass(frozen=True)
class RunnerUp:
    """The two best policies of a comparison.

    Attributes:
        best: who earned most on average.
        second: who came next.
        diff_usd: mean paired difference of their utility, ≥ 0 [USD].
        ci95: its 95 % interval.
        p_value: how often chance alone makes a lead as clear as this.
    """

    best: str
    second: str
    diff_usd: float
    ci95: tuple[float, float]
    p_value: float

    def to_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "best": self.best,
            "second": self.second,
            "diff": self.diff_usd,
            "ci95": list(self.ci95),
            "p_value": self.p_value,
        }


def runner_up(
    utility_usd: Mapping[str, Sequence[float]],
    baseline: str,
    *,
    days: int = 1,
    looks: Looks | None = None,
) -> RunnerUp | None:
    """Set the best policy against the next best.

    Args:
        utility_usd: policy → utility of its runs, day after day, in the same order for all.
        baseline: whom all are compared with anyway.
        days: how many days there are.
        looks: the plan, where seeds are added until an interval is narrow enough.

    Returns:
        None where the baseline is one of the two, or where a single run gives no interval.
    """
    means = {policy: fmean(values) for policy, values in utility_usd.items()}
    ranked = sorted((-mean, policy) for policy, mean in means.items() if isfinite(mean))
    top = [policy for _, policy in ranked[:2]]
    if len(ranked) < 3 or baseline in top:
        return None
    cell = paired_cell("utility_usd", *(utility_usd[p] for p in top), days=days, looks=looks)
    if cell["ci95"] is None or cell["p_value"] is None:
        return None
    low, high = cell["ci95"]
    return RunnerUp(top[0], top[1], cell["diff"], (low, high), cell["p_value"])


def said(found: RunnerUp | None) -> Iterator[str]:
    """The finding as a sentence."""
    if found is None:
        return
    low, high = found.ci95
    end = "" if low > 0.0 else ": which of the two is better cannot be told"
    yield (
        f"{found.best} earns {found.diff_usd:.4g} USD more than {found.second}, the next best, "
        f"95 % CI [{low:.4g}, {high:.4g}]{end}"
    )
