"""The bargain with a customer: what an image earns when it comes late, and whom to turn away.

In the paper a job that misses its deadline earns nothing and costs a penalty (JEMAS, arXiv
2605.02965). Softer bargains pay a share that shrinks with the delay. The share m of the price is
earned, and of the penalty the share 1 − m falls due, so money never jumps where m does not: a job
on time earns v, one beyond all patience costs φ, as in the paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cosim.physics.ranges import Range, range_problems, refuse
from cosim.quantities import ns_from_s

_DAY_S = 86_400.0
_KINDS = ("hard", "step", "linear", "exponential")


@dataclass(frozen=True)
class Lateness:
    """How the price of a job falls after its deadline.

    Attributes:
        kind: ``hard`` (nothing once late), ``step`` (``step_share`` within the grace, then
            nothing), ``linear`` or ``exponential`` (from ``step_share`` after the grace on).
        grace_s: delay within which ``step_share`` is paid [s].
        scale_s: delay after the grace in which a linear price falls to 0, or an exponential one to
            1/e [s].
        cutoff_s: delay beyond which nothing is paid [s].
        step_share: share of the price paid within the grace.
        penalty: ``lost`` lets the penalty fall due in the share that is not earned, ``late`` in
            full for every late job.
    """

    kind: Literal["hard", "step", "linear", "exponential"] = "hard"
    grace_s: float = 0.0
    scale_s: float = 60.0
    cutoff_s: float = _DAY_S
    step_share: float = 1.0
    penalty: Literal["lost", "late"] = "lost"

    RANGES: ClassVar[dict[str, Range]] = {
        "grace_s": Range(0.0, 30 * _DAY_S, "s"),
        "scale_s": Range(1e-3, 30 * _DAY_S, "s"),
        "cutoff_s": Range(0.0, 90 * _DAY_S, "s"),
        "step_share": Range(0.0, 1.0),
    }
    SOURCE: ClassVar[str] = (
        "hard with penalty: JEMAS (arXiv 2605.02965); linear and exponential: the time-utility "
        "functions of real-time scheduling (Jensen, Locke and Tokuda 1985)"
    )
    EQUATION: ClassVar[str] = (
        "earned m v, due (1 - m) φ; m = share max(0, 1 - (late - grace) / scale) or "
        "share exp(-(late - grace) / scale)"
    )

    def __post_init__(self) -> None:
        problems = range_problems(self, self.RANGES)
        if self.kind not in _KINDS:
            problems.append(f"Lateness.kind = {self.kind!r}: must be one of {', '.join(_KINDS)}")
        if self.penalty not in ("lost", "late"):
            problems.append(f"Lateness.penalty = {self.penalty!r}: must be 'lost' or 'late'")
        if self.cutoff_s < self.grace_s:
            problems.append(
                f"Lateness.cutoff_s = {self.cutoff_s!r}: must be at least grace_s = "
                f"{self.grace_s!r} s"
            )
        refuse(problems)


def lateness_row(lateness: Lateness) -> NDArray[np.float64]:
    """Return the lateness as numbers for ``service_scalar``, shape (LATENESS_COLUMNS,)."""
    from cosim.physics import service_scalar as numbers

    row = np.zeros(numbers.LATENESS_COLUMNS)
    codes = (numbers.HARD, numbers.STEP, numbers.LINEAR, numbers.EXPONENTIAL)
    row[numbers.KIND] = codes[_KINDS.index(lateness.kind)]
    row[numbers.GRACE_NS] = ns_from_s(lateness.grace_s)
    row[numbers.SCALE_NS] = ns_from_s(lateness.scale_s)
    row[numbers.CUTOFF_NS] = ns_from_s(lateness.cutoff_s)
    row[numbers.STEP_SHARE] = lateness.step_share
    row[numbers.FULL_PENALTY] = float(lateness.penalty == "late")
    return row


def revenue_share(lateness: Lateness, late_ns: int) -> float:
    """Return the share m of the price that a job earns, 1 if it is on time.

    Args:
        lateness: how the price falls.
        late_ns: finish minus deadline [ns], at most 0 if on time.
    """
    from cosim.physics import service_scalar as numbers

    return numbers.revenue_share(late_ns, lateness_row(lateness))


def settled_usd(
    lateness: Lateness, late_ns: int, price_usd: float, penalty_usd: float
) -> tuple[float, float]:
    """Return what a finished job earns and what its lateness costs [USD], two ledger lines.

    Args:
        lateness: how the price falls.
        late_ns: finish minus deadline [ns].
        price_usd: price of the whole job if on time [USD].
        penalty_usd: penalty φ of a job that earns nothing [USD].
    """
    from cosim.physics import service_scalar as numbers

    return numbers.settled_usd(late_ns, price_usd, penalty_usd, lateness_row(lateness))


def admission_gain_usd(
    lateness: Lateness,
    late_ns: int,
    price_usd: float,
    penalty_usd: float,
    cost_usd: float,
    drop_usd: float,
) -> float:
    """Return what admitting a job is worth compared with turning it away [USD].

    Admit where it is above 0: m v − (1 − m) φ − cost + drop.

    Args:
        lateness: how the price falls.
        late_ns: estimated finish minus deadline [ns].
        price_usd: price of the whole job if on time [USD].
        penalty_usd: penalty φ of a job that earns nothing [USD].
        cost_usd: energy, transfer and the wait of those behind it [USD].
        drop_usd: what turning it away costs [USD]; φ in the paper's bargain.
    """
    earned_usd, due_usd = settled_usd(lateness, late_ns, price_usd, penalty_usd)
    return earned_usd - due_usd - cost_usd + drop_usd


@dataclass(frozen=True)
class ServiceClass:
    """The bargain with one class of customers.

    Attributes:
        price_factor: price relative to that of the model.
        penalty_factor: penalty φ relative to the full price of the executing model.
        drop_factor: cost of turning a job away, relative to the full price of the home model.
        lateness: how the price falls after the deadline.
    """

    price_factor: float = 1.0
    penalty_factor: float = 1.0
    drop_factor: float = 1.0
    lateness: Lateness = Lateness()

    RANGES: ClassVar[dict[str, Range]] = {
        "price_factor": Range(0.0, 1e6),
        "penalty_factor": Range(0.0, 1e6),
        "drop_factor": Range(0.0, 1e6),
    }
    SOURCE: ClassVar[str] = "penalty 1 v^max: ours, the paper's is unknown (JEMAS)"
    EQUATION: ClassVar[str] = "v = price_factor v_i(c); φ = penalty_factor v_i^max"

    def __post_init__(self) -> None:
        refuse(range_problems(self, self.RANGES))


def class_table(classes: Sequence[ServiceClass]) -> tuple[NDArray[np.float64], ...]:
    """Return the classes as arrays for compiled code.

    Returns:
        (price factors, penalty factors, drop factors, lateness rows), shapes (classes,) three
        times and (classes, LATENESS_COLUMNS).
    """
    from cosim.physics import service_scalar as numbers

    return (
        np.array([c.price_factor for c in classes], dtype=np.float64),
        np.array([c.penalty_factor for c in classes], dtype=np.float64),
        np.array([c.drop_factor for c in classes], dtype=np.float64),
        np.array([lateness_row(c.lateness) for c in classes], dtype=np.float64).reshape(
            -1, numbers.LATENESS_COLUMNS
        ),
    )
