"""Groups of job classes that a learner treats alike.

A scenario tells many classes apart (delay × transferable × images × size). For a learner each
would be another dozen of numbers; so by default classes that differ in their images alone are
one group.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cosim.decision import ClassInfo, WorldInfo
from cosim.decision.info import BoolArray, FloatArray, IntArray
from cosim.quantities import s_from_ns

Detail = Literal["compact", "full"]


@dataclass(frozen=True)
class Groups:
    """Which classes go together.

    Attributes:
        names: a name for each group, e.g. ``62-94s-movable``.
        of_class: group of each class, shape (classes,).
        first_class: first class of each group, shape (groups,); all of them may go where it may.
        transferable: whether its jobs may leave home, shape (groups,).
        may_wait: whether its jobs can be held for a whole slot and still be on time, (groups,).
        delay_lo_s: shortest tolerated delay, shape (groups,) [s].
        delay_hi_s: longest tolerated delay, shape (groups,) [s], inf where there is no end.
    """

    names: tuple[str, ...]
    of_class: IntArray
    first_class: IntArray
    transferable: BoolArray
    may_wait: BoolArray
    delay_lo_s: FloatArray
    delay_hi_s: FloatArray

    def __len__(self) -> int:
        return len(self.names)


def groups_of(info: WorldInfo, detail: Detail) -> Groups:
    """Group the classes of a world.

    Args:
        info: the world.
        detail: ``compact`` joins classes that differ in their images alone, ``full`` none.
    """
    names = [_name(each, detail) for each in info.classes]
    order = list(dict.fromkeys(names))
    first_class = np.array([names.index(name) for name in order], dtype=np.int64)
    first = [info.classes[at] for at in first_class.tolist()]
    low = np.array([each.delay_lo_s for each in first])
    return Groups(
        names=tuple(order),
        of_class=np.array([order.index(name) for name in names], dtype=np.int64),
        first_class=first_class,
        transferable=np.array([each.transferable for each in first], dtype=np.bool_),
        may_wait=low >= s_from_ns(info.slot_ns),
        delay_lo_s=low,
        delay_hi_s=np.array([each.delay_hi_s for each in first]),
    )


def _name(each: ClassInfo, detail: Detail) -> str:
    ends = math.isfinite(each.delay_hi_s)
    name = f"{each.delay_lo_s:.4g}-{each.delay_hi_s:.4g}s" if ends else f"{each.delay_lo_s:.4g}s+"
    name += "-movable" if each.transferable else "-home"
    name += f"-{each.px}px" if each.px else ""
    if detail == "compact":
        return name
    return f"{name}-{each.images_lo}-{each.images_hi}img"


def patience_s(groups: Groups) -> float:
    """End of the shortest delay class [s]; its beginning where it has no end."""
    first = int(np.argmin(groups.delay_hi_s))
    end_s = float(groups.delay_hi_s[first])
    return end_s if np.isfinite(end_s) else max(1.0, float(groups.delay_lo_s[first]))
