"""What a learner is paid: the utility of a slot, or a sparser story of the same money.

* ``dense``: the utility of the slot, as the ledger books it: a job earns or costs when it ends,
  a transfer when it is sent, energy by the slot.
* ``deadline``: a job earns when it ends on time; its penalty is charged the moment its deadline
  passes and not when it ends, which under overload may be hours later.
* ``sparse``: as ``dense``, but the revenue of a slot is paid only if at most a tolerated share of
  the jobs that ended or were refused in it violated their deadlines.

Over an episode ``dense`` and ``deadline`` pay the same. Energy money is in all of them. Rewards
are money over a fixed scale, so that they are of order one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cosim.decision import WorldInfo
from cosim.errors import UsageError, did_you_mean
from cosim.quantities import s_from_ns
from cosim.world.kernel_seat import DEADLINE, DENSE, SPARSE

Mode = Literal["dense", "deadline", "sparse"]
MODES: dict[str, int] = {"dense": DENSE, "deadline": DEADLINE, "sparse": SPARSE}


@dataclass(frozen=True)
class Reward:
    """How money is told.

    Attributes:
        mode: ``dense``, ``deadline`` or ``sparse``.
        tolerance: for ``sparse``: share of violated deadlines up to which a slot's revenue is
            paid, in [0, 1].
    """

    mode: Mode = "dense"
    tolerance: float = 0.1

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            hint = did_you_mean(self.mode, list(MODES))
            raise UsageError(f"reward `{self.mode}` does not exist{hint}")
        if not 0.0 <= self.tolerance <= 1.0:
            raise UsageError(f"tolerance {self.tolerance} must be within 0..1")

    @property
    def kind(self) -> int:
        """The mode as compiled code knows it."""
        return MODES[self.mode]

    def scale_usd(self, info: WorldInfo) -> float:
        """Money that becomes a reward of 1 [USD] (:func:`full_slot_usd`)."""
        return full_slot_usd(info)


def full_slot_usd(info: WorldInfo) -> float:
    """What a slot earns if every GPU works on images of the default steps, all on time [USD].

    At a site that runs several models, each has an equal share of its GPUs.
    """
    k = info.steps.index(info.default_steps)
    here = np.bincount(info.service_site, minlength=info.n_sites)[info.service_site]
    gpu_s = info.gpus[info.service_site] / here * s_from_ns(info.slot_ns)
    images = info.replicas * gpu_s / info.image_s()[:, k]
    return float((images * info.revenue_usd[:, k]).sum())
